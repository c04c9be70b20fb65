"""The axis of one dimension: which whole number stands for which key, and what a window of time spans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from headwater.assets.errors import RequestError
from headwater.assets.partitions import days
from headwater.assets.partitions.runs import Interval, intervals_of
from headwater.assets.partitions.texts import quoted
from headwater.assets.partitions.zones import moment_of, seconds_of, zone

Value = str | date | datetime


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Windows of one grain in one time zone, numbered without regard to where a dimension starts."""

    grain: str
    timezone: str

    @property
    def is_hourly(self) -> bool:
        """Whether windows are hours, which are stretches of time; all others are stretches of dates."""
        return self.grain == "hour"

    @property
    def bounds(self) -> Interval:
        """The least and the greatest number that a window can have."""
        return zone(self.timezone).hour_bounds() if self.is_hourly else days.bounds(self.grain)

    def key(self, number: int) -> str:
        """Return the key of a window."""
        return zone(self.timezone).hour_key(number) if self.is_hourly else days.key_of(self.grain, number)

    def number(self, key: str) -> int | None:
        """Return the number of the window with this key, or None where there is no such window."""
        return zone(self.timezone).hour_of_key(key) if self.is_hourly else days.number_of_key(self.grain, key)

    def first_day(self, number: int) -> date:
        """Return the first day of a window of a day or longer."""
        return days.first_day(self.grain, number)

    def begins(self, number: int) -> int:
        """Return the instant at which a window begins, which is the one at which the window before it is complete."""
        here = zone(self.timezone)
        return here.hour_begins(number) if self.is_hourly else here.day_begins(self.first_day(number))

    def at(self, instant: int) -> int:
        """Return the number of the window that an instant lies in."""
        here = zone(self.timezone)
        if self.is_hourly:
            return here.hour_of(instant)
        number = days.number_of(self.grain, here.day_of(instant))
        return number - 1 if self.begins(number) > instant else number

    def covering(self, first: date, end: date) -> Interval:
        """Return the windows of a day and longer that hold the days from `first` to before `end`."""
        return days.number_of(self.grain, first), days.number_of(self.grain, end - timedelta(days=1))

    def last_complete(self, now: datetime) -> int:
        """Return the number of the last window whose end has come."""
        return self.at(seconds_of(now)) - 1

    def value(self, number: int) -> Value:
        """Return what `$partition` is for a window: the first day, or the instant at which an hour begins, in UTC."""
        return moment_of(self.begins(number)) if self.is_hourly else self.first_day(number)

    def text(self, intervals: Iterable[Interval]) -> tuple[str, ...]:
        """Return a text for each interval: a key or a range of keys."""
        return tuple(self.key(low) if low == high else f"{self.key(low)}..{self.key(high)}" for low, high in intervals)


@dataclass(frozen=True)
class KeyAxis:
    """A list of keys, numbered by their place in it."""

    keys: tuple[str, ...]

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of every key."""
        return {key: place for place, key in enumerate(self.keys)}

    @property
    def bounds(self) -> Interval:
        """The least and the greatest number that a key can have."""
        return 0, len(self.keys) - 1

    def key(self, number: int) -> str:
        """Return the key at a place."""
        return self.keys[number]

    def number(self, key: str) -> int | None:
        """Return the place of a key, or None where the list does not have it."""
        return self.places.get(key)

    def value(self, number: int) -> Value:
        """Return what `$partition` is for a key: the key."""
        return self.keys[number]

    def numbers(self, keys: Iterable[str]) -> tuple[Interval, ...]:
        """Return the places of those of the keys that the list has."""
        return intervals_of(self.places[key] for key in keys if key in self.places)

    def text(self, intervals: Iterable[Interval]) -> tuple[str, ...]:
        """Return one text: the keys, separated by commas."""
        listed = ",".join(quoted(key) for low, high in intervals for key in self.keys[low : high + 1])
        return (listed,) if listed else ()


Axis = TimeAxis | KeyAxis
Axes = tuple[tuple[str, Axis], ...]


def number_of(axis: Axis, name: str, key: str) -> int:
    """Return the number of a key, or raise RequestError with what the keys of this dimension look like."""
    number = axis.number(key)
    if number is not None:
        return number
    if isinstance(axis, KeyAxis):
        shown = ", ".join(map(quoted, axis.keys[:5])) + (", ..." if len(axis.keys) > 5 else "")
        has = f"It has {shown}." if axis.keys else "It has none yet."
        raise RequestError(f"{quoted(key)} is not a key of the dimension {name}.", has)
    windows = f"{axis.grain}s in {axis.timezone}"
    raise RequestError(
        f"{quoted(key)} is not a key of the dimension {name}, which has {windows}.",
        f"Its keys look like {days.EXAMPLES[axis.grain]}.",
    )
