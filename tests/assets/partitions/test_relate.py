"""Mappings, against what they say key by key."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.errors import RequestError
from headwater.assets.partitions import (
    All,
    ByFunction,
    DynamicKeys,
    Identity,
    Latest,
    PerDimension,
    Space,
    StaticKeys,
    StaticMap,
    Window,
    Windows,
    backward,
    forward,
    mapping_fault,
)
from headwater.assets.partitions.zones import seconds_of
from tests.assets.partitions.spaces import DYNAMIC, NOW, subsets

LONDON = "Europe/London"
AXES = {
    "day": Windows("day", "2024-02-20"),
    "few": Windows("day", "2024-02-24", "2024-03-05"),
    "week": Windows("week", "2024-W03", "2024-W12"),
    "month": Windows("month", "2023-11", "2024-03"),
    "quarter": Windows("quarter", "2023-Q1", "2024-Q2"),
    "year": Windows("year", "2022", "2024"),
    "hour": Windows("hour", "2024-03-30T20+00:00", "2024-04-01T03+01:00", LONDON),
    "half": Windows("hour", "2024-03-31T00+05:30", "2024-04-01T06+05:30", "Asia/Kolkata"),
    "summer": Windows("day", "2024-03-28", "2024-04-03", LONDON),
    "region": StaticKeys(("eu", "us", "asia")),
    "area": StaticKeys(("us", "africa", "eu")),
    "shop": DynamicKeys("shops"),
}
TIME = [name for name, axis in AXES.items() if isinstance(axis, Windows)]
KEYED = [name for name in AXES if name not in TIME]
WINDOWS = st.builds(Window, st.integers(-4, 3), st.integers(1, 4))


def space(*names: str) -> Space:
    return Space(tuple((name, AXES[name]) for name in names), NOW, DYNAMIC)


def one(text: str, name: str) -> Space:
    """A space of one dimension that is called otherwise."""
    return Space(((name, AXES[text]),), NOW, DYNAMIC)


@st.composite
def cases(draw: st.DrawFn):
    """Draw a mapping with the spaces that it goes between."""
    time, other, keyed, to = (draw(st.sampled_from(names)) for names in (TIME, TIME, KEYED, KEYED))
    static = StaticMap(
        tuple(
            (key, tuple(draw(st.lists(st.sampled_from(["eu", "us", "africa", "oslo", "no such"]), unique=True))))
            for key in ("eu", "us", "bergen", "gone")
        )
    )
    timely, keys = draw(st.sampled_from([Identity(), All(), Latest(), draw(WINDOWS)])), Identity()
    return draw(
        st.sampled_from(
            [
                (timely, space(time), one(other, "t")),
                (draw(st.sampled_from([static, Identity(), All(), Latest()])), space(keyed), one(to, "k")),
                (draw(st.sampled_from([All(), Latest(), Identity()])), space(), space(time)),
                (draw(st.sampled_from([All(), Latest(), Identity()])), space(), space(keyed, time)),
                (draw(st.sampled_from([All(), Latest(), Identity()])), space(time), space()),
                (timely, space("day", "region"), space("region", "day", "shop")),
                (timely, space("day", "region"), space("day")),
                (timely, space("hour"), space("shop", "hour")),
                (
                    PerDimension(((keyed, to, static), (time, other, timely))),
                    space(time, keyed),
                    space(to, other),
                ),
                (PerDimension(((keyed, to, keys),)), space(time, keyed), space(other, to)),
                (ByFunction("f"), space("day", "region"), space("month")),
            ]
        )
    )


def function(partition):
    """A user's function, whose upstream keys may lie outside."""
    day, region = partition.keys
    return {"eu": [day[:7]], "us": ["2023-12..2024-05"], "asia": []}[region]


FUNCTIONS = {"f": function}


