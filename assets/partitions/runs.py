"""Sets of points with whole-number coordinates, as runs: the algebra behind PartitionSet.

A set of points of `n` coordinates is a tuple of runs (low, high, rest): from low to high of the first coordinate, both
inclusive, the other coordinates lie in `rest`, a set of `n - 1` coordinates. Runs are ascending, no rest is empty, and
neighbours with equal rests are one run. So equal sets are equal values, and a box costs one run per coordinate however
many points it has. The set of no coordinates that holds the one point there is, is True; the empty set is ().
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

Points: TypeAlias = Literal[True] | tuple[tuple[int, int, "Points"], ...]
Interval: TypeAlias = tuple[int, int]
Box: TypeAlias = tuple[tuple[Interval, ...], ...]  # for each coordinate, its intervals

EMPTY: Points = ()


def union(one: Points, other: Points) -> Points:
    """Return the points of either set."""
    if not one or one is other:
        return other
    if not other or one is True or other is True:
        return one
    return _sweep(one, other, union, True, True)


def intersection(one: Points, other: Points) -> Points:
    """Return the points of both sets."""
    if not one or not other or one is True or other is True:
        return one and other
    return one if one is other else _sweep(one, other, intersection, False, False)


def difference(one: Points, other: Points) -> Points:
    """Return the points of `one` that are not in `other`."""
    if not one or not other:
        return one
    if one is other or one is True or other is True:
        return EMPTY
    return _sweep(one, other, difference, True, False)


def union_of(sets: Sequence[Points]) -> Points:
    """Return the points of any of the sets."""
    if len(sets) <= 1:
        return sets[0] if sets else EMPTY
    middle = len(sets) // 2
    return union(union_of(sets[:middle]), union_of(sets[middle:]))


def count(points: Points) -> int:
    """Return how many points there are."""
    return 1 if points is True else sum((high - low + 1) * count(rest) for low, high, rest in points)


def has(points: Points, point: Sequence[int]) -> bool:
    """Say whether a point is in the set."""
    for at in point:
        assert points is not True
        points = next((rest for low, high, rest in points if low <= at <= high), EMPTY)
    return bool(points)


def iterate(points: Points) -> Iterator[tuple[int, ...]]:
    """Yield the points in ascending order, the last coordinate first to change."""
    if points is True:
        yield ()
        return
    for low, high, rest in points:
        for at in range(low, high + 1):
            for point in iterate(rest):
                yield at, *point


def intervals_of(numbers: Iterable[int]) -> tuple[Interval, ...]:
    """Return whole numbers, in any order, as ascending intervals that do not touch."""
    return joined((number, number) for number in numbers)


def joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return intervals, in any order, as ascending ones that do not touch. Those with high < low are empty."""
    out: list[Interval] = []
    for low, high in sorted(interval for interval in intervals if interval[0] <= interval[1]):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


def of_box(box: Box) -> Points:
    """Return the points whose every coordinate lies in one of its intervals, which are as `joined` returns them."""
    points: Points = True
    for intervals in reversed(box):
        points = tuple((low, high, points) for low, high in intervals) if points else EMPTY
    return points


def boxes(points: Points) -> Iterator[Box]:
    """Yield disjoint boxes that make up the set: the same ones for equal sets."""
    if points is True:
        yield ()
        return
    groups: dict[Points, list[Interval]] = {}
    for low, high, rest in points:
        groups.setdefault(rest, []).append((low, high))
    for rest, intervals in groups.items():
        for box in boxes(rest):
            yield tuple(intervals), *box


def cells(points: Points) -> Iterator[tuple[Interval, ...]]:
    """Yield disjoint boxes of one interval for each coordinate that make up the set, ascending."""
    if points is True:
        yield ()
        return
    for low, high, rest in points:
        for cell in cells(rest):
            yield (low, high), *cell


def _sweep(
    one: tuple[tuple[int, int, Points], ...],
    other: tuple[tuple[int, int, Points], ...],
    both: Callable[[Points, Points], Points],
    keep_one: bool,
    keep_other: bool,
) -> Points:
    """Walk along the first coordinate of two sets; `both` says what is left where both have points."""
    out: list[tuple[int, int, Points]] = []
    i, j = 0, 0
    low, low_other = one[0][0], other[0][0]
    while i < len(one) and j < len(other):
        _, high, rest = one[i]
        _, high_other, rest_other = other[j]
        if low < low_other:
            end = min(high, low_other - 1)
            if keep_one:
                _add(out, low, end, rest)
            low = end + 1
        elif low_other < low:
            end = min(high_other, low - 1)
            if keep_other:
                _add(out, low_other, end, rest_other)
            low_other = end + 1
        else:
            end = min(high, high_other)
            left = both(rest, rest_other)
            if left:
                _add(out, low, end, left)
            low = low_other = end + 1
        if low > high:
            i += 1
            low = one[i][0] if i < len(one) else low
        if low_other > high_other:
            j += 1
            low_other = other[j][0] if j < len(other) else low_other
    if keep_one and i < len(one):
        _add(out, low, *one[i][1:])
        out += one[i + 1 :]
    if keep_other and j < len(other):
        _add(out, low_other, *other[j][1:])
        out += other[j + 1 :]
    return tuple(out)


def _add(out: list[tuple[int, int, Points]], low: int, high: int, rest: Points) -> None:
    if out and out[-1][1] == low - 1 and out[-1][2] == rest:
        out[-1] = (out[-1][0], high, rest)
    else:
        out.append((low, high, rest))
