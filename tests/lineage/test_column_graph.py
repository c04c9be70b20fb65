"""Walks over the column graph: against an oracle that relaxes every step until nothing changes, and by example."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.key import AssetKey
from headwater.lineage.asset_lineage import python_lineage, sql_lineage
from headwater.lineage.column_graph import (
    ALL_EDGES,
    WHOLE_RESULT,
    AssetLineage,
    ColumnEdge,
    ColumnGraph,
    ColumnRef,
    Only,
    OpenEnd,
    column_name,
    node_name,
)
from headwater.lineage.sql import analyse_sql

KINDS = ("IDENTITY", "TRANSFORMATION", "FILTER")
NAMES = ("a", "b", WHOLE_RESULT)


def ref(text: str) -> ColumnRef:
    asset, _, column = text.rpartition(".")
    return ColumnRef(AssetKey(asset), column)


def edge(text: str, kind: str = "IDENTITY") -> ColumnEdge:
    source, target = text.split(" > ")
    return ColumnEdge(ref(source), ref(target), kind, kind not in ("IDENTITY", "TRANSFORMATION"))  # type: ignore[arg-type]


def asset(key: str, *edges: ColumnEdge, open_ends: tuple[OpenEnd, ...] = (), reads: str = "") -> AssetLineage:
    columns = (("a", "integer"), ("b", "integer"))
    return AssetLineage(AssetKey(key), columns, edges, open_ends, tuple(map(AssetKey, reads.split())))


@st.composite
def worlds(draw: st.DrawFn) -> list[AssetLineage]:
    made = []
    for at in range(draw(st.integers(1, 5))):
        names = [f"n{it}" for it in range(at)]
        reads = [name for name in names if draw(st.booleans())]
        edges, open_ends = [], []
        for name in reads:
            for source in ("a", "b"):
                for target in NAMES:
                    if draw(st.integers(0, 3)) == 0:
                        edges.append(edge(f"{name}.{source} > n{at}.{target}", draw(st.sampled_from(KINDS))))
            if draw(st.integers(0, 4)) == 0:
                source, target = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
                end = OpenEnd(ref(f"{name}.{source}"), ref(f"n{at}.{target}"), "?", draw(st.booleans()))
                open_ends.append(end)
        made.append(asset(f"n{at}", *edges, open_ends=tuple(open_ends), reads=" ".join(reads)))
    return made


Steps = list[tuple[ColumnRef, ColumnRef, int, object]]


def steps(world: list[AssetLineage], only: Only, down: bool) -> Steps:
    """Every single step that a walk may take, as (from, to, cost, what it notes)."""
    found: Steps = []
    for item in world:
        rows = ColumnRef(item.asset, WHOLE_RESULT)
        for column in ("a", "b"):
            one = ColumnRef(item.asset, column)
            found.append((rows, one, 0, None) if down else (one, rows, 0, None))
        for it in item.edges:
            if only.admits(it):
                found.append((it.source, it.target, 1, it) if down else (it.target, it.source, 1, it))
        for end in item.open_ends if only.indirect else [it for it in item.open_ends if not it.indirect]:
            cost = 1 if only.everything else 1_000
            starts = [end.target]
            if down:
                any_column = end.source.column == WHOLE_RESULT
                starts = [ColumnRef(end.source.asset, name) for name in NAMES] if any_column else [end.source]
            found += [(start, end.target if down else end.source, cost, end) for start in starts]
        for upstream in item.reads if only.everything else ():
            above = ColumnRef(upstream, WHOLE_RESULT)
            found.append((above, rows, 1, (upstream, item.asset)) if down else (rows, above, 1, (upstream, item.asset)))
    return found


def oracle(
    world: list[AssetLineage], start: ColumnRef, depth: int | None, only: Only, down: bool
) -> tuple[set[object], dict[ColumnRef, int]]:
    every = start.column == WHOLE_RESULT and not down
    best = {ColumnRef(start.asset, name): 0 for name in (NAMES if every else (start.column,))}
    limit = 1_000 if depth is None else depth
    taken: set[object] = set()
    all_steps = steps(world, only, down)
    for _ in range(2 * len(all_steps) + 1):
        for here, there, cost, note in all_steps:
            if best.get(here, limit) < limit:
                taken.add(note)
                if best[here] + cost <= min(limit, 999):
                    best[there] = min(best.get(there, 1_000), best[here] + cost)
    return taken - {None}, best


@given(
    worlds(),
    st.data(),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from([ALL_EDGES, Only(indirect=False), Only(frozenset({"IDENTITY", "FILTER"}))]),
    st.booleans(),
)
def test_walks_meet_what_the_oracle_meets(
    world: list[AssetLineage], data: st.DataObject, depth: int | None, only: Only, down: bool
) -> None:
    start = ColumnRef(data.draw(st.sampled_from(world)).asset, data.draw(st.sampled_from(NAMES)))
    graph = ColumnGraph(world)
    reach = (graph.downstream if down else graph.upstream)(start, depth, only)
    noted, distances = oracle(world, start, depth, only, down)
    assert {*reach.edges, *reach.open_ends, *reach.row_steps} == noted
    assert dict(reach.distances) == distances


def test_what_filters_rows_is_upstream_of_every_column_and_of_whoever_counts_them() -> None:
    graph = ColumnGraph(
        [
            asset("raw.o"),
            asset("stg.o", edge("raw.o.a > stg.o.a"), edge("raw.o.b > stg.o.*", "FILTER"), reads="raw.o"),
            asset("mart.n", reads="stg.o"),
        ]
    )
    assert edge("raw.o.b > stg.o.*", "FILTER") in graph.upstream(ref("mart.n.a")).edges
    assert graph.upstream(ref("mart.n.a")).row_steps[0] == ("stg.o", "mart.n")
    assert ref("mart.n.*") in graph.downstream(ref("raw.o.b")).distances
    assert ref("mart.n.*") not in graph.downstream(ref("raw.o.a")).distances
    assert graph.upstream(ref("stg.o.a"), only=Only(indirect=False)).edges == (edge("raw.o.a > stg.o.a"),)


def test_a_column_is_as_near_as_the_rows_of_its_asset() -> None:
    graph = ColumnGraph(
        [
            asset("s"),
            asset("far", edge("s.a > far.a"), reads="s"),
            asset("x", edge("s.a > x.a"), reads="s"),
            asset("y", edge("far.a > y.a"), reads="far"),
            asset("b", edge("y.a > b.a"), edge("x.a > b.*", "FILTER"), reads="y x"),
        ]
    )
    assert graph.downstream(ref("s.a")).distances[ref("b.a")] == 2


def test_a_chain_of_many_wide_assets_is_walked_in_linear_time() -> None:
    names = [f"c{at}" for at in range(20)]
    world = []
    for at in range(2_000):
        edges = [edge(f"n{at - 1}.{name} > n{at}.{name}") for name in names] if at else []
        rows = [edge(f"n{at - 1}.c0 > n{at}.*", "FILTER")] if at else []
        world.append(asset(f"n{at}", *edges, *rows, reads=f"n{at - 1}" if at else ""))
    graph = ColumnGraph(world)
    started = time.process_time()
    assert len(graph.upstream(ref("n1999.c7")).edges) == 3 * 1_999 - 1  # its own, c0's and the filter's
    assert len(graph.downstream(ref("n0.c0")).edges) == 21 * 1_999 - 19
    assert time.process_time() - started < 5


def lineage(sql: str, **schemas: dict[str, str]) -> AssetLineage:
    analysis = analyse_sql(sql, "duckdb", {name.replace("__", "."): of for name, of in schemas.items()})
    columns = None if analysis.outputs is None else tuple((it.name, it.type) for it in analysis.outputs)
    spelled = {"stg.o": {"id": "ID"}}
    return sql_lineage(
        AssetKey("mart.x"), analysis, columns, lambda up, name: spelled.get(up, {}).get(name.lower(), name.lower())
    )


def test_an_analysis_gives_edges_influences_and_the_spelling_of_the_upstream() -> None:
    found = lineage("select Id as Key from STG.O where AMOUNT > 1", stg__o={"id": "int", "amount": "int"})
    assert found.edges == (edge("stg.o.ID > mart.x.Key"), edge("stg.o.amount > mart.x.*", "FILTER"))
    assert (found.open_ends, found.reads) == ((), ("stg.o",))


@pytest.mark.parametrize(
    ("sql", "ends"),
    [
        ("select * from raw.unknown", ["raw.unknown.* > mart.x.*"]),
        ("select to_json(u) as j from raw.unknown as u", ["raw.unknown.* > mart.x.*"]),
        (
            "select u.*, o.id from raw.unknown u join stg.o o on o.id = u.id",
            ["raw.unknown.* > mart.x.*", "stg.o.ID > mart.x.*"],
        ),
        ("select a + 1 as b from raw.unknown", []),
    ],
)
def test_what_is_not_known_is_an_open_end(sql: str, ends: list[str]) -> None:
    found = lineage(sql, stg__o={"id": "int"})
    assert [
        f"{it.source.asset}.{it.source.column} > {it.target.asset}.{it.target.column}" for it in found.open_ends
    ] == ends


def test_an_asset_of_which_only_its_reads_are_known_is_open_for_each_of_them() -> None:
    key, up = AssetKey("mart.x"), AssetKey("stg.o")
    found = python_lineage(
        key, (("a", None),), [(up, ("id",), "?"), (AssetKey("raw.y"), None, "!")], lambda _, name: name
    )
    assert found.open_ends == (
        OpenEnd(ref("stg.o.id"), ref("mart.x.*"), "?"),
        OpenEnd(ref("raw.y.*"), ref("mart.x.*"), "!"),
    )
    graph = ColumnGraph([found])
    reach = graph.upstream(ref("mart.x.a"))
    assert (reach.edges, reach.open_ends) == ((), found.open_ends)
    assert graph.downstream(ref("raw.y.k")).open_ends == found.open_ends[1:]
    assert graph.downstream(ref("stg.o.other")).open_ends == ()


def test_what_the_data_has_beyond_the_analysis_may_come_from_all_that_is_read() -> None:
    analysis = analyse_sql("select a from n0 where b > 0", schema={"n0": {"a": "integer", "b": "integer"}})
    columns = (("a", "integer"), ("x", "integer"))
    found = sql_lineage(AssetKey("n1"), analysis, columns, lambda _, column: column)
    assert [end.target.column for end in found.open_ends] == ["x", "x"]
    assert {end.source.column for end in found.open_ends} == {"a", "b"}


@pytest.mark.parametrize("column", ["a", "*", '"*"', '"*', '*"', '""*""', "**", '"a"', '""'])
def test_every_column_has_a_name_of_its_own_beside_rows(column: str) -> None:
    assert node_name(column) != WHOLE_RESULT
    assert column_name(node_name(column)) == column
