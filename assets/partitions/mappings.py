"""Which partitions of an upstream a partition reads: plain frozen data, as declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from headwater.assets.partitions.dimensions import Form


@dataclass(frozen=True, slots=True)
class Identity:
    """The same partition; of windows of another grain, those that share time with it.

    Dimensions are matched by name, or as they are where both sides have one only. Of a dimension that the reader does
    not have, everything is read.
    """

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("identity",)


@dataclass(frozen=True, slots=True)
class Window:
    """`trailing` windows up to `offset` windows after the same one: offset -1 with trailing 7 is the week before.

    Counted in the upstream's windows. Other dimensions are as with Identity.
    """

    offset: int = 0
    trailing: int = 1

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("window", self.offset, self.trailing)


@dataclass(frozen=True, slots=True)
class All:
    """Every partition that the upstream has."""

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("all",)


@dataclass(frozen=True, slots=True)
class Latest:
    """The upstream's last window; of an upstream that has one dimension, without time, its last key.

    Other dimensions are as with Identity.
    """

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("latest",)


@dataclass(frozen=True, slots=True)
class StaticMap:
    """For each key of the reader, the keys of the upstream that it reads: nothing for one that is not listed."""

    pairs: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("static", self.pairs)


@dataclass(frozen=True, slots=True)
class ByFunction:
    """What a user's function says: it takes a Partition of the reader and returns texts of partitions."""

    name: str

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("function", self.name)


OneDimension: TypeAlias = Identity | Window | All | Latest | StaticMap


@dataclass(frozen=True, slots=True)
class PerDimension:
    """For dimensions of the reader, the dimension of the upstream and how it is mapped: (reader's, upstream's, how).

    Of a dimension of the upstream that is not named, everything is read.
    """

    dimensions: tuple[tuple[str, str, OneDimension], ...]

    @property
    def form(self) -> Form:
        """The declaration as plain data."""
        return ("dimensions", tuple((name, to, how.form) for name, to, how in self.dimensions))


PartitionMapping: TypeAlias = OneDimension | PerDimension | ByFunction
