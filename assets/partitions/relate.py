"""What partitions read, and what reads them: `forward` and `backward` through a mapping.

A mapping is first taken apart into one rule for each dimension of the upstream. A rule either ties the dimension to one
of the reader's (a relation of numbers), or gives it the same partitions whatever the reader's is. Boxes then go through
a mapping as boxes: nothing is done key by key, but for a user's function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from headwater.assets.partitions import runs
from headwater.assets.partitions.axis import Axes, Axis, KeyAxis, TimeAxis
from headwater.assets.partitions.dimensions import Windows
from headwater.assets.partitions.mappings import (
    All,
    ByFunction,
    Identity,
    Latest,
    OneDimension,
    PartitionMapping,
    PerDimension,
    StaticMap,
    Window,
)
from headwater.assets.partitions.runs import Box, Interval, Points
from headwater.assets.partitions.sets import Partition, PartitionSet
from headwater.assets.partitions.space import Space

Intervals = tuple[Interval, ...]
Functions = Mapping[str, Callable[[Partition], Iterable[str]]]  # of ByFunction, by name


@dataclass(frozen=True, slots=True)
class _Rule:
    """How one dimension of the upstream is read. `reader` is the place of the reader's dimension that it is tied to."""

    reader: int | None
    how: OneDimension


def forward(
    mapping: PartitionMapping, readers: PartitionSet, upstream: Space, functions: Functions | None = None
) -> PartitionSet:
    """Return the partitions that `readers` read, those that the upstream does not have (yet, or any more) included.

    Windows may lie outside the upstream's start and end; keys that it does not have are left out. Raises ValueError for
    a mapping that does not fit (`mapping_fault`) and RequestError for texts of a function that name no partition.
    """
    if not readers:
        return upstream.empty()
    if isinstance(mapping, ByFunction):
        return _called(mapping, readers, upstream, functions)
    rules = _rules(mapping, readers.space.axes, upstream.axes)
    return PartitionSet(
        upstream, runs.union_of([runs.of_box(_image(rules, box, readers.space, upstream)) for box in readers.boxes])
    )


def backward(
    mapping: PartitionMapping, changed: PartitionSet, readers: Space, functions: Functions | None = None
) -> PartitionSet:
    """Return the partitions of `readers` that read any of `changed`; raises what `forward` raises."""
    if not changed:
        return readers.empty()
    if isinstance(mapping, ByFunction):
        reading = (
            one for one in readers.all() if _called(mapping, readers.of([one]), changed.space, functions) & changed
        )
        return readers.of(reading)
    rules = _rules(mapping, readers.axes, changed.space.axes)
    found = [_preimage(rules, box, readers, changed.space) for box in changed.boxes]
    return PartitionSet(readers, runs.union_of(found)) & readers.all()


def mapping_fault(mapping: PartitionMapping, reader: Axes, upstream: Axes) -> str | None:
    """Return why a mapping does not fit these dimensions, as a sentence about them, or None where it does."""
    if isinstance(mapping, ByFunction):
        return None
    try:
        _rules(mapping, reader, upstream)
    except ValueError as error:
        return str(error)
    return None


def read_before_start(mapping: PartitionMapping, readers: Space, upstream: Space) -> Iterator[tuple[str, str, str]]:
    """Yield (dimension, first window read, start) of the upstream's dimensions that are read from before their start.

    The mapping must fit. What a function reads is not known here.
    """
    if isinstance(mapping, ByFunction):
        return
    for place, rule in enumerate(_rules(mapping, readers.axes, upstream.axes)):
        (name, dimension), other = upstream.dimensions[place], upstream.axes[place][1]
        if rule.reader is None or not isinstance(dimension, Windows) or not isinstance(other, TimeAxis):
            continue
        mine, reading = readers.axes[rule.reader][1], readers.dimensions[rule.reader][1]
        first = mine.number(reading.start) if isinstance(reading, Windows) else None
        start = other.number(dimension.start)
        read = () if first is None else _related(rule.how, ((first, first),), mine, other)
        if read and start is not None and read[0][0] < start:
            yield name, other.key(read[0][0]), dimension.start


