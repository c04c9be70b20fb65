"""The clock of a run: truncated to a grain in a time zone, and put into SQL as literals of the right type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.lineage.sql.functions import REPLACEABLE_CLOCK
from headwater.runtime.clock import clock_text, from_iso, to_iso, truncate
from headwater.runtime.clock_sql import clock_literals

GRAINS = ["hour", "day", "week", "month", "quarter", "year"]
ZONES = ["UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "Australia/Lord_Howe"]
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("grain", "zone", "moment", "expected"),
    [
        ("day", "UTC", "2024-05-15T13:45:10", "2024-05-15T00:00+00:00"),
        ("hour", "UTC", "2024-05-15T13:45:10", "2024-05-15T13:00+00:00"),
        ("week", "UTC", "2024-05-15T13:45:10", "2024-05-13T00:00+00:00"),
        ("month", "UTC", "2024-05-15T13:45:10", "2024-05-01T00:00+00:00"),
        ("quarter", "UTC", "2024-05-15T13:45:10", "2024-04-01T00:00+00:00"),
        ("year", "UTC", "2024-05-15T13:45:10", "2024-01-01T00:00+00:00"),
        ("day", "America/New_York", "2024-05-15T03:30:00", "2024-05-14T00:00-04:00"),
        ("week", "UTC", "2024-01-01T00:00:00", "2024-01-01T00:00+00:00"),
        ("week", "UTC", "2023-01-01T23:00:00", "2022-12-26T00:00+00:00"),
        # London's clocks went forward at 01:00 UTC on 31 March 2024 and back at 01:00 UTC on 27 October 2024.
        ("day", "Europe/London", "2024-03-31T12:00:00", "2024-03-31T00:00+00:00"),
        ("hour", "Europe/London", "2024-03-31T00:59:59", "2024-03-31T00:00+00:00"),
        ("hour", "Europe/London", "2024-03-31T01:00:00", "2024-03-31T02:00+01:00"),
        ("day", "Europe/London", "2024-10-27T12:00:00", "2024-10-27T00:00+01:00"),
        ("hour", "Europe/London", "2024-10-27T00:30:00", "2024-10-27T01:00+01:00"),
        ("hour", "Europe/London", "2024-10-27T01:30:00", "2024-10-27T01:00+00:00"),
        ("hour", "Europe/London", "2024-10-27T02:30:00", "2024-10-27T02:00+00:00"),
        ("month", "Europe/London", "2024-04-15T12:00:00", "2024-04-01T00:00+01:00"),
        ("year", "Europe/London", "2024-07-15T12:00:00", "2024-01-01T00:00+00:00"),
        # An hour that begins at half past, and midnight twice.
        ("hour", "Asia/Kolkata", "2024-05-15T13:45:00", "2024-05-15T19:00+05:30"),
        ("day", "America/Havana", "2024-11-03T05:30:00", "2024-11-03T00:00-04:00"),
    ],
)
def test_truncation(grain, zone, moment, expected):
    assert clock_text(utc(moment), grain, zone) == expected


def test_the_doubled_hour_is_two_hours_and_the_lost_hour_is_none():
    def hours(start: str) -> list[str]:
        return [clock_text(utc(start) + timedelta(minutes=20 * n), "hour", "Europe/London") for n in range(12)]

    assert len(set(hours("2024-10-27T00:00:00"))) == 4
    assert len(set(hours("2024-03-31T00:00:00"))) == 4


@given(MOMENTS, st.sampled_from(GRAINS), st.sampled_from(ZONES))
def test_a_grain_begins_at_or_before_its_moment_and_begins_once(moment, grain, zone):
    start = truncate(moment, grain, zone)
    assert start <= moment
    assert truncate(start, grain, zone) == start
    assert (start.minute, start.second, start.microsecond) == (0, 0, 0)
    assert grain == "hour" or start.hour == 0


@given(MOMENTS, MOMENTS, st.sampled_from(GRAINS), st.sampled_from(ZONES))
def test_the_clock_never_runs_backwards(one, other, grain, zone):
    first, second = sorted((one, other))
    assert truncate(first, grain, zone) <= truncate(second, grain, zone)


@given(MOMENTS)
def test_moments_survive_being_written(moment):
    assert from_iso(to_iso(moment)) == moment
    assert to_iso(moment).endswith("Z")


@pytest.fixture(scope="module")
def engine():
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("function", sorted(REPLACEABLE_CLOCK))
def test_literals_have_the_type_of_the_function(engine, function, zone):
    engine.execute(f"set timezone = '{zone}'")
    moment = truncate(utc("2024-07-15T13:45:10"), "hour", zone)
    literal = clock_literals(moment)(function.upper())
    call = (
        function
        if function in ("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp")
        else f"{function}()"
    )
    (types,) = engine.execute(f"select typeof({call}) = typeof({literal})").fetchall()
    assert types == (True,), literal


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/New_York", "Asia/Kolkata"])
def test_literals_agree_with_each_other_as_the_functions_do(engine, zone):
    """DuckDB derives all of its clocks from one instant in the session's time zone; so must the literals."""
    engine.execute(f"set timezone = '{zone}'")
    for text in ("2024-07-15T13:45:10", "2024-10-27T01:30:00", "2024-01-01T00:00:00"):
        say = clock_literals(truncate(utc(text), "hour", zone))
        now = say("now")
        for function, derived in {
            "today": f"cast({now} as date)",
            "current_date": f"cast({now} as date)",
            "current_timestamp": now,
            "localtimestamp": f"cast({now} as timestamp)",
            "localtime": f"cast(cast({now} as timestamp) as time)",
            "current_time": f"cast({now} as timetz)",
        }.items():
            assert engine.execute(f"select {say(function)} = {derived}").fetchone() == (True,), function


def test_one_argument_age_counts_from_midnight(engine):
    engine.execute("set timezone = 'Europe/London'")
    literal = clock_literals(datetime(2024, 7, 15, 13, tzinfo=ZoneInfo("Europe/London")))("age")
    row = engine.execute(
        f"select age({literal}TIMESTAMP '2024-07-01') = age(TIMESTAMP '2024-07-15', TIMESTAMP '2024-07-01')"
    )
    assert row.fetchone() == (True,)