def reads(mapping, reader, upstream: Space, reader_space: Space) -> set[tuple[str, ...]]:
    """Return the keys of the partitions in `upstream.all()` that one partition reads: key by key, from the words."""
    if isinstance(mapping, ByFunction):
        return {u.keys for u in upstream.all() if any(u in upstream.named(text) for text in function(reader))}
    return {u.keys for u in upstream.all() if _reads(mapping, reader, u, reader_space, upstream)}


def _reads(mapping, reader, u, reader_space, upstream):
    names, dims = list(reader.names), dict(upstream.dimensions)
    tied = {}
    if isinstance(mapping, PerDimension):
        tied = {to: (name, how) for name, to, how in mapping.dimensions}
    elif isinstance(mapping, All):
        tied = {}
    elif len(names) == len(u.names) == 1:
        tied = {u.names[0]: (names[0], mapping)}
    else:
        for name in u.names:
            timely = isinstance(dims[name], Windows)
            if isinstance(mapping, Latest) and (timely or len(u.names) == 1):
                tied[name] = (None, mapping)
            elif name in names:
                tied[name] = (name, mapping if timely else Identity())
    return all(
        _on_axis(how, None if name is None else names.index(name), reader, u.names.index(to), u, upstream)
        for to, (name, how) in tied.items()
    )


def _on_axis(how, at, reader, to, u, upstream):
    if isinstance(how, All):
        return True
    if isinstance(how, Latest):
        return u.keys[to] == [p.keys[to] for p in upstream.all()][-1]
    if isinstance(how, StaticMap):
        return u.keys[to] in dict(how.pairs).get(reader.keys[at], ())
    axis = u.axes[to][1]
    if not hasattr(axis, "grain"):
        return reader.keys[at] == u.keys[to]
    offset, trailing = (how.offset, how.trailing) if isinstance(how, Window) else (0, 1)
    back = [u.numbers[to] - offset + step for step in range(trailing)]
    return any(_share(reader.axes[at][1], reader.numbers[at], axis, number) for number in back)


def _share(mine, number, axis, other):
    """Whether two windows share time: dates for a day and longer, else what a clock counts."""
    if mine.grain == axis.grain != "hour":
        return number == other
    if "hour" in (mine.grain, axis.grain):
        spans = [(a.begins(n), a.begins(n + 1)) for a, n in ((mine, number), (axis, other))]
    else:
        spans = [(a.first_day(n), a.first_day(n + 1)) for a, n in ((mine, number), (axis, other))]
    return max(spans[0][0], spans[1][0]) < min(spans[0][1], spans[1][1])


