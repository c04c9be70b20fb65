"""`lineage`: where an asset's columns come from, what it reads, and the assets around it."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.schema import SchemaColumns
from headwater.lineage.sql.analysis import OutputColumn
from headwater.runtime.definer import known_schema
from headwater.runtime.model import ColumnLineage, LineageView, ReadLine
from headwater.runtime.staleness import Resolved, columns_of_key
from headwater.runtime.state import State
from headwater.runtime.state_reader import SqlStateReader
from headwater.runtime.workspace import Workspace


def lineage_view(
    workspace: Workspace,
    environment: str,
    key: AssetKey,
    column: str | None,
    upstream: bool,
    downstream: bool,
    depth: int | None,
) -> LineageView:
    """Return the view of `key`, or of one of its columns. Raises RequestError for a column that it lacks."""
    graph = workspace.loaded.require_graph()
    with workspace.reader() as reader:
        state = None if reader is None else SqlStateReader(reader.connection).snapshot(environment)
    resolved, _ = workspace.definer.resolve_all(state)
    schemas = {name: known_schema(item, state) for name, item in resolved.items()}
    columns = _columns(workspace, resolved[key], state, schemas)
    if column is not None:
        columns = _only(key, columns, column)
    around = {key}
    around |= graph.ancestors([key], depth) if upstream else set()
    around |= graph.descendants([key], depth) if downstream else set()
    above = graph.ancestors([key], depth) if upstream else frozenset({key})
    below = graph.descendants([key], depth) if downstream else frozenset({key})
    edges = tuple(
        (up, name)
        for name in graph.order
        for up in graph.upstream[name]
        if (name in above and up in above) or (name in below and up in below)
    )
    kinds = tuple((name, workspace.loaded.assets[name].kind) for name in graph.order if name in around)
    return LineageView(key, columns, _reads(resolved[key], state), edges, kinds, column)


def _columns(
    workspace: Workspace, resolved: Resolved, state: State | None, schemas: Mapping[AssetKey, SchemaColumns | None]
) -> tuple[ColumnLineage, ...] | None:
    key = resolved.asset.key
    schema = known_schema(resolved, state)
    types = {} if schema is None else {name.lower(): type_ for name, type_ in schema}
    if resolved.asset.sql is not None:
        analysis = workspace.definer.analysis(key, schemas)
        if analysis is not None and analysis.outputs is not None:
            return tuple(_column(output, types.get(output.name.lower())) for output in analysis.outputs)
    declared = tuple((column.name, column.type) for column in resolved.asset.columns)
    known = schema if schema is not None else declared or None
    sources = () if resolved.asset.is_external else None
    return None if known is None else tuple(ColumnLineage(name, type_, sources) for name, type_ in known)


def _column(output: OutputColumn, actual_type: str | None) -> ColumnLineage:
    sources = tuple((s.table, s.column, s.transformation, s.indirect, s.masking) for s in output.sources)
    return ColumnLineage(output.name, actual_type or output.type, sources)


def _only(key: AssetKey, columns: tuple[ColumnLineage, ...] | None, wanted: str) -> tuple[ColumnLineage, ...]:
    found = tuple(c for c in columns or () if c.column.lower() == wanted.lower())
    if not found:
        known = ", ".join(c.column for c in columns or ()) or "none that are known before it is built"
        raise RequestError(f"{key} has no column {wanted!r}.", f"It has {known}.")
    return found


def _reads(resolved: Resolved, state: State | None) -> tuple[ReadLine, ...]:
    """Return what is read; of a Python asset, what its published version took."""
    version = None if state is None else state.published.get(resolved.asset.key)
    recorded = {} if version is None else {read.upstream: read.columns for read in version.trace}
    lines = []
    for read in resolved.definition.reads:
        upstream = AssetKey(read.upstream)
        if read.recorded and upstream in recorded:
            columns = columns_of_key(recorded[upstream])
            lines.append(ReadLine(upstream, columns, None if columns is not None else "its handle took all columns"))
        else:
            lines.append(ReadLine(upstream, read.columns, read.reason if read.columns is None else None))
    return tuple(lines)
