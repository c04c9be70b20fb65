"""Renamed assets: which names mean one and the same asset, now and in what was recorded.

A rename is declared (`renamed_from`), takes effect in what is known at once, and is recorded by the first run,
promotion or rollback after it. Until then recorded names are read as today's; from then on they are today's. The
*identity* of an asset is the name that it was first recorded under: definitions name what they read by it, so no reader
changes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from headwater.assets.asset import Asset
from headwater.assets.errors import Problem
from headwater.assets.key import AssetKey


@dataclass(frozen=True, slots=True)
class Names:
    """What recorded names mean. `now` maps a recorded name to today's, where a rename is not recorded yet.

    `identity` maps today's names to identities, where the two differ; `former` maps today's names to earlier ones.
    """

    now: Mapping[AssetKey, AssetKey] = field(default_factory=dict)
    identity: Mapping[AssetKey, str] = field(default_factory=dict)
    former: Mapping[AssetKey, tuple[AssetKey, ...]] = field(default_factory=dict)


def names_of(
    assets: Mapping[AssetKey, Asset],
    has_versions: Collection[AssetKey],
    recorded: Iterable[tuple[AssetKey, AssetKey, str]],
) -> Names:
    """Return what names mean. `recorded` holds (old, today's name, identity) for every rename in the ledger, in order.

    A declared rename takes effect where the old name has versions and the new one has none.
    """
    rows = list(recorded)
    identity: dict[AssetKey, str] = {asset: it for _, asset, it in rows}
    former: dict[AssetKey, tuple[AssetKey, ...]] = {}
    for old, asset, _ in rows:
        former[asset] = (*former.get(asset, ()), old)
    now: dict[AssetKey, AssetKey] = {}
    for key, declared in assets.items():
        before = next((it for it in declared.renamed_from if it in has_versions), None)
        if before is not None and key not in has_versions:
            now[before] = key
            identity[key] = identity.pop(before, "") or fresh_identity(before, identity.values())
            former[key] = (*former.pop(before, ()), before)
    for key in assets:
        if key not in identity and key in identity.values():
            identity[key] = fresh_identity(key, identity.values())
    return Names(now, {key: it for key, it in identity.items() if key != it}, former)


def fresh_identity(name: str, taken: Iterable[str]) -> str:
    """Return an identity for an asset called `name`, which is its name unless another asset was first called that."""
    known = set(taken)
    found, count = name, 1
    while found in known:
        count += 1
        found = f"{name}#{count}"
    return found


def rename_in_record(text: str, old: str, new: str) -> str:
    """Return the JSON of a version or a verdict with an upstream called `new` instead of `old`."""
    if f'"{old}"' not in text:
        return text
    value = json.loads(text)
    for part in ("trace", "reads"):
        if part in value:
            value[part] = [[new if read[0] == old else read[0], *read[1:]] for read in value[part]]
    for trace in value.get("slices", {}).get("traces", ()):
        trace[-1] = [[new if read[0] == old else read[0], *read[1:]] for read in trace[-1]]
    if "data_times" in value:
        value["data_times"] = sorted([new if name == old else name, at] for name, at in value["data_times"])
    if "lineage" in value:
        value["lineage"] = _replaced(value["lineage"], old, new)
    return json.dumps(value, sort_keys=True)


def named_in_record(text: str, name: str) -> str:
    """Return the JSON of a version with the name that it was recorded under, unless it says one already."""
    value = json.loads(text)
    return json.dumps({"named": name, **value}, sort_keys=True)


def rename_problems(assets: Mapping[AssetKey, Asset]) -> list[Problem]:
    """Return what is wrong with the renames that are declared, each at its line."""
    found: list[Problem] = []
    takers: dict[AssetKey, AssetKey] = {}
    for key, asset in assets.items():
        for old in dict.fromkeys(asset.renamed_from):
            if old == key:
                found.append(_problem(asset, "it is renamed from itself.", "Remove `renamed_from`."))
            elif old in assets:
                place = f"{assets[old].location.file}:{assets[old].location.line}"
                message = f"it is renamed from {old}, which is still declared in {place}."
                found.append(_problem(asset, message, "Remove that declaration, or `renamed_from`."))
            elif takers.setdefault(old, key) != key:
                message = f"it is renamed from {old}, and so is {takers[old]}."
                found.append(_problem(asset, message, "Only one of them can go on with its history."))
    return found


def merge_problems(assets: Mapping[AssetKey, Asset], has_versions: Collection[AssetKey]) -> list[Problem]:
    """Return a problem for each rename of one asset with a history onto another that has a history of its own."""
    found = []
    for key, asset in assets.items():
        old = next((it for it in asset.renamed_from if it in has_versions), None)
        if old is not None and key in has_versions:
            message = f"it is renamed from {old}, and has versions of its own: two histories cannot become one."
            remedy = f"Remove `renamed_from`; `headwater run {old} --retire` drops {old} from view."
            found.append(_problem(asset, message, remedy))
    return found


def _problem(asset: Asset, message: str, remedy: str) -> Problem:
    return Problem(asset.location.file, asset.line_of("renamed_from"), message, remedy, asset.key)


def _replaced(value: object, old: str, new: str) -> object:
    if isinstance(value, str):
        return new if value == old else value
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    if isinstance(value, dict):
        return {_replaced(name, old, new): _replaced(item, old, new) for name, item in value.items()}
    return value