@given(case=cases(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_forward_and_backward_are_what_every_key_says(case, data):
    mapping, reader_space, upstream = case
    readers, changed = data.draw(subsets(reader_space)), data.draw(subsets(upstream))
    by_key = {reader.keys: reads(mapping, reader, upstream, reader_space) for reader in reader_space.all()}
    read = forward(mapping, readers, upstream, FUNCTIONS)
    assert {u.keys for u in read & upstream.all()} == {key for reader in readers for key in by_key[reader.keys]}
    hit = {u.keys for u in changed}
    reading = backward(mapping, changed, reader_space, FUNCTIONS)
    assert {reader.keys for reader in reading} == {keys for keys, them in by_key.items() if them & hit}


@given(case=cases(), data=st.data())
@settings(max_examples=80, deadline=None)
def test_forward_of_a_union_is_the_union_and_backward_is_its_adjoint(case, data):
    mapping, reader_space, upstream = case
    one, other = data.draw(subsets(reader_space)), data.draw(subsets(reader_space))
    changed = data.draw(subsets(upstream))
    both = forward(mapping, one | other, upstream, FUNCTIONS)
    assert both == forward(mapping, one, upstream, FUNCTIONS) | forward(mapping, other, upstream, FUNCTIONS)
    meets = bool(forward(mapping, one, upstream, FUNCTIONS) & changed)
    assert meets == bool(one & backward(mapping, changed, reader_space, FUNCTIONS))


def test_windows_reach_before_the_start_and_after_the_end():
    week = Window(offset=-1, trailing=7)
    day = space("day")
    assert forward(week, day.parse("2024-02-20"), day).text == "2024-02-13..2024-02-19"
    assert forward(Identity(), day.parse("2024-02-29"), space("month")).text == "2024-02"
    assert forward(Identity(), space("month").parse("2024-02"), day).text == "2024-02-01..2024-02-29"
    assert forward(Window(-1), space("month").parse("2024-02"), day).text == "2024-01-31..2024-02-28"
    edge = Space((("y", Windows("year", "0002", "9998")),), NOW)
    assert forward(Window(-5, 3), edge.parse("0003"), edge).count == 0
    assert forward(Window(9), edge.parse("9997"), edge).count == 0


def test_hours_of_a_day_at_both_changes():
    hours = Space((("hour", Windows("hour", "2024-01-01T00+00:00", timezone=LONDON)),), NOW)
    days = Space((("day", Windows("day", "2024-01-01", "2024-12-31", LONDON)),), NOW)
    counts = {day: forward(Identity(), days.parse(day), hours).count for day in ("2024-03-31", "2024-10-27")}
    assert counts == {"2024-03-31": 23, "2024-10-27": 25}
    utc = Space((("hour", Windows("hour", "2024-01-01T00+00:00")),), NOW)
    read = forward(Identity(), days.parse("2024-07-01"), utc)
    assert read.text == "2024-06-30T23+00:00..2024-07-01T22+00:00"
    first = next(iter(read))
    assert seconds_of(first.parameters()["start"]) == days.axes[0][1].begins(days.parse("2024-07-01").boxes[0][0][0][0])


def test_a_million_partitions_are_mapped_as_ranges():
    hours = Space((("hour", Windows("hour", "1900-01-01T00+00:00", "2014-01-29T15+00:00")),), NOW)
    days = Space((("day", Windows("day", "1900-01-01", "2014-01-29")),), NOW)
    assert hours.all().count == 1_000_000
    assert forward(Identity(), hours.all(), days) == days.all()
    assert backward(Window(-24, 24), hours.all(), hours).count == 1_000_000 - 24
    assert forward(Window(-24, 24), hours.all(), hours).ranges == ("1899-12-30T01+00:00..2014-01-28T15+00:00",)


@pytest.mark.parametrize(
    ("mapping", "reader", "upstream", "fault"),
    [
        (Identity(), space("day"), space("region"), "the dimension day is time and region has keys"),
        (Window(), space("region"), space("area"), "a window needs time on both sides, and region has keys"),
        (Window(), space("day"), space("area"), "a window needs time on both sides, and area has keys"),
        (Window(), space(), space("day"), "a window needs a time dimension that both sides have"),
        (Latest(), space("day"), space("area", "shop"), "there is no latest of several dimensions without time"),
        (Identity(), space("day"), space("few", "area"), "the dimensions day and few, area have no name in common"),
        (StaticMap(()), space("day", "area"), space("area"), "a static map needs one dimension on both sides"),
        (PerDimension((("x", "area", All()),)), space("area"), space("area"), "the reader has no dimension x"),
        (PerDimension((("area", "x", All()),)), space("area"), space("area"), "the upstream has no dimension x"),
        (
            PerDimension((("area", "area", All()), ("shop", "area", All()))),
            space("area", "shop"),
            space("area"),
            "the dimension area is mapped twice",
        ),
        (Identity(), space("day"), space("few"), None),
        (ByFunction("f"), space("day"), space("area"), None),
    ],
)
def test_what_does_not_fit(mapping, reader, upstream, fault):
    found = mapping_fault(mapping, reader.axes, upstream.axes)
    assert found == fault or (fault is not None and found is not None and found.startswith(fault))


def test_a_function_names_partitions_or_fails():
    readers = space("region").parse("eu")
    with pytest.raises(RequestError, match="is not a key"):
        forward(ByFunction("f"), readers, space("area"), {"f": lambda partition: ["mars"]})
    with pytest.raises(ValueError, match="not at hand"):
        forward(ByFunction("f"), readers, space("area"))
