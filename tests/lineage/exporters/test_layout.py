"""Boxes never overlap, wires run forward where they can, and the same input gives the same picture."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lineage.exporters.layout import Layout, Link, Size, place

SIZE = Size(100, 50)


def links(*pairs: tuple[int, int]) -> list[Link]:
    return [Link(source, target, 10, 20) for source, target in pairs]


def overlaps(sizes: list[Size], layout: Layout) -> list[tuple[int, int]]:
    found = []
    for (i, a), (j, b) in combinations(enumerate(layout.places), 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x
        above = a.y + sizes[i].height <= b.y + 1e-6 or b.y + sizes[j].height <= a.y + 1e-6
        if not (apart or above):
            found.append((i, j))
    return found


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Size], list[Link]]:
    sizes = draw(st.lists(st.builds(Size, st.integers(10, 300), st.integers(10, 300)), max_size=12))
    if not sizes:
        return [], []
    ends = st.integers(0, len(sizes) - 1)
    ports = st.integers(0, 10).map(float)
    return sizes, draw(st.lists(st.builds(Link, ends, ends, ports, ports), max_size=25))


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_nothing_overlaps_and_all_is_inside(graph: tuple[list[Size], list[Link]]) -> None:
    sizes, wires = graph
    layout = place(sizes, wires)
    assert overlaps(sizes, layout) == []
    for size, spot in zip(sizes, layout.places, strict=True):
        assert spot.x >= 0
        assert spot.y >= -1e-6
        assert spot.x + spot.width <= layout.width + 1e-6
        assert spot.y + size.height <= layout.height + 1e-6
        assert spot.width >= size.width
    assert place(sizes, wires) == layout


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_without_cycles_every_wire_runs_to_the_right(graph: tuple[list[Size], list[Link]]) -> None:
    sizes, found = graph
    wires = [Link(min(it.source, it.target), max(it.source, it.target), it.leaves, it.enters) for it in found]
    wires = [it for it in wires if it.source != it.target]
    layout = place(sizes, wires)
    for link, lanes in zip(wires, layout.lanes, strict=True):
        start, end = layout.places[link.source], layout.places[link.target]
        stops = [start.x + start.width, *(x for left, right, _ in lanes for x in (left, right)), end.x]
        assert stops == sorted(stops)


def test_a_wire_that_passes_a_box_runs_through_a_lane_beside_it() -> None:
    layout = place([SIZE] * 3, links((0, 1), (1, 2), (0, 2)))
    assert [spot.x for spot in layout.places] == sorted(spot.x for spot in layout.places)
    ((left, right, y),) = layout.lanes[2]
    middle = layout.places[1]
    assert (left, right) == (middle.x, middle.x + middle.width)
    assert not middle.y <= y <= middle.y + SIZE.height


def test_crossings_that_need_not_be_are_undone() -> None:
    layout = place([SIZE] * 6, links((0, 5), (1, 4), (2, 3)))
    ys = [spot.y for spot in layout.places]
    assert sorted(range(3), key=lambda at: ys[at]) == sorted(range(3), key=lambda at: ys[5 - at])


def test_a_chain_is_level_and_a_source_stands_beside_its_reader() -> None:
    layout = place([SIZE] * 4, links((0, 1), (1, 2), (3, 2)))
    assert layout.places[3].x == layout.places[1].x
    straight = place([SIZE] * 3, [Link(0, 1, 10, 10), Link(1, 2, 10, 10)])
    assert len({spot.y for spot in straight.places}) == 1


def test_cycles_and_depth_do_no_harm() -> None:
    assert overlaps([SIZE] * 3, place([SIZE] * 3, links((0, 1), (1, 2), (2, 0), (1, 1)))) == []
    deep = place([SIZE] * 3_000, [Link(at, at + 1, 10, 10) for at in range(2_999)])
    assert deep.height == SIZE.height
    assert place([], []) == Layout((), (), 0.0, 0.0)


def test_more_lanes_than_can_be_told_apart_are_none() -> None:
    pairs = [(at, at + 1) for at in range(400)] + [(at, 400) for at in range(300)]
    assert any(place([SIZE] * 401, links(*pairs[:450])).lanes)
    assert not any(place([SIZE] * 401, links(*pairs)).lanes)
