"""SliceMap: which slice holds the rows of which partition, kept as runs of ids and not partition by partition."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, TypedDict, cast

from headwater.assets.errors import IntegrityError
from headwater.assets.partitions import KeyAxis, Partition, PartitionSet, Space, TimeAxis
from headwater.assets.partitions import runs as points
from headwater.assets.partitions.axis import Axis
from headwater.assets.partitions.runs import Interval
from headwater.lineage import slice_runs
from headwater.lineage.encoding import JsonValue
from headwater.lineage.slice_runs import Cell, Run


class _Stored(TypedDict):
    names: list[str]
    runs: list[list[Any]]  # first id, and for each name [keys, stride] or [range, stride, count]


@dataclass(frozen=True, slots=True, eq=False)
class SliceMap:
    """An immutable map from partitions to slice ids (positive integers).

    A map that one build made, or many builds with ids that follow one another, costs one run. Maps are equal where they
    give the same partitions the same ids.
    """

    space: Space
    runs: tuple[Run, ...] = ()

    @classmethod
    def numbered(cls, partitions: PartitionSet, first_id: int) -> SliceMap:
        """Return the map that gives `partitions`, in order, the ids from `first_id` on."""
        return cls(partitions.space, slice_runs.joined(slice_runs.numbered(partitions.points, first_id)))

    @property
    def domain(self) -> PartitionSet:
        """The partitions that have a slice."""
        return PartitionSet(self.space, _points(run.cell for run in self.runs))

    @property
    def count(self) -> int:
        """How many partitions have a slice."""
        return sum(_size(run.cell) for run in self.runs)

    def restricted(self, partitions: PartitionSet) -> SliceMap:
        """Return the map of those of `partitions` that have a slice."""
        cells = ((cell, None) for cell in points.cells((self.domain & partitions).points))
        found = [run.cut(shared) for run, _, shared in slice_runs.meeting(self.runs, cells)]
        return SliceMap(self.space, slice_runs.joined(found))

    def without(self, partitions: PartitionSet) -> SliceMap:
        """Return the map without `partitions`."""
        return self.restricted(self.domain - partitions)

    def overlaid(self, other: SliceMap) -> SliceMap:
        """Return the map of both; where both have a slice for a partition, that of `other`."""
        kept = self.without(other.domain)
        return SliceMap(self.space, slice_runs.joined((*kept.runs, *other.runs)))

    def differs(self, other: SliceMap) -> PartitionSet:
        """Return the partitions whose ids are not the same in both maps, those that only one of them has included."""
        either = self.domain | other.domain
        theirs = ((run.cell, run) for run in other.runs)
        same = [
            cell
            for mine, run, shared in slice_runs.meeting(self.runs, theirs)
            for cell in slice_runs.equal_cells(mine, run, shared)
        ]
        return either - PartitionSet(self.space, _points(same))

    def id_ranges(self) -> tuple[Interval, ...]:
        """Return the ids as ascending ranges that do not touch, both ends inclusive."""
        return points.joined(span for run in self.runs for span in run.id_ranges())

    def items(self) -> Iterator[tuple[Partition, int]]:
        """Yield (partition, id) in the order of the partitions."""
        axes, names = self.space.axes, self.space.names
        for point, slice_id in heapq.merge(*(run.items() for run in self.runs)):
            keys = tuple(axis.key(number) for (_, axis), number in zip(axes, point, strict=True))
            yield Partition(names, keys, point, axes), slice_id

    def get(self, partition: Partition) -> int | None:
        """Return the id of a partition's slice, or None where it has none."""
        point = self.space.numbers(partition) if partition.names == self.space.names else None
        if point is None:
            return None
        return next((found for run in self.runs if (found := run.id_at(point)) is not None), None)

    def __eq__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, SliceMap) else not self.differs(other)

    def __hash__(self) -> int:
        return hash((self.count, self.id_ranges()))

    def __bool__(self) -> bool:
        return bool(self.runs)

    def to_json(self) -> JsonValue:
        """Return the map as JSON with the texts of keys, so that it can be restored when numbers mean other keys.

        `runs` has, for each run, its first id and for each dimension [keys, stride]; of windows [range, stride, count].
        """
        axes = [axis for _, axis in self.space.axes]
        written = [
            [run.first, *(_side(*side) for side in zip(axes, run.cell, run.strides, strict=True))] for run in self.runs
        ]
        return {"names": list(self.space.names), "runs": written}

    @classmethod
    def restore(cls, stored: JsonValue, space: Space) -> SliceMap:
        """Return the stored map for the partitions that `space` still has; the others are left out.

        Raises IntegrityError where `stored` is not what `to_json` returns.
        """
        try:
            return cls(space, slice_runs.joined(_restored(stored, space)))
        except (TypeError, ValueError, KeyError, IndexError, AttributeError):
            raise IntegrityError("A stored map of slices cannot be read.", "Rebuild the state's projections.") from None


def _points(cells: Iterator[Cell] | Sequence[Cell]) -> points.Points:
    return points.union_of([points.of_box(tuple((side,) for side in cell)) for cell in sorted(cells)])


def _size(cell: Cell) -> int:
    return prod(high - low + 1 for low, high in cell)


def _side(axis: Axis, side: Interval, stride: int) -> JsonValue:
    low, high = side
    if isinstance(axis, KeyAxis):
        return [list(axis.keys[low : high + 1]), stride]
    return [axis.text([side])[0], stride, high - low + 1]


def _restored(stored: JsonValue, space: Space) -> Iterator[Run]:
    form = cast(_Stored, stored)
    names = form["names"]
    if len(names) == len(space.axes) == 1:
        order = [0]  # a single dimension needs no name
    elif sorted(names) == sorted(space.names):
        order = [names.index(name) for name in space.names]
    else:
        return
    for first, *sides in form["runs"]:
        parts = [_pieces(space, place, sides[at]) for place, at in enumerate(order)]
        for chosen in product(*parts):
            cell = tuple(side for side, _, _ in chosen)
            yield Run(cell, first + sum(moved for _, moved, _ in chosen), tuple(stride for *_, stride in chosen))


def _pieces(space: Space, place: int, side: Sequence[object]) -> list[tuple[Interval, int, int]]:
    """Return where the keys of one side of a run are today: (interval, what its first adds to the id, stride)."""
    axis, (least, most) = space.axes[place][1], space.extent[place]
    keys, stride = side[0], side[1]
    if not isinstance(stride, int):
        raise TypeError
    if isinstance(axis, TimeAxis) and isinstance(keys, str):
        ends = keys.split("..")
        low, high = axis.number(ends[0]), axis.number(ends[-1])
        # Hours that were cut in another way since then cannot be told apart by counting, so none of them is known.
        if low is None or high is None or high - low + 1 != side[2]:
            return []
        start, end = max(low, least), min(high, most)
        return [((start, end), stride * (start - low), stride if end > start else 0)] if start <= end else []
    if isinstance(axis, KeyAxis) and isinstance(keys, list):
        return _key_pieces([axis.number(key) for key in keys], stride)
    return []


def _key_pieces(numbers: list[int | None], stride: int) -> list[tuple[Interval, int, int]]:
    pieces: list[tuple[Interval, int, int]] = []
    for at, number in enumerate(numbers):
        if number is None:
            continue
        if at and pieces and numbers[at - 1] == number - 1:
            (low, _), moved, _ = pieces[-1]
            pieces[-1] = (low, number), moved, stride
        else:
            pieces.append(((number, number), stride * at, 0))
    return pieces
