"""Column lineage of a whole project: which column is made from which, across assets.

Nodes are columns, and for each asset its rows, written as the column `*`: what shapes the rows (a filter, a join)
shapes every column, and whoever reads an asset depends on its rows. Pure; every question is one breadth-first walk,
without recursion, that looks at each edge at most twice. Assets read each other without a cycle, so columns do too.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headwater.assets.key import AssetKey

if TYPE_CHECKING:
    from headwater.lineage.sql.analysis import Transformation

WHOLE_RESULT: Final = "*"  # stands for every column of an asset: what shapes its rows shapes them all
_STARS: Final = re.compile(r'"*\*"*')


def node_name(column: str) -> str:
    """Return what a column is called in the graph: its name, but one that is called `*` is `"*"`, as rows are `*`."""
    return f'"{column}"' if _STARS.fullmatch(column) else column


def column_name(node: str) -> str:
    """Return the name of the column that `node_name` gave, as its asset has it."""
    return node[1:-1] if node != WHOLE_RESULT and _STARS.fullmatch(node) else node


@dataclass(frozen=True, slots=True, order=True)
class ColumnRef:
    """One column of one asset, by its `node_name`; the column is `WHOLE_RESULT` where rows are meant."""

    asset: AssetKey
    column: str


@dataclass(frozen=True, slots=True, order=True)
class ColumnEdge:
    """`target` is made from `source`, or shaped by it: indirect ones are conditions, window keys, filters and joins.

    `declared` ones are what an author says of Python code; all others follow from a query.
    """

    source: ColumnRef
    target: ColumnRef
    transformation: Transformation
    indirect: bool = False
    masking: bool = False
    declared: bool = False


@dataclass(frozen=True, slots=True, order=True)
class OpenEnd:
    """`target` may be made from `source`, in a way that nobody knows; `reason` is a sentence that says why.

    Either column may be `WHOLE_RESULT`: any column of that asset. With `indirect`, no value passes for certain: only
    which rows there are, or which value is taken, may follow from it.
    """

    source: ColumnRef
    target: ColumnRef
    reason: str
    indirect: bool = False


@dataclass(frozen=True, slots=True)
class AssetLineage:
    """What is known of how one asset is made: edges and open ends that lead into it, and the assets that it reads.

    `columns` are (name in the graph, type or None) in order; None where they are not known.
    """

    asset: AssetKey
    columns: tuple[tuple[str, str | None], ...] | None
    edges: tuple[ColumnEdge, ...] = ()
    open_ends: tuple[OpenEnd, ...] = ()
    reads: tuple[AssetKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """What a walk met, nearest first: edges, steps from rows to rows as (upstream, downstream), and open ends.

    `distances` has every node met with its distance from the start in assets. The answer is complete only where
    `open_ends` is empty; a walk goes on beyond them unless it was restricted to some kinds of edges.
    """

    edges: tuple[ColumnEdge, ...]
    row_steps: tuple[tuple[AssetKey, AssetKey], ...]
    open_ends: tuple[OpenEnd, ...]
    distances: Mapping[ColumnRef, int]

    @property
    def assets(self) -> frozenset[AssetKey]:
        """Every asset that was met."""
        return frozenset(ref.asset for ref in self.distances)


@dataclass(frozen=True, slots=True)
class Only:
    """Which edges a walk follows: of these `kinds` (None: all), and `indirect` ones or not."""

    kinds: Collection[str] | None = None
    indirect: bool = True

    @property
    def everything(self) -> bool:
        """True where nothing is left out: then rows and open ends are followed too."""
        return self.kinds is None and self.indirect

    def admits(self, edge: ColumnEdge) -> bool:
        """Return whether a walk follows `edge`."""
        return (self.indirect or not edge.indirect) and (self.kinds is None or edge.transformation in self.kinds)


ALL_EDGES: Final = Only()
_Step = tuple[ColumnRef, int]


class ColumnGraph:
    """The edges of many assets, by both of their ends. Names of columns are compared exactly: spell them alike."""

    def __init__(self, assets: Iterable[AssetLineage]) -> None:
        self.assets: dict[AssetKey, AssetLineage] = {}
        self._into: dict[ColumnRef, list[ColumnEdge]] = {}
        self._out_of: dict[ColumnRef, list[ColumnEdge]] = {}
        self._open_into: dict[ColumnRef, list[OpenEnd]] = {}
        self._open_out_of: dict[ColumnRef, list[OpenEnd]] = {}
        self._columns: dict[AssetKey, dict[str, None]] = {}
        self._readers: dict[AssetKey, list[AssetKey]] = {}
        for item in assets:
            self.assets[item.asset] = item
            self._columns[item.asset] = dict.fromkeys(name for name, _ in item.columns or ())
        for item in self.assets.values():
            for edge in item.edges:
                self._into.setdefault(edge.target, []).append(edge)
                self._out_of.setdefault(edge.source, []).append(edge)
            for end in item.open_ends:
                self._open_into.setdefault(end.target, []).append(end)
                self._open_out_of.setdefault(end.source, []).append(end)
            for upstream in item.reads:
                self._readers.setdefault(upstream, []).append(item.asset)
            pairs = [(it.source, it.target) for it in item.edges] + [(it.source, it.target) for it in item.open_ends]
            for ref in (ref for pair in pairs for ref in pair if ref.column != WHOLE_RESULT):
                self._columns.setdefault(ref.asset, {}).setdefault(ref.column)

    def columns(self, asset: AssetKey) -> tuple[str, ...]:
        """Return the columns of `asset`: the known ones in order, then those that are only known by their edges."""
        return tuple(self._columns.get(asset, ()))

    def into(self, ref: ColumnRef) -> tuple[ColumnEdge, ...]:
        """Return the edges that lead into one column, or with `WHOLE_RESULT` into the rows."""
        return tuple(self._into.get(ref, ()))

    def out_of(self, ref: ColumnRef) -> tuple[ColumnEdge, ...]:
        """Return the edges that lead out of one column."""
        return tuple(self._out_of.get(ref, ()))

    def open_out_of(self, ref: ColumnRef) -> tuple[OpenEnd, ...]:
        """Return the open ends that one column may lead to, those of any column of its asset among them."""
        rows = ColumnRef(ref.asset, WHOLE_RESULT)
        return (*self._open_out_of.get(ref, ()), *(self._open_out_of.get(rows, ()) if ref != rows else ()))

    def open_into(self, ref: ColumnRef) -> tuple[OpenEnd, ...]:
        """Return the open ends of one column, or with `WHOLE_RESULT` those of any column of the asset."""
        return tuple(self._open_into.get(ref, ()))

    def upstream(self, start: ColumnRef, depth: int | None = None, only: Only = ALL_EDGES) -> Reach:
        """Return all that `start` is made from and shaped by, at most `depth` assets away.

        With `WHOLE_RESULT`, what any column of the asset is made from.
        """
        walk = _Walk(depth, only)
        walk.meet(start, 0)
        for name in self.columns(start.asset) if start.column == WHOLE_RESULT else ():
            walk.meet(ColumnRef(start.asset, name), 0)
        for ref, distance in walk.steps():
            for edge in self._into.get(ref, ()):
                walk.follow(edge, edge.source, distance)
            for end in self._open_into.get(ref, ()):
                walk.follow_open(end, end.source, distance)
            if ref.column != WHOLE_RESULT:
                walk.meet(ColumnRef(ref.asset, WHOLE_RESULT), distance)
                continue
            known = self.assets.get(ref.asset)
            for upstream in known.reads if known is not None else ():
                walk.follow_rows(upstream, ref.asset, ColumnRef(upstream, WHOLE_RESULT), distance)
        return walk.reach()

    def downstream(self, start: ColumnRef, depth: int | None = None, only: Only = ALL_EDGES) -> Reach:
        """Return all that is made from `start` or shaped by it, at most `depth` assets away.

        With `WHOLE_RESULT`, what is made from any column of the asset, or from its rows.
        """
        walk = _Walk(depth, only)
        walk.meet(start, 0)
        of_any: set[AssetKey] = set()  # where the open ends of any column were looked at
        for ref, distance in walk.steps():
            for edge in self._out_of.get(ref, ()):
                walk.follow(edge, edge.target, distance)
            for end in self._open_out_of.get(ref, ()):
                walk.follow_open(end, end.target, distance)
            if ref.column != WHOLE_RESULT:
                if ref.asset not in of_any:
                    of_any.add(ref.asset)
                    for end in self._open_out_of.get(ColumnRef(ref.asset, WHOLE_RESULT), ()):
                        walk.follow_open(end, end.target, distance)
                continue
            for name in self.columns(ref.asset):
                walk.meet(ColumnRef(ref.asset, name), distance)
            for reader in self._readers.get(ref.asset, ()):
                walk.follow_rows(ref.asset, reader, ColumnRef(reader, WHOLE_RESULT), distance)
        return walk.reach()


class _Walk:
    """One breadth-first walk: what waits, and what was met. Steps within an asset cost no distance."""

    def __init__(self, depth: int | None, only: Only) -> None:
        self._depth = depth
        self._only = only
        self._waiting: deque[_Step] = deque()
        self._met: dict[ColumnRef, int] = {}
        self._edges: dict[ColumnEdge, None] = {}
        self._rows: dict[tuple[AssetKey, AssetKey], None] = {}
        self._open: dict[OpenEnd, None] = {}
        self._now = 0

    def meet(self, ref: ColumnRef, distance: int) -> None:
        """Let `ref` wait for its turn, unless it was met before and as near."""
        if self._met.get(ref, distance + 1) > distance:
            self._met[ref] = distance
            if distance == self._now:
                self._waiting.appendleft((ref, distance))
            else:
                self._waiting.append((ref, distance))

    def steps(self) -> Iterator[_Step]:
        """Yield what was met and is not as far away as the walk may go, nearest first."""
        while self._waiting:
            ref, self._now = self._waiting.popleft()
            if self._met[ref] == self._now and (self._depth is None or self._now < self._depth):
                yield ref, self._now

    def follow(self, edge: ColumnEdge, to: ColumnRef, distance: int) -> None:
        """Note an edge and meet its other end, where the walk admits it."""
        if self._only.admits(edge):
            self._edges[edge] = None
            self.meet(to, distance + 1)

    def follow_open(self, end: OpenEnd, to: ColumnRef, distance: int) -> None:
        """Note an open end, unless only values count and none passes; go on only where the walk follows everything."""
        if end.indirect and not self._only.indirect:
            return
        self._open[end] = None
        if self._only.everything:
            self.meet(to, distance + 1)

    def follow_rows(self, upstream: AssetKey, downstream: AssetKey, to: ColumnRef, distance: int) -> None:
        """Note that the rows of one asset shape those of another, where the walk is restricted to nothing."""
        if self._only.everything:
            self._rows[upstream, downstream] = None
            self.meet(to, distance + 1)

    def reach(self) -> Reach:
        """Return what was met."""
        return Reach(tuple(self._edges), tuple(self._rows), tuple(self._open), dict(self._met))