def _called(mapping: ByFunction, readers: PartitionSet, upstream: Space, functions: Functions | None) -> PartitionSet:
    if functions is None or mapping.name not in functions:
        raise ValueError(f"the function {mapping.name} is not at hand")
    named = [upstream.named(text) for reader in readers for text in functions[mapping.name](reader)]
    return PartitionSet(upstream, runs.union_of([one.points for one in named]))


def _rules(mapping: OneDimension | PerDimension, reader: Axes, upstream: Axes) -> tuple[_Rule, ...]:
    """Return the rule of every dimension of the upstream; raises ValueError, with a sentence, where none fits."""
    if isinstance(mapping, PerDimension):
        return _named(mapping, reader, upstream)
    names = [name for name, _ in reader]
    if isinstance(mapping, All) or not upstream:
        return tuple(_Rule(None, All()) for _ in upstream)
    if len(reader) == len(upstream) == 1:
        return (_tied(0, mapping, reader[0], upstream[0]),)
    if isinstance(mapping, StaticMap):
        raise ValueError("a static map needs one dimension on both sides; say which under `dimensions`")
    rules, used = [], False
    for name, axis in upstream:
        tied = names.index(name) if name in names else None
        timely = isinstance(axis, TimeAxis) or len(upstream) == 1
        if isinstance(mapping, Latest) and timely:
            rules.append(_Rule(None, mapping))
            used = True
        elif tied is None:
            rules.append(_Rule(None, All()))
        elif isinstance(mapping, Window) and isinstance(axis, TimeAxis):
            rules.append(_tied(tied, mapping, reader[tied], (name, axis)))
            used = True
        else:
            rules.append(_tied(tied, Identity(), reader[tied], (name, axis)))
    if isinstance(mapping, Window) and not used:
        raise ValueError("a window needs a time dimension that both sides have")
    if isinstance(mapping, Latest) and not used:
        raise ValueError("there is no latest of several dimensions without time")
    if isinstance(mapping, Identity) and reader and all(rule.reader is None for rule in rules):
        mine, other = ", ".join(names), ", ".join(name for name, _ in upstream)
        raise ValueError(f"the dimensions {mine} and {other} have no name in common")
    return tuple(rules)


def _named(mapping: PerDimension, reader: Axes, upstream: Axes) -> tuple[_Rule, ...]:
    mine, others = [name for name, _ in reader], [name for name, _ in upstream]
    rules: dict[int, _Rule] = {}
    tied: set[str] = set()
    for name, to, how in mapping.dimensions:
        if name not in mine:
            raise ValueError(f"the reader has no dimension {name}")
        if to not in others:
            raise ValueError(f"the upstream has no dimension {to}")
        if others.index(to) in rules or name in tied:
            raise ValueError(f"the dimension {name if name in tied else to} is mapped twice")
        tied.add(name)
        place = mine.index(name)
        rules[others.index(to)] = _tied(place, how, reader[place], upstream[others.index(to)])
    return tuple(rules.get(place, _Rule(None, All())) for place in range(len(others)))


def _tied(place: int, how: OneDimension, reader: tuple[str, Axis], upstream: tuple[str, Axis]) -> _Rule:
    (name, mine), (to, other) = reader, upstream
    if isinstance(how, All | Latest):
        return _Rule(None, how)
    if isinstance(how, Window) and not (isinstance(mine, TimeAxis) and isinstance(other, TimeAxis)):
        raise ValueError(
            f"a window needs time on both sides, and {to if isinstance(mine, TimeAxis) else name} has keys"
        )
    if isinstance(how, Identity) and isinstance(mine, TimeAxis) != isinstance(other, TimeAxis):
        timely, keyed = (name, to) if isinstance(mine, TimeAxis) else (to, name)
        raise ValueError(f"the dimension {timely} is time and {keyed} has keys")
    return _Rule(place, how)


def _image(rules: tuple[_Rule, ...], box: Box, readers: Space, upstream: Space) -> Box:
    out: list[Intervals] = []
    for place, rule in enumerate(rules):
        if rule.reader is None:
            out.append(_whatever(rule.how, upstream.extent[place]))
        else:
            mine, other = readers.axes[rule.reader][1], upstream.axes[place][1]
            out.append(_related(rule.how, box[rule.reader], mine, other))
    return tuple(out)


