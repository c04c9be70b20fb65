"""`lineage`: where an asset's columns come from, what it reads, and the assets and columns around it."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import ALL_EDGES, WHOLE_RESULT, ColumnEdge, ColumnGraph, ColumnRef, Only, Reach
from headwater.lineage.graph import AssetGraph
from headwater.runtime.column_lineage import Project, column_graph, resolve_project
from headwater.runtime.model import ColumnLineage, LineageView, TableColumns
from headwater.runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Around:
    """Which part of the picture is asked for."""

    upstream: bool = True
    downstream: bool = True
    depth: int | None = None
    only: Only = ALL_EDGES


def lineage_view(
    workspace: Workspace, environment: str, key: AssetKey, column: str | None, around: Around
) -> LineageView:
    """Return the view of `key`, or of one of its columns. Raises RequestError for a column that it lacks."""
    assets = workspace.loaded.require_graph()
    project = resolve_project(workspace, environment)
    above = assets.ancestors([key], around.depth) if around.upstream else frozenset({key})
    below = assets.descendants([key], around.depth) if around.downstream else frozenset({key})
    graph = column_graph(project, (name for name in assets.order if name in above or name in below))
    start = ColumnRef(key, WHOLE_RESULT if column is None else _spelled(graph, key, column))
    reaches = _walks(graph, start, around)
    drawn = (above, below)
    if column is not None:
        drawn = (reaches[0].assets | {key}, reaches[1].assets | {key})
    inside = drawn[0] | drawn[1]
    edges = _asset_edges(assets, drawn)
    return LineageView(
        asset=key,
        columns=_columns(graph, key),
        reads=project.reads(key),
        edges=edges,
        kinds=tuple((name, workspace.loaded.assets[name].kind) for name in assets.order if name in inside),
        column=None if column is None else start.column,
        tables=tuple(_table(project, graph, name) for name in assets.order if name in inside),
        column_edges=tuple(dict.fromkeys(edge for reach in reaches for edge in reach.edges)),
        influences=tuple(
            (it.source.asset, it.source.column, it.transformation)
            for it in graph.into(ColumnRef(key, WHOLE_RESULT))
            if around.only.admits(it)
        ),
        open_ends=tuple(dict.fromkeys(end for reach in reaches for end in reach.open_ends)),
        row_edges=tuple(dict.fromkeys(step for reach in reaches for step in reach.row_steps)),
    )


def _walks(graph: ColumnGraph, start: ColumnRef, around: Around) -> tuple[Reach, Reach]:
    nothing = Reach((), (), (), {})
    up = graph.upstream(start, around.depth, around.only) if around.upstream else nothing
    down = graph.downstream(start, around.depth, around.only) if around.downstream else nothing
    return up, down


def _asset_edges(
    assets: AssetGraph, drawn: tuple[Collection[AssetKey], Collection[AssetKey]]
) -> tuple[tuple[AssetKey, AssetKey], ...]:
    return tuple(
        (up, name)
        for name in assets.order
        for up in assets.upstream[name]
        if any(name in part and up in part for part in drawn)
    )


def _columns(graph: ColumnGraph, key: AssetKey) -> tuple[ColumnLineage, ...] | None:
    known = graph.assets[key].columns
    if known is None:
        return None
    nobody_knows = bool(graph.open_into(ColumnRef(key, WHOLE_RESULT))) and not graph.assets[key].edges
    columns = []
    for name, type_ in known:
        into = graph.into(ColumnRef(key, name))
        sources = None if nobody_knows and not into else tuple(map(_source, into))
        columns.append(ColumnLineage(name, type_, sources))
    return tuple(columns)


def _source(edge: ColumnEdge) -> tuple[str, str, str, bool, bool]:
    return edge.source.asset, edge.source.column, edge.transformation, edge.indirect, edge.masking


def _table(project: Project, graph: ColumnGraph, key: AssetKey) -> TableColumns:
    known = dict(project.columns(key) or ())
    tags = {column.name.lower(): column.tags for column in project.resolved[key].asset.columns}
    names = graph.columns(key) or tuple(known)
    return TableColumns(key, tuple((name, known.get(name), tags.get(name.lower(), ())) for name in names))


def _spelled(graph: ColumnGraph, key: AssetKey, wanted: str) -> str:
    """Return the column as its asset spells it; of an asset without known columns, one that is read counts too."""
    names = graph.columns(key)
    found = next((name for name in names if name.lower() == wanted.lower()), None)
    if found is not None:
        return found
    close = difflib.get_close_matches(wanted.lower(), [name.lower() for name in names], n=1)
    known = ", ".join(names) or "none that are known before it is built"
    remedy = f"Did you mean {key}.{close[0]}?" if close else f"It has {known}."
    raise RequestError(f"{key} has no column {wanted!r}.", remedy)
