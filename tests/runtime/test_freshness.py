"""Freshness: worked cases, and that no asset's requirement is ever looser than one downstream implies."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.asset import Freshness
from headwater.assets.key import AssetKey
from headwater.runtime.clock import from_iso
from headwater.runtime.data_time import NO_TIME, TIMELESS, UNKNOWN, Inside, oldest_inside
from headwater.runtime.durations import PRIOR_SECONDS
from headwater.runtime.promise import all_promises, requirements

from .promised import Shelf, utc

CHAIN = {"raw": "", "stg": "raw", "mart": "stg"}
DIAMOND = {"raw": "", "left": "raw", "right": "raw", "mart": "left right"}
HOUR = 3600
MORNING = "2026-11-20T06:00"


def starts(shelf: Shelf, now: str) -> dict[str, str]:
    """Return deadline and latest start of every asset as times of day, and whose promise they are."""
    found = {}
    for key, it in shelf.judge(now).items():
        if it.deadline is not None and it.latest_start is not None:
            times = " ".join(f"{from_iso(at):%d %H:%M}" for at in (it.deadline, it.latest_start))
            found[key] = f"{times} {it.promised_by}"
    return found


def test_a_chain_takes_off_what_is_downstream_and_starts_before_what_is_upstream() -> None:
    shelf = Shelf(CHAIN).promise("mart", 24 * HOUR).takes(raw=60, stg=120, mart=240).publish(MORNING)
    assert starts(shelf, MORNING) == {
        "raw": "21 05:54 21 05:53 mart",
        "stg": "21 05:56 21 05:53 mart",
        "mart": "21 06:00 21 05:53 mart",
    }
    assert shelf.words("2026-11-21T05:52") == {"raw": "OK", "stg": "OK", "mart": "OK"}
    assert shelf.words("2026-11-21T05:53") == {"raw": "DUE", "stg": "DUE", "mart": "DUE"}
    assert shelf.words("2026-11-21T05:55") == {"raw": "LATE", "stg": "DUE", "mart": "DUE"}
    assert shelf.words("2026-11-21T06:00") == {"raw": "LATE", "stg": "LATE", "mart": "DUE"}
    assert shelf.words("2026-11-21T06:00:01")["mart"] == "LATE"
    assert shelf.judge("2026-11-21T07:00")["mart"].lag_seconds == 25 * HOUR


def test_a_diamond_takes_off_its_longer_side() -> None:
    shelf = Shelf(DIAMOND).promise("mart", HOUR).takes(raw=60, left=60, right=600, mart=60).publish(MORNING)
    assert starts(shelf, MORNING) == {
        "raw": "20 06:49 20 06:48 mart",
        "left": "20 06:59 20 06:57 mart",
        "right": "20 06:59 20 06:48 mart",
        "mart": "20 07:00 20 06:48 mart",
    }


def test_of_two_promises_on_one_source_the_tighter_counts_once_the_ways_are_taken_off() -> None:
    shelf = Shelf({"raw": "", "slow": "raw", "quick": "raw"}).takes(raw=60, slow=1800, quick=60)
    shelf.promise("slow", 80 * 60).promise("quick", HOUR).publish(MORNING)
    assert starts(shelf, MORNING)["raw"] == "20 06:50 20 06:49 slow"
    shelf.takes(raw=60, slow=600, quick=60)
    assert starts(shelf, MORNING)["raw"] == "20 06:59 20 06:58 quick"


def test_a_new_asset_counts_the_prior() -> None:
    shelf = Shelf(CHAIN).promise("mart", HOUR).takes(raw=0, mart=0).publish(MORNING)
    (required,) = requirements(shelf.graph, all_promises(shelf.assets, "UTC"), shelf.expected)[AssetKey("raw")]
    assert required.seconds == PRIOR_SECONDS


def test_nothing_is_asked_of_what_no_promise_stands_on() -> None:
    shelf = Shelf({"raw": "", "mart": "raw", "other": "raw", "below": "mart"}).promise("mart", HOUR).publish(MORNING)
    found = shelf.judge("2026-11-20T09:00")
    assert {key: it.word for key, it in found.items()} == {
        "raw": "LATE",
        "mart": "LATE",
        "other": "NONE",
        "below": "NONE",
    }
    assert found["other"].lag_seconds == 3 * HOUR


DAILY = "0 8 * * *"
BUSINESS = "0 8 * * mon-fri"


@pytest.mark.parametrize(
    ("data", "by", "zone", "deadline"),
    [
        # what was there on Friday at 08:00 has to be replaced by Monday 08:00, not over the weekend
        ("2026-11-20T07:00", BUSINESS, "UTC", "2026-11-23T08:00"),
        ("2026-11-20T08:00", BUSINESS, "UTC", "2026-11-23T08:00"),  # at the deadline is not after it
        ("2026-11-20T08:00:00.000001", BUSINESS, "UTC", "2026-11-24T08:00"),
        ("2026-11-21T12:00", BUSINESS, "UTC", "2026-11-24T08:00"),  # Saturday's data is good on Monday
        # both clock changes: 08:00 on the wall is 08:00 in UTC before, and 07:00 after, 29 March
        ("2026-03-27T09:00", DAILY, "Europe/London", "2026-03-29T07:00"),
        ("2026-03-28T07:00", DAILY, "Europe/London", "2026-03-29T07:00"),
        ("2026-03-28T09:00", DAILY, "Europe/London", "2026-03-30T07:00"),
        ("2026-10-23T08:00", DAILY, "Europe/London", "2026-10-25T08:00"),
        ("2026-10-24T06:00", DAILY, "Europe/London", "2026-10-25T08:00"),  # 26 hours: one hour came twice
        ("2026-10-24T08:00", DAILY, "Europe/London", "2026-10-26T08:00"),
    ],
)
def test_data_has_to_be_replaced_by_the_second_deadline_from_its_time_on(
    data: str, by: str, zone: str, deadline: str
) -> None:
    shelf = Shelf(CHAIN, zone).promise("mart", by=by).takes(raw=60, stg=120, mart=240).publish(data)
    at = utc(deadline)
    found = shelf.judge(data)["mart"]
    assert (from_iso(str(found.deadline)), found.promised_by) == (at, "mart")
    assert from_iso(str(found.latest_start)) == at - timedelta(minutes=7)
    moments = ((at - timedelta(minutes=8), "OK"), (at - timedelta(minutes=7), "DUE"), (at, "DUE"))
    for moment, word in (*moments, (at + timedelta(seconds=1), "LATE")):
        assert shelf.judge(moment.isoformat())["mart"].word == word


def test_a_deadline_has_its_own_zone_and_days_off() -> None:
    shelf = Shelf(CHAIN, "Asia/Tokyo").takes(raw=0, stg=0, mart=0)
    shelf.promise("mart", by=BUSINESS, timezone="Europe/London", holidays="GB").publish("2026-12-24T07:00")
    assert starts(shelf, "2026-12-24T07:00")["mart"] == "29 08:00 29 08:00 mart"  # 25th and 28th are holidays
    shelf.promise("mart", by=BUSINESS)
    assert starts(shelf, "2026-12-24T07:00")["mart"] == "27 23:00 27 23:00 mart"  # Monday morning in Tokyo


def test_lag_and_deadline_of_one_asset_are_two_promises() -> None:
    shelf = Shelf(CHAIN).takes(raw=0, stg=0, mart=0).promise("mart", 24 * HOUR, BUSINESS).publish("2026-11-20T07:00")
    assert starts(shelf, MORNING)["mart"] == "21 07:00 21 07:00 mart"
    shelf.promise("mart", 1000 * HOUR, BUSINESS)
    assert starts(shelf, MORNING)["mart"] == "23 08:00 23 08:00 mart"


def test_a_late_source_makes_its_readers_late_and_one_that_came_makes_them_due() -> None:
    shelf = Shelf(CHAIN).promise("mart", by=DAILY).takes(raw=60, stg=120, mart=240).publish("2026-11-19T07:00")
    assert shelf.words("2026-11-20T09:00") == {"raw": "LATE", "stg": "LATE", "mart": "LATE"}
    shelf.publish("2026-11-20T09:30", "raw")  # a delivery at last: what reads it holds the one before
    assert shelf.words("2026-11-20T09:31") == {"raw": "OK", "stg": "LATE", "mart": "LATE"}
    shelf.publish("2026-11-20T09:40", "stg", "mart")
    assert set(shelf.words("2026-11-20T09:41").values()) == {"OK"}


def test_a_source_found_unchanged_renews_all_that_was_made_from_it() -> None:
    shelf = Shelf(CHAIN).promise("mart", HOUR).takes(raw=0, stg=0, mart=0).publish(MORNING)
    assert shelf.words("2026-11-20T08:00")["mart"] == "LATE"
    shelf.observe("2026-11-20T07:30", "raw")
    assert set(shelf.words("2026-11-20T08:00").values()) == {"OK"}


def test_what_was_seen_of_a_delivery_that_is_not_published_renews_nothing() -> None:
    shelf = Shelf(CHAIN).promise("mart", HOUR).publish(MORNING).observe("2026-11-20T07:30", "raw")
    raw = AssetKey("raw")
    shelf.state.observed[raw] = replace(shelf.state.observed[raw], digest="another", number=2)
    assert shelf.words("2026-11-20T08:00")["mart"] == "LATE"
    assert shelf.judge("2026-11-20T08:00")["mart"].lag_seconds == 2 * HOUR


def test_a_dated_source_is_as_old_as_its_rows_however_often_it_is_looked_at() -> None:
    shelf = Shelf(CHAIN).promise("mart", 24 * HOUR).takes(raw=0, stg=0, mart=0).publish(MORNING)
    raw, version = AssetKey("raw"), shelf.state.published[AssetKey("raw")]
    asset = shelf.assets[raw]
    assert asset.source is not None
    shelf.assets[raw] = replace(asset, source=replace(asset.source, data_time="at"))
    shelf.state.published[raw] = replace(version, data_times={"raw": "2026-11-18T00:00:00Z"})
    shelf.publish("2026-11-20T06:30", "stg", "mart").observe("2026-11-20T07:00", "raw")  # rebuilt, from old data
    assert shelf.words("2026-11-20T07:00") == {"raw": "LATE", "stg": "LATE", "mart": "LATE"}
    assert shelf.judge("2026-11-20T07:00")["mart"].lag_seconds == 55 * HOUR
    shelf.state.published[raw] = replace(version, data_times={"raw": NO_TIME})
    found = shelf.judge("2026-11-20T07:00")["mart"]
    assert (found.word, found.lag_seconds, found.deadline, found.promised_by) == ("LATE", None, None, "mart")


def test_equal_data_under_another_number_is_the_same_data() -> None:
    shelf = Shelf(CHAIN).publish(MORNING)
    raw, version = AssetKey("raw"), shelf.state.published[AssetKey("raw")]
    shelf.publish("2026-11-20T08:00", "raw")
    assert shelf.judge("2026-11-20T09:00")["mart"].lag_seconds == 3 * HOUR
    shelf.state.published[raw] = replace(shelf.state.published[raw], tokens=version.tokens)
    assert shelf.judge("2026-11-20T09:00")["mart"].lag_seconds == HOUR


def test_what_holds_no_source_data_never_ages_and_what_was_never_built_is_late() -> None:
    shelf = Shelf({"constant": "x", "x": ""}).promise("constant", HOUR)
    assert shelf.words(MORNING) == {"constant": "LATE", "x": "LATE"}
    shelf.publish(MORNING)
    key = AssetKey("constant")
    shelf.state.published[key] = replace(shelf.state.published[key], trace=(), data_times={})
    found = shelf.judge("2027-01-01T00:00")["constant"]
    assert (found.word, found.lag_seconds, found.deadline) == ("OK", None, None)


def test_an_asset_that_looked_outside_is_as_old_as_that() -> None:
    shelf = Shelf(CHAIN).publish(MORNING)
    stg = AssetKey("stg")
    version = shelf.state.published[stg]
    shelf.state.published[stg] = replace(version, data_times={**version.data_times, "stg": "2026-11-20T06:00:00Z"})
    shelf.observe("2026-11-20T09:00", "raw")
    assert shelf.judge("2026-11-20T10:00")["mart"].lag_seconds == 4 * HOUR
    assert Inside(shelf.assets, shelf.graph, shelf.state).times(AssetKey("mart")).keys() == {"raw", "stg"}


def test_versions_that_read_each_other_in_a_circle_do_not_go_round_for_ever() -> None:
    """b was built from a; then a came to read b, and b no longer a, and only a was built."""
    before, today = Shelf({"a": "x", "b": "a", "x": ""}).publish(MORNING), Shelf({"a": "b", "b": "x", "x": ""})
    today.state = before.state
    today.publish("2026-11-20T08:00", "a")
    a = AssetKey("a")
    today.state.published[a] = replace(today.state.published[a], tokens={"*": "a1"})  # and came out equal
    assert set(Inside(today.assets, today.graph, today.state).times(a)) == {"x"}


LINES = st.sampled_from([None, DAILY, BUSINESS, "30 1 * * *", "0 * * * *"])


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    """Draw a graph of up to 9 assets with promises, durations, and a history of builds and observations."""
    names = [f"a{number}" for number in range(draw(st.integers(1, 9)))]
    reads = {name: " ".join(sorted(draw(st.sets(st.sampled_from(names[:at]), max_size=3)))) if at else ""
             for at, name in enumerate(names)}  # fmt: skip
    shelf = Shelf(reads, draw(st.sampled_from(["UTC", "Europe/London", "Asia/Kolkata"])))
    for name in draw(st.sets(st.sampled_from(names))):
        lag, line = draw(st.none() | st.integers(60, 100_000)), draw(LINES)
        shelf.promise(name, lag, line)
    shelf.takes(**{name: draw(st.integers(0, 5000)) for name in draw(st.sets(st.sampled_from(names)))})
    if draw(st.booleans()):
        shelf.publish("2026-03-27T06:00")
        for hour in range(draw(st.integers(0, 6))):
            key, at = draw(st.sampled_from(names)), f"2026-03-{28 + hour // 2}T0{hour}:30"
            if reads[key] or draw(st.booleans()):
                shelf.publish(at, key)
            else:
                shelf.observe(at, key)
    return shelf


@given(shelves(), st.integers(0, 96 * 60))
def test_no_requirement_is_looser_than_one_downstream_implies(shelf: Shelf, minutes: int) -> None:
    now = utc("2026-03-27T06:00") + timedelta(minutes=minutes)
    found, oldest = shelf.judge(now.isoformat()), oldest_inside(shelf.assets, shelf.graph, shelf.state)
    promises = all_promises(shelf.assets, shelf.timezone)
    for key, judged in found.items():
        implied = [
            promise.deadline(oldest[AssetKey(key)]) - timedelta(seconds=way)  # type: ignore[operator]
            for owner, way in ways(shelf, AssetKey(key))
            for promise in promises.get(owner, ())
            if oldest[AssetKey(key)] not in (TIMELESS, UNKNOWN)
        ]
        if implied:
            assert from_iso(str(judged.deadline)) == min(implied)
            assert judged.word == ("LATE" if now > min(implied) else "DUE" if now >= start(judged) else "OK")
        elif judged.deadline is None:
            required = {owner for owner, _ in ways(shelf, AssetKey(key))} & promises.keys()
            undated = "LATE" if oldest[AssetKey(key)] == UNKNOWN else "OK"
            assert judged.word == (undated if required else "NONE")
        else:
            raise AssertionError("a deadline that no promise implies")


def start(judged: object) -> object:
    return from_iso(str(judged.latest_start))  # type: ignore[attr-defined]


def ways(shelf: Shelf, key: AssetKey) -> list[tuple[AssetKey, float]]:
    """Return every way from `key` to an asset downstream, with the seconds of all after `key`: by trying all."""
    found = [(key, 0.0)]
    for reader in shelf.graph.downstream[key]:
        seconds = shelf.expected.get(reader, PRIOR_SECONDS)
        found += [(end, way + seconds) for end, way in ways(shelf, reader)]
    return found


@given(shelves())
def test_the_oldest_time_is_the_oldest_of_the_times_by_source(shelf: Shelf) -> None:
    inside = Inside(shelf.assets, shelf.graph, shelf.state)
    by_source = {key: min(inside.times(key).values(), default=TIMELESS) for key in reversed(shelf.graph.order)}
    assert by_source == oldest_inside(shelf.assets, shelf.graph, shelf.state)


@given(shelves())
def test_nothing_is_fresher_than_what_it_was_made_from(shelf: Shelf) -> None:
    oldest = oldest_inside(shelf.assets, shelf.graph, shelf.state)
    for key, version in shelf.state.published.items():
        assert all(oldest[key] <= oldest[read.upstream] for read in version.trace)


def test_a_chain_of_5000_needs_no_recursion() -> None:
    reads = {"a0": ""} | {f"a{after}": f"a{before}" for before, after in pairwise(range(5000))}
    shelf = Shelf(reads).promise("a4999", 10 * 24 * HOUR).publish(MORNING)
    assert len(Inside(shelf.assets, shelf.graph, shelf.state).times(AssetKey("a4999"))) == 1
    assert shelf.judge(MORNING)["a0"].promised_by == "a4999"


def test_a_promise_that_no_calendar_reaches_never_comes_due() -> None:
    shelf = Shelf(CHAIN).promise("mart", 10**13).publish(MORNING)
    assert shelf.judge(MORNING)["raw"].word == "OK"


def test_the_package_of_holidays_is_imported_for_holidays_only() -> None:
    source = Path(str(importlib.util.find_spec("headwater.assets.deadline").origin)).read_text()  # type: ignore[union-attr]
    assert "\nimport holidays" not in source
    assert "\nfrom cronsim" not in source
    assert Freshness(60).holidays is None
