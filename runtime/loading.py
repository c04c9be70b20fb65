"""Loading a project: files to declarations to a graph. Every problem is collected; nothing is built or connected.

Each file's declarations are cached by the hash of its text, so a warm load reads and hashes files and parses nothing.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headwater.assets.asset import Asset
from headwater.assets.config import ProjectConfig
from headwater.assets.errors import Problem, ProjectError, SqlError
from headwater.assets.key import AssetKey
from headwater.assets.modules import forget_modules
from headwater.lineage.graph import AssetGraph, build_graph
from headwater.runtime.cache import AnalysisCache, cache_key, texts_digest

_SKIPPED_FOLDERS = frozenset(("__pycache__", "node_modules"))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project as declared. `graph` is None while there are problems that leave no graph.

    `texts` maps files to their text; `references` maps assets to the tables that their SQL and their checks name.
    """

    config: ProjectConfig
    assets: Mapping[AssetKey, Asset]
    graph: AssetGraph | None
    problems: tuple[Problem, ...]
    texts: Mapping[str, str] = field(repr=False)
    folder_of: Mapping[str, str] = field(repr=False)  # file -> dotted prefix of keys of assets in it
    references: Mapping[AssetKey, tuple[str, ...]] = field(repr=False)
    origins: Mapping[AssetKey, tuple[bytes, ...]] = field(repr=False)  # cache keys of the files that declare it

    def require_graph(self) -> AssetGraph:
        """Return the graph; raises ProjectError with every problem where the project has any."""
        if self.graph is None or self.problems:
            raise ProjectError(self.problems)
        return self.graph

    def python_texts(self) -> dict[str, str]:
        """Return the project's own Python files that assets may reach."""
        return {file: text for file, text in self.texts.items() if file.endswith(".py")}


@dataclass(frozen=True, slots=True)
class FileDeclarations:
    """What one file declares, as it is cached."""

    assets: tuple[Asset, ...]
    additions: tuple[object, ...]
    problems: tuple[Problem, ...]
    references: tuple[tuple[AssetKey, tuple[str, ...]], ...]


def load(config: ProjectConfig, cache: AnalysisCache) -> Loaded:
    """Return the project that `config` describes, with every problem that can be found without building anything."""
    problems: list[Problem] = []
    texts, folder_of = _read_files(config, problems)
    declared, file_keys = _declarations(config, texts, folder_of, cache)
    assets: dict[AssetKey, Asset] = {}
    references: dict[AssetKey, tuple[str, ...]] = {}
    for file in folder_of:
        found = declared[file]
        problems += found.problems
        for asset in found.assets:
            _add(asset, assets, problems)
        references.update({key: names for key, names in found.references if assets[key].location.file == file})
    origins: dict[AssetKey, tuple[bytes, ...]] = {
        key: (file_keys[asset.location.file],) for key, asset in assets.items()
    }
    for file in folder_of:
        for key in _apply_additions(declared[file].additions, assets, references, problems):
            origins[key] += (file_keys[file],)
    graph = _graph(assets, references, problems)
    ordered = tuple(sorted(set(problems), key=lambda p: (p.file or "", p.line or 0, p.message)))
    return Loaded(config, assets, graph, ordered, texts, folder_of, references, origins)


def _read_files(config: ProjectConfig, problems: list[Problem]) -> tuple[dict[str, str], dict[str, str]]:
    """Read every asset file, and the Python files beside them that assets may import."""
    texts: dict[str, str] = {}
    folder_of: dict[str, str] = {}
    for folder in config.asset_folders:
        top = config.root / folder
        if not top.is_dir():
            problems.append(
                Problem(
                    "headwater.toml",
                    None,
                    f"the asset folder {folder!r} does not exist.",
                    "Create it, or correct project.assets.",
                )
            )
            continue
        for path in _walk(top, (".sql", ".py", ".yaml", ".yml")):
            file = path.relative_to(config.root).as_posix()
            text = _read(path, file, problems)
            if text is not None:
                texts[file] = text
                below = path.parent.relative_to(top).parts
                folder_of[file] = "".join(f"{part.lower()}." for part in below)
    if any(file.endswith(".py") for file in folder_of):
        for path in _own_modules(config):
            file = path.relative_to(config.root).as_posix()
            text = texts.get(file) or _read(path, file, problems)
            if text is not None:
                texts[file] = text
        forget_modules(config.root, [file for file in texts if file.endswith(".py")])
    return texts, folder_of


def _own_modules(config: ProjectConfig) -> list[Path]:
    """Return Python files that assets may import: those beside headwater.toml, and those in folders there."""
    found = sorted(config.root.glob("*.py"))
    for entry in sorted(os.scandir(config.root), key=lambda e: e.name):
        hidden = entry.name.startswith(".") or entry.name in _SKIPPED_FOLDERS
        if entry.is_dir() and not hidden and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
            found += _walk(Path(entry.path), (".py",))
    return found


def _walk(top: Path, endings: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED_FOLDERS)
        found += [Path(folder, name) for name in sorted(files) if name.endswith(endings) and not name.startswith(".")]
    return found


def _read(path: Path, file: str, problems: list[Problem]) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(Problem(file, None, f"the file is not UTF-8 text (byte {error.start}).", "Save it as UTF-8."))
    except OSError as error:
        problems.append(Problem(file, None, f"the file cannot be read: {error.strerror}.", "Check its permissions."))
    return None


