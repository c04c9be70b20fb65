"""From declared assets to their graph, with every problem of how they fit together, each at the line to mend."""

from __future__ import annotations

import difflib
import fnmatch
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from headwater.assets.asset import Asset, Location
from headwater.assets.config import ProjectConfig
from headwater.assets.errors import Problem, SqlError
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph, build_graph
from headwater.runtime.partition_linking import mapping_problems
from headwater.runtime.renaming import rename_problems

Assets = Mapping[AssetKey, Asset]
References = Mapping[AssetKey, tuple[str, ...]]
_RESERVED_SCHEMAS = ("_headwater", "information_schema", "pg_catalog", "system", "temp")


def link(config: ProjectConfig, assets: Assets, references: References, problems: list[Problem]) -> AssetGraph | None:
    """Return the graph, or None where the assets read each other in a cycle; add what is wrong to `problems`."""
    upstream: dict[AssetKey, tuple[AssetKey, ...]] = {}
    checked: dict[AssetKey, tuple[AssetKey, ...]] = {}
    missing = _Missing(assets, problems)
    for key, asset in assets.items():
        names = references.get(key, ())
        inferred = tuple(AssetKey(name) for name in names if not name.startswith("?"))
        if asset.python is not None:
            inferred = tuple(up for _, up in asset.python.inputs)
        problems += _unlike_deps(asset, inferred)
        upstream[key] = tuple(up for up in inferred if missing.is_known(asset, up, by_check=False))
        by_checks = [AssetKey(name[1:]) for name in names if name.startswith("?")]
        checked[key] = tuple(up for up in by_checks if missing.is_known(asset, up, by_check=True))
    problems += _views_over_foreign_tables(assets, upstream)
    problems += _one_path_each(assets.values())
    problems += _paths_that_hold_something_else(config, assets.values())
    problems += _one_table_each(config, assets)
    problems += _sources_that_are_assets(config, assets)
    problems += rename_problems(assets)
    problems += _tags_that_nothing_has(assets.values())
    problems += mapping_problems(assets, upstream, broken_keys(assets, problems))
    graph = build_graph(upstream, checked)
    if isinstance(graph, AssetGraph):
        return graph
    asset = assets[graph[0]]
    message = f"the assets read each other in a cycle: {' -> '.join(graph)}."
    problems.append(_problem(asset, message, "Break it at one of them."))
    return None


def broken_keys(assets: Assets, problems: Iterable[Problem]) -> frozenset[str]:
    """Return the keys of assets that are declared, but so wrongly that there is none: reading them is no error."""
    return frozenset(p.asset for p in problems if p.asset is not None and p.asset not in assets)


def did_you_mean(name: str, assets: Assets) -> str:
    """Return a remedy that names the asset most like `name`, or an empty text."""
    close: list[str] = difflib.get_close_matches(name, assets, n=1, cutoff=0.7)
    if not close:
        close = [str(key) for key in assets if key.table == name.rsplit(".", 1)[-1]][:1]
    return f"Did you mean {close[0]}?" if close else ""


class _Missing:
    """Upstreams that no asset is called by: each use is a problem, with the line of the reference."""

    def __init__(self, assets: Assets, problems: list[Problem]) -> None:
        self._assets = assets
        self._problems = problems
        self._broken = broken_keys(assets, problems)
        files = sorted({problem.file for problem in problems if problem.file and problem.asset is None})
        wrong = [file for file in files if file.endswith((".py", ".yaml", ".yml"))]
        self._hint = f" Or correct {wrong[0]} first: it may declare it." if wrong else ""

    def is_known(self, asset: Asset, upstream: AssetKey, *, by_check: bool) -> bool:
        """Say whether there is such an asset; note a problem where there is none."""
        if upstream in self._assets:
            return True
        if upstream not in self._broken:
            renamed = next((key for key, it in self._assets.items() if upstream in it.renamed_from), None)
            remedy = f"It is called {renamed} now." if renamed else did_you_mean(upstream, self._assets)
            remedy = remedy or "Declare it, as an external if something else writes it."
            verb = "its checks read" if by_check else "it reads"
            place = place_of_check(asset, upstream) if by_check else place_of_read(asset, upstream)
            message = f"{verb} {upstream}, and no asset is called that."
            self._problems.append(Problem(place.file, place.line, message, remedy + self._hint, asset.key))
        return False


