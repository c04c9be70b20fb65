"""Promises about freshness, and what they require of everything upstream. Pure.

A promise says, of the oldest source data inside an asset, when that has to be replaced: its *deadline*. `max_lag` is
that age at most. `by` is at each deadline to hold only data from after the deadline before; so what is in it now has to
be replaced by the second deadline from its data time on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Literal

from headwater.assets.asset import Asset
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.durations import PRIOR_SECONDS, Expected

_Kind = tuple[str, str, str | None] | None


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of `asset`: exactly one of `max_lag_seconds` and `by` is set."""

    asset: AssetKey
    max_lag_seconds: int | None = None
    by: str | None = None
    timezone: str = "UTC"
    holidays: str | None = None

    @property
    def kind(self) -> _Kind:
        """What is equal for promises of which the tightest stands for all: None for lags, else the deadline."""
        return None if self.by is None else (self.by, self.timezone, self.holidays)

    def deadline(self, data_time: datetime) -> datetime | None:
        """Return the last moment at which source data of `data_time` may be inside. None: it may stay for ever."""
        if self.by is not None:
            return _second_deadline(data_time, self.by, self.timezone, self.holidays)
        assert self.max_lag_seconds is not None, "a promise is a lag or a deadline"
        return _plus(data_time, self.max_lag_seconds)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a promise comes to for an asset: its own (`seconds` is 0), or that of one downstream.

    `seconds` are those that the path from here to the asset that promises is expected to take, itself included.
    """

    promise: Promise
    seconds: float = 0.0

    def deadline(self, data_time: datetime) -> datetime | None:
        """Return until when source data of `data_time` has to be replaced here, so that the promise can be kept."""
        found = self.promise.deadline(data_time)
        return None if found is None else _plus(found, -self.seconds)

    def is_tighter(self, other: Requirement) -> bool:
        """Return whether this leaves less time than `other`, of the same kind; ties are settled by name."""
        return self._slack < other._slack

    @property
    def _slack(self) -> tuple[float, AssetKey]:
        return (self.promise.max_lag_seconds or 0) - self.seconds, self.promise.asset


def promises_of(asset: Asset, timezone: str) -> tuple[Promise, ...]:
    """Return what an asset promises itself; `timezone` is that of a deadline which names none."""
    declared, found = asset.freshness, []
    if declared is not None and declared.max_lag_seconds is not None:
        found.append(Promise(asset.key, declared.max_lag_seconds))
    if declared is not None and declared.by is not None:
        zone = declared.timezone or timezone
        found.append(Promise(asset.key, by=declared.by, timezone=zone, holidays=declared.holidays))
    return tuple(found)


def all_promises(assets: Mapping[AssetKey, Asset], timezone: str) -> dict[AssetKey, tuple[Promise, ...]]:
    """Return the assets that promise something, with what."""
    promising = (asset for asset in assets.values() if asset.freshness is not None)
    return {asset.key: found for asset in promising if (found := promises_of(asset, timezone))}


def requirements(
    graph: AssetGraph, promises: Mapping[AssetKey, tuple[Promise, ...]], expected: Expected
) -> dict[AssetKey, tuple[Requirement, ...]]:
    """Return for each asset that a promise stands on the tightest requirement of each kind, in one pass upstream.

    An asset has to be up to date earlier than its reader by the seconds that the reader is expected to take.
    """
    found: dict[AssetKey, dict[_Kind, Requirement]] = {}
    cone = graph.ancestors(promises)
    for key in (it for it in reversed(graph.order) if it in cone):
        tightest: dict[_Kind, Requirement] = {}
        for promise in promises.get(key, ()):
            _keep_tighter(tightest, Requirement(promise))
        for reader in graph.downstream[key]:
            seconds = expected.get(reader, PRIOR_SECONDS)
            for it in found[reader].values() if reader in found else ():
                _keep_tighter(tightest, Requirement(it.promise, it.seconds + seconds))
        found[key] = tightest
    return {key: tuple(tightest.values()) for key, tightest in found.items()}


def _keep_tighter(tightest: dict[_Kind, Requirement], new: Requirement) -> None:
    known = tightest.get(new.promise.kind)
    if known is None or new.is_tighter(known):
        tightest[new.promise.kind] = new


@dataclass(frozen=True, slots=True)
class Unkept:
    """A promise that history says cannot be kept, with the arithmetic: `terms` add up to `needed_seconds`.

    PATH: the expected durations along the longest path are more than the lag, or than the time between two deadlines.
    DELIVERY: `late` times of `deliveries`, the data of `source` had to be replaced before the next one came all the
    way. The first term is its age when that was taken in (the median), the others are the durations of the way.
    `allowed_seconds` is None for a deadline by the clock.
    """

    promise: Promise
    reason: Literal["PATH", "DELIVERY"]
    needed_seconds: float
    allowed_seconds: float | None
    terms: tuple[tuple[AssetKey, float], ...]
    source: AssetKey | None = None
    late: int = 0
    deliveries: int = 0


@lru_cache(maxsize=4096)
def _second_deadline(data_time: datetime, by: str, timezone: str, holidays: str | None) -> datetime | None:
    from headwater.assets.deadline import deadlines_from

    return next(islice(deadlines_from(data_time, by, timezone, holidays), 1, None), None)


def _plus(moment: datetime, seconds: float) -> datetime | None:
    """Return `moment` and `seconds` added, or None beyond what a calendar has."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return None
