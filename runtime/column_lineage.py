"""The column graph of a loaded project, or of a part of it: analyses, recorded reads and schemas put together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.asset_lineage import Taken, python_lineage, sql_lineage
from headwater.lineage.column_graph import AssetLineage, ColumnGraph, ColumnRef, node_name
from headwater.lineage.column_tags import DeclaredTags
from headwater.lineage.fingerprint import columns_of_key
from headwater.lineage.recorded_lineage import RecordedLineage, decode
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.definer import known_schema, stored_columns
from headwater.runtime.model import ReadLine
from headwater.runtime.staleness import Resolved
from headwater.runtime.state import State, VersionRecord
from headwater.runtime.workspace import Workspace

_UNKNOWN = "what a Python function makes of it is not known"


@dataclass(frozen=True, slots=True)
class KnownProject:
    """A project resolved against what is known of its environment. No warehouse is opened for it."""

    workspace: Workspace
    state: State | None
    resolved: Mapping[AssetKey, Resolved]
    schemas: Mapping[AssetKey, SchemaColumns | None]

    def columns(self, key: AssetKey) -> SchemaColumns | None:
        """Return the columns of an asset: those of its data or its query, else those that are declared, else None."""
        known = self.schemas[key]
        if known is None and self.resolved[key].asset.sql is None:
            known = tuple((column.name, column.type) for column in self.resolved[key].asset.columns) or None
        return known

    def nodes(self, key: AssetKey) -> SchemaColumns | None:
        """Return the columns of an asset with their names in the column graph."""
        known = self.columns(key)
        return None if known is None else tuple((node_name(name), type_) for name, type_ in known)

    def reads(self, key: AssetKey) -> tuple[ReadLine, ...]:
        """Return what an asset reads; of a Python asset, what its published version took, if today's code made it."""
        version = self._of_today(key)
        recorded = _taken_of_each(version)
        lines = []
        for read in self.resolved[key].definition.reads:
            upstream = AssetKey(read.upstream)
            if read.recorded and upstream in recorded:
                columns = recorded[upstream]
                because = None if columns is not None else "its handle took all columns"
                lines.append(ReadLine(upstream, columns, because))
            else:
                lines.append(ReadLine(upstream, read.columns, read.reason if read.columns is None else None))
        return tuple(lines)

    def recorded_lineage(self, key: AssetKey) -> RecordedLineage | None:
        """Return what was proven of the columns of a Python asset's published version, if that is of today's code."""
        version = self._of_today(key)
        if version is None or version.lineage is None or version.schema != self.columns(key):
            return None
        return decode(version.lineage, version.schema)

    def _of_today(self, key: AssetKey) -> VersionRecord | None:
        """Return the published version, if it was made from today's definition: an edited function may take others."""
        version = None if self.state is None else self.state.published.get(key)
        today = self.resolved[key].definition.hash
        return version if version is not None and version.definition_hash == today else None


def resolve_project(workspace: Workspace, environment: str) -> KnownProject:
    """Return the project as it is now, on what the state knows of `environment`."""
    with workspace.reader() as reader:
        state = None if reader is None else workspace.states(reader.connection).snapshot(environment)
    resolved, _ = workspace.definer.resolve_all(state)
    return KnownProject(workspace, state, resolved, {key: known_schema(item, state) for key, item in resolved.items()})


def column_graph(project: KnownProject, keys: Iterable[AssetKey]) -> ColumnGraph:
    """Return the column graph of `keys`, with edges from what they read even where that is not among them."""
    spelling = Spelling(project)
    return ColumnGraph(_asset_lineage(project, key, spelling) for key in keys)


def declared_tags(project: KnownProject) -> DeclaredTags:
    """Return the tags of all columns, and those that columns anonymise, as they are declared."""
    spelling = Spelling(project)
    own: dict[ColumnRef, tuple[str, ...]] = {}
    anonymised: dict[ColumnRef, tuple[str, ...]] = {}
    for key, item in project.resolved.items():
        for column in item.asset.columns:
            for tags, found in ((column.tags, own), (column.anonymises, anonymised)):
                if tags:
                    found[ColumnRef(key, spelling(key, column.name))] = tuple(dict.fromkeys(tags))
    return DeclaredTags(own, anonymised)


class Spelling:
    """How assets spell their columns: names meet without case, as in the engine."""

    def __init__(self, project: KnownProject) -> None:
        self._project = project
        self._names: dict[AssetKey, dict[str, str]] = {}

    def __call__(self, asset: AssetKey, column: str) -> str:
        """Return `column` as `asset` spells it, or in lower case where it is not known."""
        if asset not in self._names:
            known = self._project.columns(asset) if asset in self._project.schemas else None
            self._names[asset] = {name.lower(): name for name, _ in reversed(known or ())}
        return node_name(self._names[asset].get(column.lower(), column.lower()))


def named_column(project: KnownProject, graph: ColumnGraph, key: AssetKey, wanted: str) -> str:
    """Return the column as the graph has it; where its columns are not known, one that is read by name counts too.

    Raises RequestError for a column that the asset lacks, and for one of which that is not known.
    """
    names = graph.columns(key)
    ways = (wanted.lower(), node_name(wanted).lower())
    found = next((name for name in names if name.lower() in ways), None)
    if found is not None:
        return found
    close = difflib.get_close_matches(wanted.lower(), [name.lower() for name in names], n=1)
    remedy = f"Did you mean {key}.{close[0]}?" if close else ""
    if project.schemas[key] is not None:  # what is declared may be a part of the columns
        raise RequestError(f"{key} has no column {wanted!r}.", remedy or f"It has {', '.join(names)}.")
    verb = "taken in" if project.resolved[key].asset.is_external else "built"
    message = f"Whether {key} has a column {wanted!r} is not known before it is {verb}, and nothing reads it by name."
    raise RequestError(message, remedy or f"`headwater run {key}` makes its columns known, or declare them.")


def _asset_lineage(project: KnownProject, key: AssetKey, spelled: Spelling) -> AssetLineage:
    asset = project.resolved[key].asset
    columns = project.nodes(key)
    if asset.sql is None:
        if asset.is_external:
            return AssetLineage(key, columns)
        return python_lineage(
            key, columns, map(_taken, project.reads(key)), spelled, project.recorded_lineage(key), asset.lineage
        )
    analysis = project.workspace.definer.analysis(key, project.schemas)
    assert analysis is not None, "the asset has SQL"
    if analysis.outputs is None:
        named = columns
    elif columns is not None and len(columns) == len(analysis.outputs):  # with the names and types of the data
        named = tuple((n, t or o.type) for (n, t), o in zip(columns, analysis.outputs, strict=True))
    else:
        named = tuple((node_name(name), type_) for name, type_ in stored_columns(analysis.outputs))
        listed = {name.lower() for name, _ in named}
        named += tuple(column for column in columns or () if column[0].lower() not in listed)
    known = {AssetKey(read.table.lower()) for read in analysis.reads}
    return sql_lineage(key, analysis, named, spelled, {it for it in known if project.schemas.get(it) is not None})


def _taken_of_each(version: VersionRecord | None) -> dict[AssetKey, tuple[str, ...] | None]:
    """Return what a version took of each upstream, by its handles and by SQL that it returned; None for all columns."""
    found: dict[AssetKey, tuple[str, ...] | None] = {}
    for read in version.trace if version is not None else ():
        columns, before = columns_of_key(read.columns), found.get(read.upstream, ())
        found[read.upstream] = None if columns is None or before is None else tuple(sorted({*before, *columns}))
    return found


def _taken(read: ReadLine) -> Taken:
    return read.upstream, read.columns, _UNKNOWN
