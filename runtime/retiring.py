"""Retired assets: published, no longer declared. They stay in view until someone asks for them to be dropped."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping

from headwater.assets.config import ProjectConfig
from headwater.assets.key import AssetKey
from headwater.runtime.model import Reason, Step
from headwater.runtime.publish import Item
from headwater.runtime.published_files import in_environment
from headwater.runtime.state import State, VersionRecord

RETIRED = Reason(
    "RETIRED", "no longer declared; readers still see its last version, until `headwater run --retire` drops it."
)


def retired(state: State, declared: Collection[AssetKey]) -> tuple[AssetKey, ...]:
    """Return the assets that are published and no longer declared, by name."""
    return tuple(sorted(key for key in state.published if key not in declared))


def divide(
    terms: Iterable[str], declared: Iterable[AssetKey], gone: Collection[AssetKey]
) -> tuple[list[str], set[AssetKey]]:
    """Return the selectors that are about declared assets, and the retired assets that `terms` name.

    A plain name or glob may mean both. One that only retired assets have is no selector of declared ones.
    """
    known = list(declared)
    rest: list[str] = []
    named: set[AssetKey] = set()
    for term in (part for text in terms for part in text.split()):
        found = set(fnmatch.filter(gone, term.lower()))
        if not found or fnmatch.filter(known, term.lower()):
            rest.append(term)
        named |= {AssetKey(key) for key in found}
    return rest, named


def retire_steps(keys: Iterable[AssetKey]) -> list[Step]:
    """Return the steps that drop retired assets from view."""
    return [Step(key, "RETIRE", "CERTAIN", (RETIRED,)) for key in sorted(keys)]


def retire_item(
    version: VersionRecord,
    config: ProjectConfig,
    environment: str,
    foreign: Mapping[tuple[str, str], str],
    pointed: Iterable[tuple[str, VersionRecord]],
    action: str = "RETIRED",
) -> tuple[Item, str]:
    """Return what drops a published version from the view of an environment, and a sentence about what is left.

    `foreign` are the tables and views that Headwater did not make; `pointed` is every pointer of every environment.
    What another asset shows under the same name, or writes to the same path, stays.
    """
    suffix = config.environments[environment]
    key = version.asset
    place = (key.schema + suffix, key.table)
    others = [(env, v) for env, v in pointed if (env, v.asset) != (environment, key) and env in config.environments]
    taken = any((v.asset.schema + config.environments[env], v.asset.table) == place for env, v in others)
    removes = None if version.file is None else in_environment(version.file, suffix)
    if removes is not None:
        used = {in_environment(v.file, config.environments[env]).path for env, v in others if v.file is not None}
        removes = None if removes.path in used else removes
    item = Item(key, action, True, None, swap=not taken, removes=removes)
    kind = foreign.get(place)
    if kind is not None and not version.is_foreign:
        return item, f"{'.'.join(place)} is a {kind} that Headwater did not make; it stays."
    if removes is not None:
        return item, f"{removes.path} is removed; its versions are kept."
    return item, "Dropped from view; its versions are kept."
