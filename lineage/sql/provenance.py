"""Column lineage: the closure of the dependency graph over the ways in which values pass through."""

from __future__ import annotations

from functools import cache

from headwater.lineage.sql.model import COMPOSE, IDENTITY, LOOK, Column, Edge, Everything, Relation

Sources = dict[Column, int]  # leaf column -> bit set of value kinds


def provenance(column: Column) -> Sources:
    """Return the table columns that `column` is made from, each with the ways it takes.

    Linear in the graph where it has no cycle; recursive CTEs are iterated to their fixpoint.
    """
    if column.provenance is None and not _settled_leaf(column):
        if all(type(target) is Column and target.leaf is not None for target, _ in column.edges):
            column.provenance = _sources_of(column)  # as most are
        else:
            _close(*_order(column))
    assert column.provenance is not None
    return column.provenance


def _settled_leaf(column: Column) -> bool:
    """Whether a column belongs to a table reference: then it is made from itself alone, which is noted at once."""
    if column.leaf is None:
        return False
    column.provenance = {column: 1 << IDENTITY}
    return True


def edge_sources(edges: list[Edge]) -> Sources:
    """Return the table columns behind a list of edges."""
    result: Sources = {}
    for target, kind in edges:
        _merge(result, _behind(target), kind)
    return result


def _order(root: Column) -> tuple[list[Column], bool]:
    """Columns without provenance below `root`, children first, and whether there is a cycle among them."""
    order: list[Column] = []
    state: dict[Column, int] = {}
    stack: list[tuple[Column, bool]] = [(root, False)]
    cyclic = False
    while stack:
        column, done = stack.pop()
        if done:
            state[column] = 2
            order.append(column)
            continue
        if column in state:
            continue
        state[column] = 1
        stack.append((column, True))
        for target, kind in column.edges:
            if kind >= LOOK:
                continue
            for below in _columns_of(target):
                if below.provenance is None and not _settled_leaf(below):
                    if state.get(below) == 1:
                        cyclic = True
                    elif below not in state:
                        stack.append((below, False))
    return order, cyclic


def _close(order: list[Column], cyclic: bool) -> None:
    for column in order:
        column.provenance = {}
    changed = True
    while changed:
        changed = False
        for column in order:
            before = column.provenance
            column.provenance = _sources_of(column)
            changed = changed or (cyclic and column.provenance != before)


def _sources_of(column: Column) -> Sources:
    edges = column.edges
    if len(edges) == 1 and edges[0][1] == IDENTITY and isinstance(edges[0][0], Column):
        _settled_leaf(edges[0][0])
        return edges[0][0].provenance or {}
    return edge_sources(edges)


def _behind(target: object) -> Sources:
    if isinstance(target, Column):
        return provenance(target) if target.provenance is None else target.provenance
    result: Sources = {}
    for column in _columns_of(target):
        _merge(result, provenance(column) if column.provenance is None else column.provenance, IDENTITY)
    return result


def _columns_of(target: object) -> list[Column]:
    if isinstance(target, Column):
        return [target]
    if isinstance(target, Everything):
        return _everything(target.relation)
    return []


def _everything(relation: Relation) -> list[Column]:
    columns = list(relation.listed())
    for gap in relation.gaps:
        columns += _everything(gap.relation)
    for target, kind in relation.source:
        if kind < LOOK:
            columns += _columns_of(target)
    return columns


def _merge(into: Sources, sources: Sources, kind: int) -> None:
    if kind >= LOOK:
        return
    if kind == IDENTITY and not into:
        into.update(sources)
        return
    for leaf, bits in sources.items():
        into[leaf] = into.get(leaf, 0) | _lift(kind if kind < 10 else IDENTITY, bits)


@cache
def _lift(kind: int, bits: int) -> int:
    row = COMPOSE[kind]
    return sum({1 << row[inner] for inner in range(10) if bits >> inner & 1})


@cache
def kinds_of(bits: int) -> tuple[tuple[int, bool], ...]:
    """Return the value kinds in a bit set, each with whether the value is masked."""
    return tuple([(inner % 5, inner >= 5) for inner in range(10) if bits >> inner & 1])
