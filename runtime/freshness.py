"""Freshness, the second axis: how old the source data inside an asset may be. Apart from status, and pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from headwater.assets.asset import Asset
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.clock import from_iso
from headwater.runtime.model import FreshnessWord
from headwater.runtime.staleness import Decision, Resolved
from headwater.runtime.state import State


def lags(
    graph: AssetGraph,
    resolved: Mapping[AssetKey, Resolved],
    decisions: Mapping[AssetKey, Decision],
    state: State,
    now: datetime,
) -> dict[AssetKey, tuple[FreshnessWord, int | None]]:
    """Return for each asset its freshness word and the age, in seconds, of the oldest source data inside it.

    A CURRENT asset is as fresh as the last observations of its sources, which found them unchanged; any other holds
    what its version incorporated. An asset that promises nothing is NONE.
    """
    oldest: dict[AssetKey, str | None] = {}
    found: dict[AssetKey, tuple[FreshnessWord, int | None]] = {}
    for key in graph.order:
        oldest[key] = _oldest(graph, resolved[key].asset, decisions[key], state, oldest)
        lag = _age(oldest[key], now)
        promise = resolved[key].asset.freshness
        limit = None if promise is None else promise.max_lag_seconds
        word: FreshnessWord = "NONE" if limit is None else "OK" if lag is not None and lag <= limit else "LATE"
        found[key] = (word, lag)
    return found


def _oldest(
    graph: AssetGraph, asset: Asset, decision: Decision, state: State, oldest: Mapping[AssetKey, str | None]
) -> str | None:
    key = asset.key
    version = state.published.get(key)
    if version is None:
        return None
    observation = state.observed.get(key)
    if observation is not None:
        declared = asset.source is not None and asset.source.data_time is not None
        unchanged = decision.status.word == "CURRENT" and not declared
        return observation.at if unchanged else version.data_times.get(key, version.created)
    if decision.status.word == "CURRENT":
        times = [time for up in graph.upstream[key] if (time := oldest[up]) is not None]
        return min(times, default=None)
    return min(version.data_times.values(), default=None)


def _age(at: str | None, now: datetime) -> int | None:
    return None if at is None else max(0, int((now - from_iso(at)).total_seconds()))
