"""When a deadline comes round: both clock changes, days off, lines that never do; against a walk over the days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.deadline import cron_problem, deadlines_from, holidays_problem, zone_problem

LONDON = "Europe/London"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def from_(start: str, by: str, timezone: str = LONDON, holidays: str | None = None, count: int = 3) -> list[str]:
    found = islice(deadlines_from(utc(start), by, timezone, holidays), count)
    return [f"{at:%m-%d %H:%M}" for at in found]


@pytest.mark.parametrize(
    ("start", "by", "expected"),
    [
        # spring: 08:00 stays 08:00 on the wall, an hour earlier in UTC
        ("2026-03-28T00:00", "0 8 * * *", ["03-28 08:00", "03-29 07:00", "03-30 07:00"]),
        # 01:30 does not exist on that day: the first moment after the gap
        ("2026-03-28T02:00", "30 1 * * *", ["03-29 01:00", "03-30 00:30", "03-31 00:30"]),
        ("2026-10-24T08:00", "0 8 * * *", ["10-25 08:00", "10-26 08:00", "10-27 08:00"]),
        # autumn: 01:30 comes twice and counts once, the first time
        ("2026-10-24T12:00", "30 1 * * *", ["10-25 00:30", "10-26 01:30", "10-27 01:30"]),
        ("2026-10-25T00:31", "30 1 * * *", ["10-26 01:30", "10-27 01:30", "10-28 01:30"]),
        ("2026-10-25T01:15", "30 1 * * *", ["10-26 01:30", "10-27 01:30", "10-28 01:30"]),
        # what comes every hour comes in both
        ("2026-10-25T00:00", "0 * * * *", ["10-25 00:00", "10-25 01:00", "10-25 02:00"]),
        ("2026-11-20T09:00", "0 8 * * mon-fri", ["11-23 08:00", "11-24 08:00", "11-25 08:00"]),
        ("2026-11-20T08:00", "0 8 * * mon-fri", ["11-20 08:00", "11-23 08:00", "11-24 08:00"]),
        ("2026-11-20T08:00:00.000001", "0 8 * * mon-fri", ["11-23 08:00", "11-24 08:00", "11-25 08:00"]),
        ("2026-01-30T00:00", "0 8 L * *", ["01-31 08:00", "02-28 08:00", "03-31 07:00"]),
    ],
)
def test_worked_cases(start: str, by: str, expected: list[str]) -> None:
    assert from_(start, by) == expected


def test_days_off_are_skipped_where_they_are_off() -> None:
    # Christmas Day 2026 is a Friday, Boxing Day a Saturday that is made up for on Monday 28th
    assert from_("2026-12-24T09:00", "0 8 * * mon-fri", holidays="GB") == ["12-29 08:00", "12-30 08:00", "12-31 08:00"]
    easter = ("2026-04-02T09:00", "0 8 * * mon-fri", LONDON)
    assert from_(*easter, "GB-ENG", 1) == ["04-07 07:00"]
    assert from_(*easter, "GB-SCT", 1) == ["04-06 07:00"]  # Easter Monday is none in Scotland
    assert from_("2026-11-26T00:00", "*/30 * * * *", "America/New_York", "NYSE", 12)[10:] == [
        "11-27 05:00",
        "11-27 05:30",
    ]


def test_a_line_that_meets_only_days_off_has_no_deadline() -> None:
    assert from_("2026-01-01T00:00", "0 8 25 12 *", holidays="GB") == []


@pytest.mark.parametrize(
    "line", ["* * *", "0 8 * * * *", "0 8 * * fool", "61 * * * *", "0 8 31 2 *", "* * */20 * 1L", ""]
)
def test_a_line_that_is_none_is_said_to_be(line: str) -> None:
    assert cron_problem(line) is not None


def test_what_is_right_has_no_problem() -> None:
    assert cron_problem("0 8 * * mon-fri") is None
    assert [zone_problem("Europe/London"), zone_problem("UTC")] == [None, None]
    assert [holidays_problem(name) for name in ("GB", "gb-eng", "US-NY", "NYSE", "ECB")] == [None] * 5
    assert zone_problem("Mars/Olympus") is not None
    assert "GB has the parts ENG" in str(holidays_problem("GB-TEX"))


LINES = st.sampled_from(["0 8 * * *", "30 1 * * *", "15 2 * * mon-fri", "0 0 1 * *", "0 12 * * sat", "45 23 * * 2"])
ZONES = st.sampled_from([LONDON, "America/New_York", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"])


@given(LINES, ZONES, st.integers(0, 700 * 24 * 60), st.sampled_from([None, "GB", "US"]))
def test_deadlines_are_those_that_a_walk_over_the_days_finds(
    line: str, zone: str, minutes: int, holidays: str | None
) -> None:
    start = utc("2025-01-01T00:00") + timedelta(minutes=minutes)
    found = list(islice(deadlines_from(start, line, zone, holidays), 5))
    assert found == sorted(set(found))
    assert found == list(islice(walk(start, line, ZoneInfo(zone), holidays), 5))


def walk(start: datetime, line: str, zone: ZoneInfo, holidays: str | None):  # type: ignore[no-untyped-def]
    """Yield the deadlines of the simple lines above: day by day on the wall, then what that is in UTC."""
    import holidays as calendars

    minute, hour, day, _, weekday = line.split()
    days_off = calendars.country_holidays(holidays) if holidays else {}
    weekdays = {"*": range(7), "mon-fri": range(5), "sat": [5], "2": [1]}[weekday]
    for number in range(10_000):
        on = date.fromordinal(start.date().toordinal() - 2 + number)
        if on.weekday() not in weekdays or (day != "*" and on.day != int(day)) or on in days_off:
            continue
        wall = datetime(on.year, on.month, on.day, int(hour), int(minute))
        at = wall.replace(tzinfo=zone).astimezone(UTC)
        while at.astimezone(zone).replace(tzinfo=None) != wall:  # the clock skips it: on to the end of the gap
            wall += timedelta(minutes=1)
            at = wall.replace(tzinfo=zone).astimezone(UTC)
        if at >= start:
            yield at
