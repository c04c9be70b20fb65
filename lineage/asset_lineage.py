"""From what is known of one asset, an analysis or the columns that were taken, to its edges in the column graph."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import replace

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import WHOLE_RESULT, AssetLineage, ColumnEdge, ColumnRef, OpenEnd
from headwater.lineage.recorded_lineage import RecordedLineage, RecordedSource
from headwater.lineage.schema import SchemaColumns
from headwater.lineage.sql.analysis import Analysis

_DIRECT = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
_RECURSIVE = "recursive"  # a recursive query whose columns are not known has no edges that could be trusted
_BEYOND = "the data has this column, and the analysis of the query does not"
_CHOSE = "a Python function may have chosen rows by it"
Spelled = Callable[[AssetKey, str], str]  # (asset, column in any case) to the column as its asset spells it
Declared = tuple[tuple[str, tuple[tuple[AssetKey, str], ...]], ...]  # column to (input, column) that it is made from
Taken = tuple[AssetKey, tuple[str, ...] | None, str]  # upstream, columns or None for all, why nobody knows more


def sql_lineage(
    key: AssetKey,
    analysis: Analysis,
    columns: SchemaColumns | None,
    spelled: Spelled,
    known: Container[AssetKey] = (),
) -> AssetLineage:
    """Return the edges of a query. `columns` are its outputs by position, where the analysis knows any.

    Columns beyond these are what the data has and the analysis does not: all that is read may have made them.

    Influences lead to the rows. A read of all columns has a reason that says what could not be followed, so it is an
    open end, beside the edges that are known; and where not even the outputs are known, so is every read. Of an
    upstream whose columns are `known`, a value that is read whole has an edge from each: only what else that decides
    is open.
    """
    edges: dict[ColumnEdge, None] = {}
    outputs, named = analysis.outputs or (), columns or ()
    beyond = () if analysis.outputs is None else named[len(outputs) :]
    for (name, _), output in zip(named, outputs, strict=False):
        target = ColumnRef(key, name)
        for it in output.sources:
            upstream = AssetKey(it.table.lower())
            source = ColumnRef(upstream, spelled(upstream, it.column))
            edges[ColumnEdge(source, target, it.transformation, it.indirect, it.masking)] = None
    rows = ColumnRef(key, WHOLE_RESULT)
    for influence in analysis.influences:
        upstream = AssetKey(influence.table.lower())
        source = ColumnRef(upstream, spelled(upstream, influence.column))
        edges[ColumnEdge(source, rows, influence.transformation, indirect=True)] = None
    for table, column in analysis.spreads:
        upstream = AssetKey(table.lower())
        edges[ColumnEdge(ColumnRef(upstream, spelled(upstream, column)), rows, "JOIN", indirect=True)] = None
    open_: dict[OpenEnd, None] = {}
    for read in analysis.reads:
        upstream = AssetKey(read.table.lower())
        if read.columns is None:
            reason = read.reason or "it reads all columns"
            listed = upstream in known and analysis.outputs is not None and not analysis.problems
            decides_only = listed and _RECURSIVE not in reason
            open_[OpenEnd(ColumnRef(upstream, WHOLE_RESULT), rows, reason, indirect=decides_only)] = None
        elif analysis.outputs is None:
            reason = "the output columns are not known before it is built"
            open_.update((end, None) for end in _open(key, rows, (upstream, read.columns, reason), spelled))
        for name, _ in beyond:
            target = ColumnRef(key, name)
            open_.update((end, None) for end in _open(key, target, (upstream, read.columns, _BEYOND), spelled))
    reads = dict.fromkeys(AssetKey(read.table.lower()) for read in analysis.reads)
    return AssetLineage(key, columns, tuple(edges), tuple(open_), tuple(reads))


def python_lineage(
    key: AssetKey,
    columns: SchemaColumns | None,
    taken: Iterable[Taken],
    spelled: Spelled,
    recorded: RecordedLineage | None = None,
    declared: Declared = (),
) -> AssetLineage:
    """Return the lineage of a Python asset: what was proven of its version, then what its author says, else open ends.

    `recorded` goes with `columns` by position. Whatever was taken may have decided about the rows, unless it is proven
    that nothing else did: those open ends are indirect.
    """
    taken = tuple(taken)
    edges: dict[ColumnEdge, None] = {}
    open_: dict[OpenEnd, None] = {}
    known = dict(zip((name for name, _ in columns or ()), recorded.columns, strict=True)) if recorded else {}
    said = dict(declared)
    if columns is not None:  # what is declared about other columns is no column
        names = {name.lower(): name for name, _ in columns}
        said = {names[name.lower()]: of for name, of in declared if name.lower() in names}
    for name in (*(name for name, _ in columns or ()), *(name for name in said if columns is None)):
        target, sources = ColumnRef(key, name), known.get(name)
        if sources is not None:
            edges.update((_edge(it, target, spelled), None) for it in sources)
        elif name in said:
            origins = (ColumnRef(up, spelled(up, column)) for up, column in said[name])
            edges.update((ColumnEdge(it, target, "TRANSFORMATION", declared=True), None) for it in origins)
        else:
            open_.update((end, None) for item in taken for end in _open(key, target, item, spelled))
    rows = ColumnRef(key, WHOLE_RESULT)
    if columns is None or not (known or said):
        open_ = {end: None for item in taken for end in _open(key, rows, item, spelled)}
    elif recorded is not None and recorded.complete:
        edges.update((_edge(it, rows, spelled), None) for it in recorded.rows)
    else:
        edges.update((_edge(it, rows, spelled), None) for it in (recorded.rows if recorded else ()))
        ends = (end for item in taken for end in _open(key, rows, item, spelled))
        open_.update((replace(end, reason=_CHOSE, indirect=True), None) for end in ends)
    return AssetLineage(key, columns, tuple(edges), tuple(open_), tuple(dict.fromkeys(up for up, _, _ in taken)))


def _edge(source: RecordedSource, target: ColumnRef, spelled: Spelled) -> ColumnEdge:
    indirect = source.transformation not in _DIRECT
    origin = ColumnRef(source.asset, spelled(source.asset, source.column))
    return ColumnEdge(origin, target, source.transformation, indirect, source.masking)


def _open(key: AssetKey, target: ColumnRef, taken: Taken, spelled: Spelled) -> list[OpenEnd]:
    upstream, columns, reason = taken
    names = (WHOLE_RESULT,) if columns is None else tuple(spelled(upstream, name) for name in columns)
    return [OpenEnd(ColumnRef(upstream, name), target, reason) for name in names]
