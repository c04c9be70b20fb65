"""PartitionSet: some partitions of one asset, as ranges; and Partition: one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headwater.assets.partitions import runs
from headwater.assets.partitions.axis import Axes, TimeAxis, Value
from headwater.assets.partitions.runs import Box, Points
from headwater.assets.partitions.texts import quoted, written
from headwater.assets.partitions.zones import moment_of

if TYPE_CHECKING:
    from headwater.assets.partitions.space import Space

_NOTHING = "-"  # the empty set of an unpartitioned asset, whose one point is written as the empty text


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: its key on every dimension. Equal where names and keys are; numbers and axes follow from them."""

    names: tuple[str, ...]
    keys: tuple[str, ...]
    numbers: tuple[int, ...] = field(compare=False, repr=False)
    axes: Axes = field(compare=False, repr=False)

    @property
    def text(self) -> str:
        """The partition as users write it: a key, or `day=...;region=...`; empty for an unpartitioned asset."""
        return written(self.names, tuple(map(quoted, self.keys)))

    def parameters(self) -> dict[str, Value]:
        """Return the values that SQL and Python get for this partition, by the names of INTERFACES without `$`.

        `partition.NAME` for every dimension, and `partition` where there is one dimension only: the first day (a date)
        for windows of a day and longer, the beginning of an hour (a datetime in UTC), or the key. `start.NAME` and
        `end.NAME` for every time dimension, and `start` and `end` where there is one only: dates for a day and longer,
        else datetimes in UTC; the end is exclusive. `start_at` and `end_at` are the ends as instants, whatever the
        grain: datetimes in UTC.
        """
        values: dict[str, Value] = {}
        times = [name for name, axis in self.axes if isinstance(axis, TimeAxis)]
        for (name, axis), number in zip(self.axes, self.numbers, strict=True):
            values[f"partition.{name}"] = axis.value(number)
            if isinstance(axis, TimeAxis):
                ends = axis.begins(number + 1) if axis.is_hourly else 0
                values[f"start.{name}"] = axis.value(number)
                values[f"end.{name}"] = moment_of(ends) if axis.is_hourly else axis.first_day(number + 1)
                values[f"start_at.{name}"] = moment_of(axis.begins(number))
                values[f"end_at.{name}"] = moment_of(axis.begins(number + 1))
        if len(self.axes) == 1:
            values["partition"] = values[f"partition.{self.axes[0][0]}"]
        if len(times) == 1:
            values.update({end: values[f"{end}.{times[0]}"] for end in ("start", "end", "start_at", "end_at")})
        return values


@dataclass(frozen=True, slots=True, eq=False)
class PartitionSet:
    """Partitions of one asset as a union of boxes: a million partitions cost what their ranges cost.

    `|`, `&` and `-` make new sets; both sides must belong to spaces whose dimensions mean the same. Equal sets compare
    equal and have equal texts, however they were made. Iteration goes in canonical order: ascending, the last dimension
    first to change. Made by a Space; `points` is its own representation (see `runs`).
    """

    space: Space
    points: Points

    def __or__(self, other: PartitionSet) -> PartitionSet:
        return self._with(runs.union(self.points, self._same(other)))

    def __and__(self, other: PartitionSet) -> PartitionSet:
        return self._with(runs.intersection(self.points, self._same(other)))

    def __sub__(self, other: PartitionSet) -> PartitionSet:
        return self._with(runs.difference(self.points, self._same(other)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartitionSet):
            return NotImplemented
        return self.points == other.points and (self.space is other.space or self.space.axes == other.space.axes)

    def __hash__(self) -> int:
        return hash(self.points)

    def __le__(self, other: PartitionSet) -> bool:
        return not runs.difference(self.points, self._same(other))

    def __bool__(self) -> bool:
        return bool(self.points)

    def __contains__(self, partition: object) -> bool:
        if not isinstance(partition, Partition) or partition.names != self.space.names:
            return False
        numbers = self.space.numbers(partition)
        return numbers is not None and runs.has(self.points, numbers)

    def __iter__(self) -> Iterator[Partition]:
        axes, names = self.space.axes, self.space.names
        for point in runs.iterate(self.points):
            keys = tuple(axis.key(number) for (_, axis), number in zip(axes, point, strict=True))
            yield Partition(names, keys, point, axes)

    def __repr__(self) -> str:
        return f"PartitionSet({self.text!r})"

    @property
    def count(self) -> int:
        """How many partitions there are."""
        return runs.count(self.points)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The set as disjoint boxes of numbers: for each dimension its intervals."""
        return tuple(runs.boxes(self.points))

    @property
    def ranges(self) -> tuple[str, ...]:
        """The set as texts: one for each range of a time dimension, one for a list of keys, one for each box."""
        axes, names = self.space.axes, self.space.names
        texts: list[str] = []
        for box in runs.boxes(self.points):
            parts = [axis.text(intervals) for (_, axis), intervals in zip(axes, box, strict=True)]
            texts += parts[0] if len(axes) == 1 else [written(names, [",".join(part) for part in parts])]
        return tuple(texts)

    @property
    def text(self) -> str:
        """The set as one text, which `Space.parse` and `Space.restore` read."""
        if not self.space.axes:
            return "" if self.points else _NOTHING
        return ("," if len(self.space.axes) == 1 else " | ").join(self.ranges)

    def _with(self, points: Points) -> PartitionSet:
        return self if points is self.points else PartitionSet(self.space, points)

    def _same(self, other: PartitionSet) -> Points:
        if self.space is not other.space and self.space.axes != other.space.axes:
            raise ValueError(f"partitions of different dimensions: {self.space.names} and {other.space.names}")
        return other.points
