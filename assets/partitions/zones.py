"""Local time as it was: where its offset changed, which hours there are, and at which instant a day begins.

Instants are whole seconds since 1970-01-01T00:00Z. An *hour* is a stretch of time within one clock hour at one offset.
Most are 3600 s long. Where the offset changes within a clock hour (Lord Howe Island by 30 minutes, Newfoundland once at
one minute past midnight) the pieces before and after are hours of their own, with keys of their own. Hours are numbered
one after the other; number 0 begins at or before instant 0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from headwater.assets.partitions.days import FIRST_YEAR, LAST_YEAR

HOUR_SECONDS = 3600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRIDE_SECONDS = 3 * 24 * HOUR_SECONDS  # no zone changed its offset and back so fast; Freetown took 4 days, in 1939
_YEAR = 366 * 24 * HOUR_SECONDS
_FIRST = int((datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST = int((datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_KEY = re.compile(r"(\d{4}-\d\d-\d\d)T([01]\d|2[0-3])([+-])(\d\d):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def seconds_of(moment: datetime) -> int:
    """Return the instant of an aware datetime, rounded down."""
    return (moment - _EPOCH) // timedelta(seconds=1)


def moment_of(seconds: int) -> datetime:
    """Return an instant as a datetime in UTC."""
    return _EPOCH + timedelta(seconds=seconds)


@lru_cache(maxsize=64)
def zone(name: str) -> Zone:
    """Return the zone called `name`; raises ZoneInfoNotFoundError or ValueError where there is none."""
    return Zone(name)


class Zone:
    """The local time of one zone. What is looked up of its history is kept."""

    def __init__(self, name: str) -> None:
        self._info = UTC if name == "UTC" else ZoneInfo(name)
        self._fixed = name == "UTC"
        # Stretches of one offset, ascending: where each begins, its offset, the number of its first hour. The known
        # ones reach from `_from` to before `_until`; the first of them may truly have begun before `_from`.
        self._from, self._until = (_FIRST - _YEAR, _LAST) if self._fixed else (0, 1)
        self._starts = [self._from]
        self._offsets = [self.offset(self._from)]
        self._numbers = [self._from // HOUR_SECONDS]

    def offset(self, instant: int) -> int:
        """Return the offset from UTC in seconds at an instant."""
        if self._fixed:
            return 0
        return _utcoffset(datetime.fromtimestamp(instant, self._info))

    def day_begins(self, day: date) -> int:
        """Return the instant from which on no local time is before `day`.

        That is midnight; its second one where clocks went back over it, the end of the gap where it was skipped.
        """
        midnight = datetime(day.year, day.month, day.day)
        wall = seconds_of(midnight.replace(tzinfo=UTC))
        if self._fixed:
            return wall
        early, late = sorted(wall - _utcoffset(midnight.replace(tzinfo=self._info, fold=fold)) for fold in (0, 1))
        # Clocks went forward over midnight: the first instant that reads midnight or more lies in between.
        while early < late and late + self.offset(late) > wall:
            middle = (early + late) // 2
            early, late = (early, middle) if middle + self.offset(middle) >= wall else (middle + 1, late)
        return late

    def day_of(self, instant: int) -> date:
        """Return the local date at an instant."""
        return moment_of(instant + self.offset(instant)).date()

    def hour_of(self, instant: int) -> int:
        """Return the number of the hour that holds an instant."""
        at = self._at(instant)
        start, offset = self._starts[at], self._offsets[at]
        return self._numbers[at] + (instant + offset) // HOUR_SECONDS - (start + offset) // HOUR_SECONDS

    def hour_begins(self, number: int) -> int:
        """Return the instant at which the hour with this number begins."""
        while number <= self._numbers[0]:  # where the first one known begins is not known
            self._reach(self._from - _YEAR)
        while number > self._last_number():
            self._reach(self._until + _YEAR)
        at = bisect_right(self._numbers, number) - 1
        start, offset = self._starts[at], self._offsets[at]
        clock_hour = (start + offset) // HOUR_SECONDS + number - self._numbers[at]
        return max(start, clock_hour * HOUR_SECONDS - offset)

    def hour_key(self, number: int) -> str:
        """Return the key of an hour: local date and clock hour with the offset, such as 2024-01-31T13+00:00."""
        begins = self.hour_begins(number)
        offset = self.offset(begins)
        hours, rest = divmod(abs(offset), HOUR_SECONDS)
        minutes, seconds = divmod(rest, 60)
        text = f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}" + (f":{seconds:02}" if seconds else "")
        return f"{moment_of(begins + offset).isoformat()[:13]}{text}"

    def hour_of_key(self, text: str) -> int | None:
        """Return the number of the hour with this key, or None where there was no such hour."""
        found = _KEY.fullmatch(text)
        if not found:
            return None
        day, hour, sign, *parts = found.groups()
        offset = sum(int(part or 0) * unit for part, unit in zip(parts, (HOUR_SECONDS, 60, 1), strict=True))
        try:
            wall = seconds_of(datetime.fromisoformat(f"{day}T{hour}:00:00+00:00"))
        except ValueError:
            return None
        begins = wall - (offset if sign == "+" else -offset)
        if not _FIRST <= begins < _LAST - HOUR_SECONDS:
            return None
        # A clock hour may have been entered late or left early, so look at both of its ends.
        numbers = (self.hour_of(begins), self.hour_of(begins + HOUR_SECONDS - 1))
        return next((number for number in numbers if self.hour_key(number) == text), None)

    def hour_bounds(self) -> tuple[int, int]:
        """Return bounds that no number of an hour can leave; the hours at the bounds need not exist."""
        return _FIRST // HOUR_SECONDS, _LAST // HOUR_SECONDS - 1

    def _at(self, instant: int) -> int:
        """Return the place of the stretch that holds an instant."""
        if instant < self._from or instant >= self._until:
            self._reach(instant)
        return bisect_right(self._starts, instant) - 1

    def _last_number(self) -> int:
        start, offset = self._starts[-1], self._offsets[-1]
        return self._numbers[-1] + (self._until - 1 + offset) // HOUR_SECONDS - (start + offset) // HOUR_SECONDS

    def _reach(self, instant: int) -> None:
        """Get to know the offsets up to `instant`, which lies before or after what is known."""
        while self._until <= instant:
            step = self._until + _STRIDE_SECONDS
            changed = None if self.offset(step) == self._offsets[-1] else self._first_change(self._until, step)
            self._until = step if changed is None else changed
            if changed is not None:
                self._numbers.append(self._last_number() + 1)
                self._starts.append(changed)
                self._offsets.append(self.offset(changed))
                self._until += 1
        while self._from > instant:
            step = self._from - _STRIDE_SECONDS
            changed = None if self.offset(step) == self._offsets[0] else self._last_change(step, self._from)
            begins = step if changed is None else changed
            offset = self._offsets[0]
            self._numbers[0] -= (self._from + offset) // HOUR_SECONDS - (begins + offset) // HOUR_SECONDS
            self._starts[0] = self._from = begins
            if changed is not None:
                self._from -= 1
                self._starts.insert(0, self._from)
                self._offsets.insert(0, self.offset(self._from))
                self._numbers.insert(0, self._numbers[0] - 1)

    def _first_change(self, early: int, late: int) -> int:
        """Return the instant in (early, late], whose ends differ, at which the offset stops being that of `early`."""
        before = self._offsets[-1]
        while late - early > 1:
            middle = (early + late) // 2
            early, late = (middle, late) if self.offset(middle) == before else (early, middle)
        return late

    def _last_change(self, early: int, late: int) -> int:
        """Return the instant in (early, late], whose ends differ, at which the offset becomes that of `late`."""
        after = self._offsets[0]
        while late - early > 1:
            middle = (early + late) // 2
            early, late = (early, middle) if self.offset(middle) == after else (middle, late)
        return late


def _utcoffset(moment: datetime) -> int:
    found = moment.utcoffset()
    assert found is not None
    return found.days * 86400 + found.seconds
