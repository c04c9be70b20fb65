"""Hours and days in zones that do what zones do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.partitions.zones import Zone, moment_of, seconds_of

ZONES = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",  # half past
    "Asia/Kathmandu",  # 5:30 until 1986, 5:45 since
    "Australia/Lord_Howe",  # 30 minutes of daylight saving
    "America/St_Johns",  # changed at one minute past midnight until 2011
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Kwajalein",
    "America/Caracas",
    "Asia/Pyongyang",
    "Africa/Casablanca",  # winter time during Ramadan
    "America/Sao_Paulo",  # had no midnight in spring
    "Africa/Cairo",
    "Antarctica/Troll",
    "Africa/Monrovia",  # an offset with seconds until 1972
]
KNOWN = {name: Zone(name) for name in ZONES}


def minutes_of(name: str, start: datetime, count: int) -> list[tuple[str, int]]:
    """Return, for `count` instants a minute apart, what a clock shows of the hour, and the instant."""
    info = ZoneInfo(name)
    out = []
    for at in range(count):
        moment = start + timedelta(minutes=at)
        local = moment.astimezone(info)
        out.append((local.isoformat()[:13] + local.isoformat()[19:], seconds_of(moment)))
    return out


STARTS = st.one_of(
    st.datetimes(datetime(1960, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(
        [
            datetime(2024, 3, 31),
            datetime(2024, 10, 27),
            datetime(2024, 4, 6, 13),
            datetime(2024, 10, 5, 13),
            datetime(2010, 11, 7, 1),
            datetime(2011, 3, 13, 1),
            datetime(2011, 12, 30),
            datetime(2015, 8, 14, 13),
            datetime(1985, 12, 31, 16),
            datetime(1972, 1, 7),
        ]
    ),
)


@given(name=st.sampled_from(ZONES), start=STARTS)
@settings(max_examples=80, deadline=None)
def test_hours_are_what_a_clock_shows(name, start):
    """Instants share an hour exactly if they are together and the clock shows the same hour and offset."""
    zone = KNOWN[name]
    shown = minutes_of(name, start.replace(second=0, microsecond=0, tzinfo=UTC), 60 * 18)
    expected, previous = zone.hour_of(shown[0][1]), shown[0][0]
    for key, instant in shown:
        expected += key != previous
        previous = key
        assert zone.hour_of(instant) == expected
        assert zone.hour_key(expected) == key
        assert zone.hour_begins(expected) <= instant < zone.hour_begins(expected + 1)
        assert zone.hour_of_key(key) == expected


@given(name=st.sampled_from(ZONES), instants=st.lists(st.integers(-(10**9), 2 * 10**9), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_numbers_do_not_depend_on_what_was_asked_before(name, instants):
    fresh = Zone(name)
    asked = [fresh.hour_of(instant) for instant in instants]
    assert asked == [KNOWN[name].hour_of(instant) for instant in instants]
    assert [fresh.hour_begins(number) for number in asked] == [KNOWN[name].hour_begins(number) for number in asked]


@given(name=st.sampled_from(ZONES), start=STARTS)
@settings(max_examples=80, deadline=None)
def test_a_day_begins_where_no_clock_shows_an_earlier_date_any_more(name, start):
    info, day = ZoneInfo(name), start.date()
    begins = KNOWN[name].day_begins(day)
    around = [begins + 30 * step for step in range(-200, 200)]
    for instant in around:
        if instant >= begins:
            assert moment_of(instant).astimezone(info).date() >= day
    assert moment_of(begins - 1).astimezone(info).date() < day


@pytest.mark.parametrize(
    ("name", "key", "begins", "seconds"),
    [
        ("Europe/London", "2024-10-27T01+01:00", "2024-10-27T00:00+00:00", 3600),
        ("Europe/London", "2024-10-27T01+00:00", "2024-10-27T01:00+00:00", 3600),
        ("Asia/Kolkata", "2024-01-31T13+05:30", "2024-01-31T07:30+00:00", 3600),
        ("Australia/Lord_Howe", "2024-10-06T02+11:00", "2024-10-05T15:30+00:00", 1800),
        ("Australia/Lord_Howe", "2024-04-07T01+11:00", "2024-04-06T14:00+00:00", 3600),
        ("Australia/Lord_Howe", "2024-04-07T01+10:30", "2024-04-06T15:00+00:00", 1800),
        ("America/St_Johns", "2010-11-07T00-02:30", "2010-11-07T02:30+00:00", 60),
    ],
)
def test_hours_at_a_change(name, key, begins, seconds):
    zone = KNOWN[name]
    number = zone.hour_of_key(key)
    assert number is not None
    assert moment_of(zone.hour_begins(number)) == datetime.fromisoformat(begins)
    assert zone.hour_begins(number + 1) - zone.hour_begins(number) == seconds


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Europe/London", "2024-03-31T01+00:00"),  # skipped
        ("Europe/London", "2024-07-01T10+00:00"),  # the clock shows +01:00
        ("UTC", "2024-01-31T24+00:00"),
        ("UTC", "2024-02-30T01+00:00"),
        ("UTC", "2024-01-31T13"),
        ("UTC", "2024-01-31T13Z"),
        ("UTC", "9999-01-31T13+00:00"),
        ("UTC", "٢٠٢٤-01-31T13+00:00"),
    ],
)
def test_hours_that_never_were(name, key):
    assert KNOWN[name].hour_of_key(key) is None


def test_a_skipped_day_has_no_time_in_it():
    zone = KNOWN["Pacific/Apia"]
    assert zone.day_begins(date(2011, 12, 30)) == zone.day_begins(date(2011, 12, 31))
