"""What a publication drops from view: the pointer, the view and the file of one asset in one environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headwater.assets.config import ProjectConfig
from headwater.runtime.publish import Item
from headwater.runtime.published_files import in_environment
from headwater.runtime.state import VersionRecord


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
