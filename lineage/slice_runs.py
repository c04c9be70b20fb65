"""Runs of slice ids: boxes of partitions whose ids follow one another evenly along every axis.

A run gives the point x of its box the id `first + sum(stride[i] * (x[i] - low[i]))`. The runs of a map are disjoint.
What is built at once, or one window after the other with ids that follow, is one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TypeVar

from headwater.assets.partitions.runs import Interval, Points, count

Cell = tuple[Interval, ...]  # for each axis, an interval of numbers, both ends inclusive
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Run:
    """A box of partitions and their ids. An axis on which the box is one wide has stride 0."""

    cell: Cell
    first: int
    strides: tuple[int, ...]

    def cut(self, cell: Cell) -> Run:
        """Return the part of the run in a box that lies within its own."""
        moved = self.first + sum(
            stride * (low - mine[0]) for stride, (low, _), mine in zip(self.strides, cell, self.cell, strict=True)
        )
        strides = (0 if low == high else stride for stride, (low, high) in zip(self.strides, cell, strict=True))
        return Run(cell, moved, tuple(strides))

    def id_at(self, point: Sequence[int]) -> int | None:
        """Return the id of a point, or None where it lies outside the box."""
        found = self.first
        for at, (low, high), stride in zip(point, self.cell, self.strides, strict=True):
            if not low <= at <= high:
                return None
            found += stride * (at - low)
        return found

    def items(self) -> Iterator[tuple[tuple[int, ...], int]]:
        """Yield (point, id), the last axis first to change."""
        sides = (
            [(at, stride * (at - low)) for at in range(low, high + 1)]
            for (low, high), stride in zip(self.cell, self.strides, strict=True)
        )
        for chosen in product(*sides):
            yield tuple(at for at, _ in chosen), self.first + sum(part for _, part in chosen)

    def id_ranges(self) -> list[Interval]:
        """Return the ids as ranges, neither sorted nor merged where strides leave gaps."""
        ranges = [(self.first, self.first)]
        steps = ((abs(stride), stride, high - low) for stride, (low, high) in zip(self.strides, self.cell, strict=True))
        for step, stride, times in sorted(steps):
            low, high = ranges[0][0], ranges[-1][1]
            if len(ranges) == 1 and step <= high - low + 1:
                ranges = [(low + min(0, stride * times), high + max(0, stride * times))]
            else:
                ranges = [(a + stride * at, b + stride * at) for at in range(times + 1) for a, b in ranges]
        return ranges


def numbered(partitions: Points, first: int) -> Iterator[Run]:
    """Yield the runs of a set whose points are numbered in order from `first` on."""
    if partitions is True:
        yield Run((), first, ())
        return
    for low, high, rest in partitions:
        step = count(rest)
        for run in numbered(rest, first):
            yield Run(((low, high), *run.cell), run.first, (step if low < high else 0, *run.strides))
        first += step * (high - low + 1)


def meeting(runs: Iterable[Run], others: Iterable[tuple[Cell, _T]]) -> Iterator[tuple[Run, _T, Cell]]:
    """Yield (run, other, box in common) for every run and every other box that share points.

    One pass along the first axis, on which both are sorted; what has ended there is forgotten.
    """
    open_runs: list[Run] = []
    open_others: list[tuple[Cell, _T]] = []
    events: list[tuple[int, int, Run | None, tuple[Cell, _T] | None]] = []
    events += [(_low(run.cell), 0, run, None) for run in runs]
    events += [(_low(other[0]), 1, None, other) for other in others]
    for low, _, run, other in sorted(events, key=lambda event: event[:2]):
        if run is not None:
            open_others = [it for it in open_others if _high(it[0]) >= low]
            open_runs.append(run)
            for it in open_others:
                shared = _shared(run.cell, it[0])
                if shared is not None:
                    yield run, it[1], shared
        elif other is not None:
            open_runs = [it for it in open_runs if _high(it.cell) >= low]
            open_others.append(other)
            for mine in open_runs:
                shared = _shared(mine.cell, other[0])
                if shared is not None:
                    yield mine, other[1], shared


def equal_cells(one: Run, other: Run, cell: Cell) -> Iterator[Cell]:
    """Yield disjoint boxes with the points of `cell`, common to both runs, to which both give the same id.

    The difference of two even numberings is even itself, so a box is judged by its corners; one in which the sign
    changes is halved.
    """
    mine, yours = one.cut(cell), other.cut(cell)
    slopes = [a - b for a, b in zip(mine.strides, yours.strides, strict=True)]
    todo = [(cell, mine.first - yours.first)]
    while todo:
        box, start = todo.pop()
        spans = [slope * (high - low) for slope, (low, high) in zip(slopes, box, strict=True)]
        least, most = start + sum(min(0, span) for span in spans), start + sum(max(0, span) for span in spans)
        if least > 0 or most < 0:
            continue
        if least == most:
            yield box
            continue
        at = max(range(len(box)), key=lambda axis: abs(spans[axis]))
        low, high = box[at]
        middle = (low + high) // 2
        todo.append(((*box[:at], (low, middle), *box[at + 1 :]), start))
        todo.append(((*box[:at], (middle + 1, high), *box[at + 1 :]), start + slopes[at] * (middle + 1 - low)))


def joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return the same numbering in as few runs as neighbours can be joined to, in ascending order."""
    found = list(runs)
    before = 0
    while len(found) != before:
        before = len(found)
        for axis in range(len(found[0].cell) if len(found) > 1 else 0):
            found = _joined_along(found, axis)
    return tuple(sorted(found, key=lambda run: run.cell))