def _preimage(rules: tuple[_Rule, ...], box: Box, readers: Space, upstream: Space) -> Points:
    out: list[Intervals] = [runs.joined([interval]) for interval in readers.extent]
    for place, rule in enumerate(rules):
        if rule.reader is None:
            read = _whatever(rule.how, upstream.extent[place])
            if not any(low <= high_ and low_ <= high for low, high in read for low_, high_ in box[place]):
                return runs.EMPTY
        else:
            mine, other = readers.axes[rule.reader][1], upstream.axes[place][1]
            out[rule.reader] = _relating(rule.how, box[place], mine, other)
    return runs.of_box(tuple(out))


def _whatever(how: OneDimension, extent: Interval) -> Intervals:
    """Return what is read of a dimension whatever the reader's partition is."""
    low, high = extent
    return runs.joined([(high, high) if isinstance(how, Latest) and low <= high else extent])


def _related(how: OneDimension, intervals: Intervals, mine: Axis, other: Axis) -> Intervals:
    """Return the upstream's numbers that the reader's numbers read on one dimension."""
    if isinstance(how, StaticMap):
        pairs = dict(how.pairs)
        return _numbers(other, (to for key in _keys(mine, intervals, pairs) for to in pairs[key]))
    if isinstance(mine, TimeAxis) and isinstance(other, TimeAxis):
        offset, trailing = (how.offset, how.trailing) if isinstance(how, Window) else (0, 1)
        spans = (_sharing(mine, interval, other) for interval in intervals)
        return _within(other, ((low + offset - trailing + 1, high + offset) for low, high in spans))
    return _same_keys(intervals, mine, other)


def _relating(how: OneDimension, intervals: Intervals, mine: Axis, other: Axis) -> Intervals:
    """Return the reader's numbers that read any of the upstream's numbers on one dimension."""
    if isinstance(how, StaticMap):
        reading: dict[str, list[str]] = {}
        for key, listed in how.pairs:
            for to in listed:
                reading.setdefault(to, []).append(key)
        return _numbers(mine, (key for to in _keys(other, intervals, reading) for key in reading[to]))
    if isinstance(mine, TimeAxis) and isinstance(other, TimeAxis):
        offset, trailing = (how.offset, how.trailing) if isinstance(how, Window) else (0, 1)
        moved = _within(other, ((low - offset, high - offset + trailing - 1) for low, high in intervals))
        return _within(mine, (_sharing(other, interval, mine) for interval in moved))
    return _same_keys(intervals, other, mine)


def _sharing(of: TimeAxis, interval: Interval, other: TimeAxis) -> Interval:
    """Return the windows of `other` that share time with those of an interval (high < low where none does).

    Windows of a day and longer are compared by their dates, whatever the zones: January is January. Hours are
    compared by the time that passed.
    """
    low, high = interval
    if of == other or (of.grain == other.grain and not of.is_hourly):
        return interval
    if of.is_hourly or other.is_hourly:
        begins, ends = of.begins(low), of.begins(high + 1)
        return (other.at(begins), other.at(ends - 1)) if begins < ends else (0, -1)
    first, last = of.first_day(low), of.first_day(high + 1)
    return other.covering(first, last)


def _within(axis: TimeAxis, intervals: Iterable[Interval]) -> Intervals:
    low, high = axis.bounds
    return runs.joined((max(low, first), min(high, last)) for first, last in intervals)


def _same_keys(intervals: Intervals, mine: Axis, other: Axis) -> Intervals:
    if mine is other or mine == other:
        return intervals
    assert isinstance(mine, KeyAxis)
    assert isinstance(other, KeyAxis)
    return other.numbers(key for low, high in intervals for key in mine.keys[low : high + 1])


def _keys(axis: Axis, intervals: Intervals, keys: Iterable[str]) -> Iterable[str]:
    """Return those of the keys whose numbers lie in the intervals."""
    for key in keys:
        number = axis.number(key)
        if number is not None and any(low <= number <= high for low, high in intervals):
            yield key


def _numbers(axis: Axis, keys: Iterable[str]) -> Intervals:
    numbers = (axis.number(key) for key in keys)
    return runs.intervals_of(number for number in numbers if number is not None)
