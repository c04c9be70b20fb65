"""Where the boxes of a drawing stand and how its wires run: layers from left to right, few crossings, short wires.

The steps are those of Sugiyama, Tagawa and Toda (1981): a layer for each box by longest path, lanes through the layers
that a wire crosses, an order within each layer by barycentres, and places by least squares. Every step is about linear
in boxes and wires, and gives the same picture for the same input.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

GAP: Final = 28.0  # between boxes of one layer
_LANE: Final = 10.0  # the height of one wire in a lane
_SWEEPS: Final = 8
_MOST_LANES: Final = 20_000  # beyond, wires run straight through what is in their way


@dataclass(frozen=True, slots=True)
class Size:
    """What stands in the picture."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Link:
    """A wire: two things by position, and how far below their tops it leaves and enters."""

    source: int
    target: int
    leaves: float
    enters: float


@dataclass(frozen=True, slots=True)
class Place:
    """The left upper corner of a thing; all things of one layer are as wide as its widest."""

    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of the things, and for each link the (left, right, y) of the lanes that it runs through."""

    places: tuple[Place, ...]
    lanes: tuple[tuple[tuple[float, float, float], ...], ...]
    width: float
    height: float


@dataclass(slots=True)
class _Grid:
    """The layers while they are ordered: things and lanes as nodes, and how they are joined from layer to layer."""

    heights: list[float]
    layers: list[list[int]] = field(default_factory=list)
    lefts: list[dict[int, list[float]]] = field(default_factory=list)  # node -> left node -> [count, its y, own y]
    rights: list[dict[int, list[float]]] = field(default_factory=list)
    tops: list[float] = field(default_factory=list)
    things: int = 0

    def join(self, left: int, right: int, leaves: float, enters: float) -> None:
        """Note one wire between nodes of neighbouring layers."""
        for sums, own, other in (
            (self.lefts[right].setdefault(left, [0, 0, 0]), enters, leaves),
            (self.rights[left].setdefault(right, [0, 0, 0]), leaves, enters),
        ):
            sums[0] += 1
            sums[1] += other
            sums[2] += own

    def gap(self, above: int, below: int) -> float:
        """Return how far apart two nodes of a layer stand: lanes side by side are a bundle."""
        return 4.0 if above >= self.things and below >= self.things else GAP

    def wanted(self, node: int, sides: Sequence[list[dict[int, list[float]]]]) -> tuple[float, float]:
        """Return the top at which the wires of `node` would be level, and how many there are."""
        total = count = 0.0
        for side in sides:
            for other, (number, its, own) in side[node].items():
                total += number * self.tops[other] + its - own
                count += number
        return (total / count, count) if count else (self.tops[node], 0.0)


def place(sizes: Sequence[Size], links: Sequence[Link]) -> Layout:
    """Return where things stand and wires run. A link against the order of layers gets no lane."""
    ranks = _ranks(len(sizes), [(link.source, link.target) for link in links])
    grid, strips = _grid(sizes, links, ranks)
    _order(grid)
    for sides in ((grid.lefts,), (grid.rights,)) * 3 + ((grid.lefts, grid.rights),):
        layers = grid.layers if sides[0] is grid.lefts else [*reversed(grid.layers)]
        for layer in layers:
            _settle(grid, layer, sides)
    return _placed(sizes, links, ranks, grid, strips)


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return the layer of each thing: one more than the furthest that it follows. A cycle is cut at its first thing."""
    after: list[dict[int, None]] = [{} for _ in range(count)]
    before: list[dict[int, None]] = [{} for _ in range(count)]
    for source, target in pairs:
        if source != target:
            after[source][target] = None
            before[target][source] = None
    waiting = [len(found) for found in before]
    ready = [at for at in range(count) if not waiting[at]]
    left = dict.fromkeys(range(count))
    ranks = [0] * count
    while left:
        at = heapq.heappop(ready) if ready else next(iter(left))
        if at not in left:
            continue
        del left[at]
        for target in after[at]:
            if target in left:
                ranks[target] = max(ranks[target], ranks[at] + 1)
                waiting[target] -= 1
                if not waiting[target]:
                    heapq.heappush(ready, target)
    for at in range(count):  # what follows nothing stands beside its first reader, not far to the left of it
        if after[at] and not before[at]:
            ranks[at] = max(0, min(ranks[target] for target in after[at]) - 1)
    return ranks


