"""Who is touched by a change: reads decide who, edges decide which columns, and what is not known is touched whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import WHOLE_RESULT, AssetLineage, ColumnEdge, ColumnGraph, ColumnRef, OpenEnd
from headwater.lineage.touch import Cause, Columns, touched

A, B, C = AssetKey("a"), AssetKey("b"), AssetKey("c")
COLUMNS = (("x", None), ("y", None), ("z", None))


def edge(source: AssetKey, column: str, target: AssetKey, to: str, kind: str = "IDENTITY") -> ColumnEdge:
    return ColumnEdge(ColumnRef(source, column), ColumnRef(target, to), kind)  # type: ignore[arg-type]


def lines(*edges: ColumnEdge, ends: tuple[OpenEnd, ...] = ()) -> ColumnGraph:
    by_asset = {key: [it for it in edges if it.target.asset == key] for key in (A, B, C)}
    return ColumnGraph(
        AssetLineage(key, COLUMNS, tuple(found), tuple(end for end in ends if end.target.asset == key))
        for key, found in by_asset.items()
    )


def test_a_change_goes_on_only_in_the_columns_that_it_is_in() -> None:
    graph = lines(edge(A, "x", B, "y"), edge(B, "y", C, "x"), edge(B, "z", C, "z"))
    reads: dict[AssetKey, dict[AssetKey, Columns]] = {B: {A: frozenset("x")}, C: {B: frozenset("yz")}}
    found = touched((A, B, C), reads, graph, A, frozenset("x"))
    assert found[B].columns == frozenset("y")
    assert (found[C].columns, found[C].causes) == (frozenset("x"), (Cause(B, ("y",)),))
    assert [*touched((A, B, C), reads, graph, A, frozenset("z"))] == [A]


def test_what_filters_touches_the_rows_and_so_every_reader() -> None:
    graph = lines(edge(A, "x", B, WHOLE_RESULT, "FILTER"))
    found = touched((A, B, C), {B: {A: frozenset("x")}, C: {B: frozenset()}}, graph, A, frozenset("x"))
    assert (found[B].columns, found[C].columns) == (None, None)
    assert found[C].causes == (Cause(B, None),)


def test_a_read_whose_use_is_not_known_touches_all() -> None:
    reads: dict[AssetKey, dict[AssetKey, Columns]] = {B: {A: frozenset("x")}}
    assert touched((A, B), reads, lines(), A, frozenset("x"))[B].columns is None
    end = OpenEnd(ColumnRef(A, "x"), ColumnRef(B, "z"), "?")
    assert touched((A, B), reads, lines(ends=(end,)), A, frozenset("x"))[B].columns == frozenset("z")
    every = OpenEnd(ColumnRef(A, WHOLE_RESULT), ColumnRef(B, WHOLE_RESULT), "?")
    assert touched((A, B), {B: {A: None}}, lines(ends=(every,)), A, frozenset("x"))[B].columns is None


@given(st.data())
def test_more_reads_or_more_changed_columns_never_touch_less(data: st.DataObject) -> None:
    names = st.frozensets(st.sampled_from("xyz"))
    targets = st.sampled_from(("x", "y", "z", WHOLE_RESULT))
    edges = []
    for up, down in ((A, B), (A, C), (B, C)):
        edges += [edge(up, name, down, data.draw(targets)) for name in sorted(data.draw(names))]
    graph = lines(*edges)
    few, extra = data.draw(names), data.draw(names)
    reads: dict[AssetKey, dict[AssetKey, Columns]] = {
        B: {A: data.draw(st.one_of(st.none(), names))},
        C: {A: data.draw(names), B: data.draw(st.one_of(st.none(), names))},
    }
    less = touched((A, B, C), reads, graph, A, few)
    for more in (touched((A, B, C), reads, graph, A, few | extra), touched((A, B, C), reads, graph, A, None)):
        for key, touch in less.items():
            columns = more[key].columns
            assert columns is None or (touch.columns is not None and touch.columns <= columns)
