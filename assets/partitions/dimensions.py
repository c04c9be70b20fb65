"""The dimensions that partitions are points of: plain frozen data, as declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Form: TypeAlias = tuple["str | int | Form | None", ...]  # plain nested data with a type tag first: one for each value

GRAINS = ("hour", "day", "week", "month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class Windows:
    """Time windows of one grain. `start` and `end` are the keys of the first and the last one, both inclusive.

    Without `end` the last is the last window that is complete. `timezone` says where days, and the hours of days,
    begin.
    """

    grain: str  # one of GRAINS
    start: str
    end: str | None = None
    timezone: str = "UTC"

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("windows", self.grain, self.start, self.end, self.timezone)

    @property
    def identity(self) -> Form:
        """What of it says which data a partition is, as plain data: partitions come and go without changing others."""
        return ("windows", self.grain, self.timezone)


@dataclass(frozen=True, slots=True)
class StaticKeys:
    """A fixed list of keys, in the order in which they are listed."""

    keys: tuple[str, ...]

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("static", self.keys)

    @property
    def identity(self) -> Form:
        """What of it says which data a partition is, as plain data."""
        return ("keys",)


@dataclass(frozen=True, slots=True)
class DynamicKeys:
    """Keys that are added and retired as data. `name` is what the state knows the list by."""

    name: str

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("dynamic", self.name)

    @property
    def identity(self) -> Form:
        """What of it says which data a partition is, as plain data."""
        return ("keys",)


Dimension: TypeAlias = Windows | StaticKeys | DynamicKeys
Dimensions: TypeAlias = tuple[tuple[str, Dimension], ...]  # by name, in the order of declaration