def _grid(
    sizes: Sequence[Size], links: Sequence[Link], ranks: Sequence[int]
) -> tuple[_Grid, dict[tuple[int, int], tuple[int, dict[float, float]]]]:
    """Return the layers with lanes, and for (source, layer) the lane and the y of each wire in it.

    All wires of one source that cross a layer run through one lane there, side by side.
    """
    crossing: dict[tuple[int, int], dict[float, None]] = {}
    for link in links:
        for rank in range(ranks[link.source] + 1, ranks[link.target]):
            crossing.setdefault((link.source, rank), {})[link.leaves] = None
        if len(crossing) > _MOST_LANES:
            crossing = {}
            break
    heights = [size.height for size in sizes] + [_LANE * len(found) for found in crossing.values()]
    grid = _Grid(heights, things=len(sizes))
    grid.layers = [[] for _ in range(max(ranks, default=-1) + 1)]
    grid.lefts, grid.rights = [{} for _ in heights], [{} for _ in heights]
    for at, rank in enumerate(ranks):
        grid.layers[rank].append(at)
    strips = {}
    for node, ((source, rank), found) in enumerate(crossing.items(), len(sizes)):
        strips[source, rank] = node, {leaves: (at + 0.5) * _LANE for at, leaves in enumerate(sorted(found))}
        grid.layers[rank].append(node)
    for link in links:
        node, leaves = link.source, link.leaves
        for rank in range(ranks[link.source] + 1, ranks[link.target]):
            if (link.source, rank) in strips:
                lane, ys = strips[link.source, rank]
                grid.join(node, lane, leaves, ys[link.leaves])
                node, leaves = lane, ys[link.leaves]
        if ranks[link.target] > ranks[link.source]:
            grid.join(node, link.target, leaves, link.enters)
    grid.tops = [0.0] * len(heights)
    for layer in grid.layers:
        _stack(grid, layer)
    return grid, strips


def _stack(grid: _Grid, layer: Sequence[int]) -> None:
    """Put a layer's nodes below each other, the middle of all at 0."""
    y, above = 0.0, None
    for node in layer:
        y += 0.0 if above is None else grid.gap(above, node)
        grid.tops[node] = y
        y += grid.heights[node]
        above = node
    for node in layer:
        grid.tops[node] -= y / 2


def _order(grid: _Grid) -> None:
    """Sort each layer by where its wires want it, back and forth, and keep the order with the fewest crossings."""
    best, fewest = [[*layer] for layer in grid.layers], _crossings(grid)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for layer in grid.layers[1:] if forth else [*reversed(grid.layers[:-1])]:
            side = grid.lefts if forth else grid.rights
            middles = {node: grid.wanted(node, (side,))[0] + grid.heights[node] / 2 for node in layer}
            layer.sort(key=middles.__getitem__)
            _stack(grid, layer)
        crossings = _crossings(grid)
        if crossings < fewest:
            best, fewest = [[*layer] for layer in grid.layers], crossings
        if not fewest:
            break
    grid.layers = best
    for layer in grid.layers:
        _stack(grid, layer)


def _crossings(grid: _Grid) -> int:
    """Count the pairs of joined nodes that cross, layer by layer, with a Fenwick tree."""
    total = 0
    for left, right in zip(grid.layers, grid.layers[1:], strict=False):
        position = {node: at for at, node in enumerate(right, 1)}
        tree = [0] * (len(right) + 1)
        seen = 0
        for node in left:
            ends = [position[other] for other in grid.rights[node] if other in position]
            for end in ends:
                at, before = end, 0
                while at:
                    before += tree[at]
                    at -= at & -at
                total += seen - before
            for end in ends:
                at = end
                while at < len(tree):
                    tree[at] += 1
                    at += at & -at
            seen += len(ends)
    return total


def _settle(grid: _Grid, layer: Sequence[int], sides: Sequence[list[dict[int, list[float]]]]) -> None:
    """Move a layer's nodes as near as possible to where their wires are level, in order and without overlap.

    Least squares under an order is isotonic regression; pooling adjacent violators solves it in one pass.
    """
    blocks: list[list[float]] = []  # [weighted sum, weight, nodes]
    offsets = []
    offset, above = 0.0, None
    for node in layer:
        offset += 0.0 if above is None else grid.heights[above] + grid.gap(above, node)
        offsets.append(offset)
        wanted, count = grid.wanted(node, sides)
        weight = count or 0.01
        blocks.append([(wanted - offset) * weight, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
        above = node
    at = 0
    for total, weight, nodes in blocks:
        for _ in range(int(nodes)):
            grid.tops[layer[at]] = total / weight + offsets[at]
            at += 1


def _placed(
    sizes: Sequence[Size],
    links: Sequence[Link],
    ranks: Sequence[int],
    grid: _Grid,
    strips: dict[tuple[int, int], tuple[int, dict[float, float]]],
) -> Layout:
    """Turn layers into coordinates, from 0 on."""
    top = min(grid.tops, default=0.0)
    wires = [0] * (len(grid.layers) + 1)
    for layer, nodes in enumerate(grid.layers):
        wires[layer] = sum(len(grid.rights[node]) for node in nodes)
    lefts, widths, x = [], [], 0.0
    for layer, nodes in enumerate(grid.layers):
        widths.append(max((sizes[node].width for node in nodes if node < len(sizes)), default=0.0))
        lefts.append(x)
        x += widths[-1] + max(96.0, min(220.0, 72.0 + 6.0 * wires[layer]))
    right = lefts[-1] + widths[-1] if lefts else 0.0
    bottom = max((grid.tops[at] + grid.heights[at] for at in range(len(grid.heights))), default=0.0)
    places = tuple(Place(lefts[rank], grid.tops[at] - top, widths[rank]) for at, rank in enumerate(ranks))
    lanes = []
    for link in links:
        through = []
        for rank in range(ranks[link.source] + 1, ranks[link.target]):
            if (link.source, rank) in strips:
                lane, ys = strips[link.source, rank]
                through.append((lefts[rank], lefts[rank] + widths[rank], grid.tops[lane] + ys[link.leaves] - top))
        lanes.append(tuple(through))
    return Layout(places, tuple(lanes), right, bottom - top)
