"""Published versions in short: records are read when they are asked for, once, and only those that were meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.assets.errors import ResourceError
from headwater.assets.key import AssetKey
from headwater.runtime.published import Published
from headwater.runtime.standing import standing_of
from headwater.runtime.state import Gate, VersionRecord

A, B = AssetKey("a.a"), AssetKey("a.b")


def version(key: AssetKey, number: int = 1, kind: str = "table") -> VersionRecord:
    return VersionRecord(key, number, kind, "t", 1, (("x", "INTEGER"),), {}, "h", (), {}, Gate("PASS", "c"))


class Ledger:
    def __init__(self, *records: VersionRecord) -> None:
        self.records, self.asked = {record.asset: record for record in records}, []

    def fetch(self, keys):
        self.asked.append(keys)
        return [record for key, record in self.records.items() if keys is None or key in keys]

    def published(self) -> Published:
        return Published.in_short({key: standing_of(it) for key, it in self.records.items()}, self.fetch)


def test_what_is_known_in_short_needs_no_record():
    ledger = Ledger(version(A), version(B, kind="file"))
    found = ledger.published()
    assert (list(found), len(found), A in found, found.of_kind("file")) == ([A, B], 2, True, [B])
    assert found.get(AssetKey("a.none")) is None
    assert ledger.asked == []


def test_a_record_is_read_once():
    ledger = Ledger(version(A), version(B))
    found = ledger.published()
    assert (found[A], found.get(A)) == (version(A), version(A))
    assert ledger.asked == [[A]]


def test_who_asks_for_many_gets_all_at_once():
    keys = [AssetKey(f"a.t{n}") for n in range(200)]
    ledger = Ledger(*map(version, keys))
    assert list(ledger.published().values()) == list(map(version, keys))
    assert len(ledger.asked) < 100
    assert ledger.asked[-1] is None


def test_what_a_run_publishes_replaces_what_was_known():
    ledger = Ledger(version(A))
    found = ledger.published()
    found[A] = version(A, 2)
    found[B] = version(B)
    assert (found.standings[A].number, found[A].number, len(found)) == (2, 2, 2)
    del found[A]
    assert (A in found, found.get(A), ledger.asked) == (False, None, [])


@pytest.mark.parametrize("now", [version(A, 2), replace(version(A), gate=Gate("BLOCK", "c")), None])
def test_a_record_that_is_not_the_one_that_was_meant_is_refused(now):
    ledger = Ledger(version(A))
    found = ledger.published()
    ledger.records = {} if now is None else {A: now}
    with pytest.raises(ResourceError, match="changed while it was read"):
        found[A]
