"""Windows of a day and longer: their numbers, keys and dates. Nothing here knows a time zone.

The number of a window does not depend on where a dimension starts, so that a changed start moves no partition.
Weeks are those of ISO 8601: they begin on Monday, and the first one of a year has its first Thursday.
"""

from __future__ import annotations

import re
from datetime import date

FIRST_YEAR, LAST_YEAR = 2, 9998  # a margin on both sides, so that every window has a first day and a day after it

_FORMS = {
    "day": (re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII), "2024-01-31"),
    "week": (re.compile(r"(\d{4})-W(\d\d)", re.ASCII), "2024-W05"),
    "month": (re.compile(r"(\d{4})-(\d\d)", re.ASCII), "2024-01"),
    "quarter": (re.compile(r"(\d{4})-Q([1-4])", re.ASCII), "2024-Q1"),
    "year": (re.compile(r"(\d{4})", re.ASCII), "2024"),
}
EXAMPLES = {"hour": "2024-01-31T13+00:00", **{grain: example for grain, (_, example) in _FORMS.items()}}


def number_of(grain: str, day: date) -> int:
    """Return the number of the window that holds `day`."""
    if grain == "day":
        return day.toordinal()
    if grain == "week":
        return (day.toordinal() - 1) // 7
    if grain == "month":
        return day.year * 12 + day.month - 1
    if grain == "quarter":
        return day.year * 4 + (day.month - 1) // 3
    return day.year


def first_day(grain: str, number: int) -> date:
    """Return the first day of a window; the window ends before the first day of the next."""
    if grain == "day":
        return date.fromordinal(number)
    if grain == "week":
        return date.fromordinal(number * 7 + 1)
    if grain == "month":
        return date(number // 12, number % 12 + 1, 1)
    if grain == "quarter":
        return date(number // 4, number % 4 * 3 + 1, 1)
    return date(number, 1, 1)


def key_of(grain: str, number: int) -> str:
    """Return the key of a window as text."""
    first = first_day(grain, number)
    if grain == "day":
        return first.isoformat()
    if grain == "week":
        year, week, _ = first.isocalendar()
        return f"{year:04}-W{week:02}"
    if grain == "month":
        return f"{first.year:04}-{first.month:02}"
    if grain == "quarter":
        return f"{first.year:04}-Q{number % 4 + 1}"
    return f"{first.year:04}"


def number_of_key(grain: str, text: str) -> int | None:
    """Return the number of the window with this key, or None where the text is no key of the grain."""
    found = _FORMS[grain][0].fullmatch(text)
    if not found:
        return None
    year, *rest = map(int, found.groups())
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        if grain == "day":
            return date(year, rest[0], rest[1]).toordinal()
        if grain == "week":
            return number_of("week", date.fromisocalendar(year, rest[0], 1))
        if grain == "month":
            return number_of("month", date(year, rest[0], 1))
    except ValueError:
        return None
    return year * 4 + rest[0] - 1 if grain == "quarter" else year


def bounds(grain: str) -> tuple[int, int]:
    """Return the numbers of the first and the last window that there can be."""
    first = (
        1 + number_of("week", date(FIRST_YEAR, 1, 1)) if grain == "week" else number_of(grain, date(FIRST_YEAR, 1, 1))
    )
    last = number_of(grain, date(LAST_YEAR, 12, 31))
    return (first, last - 1) if grain == "week" else (first, last)