def place_of_read(asset: Asset, upstream: AssetKey) -> Location:
    """Return where `asset` names `upstream`: the line in its query, or that of the asset."""
    if asset.sql is None:
        return asset.location
    from headwater.lineage import analyse_sql

    try:
        edits = analyse_sql(asset.sql, asset.dialect).edits
    except SqlError:
        return asset.location
    start = next((edit.start for edit in edits if edit.kind == "TABLE" and edit.name == upstream), None)
    if start is None:
        return asset.location
    return Location(asset.location.file, asset.sql_line + asset.sql.count("\n", 0, start))


def place_of_check(asset: Asset, upstream: AssetKey) -> Location:
    """Return where the first check of `asset` that reads `upstream` is declared."""
    from headwater.runtime.declaring import check_references

    reading = (check for check in asset.checks if f"?{upstream}" in check_references((check,)))
    return next((check.location for check in reading if check.location is not None), asset.location)


def _unlike_deps(asset: Asset, inferred: tuple[AssetKey, ...]) -> list[Problem]:
    if asset.deps is None or asset.is_external:
        return []
    found = []
    unread, undeclared = set(asset.deps) - set(inferred), set(inferred) - set(asset.deps)
    if unread:
        message = f"`deps` names {', '.join(sorted(unread))}, which its code does not read."
        found.append(_problem(asset, message, "Remove it from deps, or read it.", "deps"))
    if undeclared:
        message = f"its code reads {', '.join(sorted(undeclared))}, which `deps` does not name."
        found.append(_problem(asset, message, "Add it to deps, or leave deps out: it is inferred.", "deps"))
    return found


def _views_over_foreign_tables(assets: Assets, upstream: Mapping[AssetKey, tuple[AssetKey, ...]]) -> list[Problem]:
    """A view is published over pinned versions, and a table that something else writes cannot be pinned."""
    found = []
    for key, asset in assets.items():
        sources = ((up, assets[up].source) for up in upstream[key]) if asset.kind == "view" else ()
        for up, source in sources:
            if source is not None and source.table is not None:
                message = f"a view over {up} would show every change of {source.table} unchecked."
                found.append(_problem(asset, message, "Make it a table.", "materialization"))
    return found


def _tags_that_nothing_has(assets: Iterable[Asset]) -> list[Problem]:
    """A column that anonymises a tag which no column has is a slip of the pen, and would let the right one through."""
    ends = [(asset, column) for asset in assets for column in asset.columns if column.anonymises]
    known = sorted({tag for asset in assets for column in asset.columns for tag in column.tags}) if ends else []
    found = []
    for asset, column in ends:
        for tag in column.anonymises:
            if tag not in known:
                close = difflib.get_close_matches(tag, known, n=1)
                remedy = f"Did you mean {close[0]}?" if close else "Tag the column where it comes from, or remove it."
                place = column.location or asset.location
                message = f"the column {column.name!r} anonymises {tag!r}, and no column is tagged that."
                found.append(Problem(place.file, place.line, message, remedy, asset.key))
    return found


def _one_path_each(assets: Iterable[Asset]) -> list[Problem]:
    """Each file is written by one asset, and read as an external only if no asset writes it."""
    found = []
    writers: dict[str, Asset] = {}
    for asset in assets:
        path = asset.materialization.path
        if path is not None:
            first = writers.setdefault(os.path.normpath(path), asset)
            if first is not asset:
                message = f"it writes {path}, and so does {first.key}."
                found.append(_problem(asset, message, "Give it a path of its own.", "materialization"))
    for asset in assets if writers else ():
        path = asset.source.file if asset.source is not None else None
        writer = writers.get(os.path.normpath(path)) if path is not None else None
        if writer is not None:
            message = f"it takes in {path}, which {writer.key} writes."
            found.append(_problem(asset, message, f"Read {writer.key} instead."))
    return found


