"""`lineage`: where an asset's columns come from, what it reads, and the assets and columns around it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import ALL_EDGES, WHOLE_RESULT, ColumnEdge, ColumnGraph, ColumnRef, Only, Reach
from headwater.lineage.column_tags import CarriedTag, DeclaredTags, flow
from headwater.lineage.graph import AssetGraph
from headwater.runtime.column_lineage import KnownProject, column_graph, declared_tags, named_column, resolve_project
from headwater.runtime.model import ColumnLineage, LineageView, TableColumns, TagReport
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
    tags = declared_tags(project)
    needed = assets.ancestors(above | below) if tags.own else above | below  # a tag may come from beyond the drawing
    graph = column_graph(project, (name for name in assets.order if name in needed))
    start = ColumnRef(key, WHOLE_RESULT if column is None else named_column(project, graph, key, column))
    reaches = _walks(graph, start, around)
    drawn = (above, below)
    if column is not None:
        drawn = (reaches[0].assets | {key}, reaches[1].assets | {key})
    inside = drawn[0] | drawn[1]
    carried = tuple(it for it in flow(graph, tags)[0] if it.column.asset in inside)
    return LineageView(
        asset=key,
        columns=_columns(graph, key, around.only),
        reads=project.reads(key),
        edges=_asset_edges(assets, drawn),
        kinds=tuple((name, workspace.loaded.assets[name].kind) for name in assets.order if name in inside),
        column=None if column is None else start.column,
        tables=tables_of(project, graph, [name for name in assets.order if name in inside], carried),
        column_edges=tuple(dict.fromkeys(edge for reach in reaches for edge in reach.edges)),
        influences=tuple(
            (it.source.asset, it.source.column, it.transformation)
            for it in graph.into(ColumnRef(key, WHOLE_RESULT))
            if around.only.admits(it)
        ),
        open_ends=tuple(dict.fromkeys(end for reach in reaches for end in reach.open_ends)),
        row_edges=tuple(dict.fromkeys(step for reach in reaches for step in reach.row_steps)),
        tags=carried,
        narrowed=not around.only.everything,
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


def _columns(graph: ColumnGraph, key: AssetKey, only: Only) -> tuple[ColumnLineage, ...] | None:
    known = graph.assets[key].columns
    if known is None:
        return None
    # A value may come to any column along an open end of the whole asset: what has no known source has an unknown one.
    nobody_knows = any(not end.indirect for end in graph.open_into(ColumnRef(key, WHOLE_RESULT)))
    columns = []
    for name, type_ in known:
        into = graph.into(ColumnRef(key, name))
        unknown = (nobody_knows and not into) or any(not end.indirect for end in graph.open_into(ColumnRef(key, name)))
        sources = None if unknown else tuple(_source(edge) for edge in into if only.admits(edge))
        left_out = len({edge.source for edge in into if not only.admits(edge)})
        columns.append(ColumnLineage(name, type_, sources, left_out))
    return tuple(columns)


def _source(edge: ColumnEdge) -> tuple[str, str, str, bool, bool]:
    return edge.source.asset, edge.source.column, edge.transformation, edge.indirect, edge.masking


def tables_of(
    project: KnownProject, graph: ColumnGraph, keys: Iterable[AssetKey], carried: Iterable[CarriedTag]
) -> tuple[TableColumns, ...]:
    """Return the columns of `keys` with types and the tags that they carry, as they are drawn."""
    tags: dict[ColumnRef, dict[str, None]] = {}
    for it in carried:
        tags.setdefault(it.column, {})[it.word] = None
    tables = []
    for key in keys:
        types = dict(project.nodes(key) or ())
        names = graph.columns(key) or tuple(types)
        columns = tuple((name, types.get(name), tuple(tags.get(ColumnRef(key, name), ()))) for name in names)
        tables.append(TableColumns(key, columns))
    return tuple(tables)


def tag_report(workspace: Workspace, environment: str, tag: str, key: AssetKey | None, column: str | None) -> TagReport:
    """Return the columns that carry `tag`, of all assets, of one, or one column of it.

    Raises RequestError for a tag that no column has, and for a column that the asset lacks.
    """
    assets = workspace.loaded.require_graph()
    project = resolve_project(workspace, environment)
    tags = declared_tags(project)
    _require_tag(project, tags, tag)
    graph = column_graph(project, assets.order if key is None else assets.ancestors([key]))
    name = None if column is None or key is None else named_column(project, graph, key, column)

    def asked(ref: ColumnRef) -> bool:
        return (key is None or ref.asset == key) and (name is None or ref.column in (name, WHOLE_RESULT))

    carried, stopped = flow(graph, tags, tag)
    shown = tuple(it for it in carried if asked(it.column))
    types = tuple(dict(project.nodes(it.column.asset) or ()).get(it.column.column) for it in shown)
    return TagReport(tag, shown, tuple(it for it in stopped if asked(it.column)), types)


def _require_tag(project: KnownProject, tags: DeclaredTags, tag: str) -> None:
    known = sorted({word for words in tags.own.values() for word in words})
    if tag in known:
        return
    close = difflib.get_close_matches(tag, known, n=1)
    remedy = f"Columns have the tags {', '.join(known)}." if known else "Declare it: columns: {email: {tags: [pii]}}."
    remedy = f"Did you mean {close[0]}?" if close else remedy
    if any(tag in item.asset.tags for item in project.resolved.values()):
        remedy = f"Assets are: `headwater ls tag:{tag}` lists them."
    raise RequestError(f"No column is tagged {tag!r}.", remedy)
