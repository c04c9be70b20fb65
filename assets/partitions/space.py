"""Space: the partitions that an asset has at one moment, and the way from texts to sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from headwater.assets.errors import RequestError
from headwater.assets.partitions import runs, texts
from headwater.assets.partitions.axis import Axes, Axis, KeyAxis, TimeAxis, Value, number_of
from headwater.assets.partitions.dimensions import Dimension, Dimensions, DynamicKeys, Windows
from headwater.assets.partitions.runs import Interval, Points
from headwater.assets.partitions.sets import Partition, PartitionSet

_ASKED, _NAMED, _STORED = "asked", "named", "stored"  # who wrote a text: a user, a user's function, or we


@dataclass(frozen=True, eq=False)
class Space:
    """The partitions of one asset: the product of its dimensions, `now` being the time of asking.

    `dynamic` has the keys of every list of dynamic keys, in order. Without dimensions the asset is unpartitioned: it
    has one partition, written as the empty text. Dimensions must be valid (see `dimension_fault`). With `only`, some of
    its partitions are asked about, and the others are as if there were none.
    """

    dimensions: Dimensions
    now: datetime
    dynamic: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: PartitionSet | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the dimensions, in order."""
        return tuple(name for name, _ in self.dimensions)

    @cached_property
    def axes(self) -> Axes:
        """The axis of every dimension: sets of spaces with equal axes can be combined."""
        return tuple((name, self._axis(dimension)) for name, dimension in self.dimensions)

    @cached_property
    def extent(self) -> tuple[Interval, ...]:
        """The least and the greatest number on every axis; high < low where there is no partition."""
        pairs = zip(self.dimensions, self.axes, strict=True)
        return tuple(self._extent(name, dimension, axis) for (name, dimension), (_, axis) in pairs)

    @cached_property
    def _all(self) -> PartitionSet:
        if self.only is not None:
            return self.only
        return PartitionSet(self, runs.of_box(tuple(runs.joined([interval]) for interval in self.extent)))

    def all(self) -> PartitionSet:
        """Return every partition that there is."""
        return self._all

    def empty(self) -> PartitionSet:
        """Return the set of no partition."""
        return PartitionSet(self, runs.EMPTY)

    def of(self, partitions: Iterable[Partition]) -> PartitionSet:
        """Return the set of these partitions; those with other dimensions, or keys that are none here, are left out."""
        points = (self.numbers(partition) for partition in partitions if partition.names == self.names)
        return PartitionSet(self, _of_points(sorted({point for point in points if point is not None}), len(self.axes)))

    def numbers(self, partition: Partition) -> tuple[int, ...] | None:
        """Return the place of a partition on every axis, or None where it has a key that is none here."""
        if partition.axes is self.axes:
            return partition.numbers
        found = [axis.number(key) for (_, axis), key in zip(self.axes, partition.keys, strict=True)]
        numbers = tuple(number for number in found if number is not None)
        return numbers if len(numbers) == len(found) else None

    def parameters(self, partition: Partition) -> dict[str, Value]:
        """Return the values that SQL and Python get for a partition: see `Partition.parameters`."""
        return partition.parameters()

    def parse(self, text: str) -> PartitionSet:
        """Return the partitions that a user's text names, in the forms of INTERFACES.

        A range may leave an end out. With several dimensions, one that is not named is not restricted. Raises
        RequestError for what is no key or no partition of this space.
        """
        return self._read(text, _ASKED)

    def named(self, text: str) -> PartitionSet:
        """Return the partitions that a text names, windows before the start and after the end included.

        Raises RequestError for what is no key.
        """
        return self._read(text, _NAMED)

    def restore(self, text: str) -> PartitionSet:
        """Return the partitions of a stored text that still exist; what has no place here any more is left out.

        Raises RequestError for a text that is not the text of any set.
        """
        return self._read(text, _STORED) & self.all()

    def _read(self, text: str, source: str) -> PartitionSet:
        if not self.axes:
            if text and source != _STORED:
                raise RequestError(f"{text!r} names partitions, and the asset has none.", "Leave the partitions out.")
            return self.empty() if text else self.all()
        if not text.strip():
            if source != _STORED:
                raise RequestError("No partition is named.", "Name one, such as a key or a range first..last.")
            return self.empty()
        points = [self._box(box, source) for box in texts.split_boxes(text)]
        return PartitionSet(self, runs.union_of(points))

    def _box(self, text: str, source: str) -> Points:
        parts = texts.split_box(text)
        single = len(self.axes) == 1
        given: dict[str, list[tuple[str, ...]]] = {}
        for name, items in parts:
            known = self.names[0] if single and (name is None or not source) else name
            if known is None and source == _STORED:  # of when there was one dimension only
                return runs.EMPTY
            if known is None:
                raise RequestError(f"{text!r} does not say of which dimension.", f"Write {self.names[0]}=... first.")
            if known in given:
                raise RequestError(f"{text!r} names the dimension {known} twice.", "Join the keys with commas.")
            if known not in self.names:
                if source != _STORED:
                    raise RequestError(f"There is no dimension {known!r}.", f"There is {', '.join(self.names)}.")
                return runs.EMPTY
            given[known] = items
        if source == _STORED and len(given) != len(self.axes):
            return runs.EMPTY
        return runs.of_box(
            tuple(
                self._part(place, given[name], source) if name in given else runs.joined([self.extent[place]])
                for place, name in enumerate(self.names)
            )
        )

    def _part(self, place: int, items: list[tuple[str, ...]], source: str) -> tuple[Interval, ...]:
        intervals = (self._item(place, item, source) for item in items)
        return runs.joined(interval for interval in intervals if interval is not None)

    def _item(self, place: int, item: tuple[str, ...], source: str) -> Interval | None:
        (name, axis), (first, last) = self.axes[place], self.extent[place]
        if len(item) == 2 and isinstance(axis, KeyAxis):
            if source == _STORED:  # of when there were windows
                return None
            raise RequestError(f"The dimension {name} has keys, and {'..'.join(item)} is a range.", "List the keys.")
        ends = [texts.unquoted(end) if end or len(item) == 1 else None for end in item]
        if source == _STORED:
            found = [None if end is None else axis.number(end) for end in ends]
            return None if None in found else (found[0] or 0, found[-1] or 0)
        low, high = (
            default if end is None else number_of(axis, name, end) for end, default in _ends(ends, first, last)
        )
        if low > high and None not in ends:
            raise RequestError(f"The range {'..'.join(item)} ends before it begins.", "Turn it around.")
        for number in (low, high) if source == _ASKED else ():
            if not first <= number <= last:
                self._outside(name, axis, number, first, last)
        return low, high

    def _outside(self, name: str, axis: Axis, number: int, first: int, last: int) -> None:
        if last < first:
            raise RequestError(f"{axis.key(number)} is not complete yet, nor is any window of {name}.", "Ask later.")
        where = "before the first" if number < first else "after the last"
        reach = f"{axis.key(first)}..{axis.key(last)}"
        raise RequestError(f"{axis.key(number)} is {where} partition of {name}.", f"There is {reach}.")

    def _axis(self, dimension: Dimension) -> Axis:
        if isinstance(dimension, Windows):
            return TimeAxis(dimension.grain, dimension.timezone)
        return KeyAxis(self.dynamic.get(dimension.name, ()) if isinstance(dimension, DynamicKeys) else dimension.keys)

    def _extent(self, name: str, dimension: Dimension, axis: Axis) -> Interval:
        if isinstance(dimension, Windows) and isinstance(axis, TimeAxis):
            first = number_of(axis, name, dimension.start)
            return first, (
                axis.last_complete(self.now) if dimension.end is None else number_of(axis, name, dimension.end)
            )
        return axis.bounds


def _ends(ends: list[str | None], first: int, last: int) -> list[tuple[str | None, int]]:
    """Pair the ends of an item with what stands for one that was left out."""
    return [(ends[0], first), (ends[-1], last)]


def _of_points(points: list[tuple[int, ...]], depth: int) -> Points:
    """Return the set of sorted, distinct points."""
    if not depth:
        return True if points else runs.EMPTY
    return runs.union_of([runs.of_box(tuple(((number, number),) for number in point)) for point in points])
