"""Loading a project: files to declarations to a graph. Every problem is collected; nothing is built or connected.

Each file's declarations are cached by the hash of its text, so a warm load reads and hashes files and parses nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headwater.assets.addition import Addition, add_to
from headwater.assets.asset import Asset
from headwater.assets.config import ProjectConfig
from headwater.assets.errors import Problem, ProjectError
from headwater.assets.key import AssetKey
from headwater.checks.declare import distinct_labels
from headwater.lineage.graph import AssetGraph
from headwater.runtime.cache import AnalysisCache, cache_key, texts_digest
from headwater.runtime.later import Later
from headwater.runtime.linking import broken_keys, did_you_mean, link
from headwater.runtime.loading_crew import Crew
from headwater.runtime.project_files import ProjectFiles, read_files
from headwater.runtime.skeleton import (
    Origins,
    References,
    Skeleton,
    packed_details,
    project_digest,
    store_skeleton,
    stored_skeleton,
)


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
    noted: tuple[AssetKey, ...] = field(repr=False, default=())  # assets that somebody looks for among all: see notable
    digest: str = ""  # of all that this follows from; empty where the same text may not declare the same again

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

    def notable(self) -> dict[AssetKey, Asset]:
        """Return the assets with something that is looked for among all of them.

        They are sources, in Python, in parts, renamed, or promise freshness; most assets of a project are not.
        """
        if isinstance(self.assets, Later):
            self.assets.prefetch(self.noted)
        return {key: self.assets[key] for key in self.noted}

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

    A `crew` shares the work of a cold load. Of a sound project that is as it was at the last load, declarations are
    unpacked only as they are asked for.
    """
    files = read_files(config)
    problems = list(files.problems)
    config = _sound_defaults(config, cache, problems)
    digest = "" if problems else project_digest(config, files)
    skeleton = stored_skeleton(cache, digest) if digest else None
    if skeleton is not None:
        return _from_skeleton(config, files, cache, crew, skeleton)
    return _load_all(config, files, cache, crew, problems, digest)


def _load_all(
    config: ProjectConfig,
    files: ProjectFiles,
    cache: AnalysisCache,
    crew: Crew | None,
    problems: list[Problem],
    digest: str,
) -> Loaded:
    declared, file_keys, repeatable = _declarations(config, files, cache, crew)
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
    sound = graph is not None and not ordered and repeatable
    loaded = Loaded(
        config,
        assets,
        graph,
        ordered,
        files.texts,
        files.folder_of,
        references,
        origins,
        tuple(key for key, asset in assets.items() if _is_notable(asset)),
        digest if sound else "",
    )
    if sound and graph is not None:
        details = packed_details(references, origins)
        store_skeleton(cache, Skeleton(digest, tuple(assets), graph, loaded.noted, details))
    return loaded


def _from_skeleton(
    config: ProjectConfig, files: ProjectFiles, cache: AnalysisCache, crew: Crew | None, skeleton: Skeleton
) -> Loaded:
    """Return a project without its declarations, each of which is unpacked, and added to, when it is asked for."""

    @functools.cache
    def whole() -> Loaded:  # where the cache has lost what it had
        return _load_all(config, files, cache, crew, [], skeleton.digest)

    @functools.cache
    def details() -> tuple[References, Origins]:
        return skeleton.unpacked()

    def declared(keys: Collection[AssetKey]) -> dict[AssetKey, Asset]:
        origins = {key: details()[1][key] for key in keys}
        places = {place for key in keys for place in origins[key]}
        found = {at: hit for at, hit in cache.get_many(places).items() if isinstance(hit, FileDeclarations)}
        there = (key for key in keys if all(place in found for place in origins[key]))
        return {key: _declared(key, origins[key], found) for key in there}

    keys = skeleton.keys
    return Loaded(
        config,
        Later(keys, declared, lambda: whole().assets),
        skeleton.graph,
        (),
        files.texts,
        files.folder_of,
        Later(keys, lambda _: details()[0], dict),
        Later(keys, lambda _: details()[1], dict),
        skeleton.notable,
        skeleton.digest,
    )


def _is_notable(asset: Asset) -> bool:
    special = asset.is_external or asset.python is not None or asset.in_parts
    return special or bool(asset.renamed_from) or asset.freshness is not None


def _declared(key: AssetKey, origins: Sequence[bytes], files: Mapping[bytes, FileDeclarations]) -> Asset:
    """Return the asset that the first of its files declares and the others, or that one too, add to."""
    asset = next(asset for asset in files[origins[0]].assets if asset.key == key)
    for place in dict.fromkeys(origins[1:]):
        for addition in files[place].additions:
            if addition.key == key:
                asset = _added(asset, addition)[0]
    return asset


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
) -> tuple[dict[str, FileDeclarations], dict[str, bytes], bool]:
    """Return what each file declares, its cache key, and whether the same texts are sure to declare the same again."""
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
    repeatable = True
    for file in missing:
        if keys[file] not in cached:
            repeatable &= _declare(config, file, files, cache, keys, cached)
    return {file: cached[key] for file, key in keys.items()}, keys, repeatable


def _declare(
    config: ProjectConfig,
    file: str,
    files: ProjectFiles,
    cache: AnalysisCache,
    keys: Mapping[str, bytes],
    declared: dict[bytes, FileDeclarations],
) -> bool:
    from headwater.runtime.declaring import declare_file  # imports pydantic, YAML and sqlglot: cold path only

    found, repeatable = declare_file(config, file, files)
    declared[keys[file]] = found
    if repeatable:
        cache.put(keys[file], found)
    return repeatable


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
        assets[addition.key], found = _added(asset, addition)
        problems += found
        references[addition.key] = references.get(addition.key, ()) + addition.references
        changed.append(addition.key)
    return changed


def _added(asset: Asset, addition: Addition) -> tuple[Asset, tuple[Problem, ...]]:
    added, problems = add_to(asset, addition)
    return replace(added, checks=distinct_labels(added.checks)), problems


def source_text(asset: Asset, loaded: Loaded) -> str:
    """Return the text that an asset is defined by, as its author wrote it: its query, or its Python file."""
    if asset.sql is not None:
        return asset.sql.strip() + "\n"
    if asset.python is not None:
        return loaded.texts.get(asset.python.module_file, "")
    return ""
