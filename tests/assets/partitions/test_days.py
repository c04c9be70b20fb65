"""Windows of days and longer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.partitions import days

GRAINS = ["day", "week", "month", "quarter", "year"]
DATES = st.dates(date(2, 1, 10), date(9998, 12, 20))


@given(grain=st.sampled_from(GRAINS), day=DATES)
def test_windows_tile_the_days_and_keys_name_them(grain, day):
    number = days.number_of(grain, day)
    first, after = days.first_day(grain, number), days.first_day(grain, number + 1)
    assert first <= day < after
    assert days.number_of(grain, first) == days.number_of(grain, after - timedelta(days=1)) == number
    assert days.number_of_key(grain, days.key_of(grain, number)) == number


@given(day=DATES)
def test_keys_say_what_calendars_say(day):
    year, week, _ = day.isocalendar()
    assert days.key_of("week", days.number_of("week", day)) == f"{year:04}-W{week:02}"
    assert days.key_of("day", days.number_of("day", day)) == day.isoformat()
    assert days.key_of("month", days.number_of("month", day)) == day.isoformat()[:7]
    assert days.key_of("quarter", days.number_of("quarter", day)) == f"{day.year:04}-Q{(day.month + 2) // 3}"


@pytest.mark.parametrize("grain", GRAINS)
def test_the_bounds_have_days(grain):
    low, high = days.bounds(grain)
    assert days.first_day(grain, low).year >= 1
    assert days.first_day(grain, high + 1) > days.first_day(grain, high)


@pytest.mark.parametrize(
    ("grain", "text"),
    [
        ("day", "2024-02-30"),
        ("day", "2024-2-3"),
        ("day", "2024-01"),
        ("day", "0000-01-01"),
        ("day", "٢٠٢٤-01-01"),
        ("week", "2024-W53"),
        ("week", "2024-W00"),
        ("month", "2024-13"),
        ("quarter", "2024-Q5"),
        ("year", "24"),
        ("year", " 2024"),
    ],
)
def test_what_is_no_key(grain, text):
    assert days.number_of_key(grain, text) is None
