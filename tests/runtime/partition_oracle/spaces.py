"""Partitions and mappings, naively: every partition is a tuple of keys, every set a list of them.

Written from the words of docs/partitions.md alone, so that it shares no mistake with the algebra of ranges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import product

Keys = tuple[str, ...]  # one key for each dimension: a partition
WHOLE: Keys = ()  # the one partition of an asset without dimensions


@dataclass(frozen=True)
class Dim:
    """A dimension: windows from `start` on, to the last complete one, or static keys."""

    name: str
    grain: str  # day | week | month | static
    start: str = ""
    keys: tuple[str, ...] = ()

    @property
    def is_time(self) -> bool:
        """Whether its keys are windows of time."""
        return self.grain != "static"

    @property
    def declared(self) -> dict[str, object]:
        """The declaration, as YAML and Python have it."""
        word = {"day": "daily", "week": "weekly", "month": "monthly"}.get(self.grain, "")
        return {word: {"start": self.start}} if self.is_time else {"static": list(self.keys)}

    def number(self, day: date) -> int:
        """Return the number of the window that a day is in."""
        if self.grain == "month":
            return day.year * 12 + day.month - 1
        return day.toordinal() if self.grain == "day" else (day.toordinal() - 1) // 7

    def first_day(self, number: int) -> date:
        """Return the first day of a window."""
        if self.grain == "month":
            return date(number // 12, number % 12 + 1, 1)
        return date.fromordinal(number if self.grain == "day" else number * 7 + 1)

    def key(self, number: int) -> str:
        """Return the key of a window."""
        first = self.first_day(number)
        if self.grain == "month":
            return f"{first:%Y-%m}"
        return first.isoformat() if self.grain == "day" else f"{first:%G-W%V}"

    def window(self, key: str) -> int:
        """Return the number of the window with this key."""
        if self.grain == "week":
            return self.number(date.fromisocalendar(int(key[:4]), int(key[6:]), 1))
        return self.number(date.fromisoformat(key if self.grain == "day" else f"{key}-01"))

    def bounds(self, key: str) -> tuple[date, date]:
        """Return the first day of a window, and the first after it."""
        return self.first_day(self.window(key)), self.first_day(self.window(key) + 1)

    def there(self, now: datetime) -> list[str]:
        """Return every key there is."""
        if not self.is_time:
            return list(self.keys)
        last = self.number(now.date()) - 1  # the window that today is in is not complete
        return [self.key(number) for number in range(self.window(self.start), last + 1)]


@dataclass(frozen=True)
class How:
    """How a dimension, or all of an upstream, is mapped."""

    kind: str  # identity | window | all | latest | static | dimensions
    offset: int = 0
    trailing: int = 1
    pairs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dimensions: tuple[tuple[str, str, How], ...] = ()  # reader's, upstream's, how

    @property
    def declared(self) -> object:
        """The declaration, as YAML and Python have it."""
        if self.kind == "window":
            return {"window": {"offset": self.offset, "trailing": self.trailing}}
        if self.kind == "static":
            return {"static": {key: list(keys) for key, keys in self.pairs}}
        if self.kind == "dimensions":
            tied = {name: {"to": to, "map": how.declared} for name, to, how in self.dimensions}
            return {"dimensions": tied}
        return self.kind


def partitions(dims: tuple[Dim, ...], now: datetime) -> list[Keys]:
    """Return every partition there is; one without keys where there are no dimensions."""
    return list(product(*(dim.there(now) for dim in dims)))


def read_by(
    how: How | None, reader: tuple[Dim, ...], partition: Keys, upstream: tuple[Dim, ...], now: datetime
) -> tuple[list[Keys], bool]:
    """Return the partitions of `upstream` that a partition reads, and whether it names some that are not there."""
    if how is None:
        return partitions(upstream, now), False
    named = [_keys_of(how, reader, partition, upstream, dim, now) for dim in upstream]
    there = [[key for key in keys if key in dim.there(now)] for keys, dim in zip(named, upstream, strict=True)]
    absent = all(named) and any(len(some) < len(keys) for some, keys in zip(there, named, strict=True))
    return list(product(*there)), absent


def _keys_of(
    how: How, reader: tuple[Dim, ...], partition: Keys, upstream: tuple[Dim, ...], dim: Dim, now: datetime
) -> list[str]:
    """Return the keys of one dimension of the upstream that are named; of windows, those not there included."""
    everything = dim.there(now)
    names = [mine.name for mine in reader]
    if how.kind == "dimensions":
        for name, to, inner in how.dimensions:
            if to == dim.name:
                return _tied(inner, reader[names.index(name)], partition[names.index(name)], dim, now)
        return everything
    single = len(reader) == len(upstream) == 1
    if how.kind == "latest" and (dim.is_time or len(upstream) == 1):
        return everything[-1:]
    if how.kind == "all" or (dim.name not in names and not single):
        return everything
    at = 0 if single else names.index(dim.name)
    inner = how if single or dim.is_time else replace(how, kind="identity")
    return _tied(How("identity") if inner.kind == "latest" else inner, reader[at], partition[at], dim, now)


def _tied(how: How, mine: Dim, key: str, other: Dim, now: datetime) -> list[str]:
    if how.kind == "all":
        return other.there(now)
    if how.kind == "latest":
        return other.there(now)[-1:]
    if how.kind == "static":
        return [to for to in dict(how.pairs)[key] if to in other.keys]
    if not mine.is_time:
        return [key] if key in other.keys else []
    begins, ends = mine.bounds(key)
    first, last = other.number(begins), other.number(ends - timedelta(days=1))
    offset, trailing = (how.offset, how.trailing) if how.kind == "window" else (0, 1)
    return [other.key(number) for number in range(first + offset - trailing + 1, last + offset + 1)]