def _paths_that_hold_something_else(config: ProjectConfig, assets: Iterable[Asset]) -> list[Problem]:
    """No file asset may write over the project itself, over what Headwater keeps, or into a folder that is a source."""
    declared = list(assets)
    sources = [(a.key, _glob(a, a.source.file)) for a in declared if a.source is not None and a.source.file is not None]
    files = {"headwater.toml", config.warehouse, f"{config.warehouse}.wal", config.state}
    folders = (".headwater", ".git", *config.asset_folders)
    found = []
    for asset in declared:
        if asset.materialization.path is None:
            continue
        path = os.path.normpath(asset.materialization.path)
        held = next((f for f in folders if path == f or path.startswith(os.path.normpath(f) + os.sep)), None)
        held = held or next((f for f in files if path == os.path.normpath(f)), None)
        if held is not None:
            message = f"it would write {path} over what the project keeps in {held}."
            found.append(_problem(asset, message, "Choose a path such as reports/x.csv.", "materialization"))
        for key, source in sources:
            below = path.startswith(os.path.normpath(source) + os.sep)
            if below or (fnmatch.fnmatchcase(path, source) and path != os.path.normpath(source)):
                message = f"it would write {path} into what {key} takes in ({source})."
                found.append(_problem(asset, message, "Choose another folder.", "materialization"))
    return found


def _glob(asset: Asset, path: str) -> str:
    """Return the glob of a source's files; where each partition has one, its path has places for their keys."""
    if not asset.partitions:
        return path
    from headwater.assets.partition_files import glob_of

    return glob_of(path)


def _one_table_each(config: ProjectConfig, assets: Assets) -> list[Problem]:
    """No two assets, in the same environment or two, are seen by readers under the same schema and table."""
    found = []
    own_name = Path(config.warehouse).stem.lower()  # the engine calls the warehouse by it: a schema of that name is not
    seen: dict[tuple[str, str], tuple[AssetKey, str]] = {}
    for environment, suffix in config.environments.items():
        for key, asset in assets.items():
            place = (key.schema + suffix, key.table)
            first, where = seen.setdefault(place, (key, environment))
            if place[0] in (*_RESERVED_SCHEMAS, own_name):
                message = f"the schema {place[0]!r} is not for assets."
                found.append(_problem(asset, message, "Give it another key.", "key"))
            elif first != key:
                message = f"{key} in {environment} would be the table {'.'.join(place)}, as {first} in {where} is."
                found.append(
                    _problem(asset, message, "Give one of them another key, or the environment another suffix.")
                )
    return found


def _sources_that_are_assets(config: ProjectConfig, assets: Assets) -> list[Problem]:
    """A table source is what something else writes: what an asset writes is read as that asset."""
    found = []
    shown = {
        f"{key.schema}{suffix}.{key.table}": key
        for suffix in config.environments.values()
        for key, asset in assets.items()
        if asset.source is None or asset.source.table is None
    }
    for asset in assets.values():
        table = asset.source.table if asset.source is not None else None
        name = table.lower().replace('"', "") if table is not None else ""
        writer = shown.get(name if "." in name else f"main.{name}")
        if table is not None and (writer is not None or name.startswith("_headwater.")):
            message = f"its table {table} is what {writer or 'Headwater itself'} writes."
            found.append(_problem(asset, message, f"Read {writer} instead." if writer else "Name another table."))
    return found


def _problem(asset: Asset, message: str, remedy: str, field: str = "") -> Problem:
    return Problem(asset.location.file, asset.line_of(field), message, remedy, asset.key)
