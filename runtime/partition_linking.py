"""How the partitions of assets fit together: every mapping is for something that is read, and fits its dimensions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from headwater.assets.asset import Asset
from headwater.assets.errors import Problem
from headwater.assets.key import AssetKey


def mapping_problems(
    assets: Mapping[AssetKey, Asset], upstream: Mapping[AssetKey, tuple[AssetKey, ...]], broken: frozenset[str]
) -> list[Problem]:
    """Return what is wrong with the mappings of all assets; `broken` are upstreams of which nothing is known."""
    return [
        problem
        for key, asset in assets.items()
        for up, _ in asset.mappings
        if up not in broken
        for problem in _problems_of(asset, up, assets.get(up), upstream[key])
    ]


def _problems_of(asset: Asset, up: AssetKey, read: Asset | None, reads: tuple[AssetKey, ...]) -> list[Problem]:
    from headwater.assets.partitions.faults import mapping_faults  # only a project with partitions pays for it

    if up not in reads or read is None:
        close = difflib.get_close_matches(up, reads, n=1)
        remedy = f"Did you mean {close[0]}?" if close else "Remove the mapping, or read it."
        return [_problem(asset, up, f"`mappings` names {up}, which {asset.key} does not read.", remedy)]
    if asset.kind in ("view", "file"):
        message = f"a {asset.kind} reads all of {up}: only tables read some of its partitions."
        return [_problem(asset, up, message, "Make it a table, or remove the mapping.")]
    if not read.partitions:
        message = f"`mappings` names {up}, which has no partitions."
        return [] if _unsound(read) else [_problem(asset, up, message, "Remove the mapping: all of it is read.")]
    if _unsound(asset):
        return []
    mapping = asset.mapping_of(up)
    assert mapping is not None, "the asset maps it"
    waits = asset.missing_partitions == "wait"
    faults = mapping_faults(mapping, asset.partitions, read.partitions, waits=waits)
    return [_problem(asset, up, f"the mapping for {up}: {fault.message}", fault.remedy) for fault in faults]


def _unsound(asset: Asset) -> bool:
    """Say whether an asset declares dimensions that were left out as wrong: that is said in their place."""
    return any(name == "partitions" for name, _ in asset.lines) and not asset.partitions


def _problem(asset: Asset, up: AssetKey, message: str, remedy: str) -> Problem:
    return Problem(asset.location.file, asset.line_of(f"mappings.{up}"), message, remedy, asset.key)
