"""Freshness, the second axis: how old the source data inside an asset may be. Apart from status, and pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from headwater.assets.asset import Asset
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.clock import to_iso
from headwater.runtime.data_time import TIMELESS, UNKNOWN, oldest_inside
from headwater.runtime.durations import PRIOR_SECONDS, Expected
from headwater.runtime.model import FreshnessWord
from headwater.runtime.promise import Promise, Requirement, requirements
from headwater.runtime.state import State


@dataclass(frozen=True, slots=True)
class FreshnessNow:
    """The answer to "is its data fresh enough?" for one asset, by the tightest requirement on it.

    `lag_seconds` is the age of the oldest source data inside: None where nothing is inside, or nobody can date it.
    `deadline` is until when that has to be replaced, `latest_start` when work on that has to begin (ISO 8601 UTC);
    `promised_by` is the asset that promised it.
    """

    word: FreshnessWord
    lag_seconds: int | None
    deadline: str | None = None
    latest_start: str | None = None
    promised_by: AssetKey | None = None


def freshness_of_all(
    assets: Mapping[AssetKey, Asset],
    graph: AssetGraph,
    state: State,
    promises: Mapping[AssetKey, tuple[Promise, ...]],
    expected: Expected,
    now: datetime,
    proven: Mapping[AssetKey, tuple[AssetKey, ...]] | None = None,
) -> dict[AssetKey, FreshnessNow]:
    """Return the freshness of every asset: one pass downstream for data times and, with promises, one upstream.

    `proven` is for `oldest_inside`.
    """
    oldest = oldest_inside(assets, graph, state, proven)
    if not promises:
        ages = {at: FreshnessNow("NONE", lag_seconds(at, now)) for at in set(oldest.values())}
        return {key: ages[at] for key, at in oldest.items()}
    required = requirements(graph, promises, expected)
    work = work_seconds(graph, required, expected)
    return {key: judge(required.get(key, ()), at, work.get(key, 0.0), now) for key, at in oldest.items()}


def judge(required: Iterable[Requirement], data_time: datetime, work: float, now: datetime) -> FreshnessNow:
    """Return what `required` makes of data from `data_time`. `work` are the seconds to bring the asset up to date.

    LATE after the deadline, DUE from the latest start on, OK before; NONE where nothing is required. The earliest
    deadline is the tightest requirement, so that it alone decides.
    """
    lag = lag_seconds(data_time, now)
    ordered = sorted(required, key=lambda it: (it.promise.asset, it.promise.by or ""))
    if not ordered:
        return FreshnessNow("NONE", lag)
    if data_time == UNKNOWN:
        return FreshnessNow("LATE", lag, promised_by=ordered[0].promise.asset)
    dated = [] if data_time == TIMELESS else [(it.deadline(data_time), it) for it in ordered]
    deadlines = [(at, it) for at, it in dated if at is not None]
    if not deadlines:
        return FreshnessNow("OK", lag, promised_by=ordered[0].promise.asset)
    deadline, tightest = min(deadlines, key=lambda pair: pair[0])
    start = deadline - timedelta(seconds=work)
    word: FreshnessWord = "LATE" if now > deadline else "DUE" if now >= start else "OK"
    return FreshnessNow(word, lag, to_iso(deadline), to_iso(start), tightest.promise.asset)


def lag_seconds(data_time: datetime, now: datetime) -> int | None:
    """Return the age of data in whole seconds, or None where there is none or it cannot be dated."""
    if data_time in (TIMELESS, UNKNOWN):
        return None
    return max(0, int((now - data_time).total_seconds()))


def work_seconds(graph: AssetGraph, keys: Iterable[AssetKey], expected: Expected) -> dict[AssetKey, float]:
    """Return for each of `keys`, which hold all upstreams of each, the seconds of the longest path from a source.

    That is what it takes to bring new source data into the asset, with everything that could run at once doing so.
    """
    within = set(keys)
    found: dict[AssetKey, float] = {}
    for key in (it for it in graph.order if it in within):
        before = max((found[up] for up in graph.upstream[key]), default=0.0)
        found[key] = before + expected.get(key, PRIOR_SECONDS)
    return found
