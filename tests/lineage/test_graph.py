"""The graph of assets, against networkx and by its own promises."""

from __future__ import annotations

import itertools

import networkx
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph, build_graph

KEYS = [AssetKey(f"a{number}") for number in range(9)]
ANY_EDGES = st.dictionaries(st.sampled_from(KEYS), st.lists(st.sampled_from(KEYS), max_size=3).map(tuple))
DOWN_EDGES = st.fixed_dictionaries(
    {
        key: st.lists(st.sampled_from(KEYS[:number] or [AssetKey("nobody")]), max_size=4).map(tuple)
        for number, key in enumerate(KEYS)
    }
)


def oracle(upstream, checks=None) -> networkx.DiGraph:
    graph = networkx.DiGraph()
    graph.add_nodes_from(upstream)
    for edges in (upstream, checks or {}):
        graph.add_edges_from((up, key) for key, found in edges.items() for up in found if up in upstream)
    return graph


@given(DOWN_EDGES, st.sets(st.sampled_from(KEYS), min_size=1), st.none() | st.integers(0, 4))
def test_ancestors_and_descendants_are_those_of_networkx(upstream, keys, depth):
    graph = build_graph(upstream, {})
    assert isinstance(graph, AssetGraph)
    known = oracle(upstream)
    for found, directed in ((graph.ancestors(keys, depth), known.reverse()), (graph.descendants(keys, depth), known)):
        reached = [networkx.single_source_shortest_path_length(directed, key, depth) for key in keys]
        assert found == {key for one in reached for key in one}


@given(DOWN_EDGES, DOWN_EDGES)
def test_the_order_puts_everything_after_what_it_needs_with_ties_by_name(upstream, checks):
    graph = build_graph(upstream, checks)
    assert isinstance(graph, AssetGraph)
    assert list(graph.order) == list(networkx.lexicographical_topological_sort(oracle(upstream, checks)))
    place = {key: number for number, key in enumerate(graph.order)}
    assert all(place[up] < place[key] for key in graph.order for up in graph.before(key))


@given(DOWN_EDGES, DOWN_EDGES)
def test_edges_are_sorted_known_and_told_once(upstream, checks):
    graph = build_graph(upstream, checks)
    assert isinstance(graph, AssetGraph)
    for key in upstream:
        assert graph.upstream[key] == tuple(sorted({up for up in upstream[key] if up in upstream}))
        assert not set(graph.upstream[key]) & set(graph.check_upstream.get(key, ()))
        assert len(set(graph.before(key))) == len(graph.before(key))
        assert all(key in graph.downstream[up] for up in graph.upstream[key])
    assert sum(map(len, graph.downstream.values())) == sum(map(len, graph.upstream.values()))


@given(ANY_EDGES)
def test_a_cycle_is_found_where_there_is_one_and_is_a_shortest_one(upstream):
    found = build_graph(upstream, {})
    known = oracle(upstream)
    assert isinstance(found, AssetGraph) == networkx.is_directed_acyclic_graph(known)
    if isinstance(found, AssetGraph):
        return
    assert found[0] == found[-1]
    assert len(set(found)) == len(found) - 1
    assert all(up in upstream[key] for up, key in itertools.pairwise(found))
    through = [
        networkx.shortest_path_length(known, key, found[0]) + 1
        for _, key in known.out_edges(found[0])
        if networkx.has_path(known, key, found[0])
    ]
    assert len(found) - 1 == min(through)
    assert found == build_graph(dict(reversed(upstream.items())), {})


def test_a_cycle_through_a_check_is_one():
    a, b = KEYS[:2]
    assert build_graph({a: (), b: (a,)}, {a: (b,)}) == (a, b, a)


def test_what_a_check_reads_of_its_own_asset_or_of_an_upstream_is_no_further_edge():
    a, b = KEYS[:2]
    graph = build_graph({a: (), b: (a,)}, {b: (a, b, AssetKey("nobody"))})
    assert isinstance(graph, AssetGraph)
    assert graph.before(b) == (a,)


def test_depth_has_no_limit():
    keys = [AssetKey(f"k{number:05}") for number in range(5000)]
    upstream = {key: (keys[number - 1],) if number else () for number, key in enumerate(keys)}
    graph = build_graph(upstream, {})
    assert isinstance(graph, AssetGraph)
    assert list(graph.order) == keys
    assert len(graph.ancestors([keys[-1]])) == len(graph.descendants([keys[0]])) == 5000
    cycle = build_graph({**upstream, keys[0]: (keys[-1],)}, {})
    assert cycle == (*keys, keys[0])
