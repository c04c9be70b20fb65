"""An entry has one spelling, and the fast grammar admits exactly what parsing and checking in full would."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.errors import EncodingError
from headwater.lineage import record
from headwater.lineage.encoding import MAX_DEPTH, parse_canonical
from headwater.lineage.record import KINDS, Actor, Blob, BlobReference, Draft, Entry
from headwater.lineage.record_form import check_entry, read_entry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
HASH = st.binary(max_size=3).map(lambda data: hashlib.sha256(data).hexdigest())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**53 - 1) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
ENTRIES = st.builds(
    Entry,
    seq=st.integers(0, 2**53 - 1),
    stream=TEXT,
    stream_seq=st.just(4),
    stream_prev=HASH,
    ts=st.datetimes().map(lambda moment: f"{moment.year:04}" + moment.strftime("-%m-%dT%H:%M:%S.%fZ")),
    clock=TEXT,
    type=st.sampled_from(sorted(KINDS)) | TEXT,
    actor=st.builds(Actor, TEXT, TEXT, st.none() | TEXT),
    why=TEXT,
    subject=TEXT,
    payload=st.dictionaries(st.sampled_from(["a", "b c", '"']), JSON, max_size=3),
    blobs=st.lists(st.builds(BlobReference, TEXT, HASH, st.integers(0, 99), TEXT), max_size=2).map(tuple),
) | st.builds(
    lambda entry: dataclasses.replace(entry, stream_seq=0, stream_prev=None),
    st.deferred(lambda: ENTRIES),
)

ENTRY = Entry(
    seq=7,
    stream="mart.x",
    stream_seq=1,
    stream_prev="ab" * 32,
    ts="2026-11-20T08:00:00.000000Z",
    clock="system",
    type=record.PUBLISHED,
    actor=Actor("ann", "user", "bob"),
    why='She said "now" \\ \n later',
    subject="mart.x@v3",
    payload={"rows": 10, "checks": [{"check": "unique", "actual": None}]},
    blobs=(BlobReference("sql", "cd" * 32, 12, "text/plain"),),
)


@given(ENTRIES)
def test_an_entry_comes_back_from_its_bytes(entry: Entry) -> None:
    data = entry.to_bytes()
    assert Entry.from_bytes(data) == entry
    assert rfc8785.dumps(parse_canonical(data)) == data


def accepted_in_full(data: bytes) -> bool:
    """The slow road: parse any canonical JSON, then look at the fields."""
    try:
        check_entry(parse_canonical(data))
    except EncodingError:
        return False
    return True


def accepted_by_grammar(data: bytes) -> bool:
    try:
        read_entry(data)
    except EncodingError:
        return False
    return True


@settings(max_examples=500)
@given(ENTRIES, st.data())
def test_the_grammar_admits_exactly_what_parsing_in_full_admits(entry: Entry, data: st.DataObject) -> None:
    good = entry.to_bytes()
    place = data.draw(st.integers(0, len(good)))
    piece = data.draw(
        st.sampled_from([b"", b'"', b"\\", b"\\u000b", b"\\u000a", b"0", b"-", b",", b"}", b" ", b"\x1f"])
    )
    removed = data.draw(st.integers(0, 3))
    changed = good[:place] + piece + good[place + removed :]
    assert accepted_by_grammar(changed) == accepted_in_full(changed)
    if accepted_by_grammar(changed):
        assert Entry.from_bytes(changed).to_bytes() == changed


def test_every_single_bit_counts() -> None:
    good = ENTRY.to_bytes()
    for place in range(len(good)):
        for bit in range(8):
            changed = bytearray(good)
            changed[place] ^= 1 << bit
            assert accepted_by_grammar(bytes(changed)) == accepted_in_full(bytes(changed))


ESCAPES = [
    *(f"\\u{code:04x}" for code in range(0x24)),
    *(f"\\u{code:04X}" for code in range(0x1A, 0x20)),
    *["\\b", "\\t", "\\n", "\\f", "\\r", '\\"', "\\\\", "\\/", "\\v", "\\x41", "\\ud800"],
]


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_text_has_one_spelling_in_every_field(escape: str) -> None:
    for name in ("ann", "user", "bob", "system", "mart.x", "mart.x@v3", record.PUBLISHED, "later"):
        changed = ENTRY.to_bytes().replace(f'{name}"'.encode(), f'{name}{escape}"'.encode(), 1)
        assert changed != ENTRY.to_bytes()
        assert accepted_by_grammar(changed) == accepted_in_full(changed)
        if accepted_by_grammar(changed):
            assert Entry.from_bytes(changed).to_bytes() == changed


@pytest.mark.parametrize("number", [2**53 - 1, 2**53, 9999999999999999, 10**16, 10**20])
@pytest.mark.parametrize("field", ["seq", "stream_seq"])
def test_numbers_end_below_2_to_the_53rd(number: int, field: str) -> None:
    good = {"seq": b'"seq":7,', "stream_seq": b'"stream_seq":1,'}[field]
    changed = ENTRY.to_bytes().replace(good, f'"{field}":{number},'.encode())
    assert accepted_by_grammar(changed) == accepted_in_full(changed) == (number < 2**53)


def test_a_payload_may_be_as_deep_as_an_entry_allows_and_no_deeper() -> None:
    """The entry is the first level and the payload the second."""
    for depth, admitted in ((MAX_DEPTH - 1, True), (MAX_DEPTH, False)):
        payload = "".join('{"a":' for _ in range(depth)) + "0" + "}" * depth
        text = ENTRY.to_bytes().decode()
        start = text.index('"payload":') + len('"payload":')
        changed = (text[:start] + payload + text[text.index(',"seq"') :]).encode()
        assert accepted_by_grammar(changed) == accepted_in_full(changed) == admitted


VALUE = parse_canonical(ENTRY.to_bytes())
assert isinstance(VALUE, dict)
FIRST: dict[str, Any] = {"stream_prev": None, "stream_seq": 0}
NOT_ENTRIES = {
    "another field": {**VALUE, "zzz": 1},
    "a missing field": {name: value for name, value in VALUE.items() if name != "why"},
    "seq as text": {**VALUE, "seq": "7"},
    "seq as bool": {**VALUE, "seq": True},
    "seq below 0": {**VALUE, "seq": -1},
    "stream seq below 0": {**VALUE, "stream_seq": -1},
    "first of its stream with a predecessor": {**VALUE, "stream_seq": 0},
    "not the first, without a predecessor": {**VALUE, "stream_prev": None},
    "predecessor too short": {**VALUE, "stream_prev": "ab"},
    "predecessor in upper case": {**VALUE, "stream_prev": "AB" * 32},
    "time without microseconds": {**VALUE, "ts": "2026-11-20T08:00:00Z"},
    "time elsewhere": {**VALUE, "ts": "2026-11-20T08:00:00.000000+01:00"},
    "time in other digits": {**VALUE, "ts": "٢026-11-20T08:00:00.000000Z"},
    "payload as list": {**VALUE, "payload": []},
    "blobs as object": {**VALUE, "blobs": {}},
    "blob as text": {**VALUE, "blobs": ["x"]},
    "blob without size": {**VALUE, "blobs": [{"media": "", "name": "", "sha256": "cd" * 32}]},
    "blob of size below 0": {**VALUE, "blobs": [{"media": "", "name": "", "sha256": "cd" * 32, "size": -1}]},
    "blob of size true": {**VALUE, "blobs": [{"media": "", "name": "", "sha256": "cd" * 32, "size": True}]},
    "blob with a bad digest": {**VALUE, "blobs": [{"media": "", "name": "", "sha256": "cd", "size": 1}]},
    "actor as text": {**VALUE, "actor": "ann"},
    "actor without kind": {**VALUE, "actor": {"id": "ann", "on_behalf_of": None}},
    "actor with a number": {**VALUE, "actor": {"id": 1, "kind": "user", "on_behalf_of": None}},
    "on behalf of a number": {**VALUE, "actor": {"id": "ann", "kind": "user", "on_behalf_of": 1}},
    "another format": {**VALUE, "v": 2},
    "a list": [VALUE],
    "null": None,
}


@pytest.mark.parametrize("value", NOT_ENTRIES.values(), ids=NOT_ENTRIES.keys())
def test_canonical_bytes_that_are_no_entry_are_refused(value: Any) -> None:
    data = rfc8785.dumps(value)
    assert not accepted_in_full(data)
    with pytest.raises(EncodingError):
        Entry.from_bytes(data)


def test_the_first_of_a_stream_has_no_predecessor() -> None:
    assert Entry.from_bytes(rfc8785.dumps({**VALUE, **FIRST})).stream_prev is None


def test_an_entry_of_a_later_format_says_so() -> None:
    with pytest.raises(EncodingError, match="has format 2, and this Headwater reads format 1"):
        Entry.from_bytes(rfc8785.dumps({**VALUE, "v": 2}))


@pytest.mark.parametrize("change", [{"ts": "yesterday"}, {"seq": -1}, {"payload": {"a": 1.0}}, {"why": None}])
def test_an_entry_that_could_not_be_read_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(EncodingError):
        dataclasses.replace(ENTRY, **change).to_bytes()


def test_a_blob_is_known_by_its_digest() -> None:
    blob = Blob("sql", b"select 1", "application/sql")
    assert blob.reference == BlobReference("sql", hashlib.sha256(b"select 1").hexdigest(), 8, "application/sql")


def test_the_kinds_cover_decisions_and_not_only_outcomes() -> None:
    assert {
        "plan.made",
        "gate.blocked",
        "gate.overridden",
        "access.denied",
        "clock.anomaly",
        "run.interrupted",
        "record.redacted",
    } <= KINDS
    assert all(kind == kind.lower() and kind.count(".") == 1 for kind in KINDS)


def test_drafts_of_one_kind_do_not_share_a_payload() -> None:
    assert Draft("a.b", "s").payload is not Draft("a.b", "s").payload
