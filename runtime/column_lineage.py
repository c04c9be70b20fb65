"""The column graph of a loaded project, or of a part of it: analyses, recorded reads and schemas put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headwater.assets.key import AssetKey
from headwater.lineage.asset_lineage import Taken, opaque_lineage, sql_lineage
from headwater.lineage.column_graph import AssetLineage, ColumnGraph, ColumnRef
from headwater.lineage.column_tags import DeclaredTags
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.definer import known_schema
from headwater.runtime.model import ReadLine
from headwater.runtime.staleness import Resolved, columns_of_key
from headwater.runtime.state import State
from headwater.runtime.state_reader import SqlStateReader
from headwater.runtime.workspace import Workspace

_UNKNOWN = "what a Python function makes of it is not known"


@dataclass(frozen=True, slots=True)
class Project:
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

    def reads(self, key: AssetKey) -> tuple[ReadLine, ...]:
        """Return what an asset reads; of a Python asset, what its published version took."""
        version = None if self.state is None else self.state.published.get(key)
        recorded = {} if version is None else {read.upstream: read.columns for read in version.trace}
        lines = []
        for read in self.resolved[key].definition.reads:
            upstream = AssetKey(read.upstream)
            if read.recorded and upstream in recorded:
                columns = columns_of_key(recorded[upstream])
                because = None if columns is not None else "its handle took all columns"
                lines.append(ReadLine(upstream, columns, because))
            else:
                lines.append(ReadLine(upstream, read.columns, read.reason if read.columns is None else None))
        return tuple(lines)


def resolve_project(workspace: Workspace, environment: str) -> Project:
    """Return the project as it is now, on what the state knows of `environment`."""
    with workspace.reader() as reader:
        state = None if reader is None else SqlStateReader(reader.connection).snapshot(environment)
    resolved, _ = workspace.definer.resolve_all(state)
    return Project(workspace, state, resolved, {key: known_schema(item, state) for key, item in resolved.items()})


def column_graph(project: Project, keys: Iterable[AssetKey]) -> ColumnGraph:
    """Return the column graph of `keys`, with edges from what they read even where that is not among them."""
    spelling = Spelling(project)
    return ColumnGraph(_asset_lineage(project, key, spelling) for key in keys)


def declared_tags(project: Project) -> DeclaredTags:
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

    def __init__(self, project: Project) -> None:
        self._project = project
        self._names: dict[AssetKey, dict[str, str]] = {}

    def __call__(self, asset: AssetKey, column: str) -> str:
        """Return `column` as `asset` spells it, or in lower case where it is not known."""
        if asset not in self._names:
            known = self._project.columns(asset) if asset in self._project.schemas else None
            self._names[asset] = {name.lower(): name for name, _ in reversed(known or ())}
        return self._names[asset].get(column.lower(), column.lower())


def _asset_lineage(project: Project, key: AssetKey, spelled: Spelling) -> AssetLineage:
    asset = project.resolved[key].asset
    columns = project.columns(key)
    if asset.sql is None:
        if asset.is_external:
            return AssetLineage(key, columns)
        return opaque_lineage(key, columns, [_taken(read) for read in project.reads(key)], spelled)
    analysis = project.workspace.definer.analysis(key, project.schemas)
    assert analysis is not None, "the asset has SQL"
    if analysis.outputs is None:
        named = columns
    elif columns is not None and len(columns) == len(analysis.outputs):  # with the names and types of the data
        named = tuple((n, t or o.type) for (n, t), o in zip(columns, analysis.outputs, strict=True))
    else:
        named = tuple((output.name, output.type) for output in analysis.outputs)
    return sql_lineage(key, analysis, named, spelled)


def _taken(read: ReadLine) -> Taken:
    return read.upstream, read.columns, _UNKNOWN
