"""How a definition moved between two versions, or a version and today: by what texts mean, not by their lines."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.assets.asset import Asset
from headwater.assets.key import AssetKey
from headwater.assets.partitions import PartitionSet
from headwater.lineage.definition_change import DefinitionChange
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.definer import known_schema
from headwater.runtime.explanation import DefinitionMove
from headwater.runtime.loading import source_text
from headwater.runtime.state import VersionRecord
from headwater.runtime.version_history import VersionHistory, parameters_of_text
from headwater.runtime.workspace import Survey


@dataclass(frozen=True, slots=True)
class DefinitionSide:
    """A definition at one time: its parts as recorded, its text (None: not kept) and what that was resolved with.

    `code` are further project files of Python code, by path.
    """

    parts: Mapping[str, str]
    text: str | None
    kind: str
    schemas: Mapping[str, SchemaColumns] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


def today_of(survey: Survey, key: AssetKey) -> DefinitionSide:
    """Return today's definition of an asset."""
    resolved = survey.resolved[key]
    names = survey.loaded.references.get(key, ())
    known = {name: survey.resolved.get(AssetKey(name)) for name in names if name[0] != "?"}
    schemas = {name: known_schema(it, survey.state) for name, it in known.items() if it is not None}
    return DefinitionSide(
        resolved.definition.parts(),
        source_text(resolved.asset, survey.loaded),
        resolved.asset.kind,
        {name: schema for name, schema in schemas.items() if schema is not None},
        survey.loaded.python_texts(),
    )


def side_of(version: VersionRecord, history: VersionHistory) -> DefinitionSide:
    """Return the definition that a version was made from."""
    reads = [(read.upstream, read.number) for read in version.trace]
    if version.slices is not None:
        reads += [(read.upstream, read.number) for trace in version.slices.traces for read in trace.reads]
    found = {str(upstream): history.of(upstream).get(number) for upstream, number in reads}
    schemas = {name: upstream.schema for name, upstream in found.items() if upstream is not None}
    return DefinitionSide(version.definition, history.text(version), version.kind, schemas, history.code(version))


def definition_changes(asset: Asset, then: DefinitionSide, now: DefinitionSide) -> tuple[DefinitionChange, ...]:
    """Return what changed between two definitions of an asset, empty where they are equal in all that counts."""
    found: list[DefinitionChange] = []
    if then.parts.get("logic", "") != now.parts.get("logic", ""):
        found += _logic(asset, then, now) or [DefinitionChange("ALTERED", "OTHER")]
    if then.parts.get("config", "") != now.parts.get("config", ""):
        if then.kind != now.kind:
            found.append(DefinitionChange("ALTERED", "STORAGE", "", then.kind, now.kind))
        else:
            found.append(DefinitionChange("ALTERED", "CONFIG"))
    if then.parts.get("settings", "") != now.parts.get("settings", ""):
        libraries = _named("LIBRARY", *(_libraries(side) for side in (then, now)))
        found += libraries or [DefinitionChange("ALTERED", "SETTINGS")]
    found += _named("PARAMETER", *(parameters_of_text(side.parts.get("parameters", "")) for side in (then, now)))
    return tuple(dict.fromkeys(found))


def _logic(asset: Asset, then: DefinitionSide, now: DefinitionSide) -> list[DefinitionChange]:
    if then.text is None or now.text is None:
        return []
    if asset.python is not None:
        from headwater.lineage.python_difference import python_difference

        file = asset.python.module_file
        before, after = {**then.code, file: then.text}, {**now.code, file: now.text}
        return list(python_difference(before, after, asset.python))
    if asset.sql is None:
        return []
    from headwater.lineage.sql import sql_difference

    return [
        change
        for change in sql_difference(then.text, now.text, asset.dialect, then.schemas, now.schemas)
        if change.kind != "PARAMETER"  # their values say more
    ]


def _libraries(side: DefinitionSide) -> dict[str, str]:
    pairs = (item.partition("=") for item in side.parts.get("libraries", "").split(", ") if item)
    return {name: version for name, _, version in pairs}


def _named(kind: str, then: Mapping[str, str], now: Mapping[str, str]) -> list[DefinitionChange]:
    found = [DefinitionChange("ADDED", kind, name, None, now[name]) for name in now if name not in then]
    found += [DefinitionChange("REMOVED", kind, name, then[name], None) for name in then if name not in now]
    both = [name for name in now if name in then and then[name] != now[name]]
    return found + [DefinitionChange("ALTERED", kind, name, then[name], now[name]) for name in both]


def definition_moves(
    survey: Survey, key: AssetKey, history: VersionHistory, within: PartitionSet | None
) -> tuple[DefinitionMove, ...]:
    """Return how today's definition differs from those that the published data was made from, `within` partitions.

    A text that was edited without changing what counts is one move without changes.
    """
    published = survey.state.published.get(key)
    if published is None:
        return ()
    asset, today = survey.resolved[key].asset, today_of(survey, key)
    hashed = survey.resolved[key].definition.hash
    moves = []
    for version, partitions in _made(survey, key, published, history, within):
        then = side_of(version, history)
        same = version.definition_hash == hashed
        diff = None
        if then.text is not None and today.text is not None:
            diff = text_diff(then.text, today.text, f"{key}@v{version.number}", f"{key} (today)")
        if not same or diff is not None:
            changes = () if same else definition_changes(asset, then, today) or (DefinitionChange("ALTERED", "OTHER"),)
            moves.append(DefinitionMove(version.number, changes, diff, None if same else partitions))
    return tuple(moves)


def _made(
    survey: Survey, key: AssetKey, published: VersionRecord, history: VersionHistory, within: PartitionSet | None
) -> list[tuple[VersionRecord, tuple[str, ...] | None]]:
    """Return the versions whose definitions made what readers see, with the partitions that each made."""
    status = survey.decisions[key].partitions
    if published.slices is None or status is None:
        return [(published, None)]
    chosen = status.space.all() if within is None else within
    parts: dict[str, PartitionSet] = {}
    for trace in published.slices.traces:
        mine = status.space.restore(trace.partitions) & chosen
        if mine:
            parts[trace.definition_hash] = parts.get(trace.definition_hash, status.space.empty()) | mine
    found = [(history.made_of(key, made), mine.ranges if mine.space.axes else None) for made, mine in parts.items()]
    return [(version, ranges) for version, ranges in found if version is not None]


def text_diff(before: str, after: str, before_name: str, after_name: str) -> str | None:
    """Return a unified diff, or None where the texts are equal."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), before_name, after_name, lineterm="", n=2)
    return "\n".join(lines) or None
