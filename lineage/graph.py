"""AssetGraph: what reads what, in an order in which it can be built. Immutable; no recursion, so depth has no limit."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from headwater.assets.key import AssetKey

Edges = Mapping[AssetKey, tuple[AssetKey, ...]]


@dataclass(frozen=True, slots=True)
class AssetGraph:
    """`upstream` maps every asset to what it reads, `check_upstream` to what only its checks read; both sorted."""

    upstream: Edges
    check_upstream: Edges
    downstream: Edges
    order: tuple[AssetKey, ...] = field(repr=False)  # topological, ties by name

    def before(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """Return everything that must be up to date before `key` can be judged: reads, then what its checks read."""
        return self.upstream[key] + self.check_upstream.get(key, ())

    def generations(self) -> Iterator[list[AssetKey]]:
        """Yield the assets in groups, each of which reads only groups before it; within one in build order."""
        depth: dict[AssetKey, int] = {}
        groups: list[list[AssetKey]] = []
        for key in self.order:
            above = self.upstream[key] + self.check_upstream.get(key, ())
            depth[key] = at = max((depth[up] + 1 for up in above), default=0)
            if at == len(groups):
                groups.append([])
            groups[at].append(key)
        yield from groups

    def ancestors(self, keys: Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """Return `keys` and all they read, at most `depth` steps up."""
        return _reach(keys, self.upstream, depth)

    def descendants(self, keys: Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """Return `keys` and all that reads them, at most `depth` steps down."""
        return _reach(keys, self.downstream, depth)


def build_graph(upstream: Edges, check_upstream: Edges) -> AssetGraph | tuple[AssetKey, ...]:
    """Return the graph, or a cycle as a path whose last element is its first. Edges to unknown assets are dropped."""
    names = {key: key for key in upstream}  # one object for each name, however often it is read
    known = {key: tuple(sorted({names[u] for u in found if u in names})) for key, found in upstream.items()}
    checks = {
        key: tuple(sorted({names[u] for u in found if u in names and u not in known[key] and u != key}))
        for key, found in check_upstream.items()
        if found
    }
    downstream: dict[AssetKey, list[AssetKey]] = {key: [] for key in known}
    waiting: dict[AssetKey, int] = {}
    after: dict[AssetKey, list[AssetKey]] = {key: [] for key in known}
    for key, reads in known.items():
        for read in reads:
            downstream[read].append(key)
        before = reads + checks.get(key, ())
        waiting[key] = len(before)
        for read in before:
            after[read].append(key)
    ready = [key for key, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    order: list[AssetKey] = []
    while ready:
        key = heapq.heappop(ready)
        order.append(key)
        for reader in after[key]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) < len(known):
        return _cycle({key: known[key] + checks.get(key, ()) for key in known if waiting[key] > 0})
    below = {key: tuple(sorted(readers)) for key, readers in downstream.items()}
    return AssetGraph(known, checks, below, tuple(order))


def _cycle(edges: Edges) -> tuple[AssetKey, ...]:
    """Return one shortest cycle, in the direction data moves, starting at its first asset by name."""
    import networkx  # 350 ms to import, needed only to explain an error

    graph = networkx.DiGraph((up, key) for key, found in edges.items() for up in found if up in edges)
    alone = [key for key in edges if graph.has_edge(key, key)]
    if alone:
        return (min(alone), min(alone))
    components = [c for c in networkx.strongly_connected_components(graph) if len(c) > 1]
    nodes = min(components, key=lambda c: (len(c), min(c)))
    start = min(nodes)
    inside = networkx.DiGraph(sorted(edge for edge in graph.edges if nodes.issuperset(edge)))  # in one order, always
    back = min(
        (p for p in inside.predecessors(start)), key=lambda p: (networkx.shortest_path_length(inside, start, p), p)
    )
    return (*networkx.shortest_path(inside, start, back), start)


def _reach(keys: Iterable[AssetKey], edges: Edges, depth: int | None) -> frozenset[AssetKey]:
    seen = set(keys)
    front = set(seen)
    steps = 0
    while front and (depth is None or steps < depth):
        front = {neighbour for key in front for neighbour in edges[key]} - seen
        seen |= front
        steps += 1
    return frozenset(seen)
