"""What leaves with lineage: the whole project as a drawing takes it, and assets as OpenLineage is told of them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath

from headwater.assets.asset import Asset
from headwater.assets.config import ProjectConfig
from headwater.assets.key import AssetKey
from headwater.lineage.column_tags import flow
from headwater.lineage.exporters.chart import Scope
from headwater.lineage.exporters.openlineage import (
    Document,
    Exported,
    Names,
    dataset_namespace,
    job_namespace,
    openlineage_events,
)
from headwater.runtime.clock import to_iso
from headwater.runtime.column_lineage import column_graph, declared_tags, resolve_project
from headwater.runtime.lineage_view import tables_of
from headwater.runtime.loading import source_text
from headwater.runtime.published_files import located
from headwater.runtime.workspace import Workspace


def project_scope(workspace: Workspace, environment: str) -> Scope:
    """Return every asset of the project with its columns, and all edges among them."""
    assets = workspace.loaded.require_graph()
    project = resolve_project(workspace, environment)
    graph = column_graph(project, assets.order)
    carried, _ = flow(graph, declared_tags(project))
    return Scope(
        kinds=tuple((key, workspace.loaded.assets[key].kind) for key in assets.order),
        edges=tuple((up, key) for key in assets.order for up in assets.upstream[key]),
        columns={table.asset: table.columns for table in tables_of(project, graph, assets.order, carried)},
        column_edges=tuple(edge for key in assets.order for edge in graph.assets[key].edges),
        open_ends=tuple(end for key in assets.order for end in graph.assets[key].open_ends),
        row_edges=tuple((up, key) for key in assets.order for up in graph.assets[key].reads),
        tags=carried,
        reads=tuple((key, it.upstream, it.columns, it.reason) for key in assets.order for it in project.reads(key)),
    )


def export_events(
    workspace: Workspace,
    environment: str,
    keys: Collection[AssetKey] | None,
    producer: str,
    namespace: str | None = None,
) -> tuple[Document, ...]:
    """Return the OpenLineage events of some assets, or with None of all, in build order.

    `namespace` is that of the datasets, where it should not follow from the project file.
    """
    order = [key for key in workspace.loaded.require_graph().order if keys is None or key in keys]
    project = resolve_project(workspace, environment)
    graph = column_graph(project, order)
    names = _names(workspace, environment, namespace)
    exported = [
        Exported(
            workspace.loaded.assets[key],
            graph.assets[key],
            source_text(workspace.loaded.assets[key], workspace.loaded),
            _file(workspace.loaded.assets[key], names.suffix),
        )
        for key in order
    ]
    return tuple(openlineage_events(exported, names, to_iso(workspace.outside.now()), producer))


def _names(workspace: Workspace, environment: str, namespace: str | None) -> Names:
    config: ProjectConfig = workspace.config
    foreign = {
        key: _full_name(asset.source.table)
        for key, asset in workspace.loaded.assets.items()
        if asset.source is not None and asset.source.table is not None
    }
    return Names(
        jobs=job_namespace(config.name, environment),
        datasets=namespace or dataset_namespace(config.warehouse),
        database=PurePath(config.warehouse).stem,
        suffix=workspace.suffix(environment),
        foreign=foreign,
    )


def _full_name(table: str) -> str:
    return table if "." in table else f"main.{table}"


def _file(asset: Asset, suffix: str) -> str | None:
    """Return the file that an asset comes from or is written to, or None; nor is one outside of the project named."""
    path = asset.source.file if asset.source is not None else asset.materialization.path
    if path is None or path.startswith(("/", "~", "..")) or ":" in path:
        return None
    return path if asset.is_external else located(path, suffix)
