"""What can be proven about the columns that a Python function returned, without looking into the function.

SQL text and relations of the engine are queries, and are analysed as such. A column of an Arrow table that is the very
memory of a column that a handle gave is that column. Of anything else nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from headwater.assets.key import AssetKey
from headwater.lineage.fingerprint import column_set_key
from headwater.lineage.recorded_lineage import RecordedLineage, RecordedSource
from headwater.lineage.written_values import writes_values
from headwater.runtime.order import Order
from headwater.runtime.python_io import Taken

if TYPE_CHECKING:
    import pyarrow

    from headwater.lineage.sql.analysis import Analysis

_LONGEST_QUERY = 200_000  # characters of a relation's query that are analysed
_MIXES = re.compile(r"\b(union|join)\b", re.IGNORECASE)  # a written value may stand beside a copy in one column
_Place = tuple[object, ...]


def of_query(
    analysis: Analysis, asset_of: Callable[[str], AssetKey | None], query: str, complete: bool
) -> RecordedLineage | None:
    """Return the lineage of a query over inputs, or None where its outputs or what it reads is not known.

    Unless it is `complete`, data was taken before the query was written, and may stand in it: where it has values, only
    plain copies are known.
    """
    named = {read.table: asset_of(read.table) for read in analysis.reads}
    if analysis.outputs is None or analysis.problems or None in named.values():
        return None
    if any(read.columns is None for read in analysis.reads):
        return None  # with a reason: not all that it looks at was followed
    assets = {table: asset for table, asset in named.items() if asset is not None}
    columns: tuple[tuple[RecordedSource, ...] | None, ...] = tuple(
        tuple(RecordedSource(assets[it.table], it.column, it.transformation, it.masking) for it in output.sources)
        for output in analysis.outputs
    )
    if not complete and writes_values(query, "duckdb"):
        mixed = _MIXES.search(query) is not None
        columns = tuple(None if mixed or not _is_copy(sources) else sources for sources in columns)
    rows = [RecordedSource(assets[it.table], it.column, it.transformation) for it in analysis.influences]
    rows += [RecordedSource(assets[table], column, "JOIN") for table, column in analysis.spreads]
    return RecordedLineage(columns, tuple(dict.fromkeys(rows)), complete)


def _is_copy(sources: tuple[RecordedSource, ...] | None) -> bool:
    return {it.transformation for it in sources or ()} == {"IDENTITY"}


def of_text(analysis: Analysis, text: str, taken: Mapping[AssetKey, Taken]) -> RecordedLineage | None:
    """Return the lineage of SQL text that a function returned. It is complete where no data decided about the text."""
    unasked = column_set_key(())
    complete = all(it.key == unasked for it in taken.values())
    try:
        return of_query(analysis, lambda table: AssetKey(table.lower()), text, complete)
    except Exception:  # the data is built: only less is known of it
        return None


def of_object(order: Order, result: object, taken: Mapping[AssetKey, Taken]) -> RecordedLineage | None:
    """Return the lineage of a relation or an Arrow table that a function returned, or None where nothing is known."""
    kind = f"{type(result).__module__.split('.')[0]}.{type(result).__name__}"
    try:
        if kind.endswith(".DuckDBPyRelation"):
            return _of_relation(order, result)
        if kind == "pyarrow.Table":
            return _of_arrow(result, taken)
    except Exception:  # whatever a library's object does when it is asked: the data is built, only less is known of it
        return None
    return None


def _of_relation(order: Order, relation: object) -> RecordedLineage | None:
    from headwater.lineage.sql import analyse_sql

    schemas = {pinned.relation: pinned.version.schema for pinned in order.inputs.values()}
    assets = {pinned.relation.replace('"', "").lower(): key for key, pinned in order.inputs.items()}
    query = str(relation.sql_query())  # type: ignore[attr-defined]
    if len(query) > _LONGEST_QUERY:
        return None
    return of_query(analyse_sql(query, "duckdb", schemas), assets.get, query, complete=False)


def _of_arrow(result: pyarrow.Table, taken: Mapping[AssetKey, Taken]) -> RecordedLineage | None:
    given: dict[_Place, RecordedSource] = {}
    for upstream, item in taken.items():
        for table in item.tables:
            for name, place in _places(table):
                given.setdefault(place, RecordedSource(upstream, name, "IDENTITY"))
    found = dict(enumerate(given.get(place) for _, place in _places(result)))
    columns = tuple((source,) if source is not None else None for source in found.values())
    return RecordedLineage(columns) if any(columns) else None


def _places(table: pyarrow.Table) -> Iterable[tuple[str, _Place]]:
    """Yield each column's name and where its values are in memory: type, and offset, length and buffers of each chunk.

    The tables that handles gave are kept until this is asked, so that no address means two things. Columns without
    values, and those of nested types, whose parts may be sliced on their own, get a place that no other has.
    """
    for at, name in enumerate(table.column_names):
        column = table.column(at)
        chunks = [(it.offset, len(it), tuple(b.address if b else 0 for b in it.buffers())) for it in column.chunks]
        simple = len(column) > 0 and column.type.num_fields == 0 and "dictionary" not in str(column.type)
        yield name, (str(column.type), *chunks) if simple else (id(table), at)
