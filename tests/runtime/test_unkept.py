"""Expected durations from history, longest paths, and promises that these say cannot be kept."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.key import AssetKey
from headwater.runtime.durations import critical_path, expected_seconds, longest_path
from headwater.runtime.promise import all_promises
from headwater.runtime.unkept import Delivery, unkept_promises

from .promised import Shelf, utc
from .test_freshness import CHAIN, shelves

NOW = utc("2026-11-20T06:00")
RAW, MART = AssetKey("raw"), AssetKey("mart")


def test_nine_of_ten_builds_kept_within_what_is_expected() -> None:
    history = {RAW: (100, 200, 300, 400, 500, 600, 700, 800, 900, 5000), MART: (30,), AssetKey("new"): ()}
    assert expected_seconds(history) == {RAW: 0.9, MART: 0.03}


def warned(shelf: Shelf, deliveries: tuple[Delivery, ...] = ()) -> list[tuple[object, ...]]:
    promises = all_promises(shelf.assets, shelf.timezone)
    found = unkept_promises(shelf.graph, promises, shelf.expected, {RAW: deliveries}, NOW)
    return [(it.promise.asset, it.reason, it.needed_seconds, it.allowed_seconds, it.late) for it in found]


@pytest.mark.parametrize(
    ("lag", "by", "expected"),
    [
        (419, None, [("mart", "PATH", 420, 419, 0)]),
        (420, None, []),
        (None, "*/5 * * * *", [("mart", "PATH", 420, 300, 0)]),
        (None, "0 8,9 * * *", []),
    ],
)
def test_a_path_that_takes_longer_than_what_is_promised(
    lag: int | None, by: str | None, expected: list[tuple[object, ...]]
) -> None:
    assert warned(Shelf(CHAIN).promise("mart", lag, by).takes(raw=60, stg=120, mart=240)) == expected


def test_what_was_never_built_is_no_history() -> None:
    assert warned(Shelf(CHAIN).promise("mart", 61).takes(raw=60)) == []


def daily(count: int, hour: int, back: int) -> tuple[Delivery, ...]:
    """Return deliveries at `hour` o'clock of data that is `back` hours old."""
    came = [utc("2026-11-10T00:00") + timedelta(days=day, hours=hour) for day in range(count)]
    return tuple(Delivery(at, at - timedelta(hours=back)) for at in came)


@pytest.mark.parametrize(
    ("lag", "by", "hour", "back", "late"),
    [
        (31 * 3600, None, 6, 7, 4),  # 24 hours between, 7 before, 7 minutes after: more than 31 hours
        (31 * 3600 + 420, None, 6, 7, 0),
        (None, "0 8 * * *", 6, 1, 0),
        (None, "0 8 * * *", 6, 6, 0),
        (None, "0 8 * * *", 9, 2, 4),  # data of 07:00 comes at 09:00, an hour after it had to be there
        (None, "0 8 * * *", 9, 1, 4),  # data of 08:00 is not from after 08:00
        (None, "0 8 * * *", 7, 31, 4),  # dated at the beginning of the day before: never from after 08:00
    ],
)
def test_a_source_that_comes_too_seldom_or_too_late(
    lag: int | None, by: str | None, hour: int, back: int, late: int
) -> None:
    shelf = Shelf(CHAIN).promise("mart", lag, by).takes(raw=60, stg=120, mart=240)
    needed = (24 + back) * 3600 + 420
    expected = [("mart", "DELIVERY", needed, lag, late)] if late else []
    assert warned(shelf, daily(5, hour, back)) == expected
    assert warned(shelf, daily(2, hour, back)) == []


@pytest.mark.parametrize(("late", "expected"), [(2, []), (3, [3])])
def test_now_and_then_is_not_mostly(late: int, expected: list[int]) -> None:
    """Four times newer data came: `late` times after a day and a half, else after one day."""
    came = [utc("2026-11-10T00:00")]
    for number in range(4):
        came.append(came[-1] + timedelta(hours=36 if number < late else 24))
    shelf = Shelf(CHAIN).promise("mart", 30 * 3600).takes(raw=0, stg=0, mart=0)
    assert [it[-1] for it in warned(shelf, tuple(Delivery(at, at) for at in came))] == expected


@given(shelves(), st.data())
def test_the_critical_path_is_the_longest_of_all_paths(shelf: Shelf, data: st.DataObject) -> None:
    steps = [key for key in shelf.graph.order if data.draw(st.booleans())]
    path, seconds = critical_path(shelf.graph, steps, shelf.expected)
    known = [key for key in steps if key in shelf.expected]
    assert (seconds is None) == (not known)
    if seconds is not None:
        assert set(path) <= set(steps)
        assert all(before in shelf.graph.upstream[after] for before, after in pairwise(path))
        assert seconds == sum(shelf.expected.get(key, 0.0) for key in path)
        assert seconds == max(total for start in steps for total in totals(shelf, start, frozenset(steps)))


def totals(shelf: Shelf, start: AssetKey, steps: frozenset[AssetKey]) -> list[float]:
    own = shelf.expected.get(start, 0.0)
    below = [reader for reader in shelf.graph.downstream[start] if reader in steps]
    return [own, *(own + total for reader in below for total in totals(shelf, reader, steps))]


def test_equally_long_paths_are_settled_by_name() -> None:
    shelf = Shelf({"a": "", "b": "", "c": "a b"}).takes(a=1, b=1, c=1)
    assert critical_path(shelf.graph, shelf.graph.order, shelf.expected) == (("a", "c"), 2)
    longest = longest_path(shelf.graph, shelf.graph.order, shelf.expected)
    assert [longest[AssetKey(key)] for key in "abc"] == [(1, None), (1, None), (2, "a")]
