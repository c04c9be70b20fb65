"""From what is known of one asset, an analysis or the columns that were taken, to its edges in the column graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import WHOLE_RESULT, AssetLineage, ColumnEdge, ColumnRef, OpenEnd
from headwater.lineage.schema import SchemaColumns
from headwater.lineage.sql.analysis import Analysis

Spelled = Callable[[AssetKey, str], str]  # (asset, column in any case) to the column as its asset spells it
Taken = tuple[AssetKey, tuple[str, ...] | None, str]  # upstream, columns or None for all, why nobody knows more


def sql_lineage(key: AssetKey, analysis: Analysis, columns: SchemaColumns | None, spelled: Spelled) -> AssetLineage:
    """Return the edges of a query. `columns` are its outputs by position, where the analysis knows any.

    Influences lead to the rows. A read of all columns has a reason that says what could not be followed, so it is an
    open end, beside the edges that are known; and where not even the outputs are known, so is every read.
    """
    edges: dict[ColumnEdge, None] = {}
    outputs = () if analysis.outputs is None or columns is None else zip(columns, analysis.outputs, strict=True)
    for (name, _), output in outputs:
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
    open_: dict[OpenEnd, None] = {}
    for read in analysis.reads:
        upstream = AssetKey(read.table.lower())
        if read.columns is None:
            open_[OpenEnd(ColumnRef(upstream, WHOLE_RESULT), rows, read.reason or "it reads all columns")] = None
        elif analysis.outputs is None:
            reason = "the output columns are not known before it is built"
            open_.update((end, None) for end in _open(key, rows, (upstream, read.columns, reason), spelled))
    reads = dict.fromkeys(AssetKey(read.table.lower()) for read in analysis.reads)
    return AssetLineage(key, columns, tuple(edges), tuple(open_), tuple(reads))


def opaque_lineage(
    key: AssetKey, columns: SchemaColumns | None, taken: Iterable[Taken], spelled: Spelled
) -> AssetLineage:
    """Return the lineage of an asset of which only is known what it took: each of that is an open end."""
    taken = tuple(taken)
    rows = ColumnRef(key, WHOLE_RESULT)
    ends = [end for item in taken for end in _open(key, rows, item, spelled)]
    return AssetLineage(key, columns, (), tuple(dict.fromkeys(ends)), tuple(dict.fromkeys(up for up, _, _ in taken)))


def _open(key: AssetKey, target: ColumnRef, taken: Taken, spelled: Spelled) -> list[OpenEnd]:
    upstream, columns, reason = taken
    names = (WHOLE_RESULT,) if columns is None else tuple(spelled(upstream, name) for name in columns)
    return [OpenEnd(ColumnRef(upstream, name), target, reason) for name in names]