def _joined_along(runs: list[Run], axis: int) -> list[Run]:
    groups: dict[object, list[Run]] = {}
    for run in runs:
        rest = (run.cell[:axis], run.cell[axis + 1 :], run.strides[:axis], run.strides[axis + 1 :])
        groups.setdefault(rest, []).append(run)
    out: list[Run] = []
    for group in groups.values():
        group.sort(key=lambda run: run.cell[axis])
        natural = prod(high - low + 1 for low, high in group[0].cell[axis + 1 :])
        last = group[0]
        for place, run in enumerate(group[1:], 1):
            stride = _stride(last, run, group[place + 1] if place + 1 < len(group) else None, axis, natural)
            if stride is None:
                out.append(last)
                last = run
            else:
                cell = (*last.cell[:axis], (last.cell[axis][0], run.cell[axis][1]), *last.cell[axis + 1 :])
                last = Run(cell, last.first, (*last.strides[:axis], stride, *last.strides[axis + 1 :]))
        out.append(last)
    return out


def _stride(last: Run, run: Run, following: Run | None, axis: int, natural: int) -> int | None:
    """Return the stride of both runs as one, or None where they do not make one.

    Two single windows make one if the ids follow as they do within one build; with any other stride it takes a third
    window to tell a rule from a coincidence that would keep either of them from joining its other neighbour.
    """
    (low, high), (begins, ends) = last.cell[axis], run.cell[axis]
    if high + 1 != begins:
        return None
    gap = run.first - last.first
    if low != high:
        stride = last.strides[axis]
        return stride if gap == stride * (begins - low) and (begins == ends or run.strides[axis] == stride) else None
    if begins != ends:
        return gap if gap == run.strides[axis] else None
    if gap == natural:
        return gap
    third = following is not None and following.cell[axis][0] == ends + 1 and following.first - run.first == gap
    return gap if third else None


def _low(cell: Cell) -> int:
    return cell[0][0] if cell else 0


def _high(cell: Cell) -> int:
    return cell[0][1] if cell else 0


def _shared(one: Cell, other: Cell) -> Cell | None:
    shared = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))
    return shared if all(low <= high for low, high in shared) else None