def _declarations(
    config: ProjectConfig, texts: Mapping[str, str], folder_of: Mapping[str, str], cache: AnalysisCache
) -> tuple[dict[str, FileDeclarations], dict[str, bytes]]:
    common = (config.dialect, sorted(config.defaults.items(), key=str))
    python = texts_digest({f: t for f, t in texts.items() if f.endswith(".py")})
    keys = {
        file: cache_key("file", file, folder_of[file], python if file.endswith(".py") else texts[file], common)
        for file in folder_of
    }
    cached = cache.get_many(keys.values())
    declared: dict[str, FileDeclarations] = {}
    for file, key in keys.items():
        hit = cached.get(key)
        if isinstance(hit, FileDeclarations):
            declared[file] = hit
            continue
        from headwater.runtime.declaring import declare_file  # imports pydantic, YAML and sqlglot: cold path only

        found, repeatable = declare_file(config, file, texts, folder_of[file], folder_of)
        declared[file] = found
        if repeatable:
            cache.put(key, found)
    return declared, keys


def _add(asset: Asset, assets: dict[AssetKey, Asset], problems: list[Problem]) -> None:
    first = assets.get(asset.key)
    if first is None:
        assets[asset.key] = asset
        return
    place = f"{first.location.file}:{first.location.line}"
    problems.append(_problem(asset, f"the key {asset.key} is declared twice; first in {place}.", "Rename one of them."))


def _apply_additions(
    additions: tuple[object, ...],
    assets: dict[AssetKey, Asset],
    references: dict[AssetKey, tuple[str, ...]],
    problems: list[Problem],
) -> list[AssetKey]:
    """Add contracts and checks to the assets they are for; return the keys of these."""
    if not additions:
        return []
    from headwater.assets.yaml_file import Addition, add_to
    from headwater.runtime.declaring import check_references

    changed: list[AssetKey] = []
    for addition in additions:
        assert isinstance(addition, Addition)
        asset = assets.get(addition.key)
        if asset is None:
            remedy = _did_you_mean(addition.key, assets)
            problems.append(
                Problem(addition.file, addition.line, f"no asset is called {addition.key}.", remedy, addition.key)
            )
            continue
        assets[addition.key], found = add_to(asset, addition)
        problems += found
        references[addition.key] = references.get(addition.key, ()) + check_references(addition.checks)
        changed.append(addition.key)
    return changed


def _graph(
    assets: Mapping[AssetKey, Asset], references: Mapping[AssetKey, tuple[str, ...]], problems: list[Problem]
) -> AssetGraph | None:
    upstream: dict[AssetKey, tuple[AssetKey, ...]] = {}
    checked: dict[AssetKey, tuple[AssetKey, ...]] = {}
    for key, asset in assets.items():
        inferred = tuple(AssetKey(name) for name in references.get(key, ()) if not name.startswith("?"))
        if asset.python is not None:
            inferred = tuple(up for _, up in asset.python.inputs)
        _compare_deps(asset, inferred, problems)
        upstream[key] = tuple(up for up in inferred if _known(asset, up, assets, problems))
        by_checks = [AssetKey(name[1:]) for name in references.get(key, ()) if name.startswith("?")]
        checked[key] = tuple(up for up in by_checks if _known(asset, up, assets, problems, "its checks read"))
    _one_path_each(assets.values(), problems)
    graph = build_graph(upstream, checked)
    if isinstance(graph, AssetGraph):
        return graph
    asset = assets[graph[0]]
    problems.append(
        _problem(asset, f"the assets read each other in a cycle: {' -> '.join(graph)}.", "Break it at one of them.")
    )
    return None


def _known(
    asset: Asset, upstream: AssetKey, assets: Mapping[AssetKey, Asset], problems: list[Problem], verb: str = "it reads"
) -> bool:
    if upstream in assets:
        return True
    line = _line_of_name(asset, upstream)
    remedy = _did_you_mean(upstream, assets) or "Declare it, as an external if something else writes it."
    message = f"{verb} {upstream}, and no asset is called that."
    problems.append(Problem(asset.location.file, line, message, remedy, asset.key))
    return False


def _line_of_name(asset: Asset, upstream: AssetKey) -> int:
    if asset.sql is None:
        return asset.location.line
    from headwater.lineage import analyse_sql

    try:
        edits = analyse_sql(asset.sql, asset.dialect).edits
    except SqlError:
        return asset.location.line
    start = next((edit.start for edit in edits if edit.kind == "TABLE" and edit.name == upstream), 0)
    return asset.sql_line + asset.sql.count("\n", 0, start)


def _compare_deps(asset: Asset, inferred: tuple[AssetKey, ...], problems: list[Problem]) -> None:
    if asset.deps is None or asset.is_external:
        return
    unread, undeclared = set(asset.deps) - set(inferred), set(inferred) - set(asset.deps)
    if unread:
        message = f"`deps` names {', '.join(sorted(unread))}, which its code does not read."
        problems.append(_problem(asset, message, "Remove it from deps, or read it."))
    if undeclared:
        message = f"its code reads {', '.join(sorted(undeclared))}, which `deps` does not name."
        problems.append(_problem(asset, message, "Add it to deps, or leave deps out: it is inferred."))


def _one_path_each(assets: Iterable[Asset], problems: list[Problem]) -> None:
    owner: dict[str, Asset] = {}
    for asset in assets:
        path = asset.materialization.path
        if path is not None:
            first = owner.setdefault(os.path.normpath(path), asset)
            if first is not asset:
                problems.append(
                    _problem(asset, f"it writes {path}, and so does {first.key}.", "Give it a path of its own.")
                )


def _did_you_mean(name: str, assets: Mapping[AssetKey, Asset]) -> str:
    close: list[str] = difflib.get_close_matches(name, assets, n=1, cutoff=0.7)
    if not close:
        close = [str(key) for key in assets if key.table == name.rsplit(".", 1)[-1]][:1]
    return f"Did you mean {close[0]}?" if close else ""


def _problem(asset: Asset, message: str, remedy: str) -> Problem:
    return Problem(asset.location.file, asset.location.line, message, remedy, asset.key)
