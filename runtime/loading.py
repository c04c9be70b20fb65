"""Loading a project: files to declarations to a graph. Every problem is collected; nothing is built or connected.

Each file's declarations are cached by the hash of its text, so a warm load reads and hashes files and parses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from headwater.assets.addition import Addition, add_to
from headwater.assets.asset import Asset
from headwater.assets.config import ProjectConfig
from headwater.assets.errors import Problem, ProjectError
from headwater.assets.key import AssetKey
from headwater.checks.declare import distinct_labels
from headwater.lineage.graph import AssetGraph
from headwater.runtime.cache import AnalysisCache, cache_key, texts_digest
from headwater.runtime.linking import broken_keys, did_you_mean, link
from headwater.runtime.loading_crew import Crew
from headwater.runtime.project_files import ProjectFiles, read_files


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

    def require_some_graph(self) -> AssetGraph:
        """Return the graph also of a project with problems, to find more of them; raises ProjectError for a cycle."""
        if self.graph is None:
            raise ProjectError(self.problems)
        return self.graph

    def python_texts(self) -> dict[str, str]:
        """Return the project's own Python files that assets may reach."""
        return {file: text for file, text in self.texts.items() if file.endswith(".py")}


@dataclass(frozen=True, slots=True)
class FileDeclarations:
    """What one file declares, as it is cached. `references` are the tables that SQL and checks name."""

    assets: tuple[Asset, ...]
    additions: tuple[Addition, ...]
    problems: tuple[Problem, ...]
    references: tuple[tuple[AssetKey, tuple[str, ...]], ...]


def load(config: ProjectConfig, cache: AnalysisCache, crew: Crew | None = None) -> Loaded:
    """Return the project that `config` describes, with every problem that can be found without building anything.

    A `crew` shares the work of a cold load.
    """
    files = read_files(config)
    problems = list(files.problems)
    config = _sound_defaults(config, cache, problems)
    declared, file_keys = _declarations(config, files, cache, crew)
    assets: dict[AssetKey, Asset] = {}
    references: dict[AssetKey, tuple[str, ...]] = {}
    for file in files.folder_of:
        found = declared[file]
        problems += found.problems
        for asset in found.assets:
            _add(asset, assets, problems)
        references.update({key: names for key, names in found.references if assets[key].location.file == file})
    origins: dict[AssetKey, tuple[bytes, ...]] = {
        key: (file_keys[asset.location.file],) for key, asset in assets.items()
    }
    for file in files.folder_of:
        for key in _apply_additions(declared[file].additions, assets, references, problems):
            origins[key] += (file_keys[file],)
    graph = link(config, assets, references, problems)
    ordered = tuple(sorted(set(problems), key=lambda p: (p.file or "", p.line or 0, p.message)))
    return Loaded(config, assets, graph, ordered, files.texts, files.folder_of, references, origins)


def _sound_defaults(config: ProjectConfig, cache: AnalysisCache, problems: list[Problem]) -> ProjectConfig:
    """Return the configuration without its defaults where these are wrong: that is said once, in their place."""
    if not config.defaults:
        return config
    key = cache_key("defaults", sorted(config.defaults.items()))
    found = cache.get_many([key]).get(key)
    if found is None:
        from headwater.runtime.declaring import wrong_defaults

        found = wrong_defaults(config)
        if not found:
            cache.put(key, found)
    problems += found  # type: ignore[arg-type]
    return replace(config, defaults={}) if found else config


def _declarations(
    config: ProjectConfig, files: ProjectFiles, cache: AnalysisCache, crew: Crew | None
) -> tuple[dict[str, FileDeclarations], dict[str, bytes]]:
    common = (config.dialect, config.timezone, sorted(config.defaults.items(), key=str))
    python = texts_digest({f: t for f, t in files.texts.items() if f.endswith(".py")})
    keys = {
        file: cache_key("file", file, prefix, python if file.endswith(".py") else files.texts[file], common)
        for file, prefix in files.folder_of.items()
    }
    cached = {key: hit for key, hit in cache.get_many(keys.values()).items() if isinstance(hit, FileDeclarations)}
    missing = [file for file, key in keys.items() if key not in cached]
    if crew is not None and missing:
        tasks = [(keys[f], f, files.folder_of[f], files.texts[f]) for f in missing if not f.endswith(".py")]
        for _, file, _, _ in crew.share("declare", tasks, cache.adopt):
            _declare(config, str(file), files, cache, keys, cached)
        crew.collect()
        shared = cache.get_many(keys[file] for file in missing if keys[file] not in cached)
        cached |= {key: hit for key, hit in shared.items() if isinstance(hit, FileDeclarations)}
    for file in missing:
        if keys[file] not in cached:
            _declare(config, file, files, cache, keys, cached)
    return {file: cached[key] for file, key in keys.items()}, keys


def _declare(
    config: ProjectConfig,
    file: str,
    files: ProjectFiles,
    cache: AnalysisCache,
    keys: Mapping[str, bytes],
    declared: dict[bytes, FileDeclarations],
) -> None:
    from headwater.runtime.declaring import declare_file  # imports pydantic, YAML and sqlglot: cold path only

    found, repeatable = declare_file(config, file, files)
    declared[keys[file]] = found
    if repeatable:
        cache.put(keys[file], found)


def _add(asset: Asset, assets: dict[AssetKey, Asset], problems: list[Problem]) -> None:
    first = assets.setdefault(asset.key, asset)
    if first is not asset:
        place = f"{first.location.file}:{first.location.line}"
        message = f"the key {asset.key} is declared twice; first in {place}."
        line = asset.line_of("key")
        problems.append(Problem(asset.location.file, line, message, "Rename one of them.", asset.key))


def _apply_additions(
    additions: tuple[Addition, ...],
    assets: dict[AssetKey, Asset],
    references: dict[AssetKey, tuple[str, ...]],
    problems: list[Problem],
) -> list[AssetKey]:
    """Add contracts and checks to the assets they are for; return the keys of these."""
    changed: list[AssetKey] = []
    for addition in additions:
        place = addition.location
        asset = assets.get(addition.key)
        if asset is None:
            if addition.key not in broken_keys(assets, problems):
                remedy = did_you_mean(addition.key, assets) or "Declare it, or remove what is added to it."
                message = f"no asset is called {addition.key}."
                problems.append(Problem(place.file, place.line, message, remedy, addition.key))
            continue
        added, found = add_to(asset, addition)
        assets[addition.key] = replace(added, checks=distinct_labels(added.checks))
        problems += found
        references[addition.key] = references.get(addition.key, ()) + addition.references
        changed.append(addition.key)
    return changed


def source_text(asset: Asset, loaded: Loaded) -> str:
    """Return the text that an asset is defined by, as its author wrote it: its query, or its Python file."""
    if asset.sql is not None:
        return asset.sql.strip() + "\n"
    if asset.python is not None:
        return loaded.texts.get(asset.python.module_file, "")
    return ""
