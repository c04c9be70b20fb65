"""Data time: how old the source data inside an asset is. Pure: what was recorded, renewed by what was seen since.

A source is as fresh as the last observation that found it as it is published, or, where it declares `data_time`, as the
newest row in it. What is built holds what its upstreams' published versions hold, as long as every read of its version
would see the same there; else what was recorded when it was built, which it can only have fallen short of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from headwater.assets.asset import Asset
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.clock import from_iso, to_iso
from headwater.runtime.state import State, VersionRecord

TIMELESS = datetime.max.replace(tzinfo=UTC)
"""The data time of what holds no source data: nothing in it grows old."""

UNKNOWN = datetime.min.replace(tzinfo=UTC)
"""The data time of what nobody can date: never published, or from a source without a dated row."""

NO_TIME = ""  # as UNKNOWN is recorded

Times = Mapping[AssetKey, datetime]
_Basis = tuple[Times, tuple[AssetKey, ...]]


class Inside:
    """The data times inside assets by source, each worked out once, when it is asked for.

    During a run it is asked only about assets whose step has ended, so that nothing worked out changes any more.
    """

    def __init__(self, assets: Mapping[AssetKey, Asset], graph: AssetGraph, state: State) -> None:
        self._assets = assets
        self._graph = graph
        self._state = state
        self._found: dict[AssetKey, Times] = {}

    def times(self, key: AssetKey) -> Times:
        """Return the data time of every source inside what readers of `key` see; the oldest where several ways lead."""
        found, waiting = self._found, [key]
        while waiting:  # no recursion, so that depth has no limit
            asset = waiting[-1]
            own, through = _basis(self._assets[asset], self._graph, self._state)
            missing = [up for up in through if up not in found] if asset not in found else []
            if missing:
                waiting += missing
                continue
            waiting.pop()
            if asset not in found:
                found[asset] = oldest_of([own, *(found[up] for up in through)])
        return found[key]


def oldest_inside(
    assets: Mapping[AssetKey, Asset],
    graph: AssetGraph,
    state: State,
    proven: Mapping[AssetKey, tuple[AssetKey, ...]] | None = None,
) -> dict[AssetKey, datetime]:
    """Return for every asset the data time of the oldest source inside, TIMELESS or UNKNOWN, in one pass downstream.

    `proven` has what assets read of which it is known that they were made of the versions which that has now, and have
    no data time of their own: nobody has to read their records.
    """
    found: dict[AssetKey, datetime] = {}
    known = proven or {}
    for key in graph.order:
        reads = known.get(key)
        own, through = (_NONE, reads) if reads is not None else _basis(assets[key], graph, state)
        oldest = min(own.values()) if own else TIMELESS
        for up in through:
            if found[up] < oldest:
                oldest = found[up]
        found[key] = oldest
    return found


def oldest_of(parts: Iterable[Times]) -> Times:
    """Return the data time of each source that is in one of `parts`, the oldest where it is in several."""
    merged: dict[AssetKey, datetime] = {}
    for part in parts:
        for source, at in part.items():
            merged[source] = min(at, merged.get(source, at))
    return merged


def recorded(times: Times) -> dict[str, str]:
    """Return data times as a version records them: ISO 8601 UTC, or NO_TIME."""
    return {str(source): NO_TIME if at == UNKNOWN else to_iso(at) for source, at in times.items()}


def times_recorded(texts: Mapping[str, str]) -> Times:
    """Return the data times that `recorded` wrote."""
    return {AssetKey(source): _moment(at) for source, at in texts.items()}


def _basis(asset: Asset, graph: AssetGraph, state: State) -> _Basis:
    """Return the data times that an asset has of its own, and the upstreams whose data times are inside too."""
    key = asset.key
    version = state.published.get(key)
    if version is None:
        return {key: UNKNOWN}, ()
    if asset.is_external:
        return {key: _of_source(asset, version, state)}, ()
    through = _as_published(version, graph.upstream[key], state)
    if through is None:
        return times_recorded(version.data_times), ()
    if str(key) in version.data_times:  # volatile: it looked outside when it was built
        return {key: _moment(version.data_times[str(key)])}, through
    return _NONE, through


_NONE: Times = {}


def _of_source(asset: Asset, version: VersionRecord, state: State) -> datetime:
    """Return the data time of a source: that of its rows where it declares one, else when it was last seen like this.

    What was seen after another delivery came says nothing about the one that is published.
    """
    dated = asset.source is not None and asset.source.data_time is not None
    seen = state.observed.get(asset.key)
    if not dated and seen is not None and seen.digest == version.source.get("sha256"):
        return from_iso(seen.at)
    return _moment(version.data_times.get(str(asset.key), version.created))


def _as_published(version: VersionRecord, upstream: tuple[AssetKey, ...], state: State) -> tuple[AssetKey, ...] | None:
    """Return what a version reads, if each read would see the same in the versions published now; else None."""
    sliced = version.slices is not None
    if version.slices is not None and len(version.slices.traces) != 1:
        return None  # slices of several builds saw several states of what they read
    for read in version.trace:
        there = state.published.get(read.upstream)
        if there is None or read.upstream not in upstream:
            return None
        if there.number != read.number and (sliced or state.token(there, read.columns) != read.token):
            return None
    return tuple([read.upstream for read in version.trace])


def _moment(text: str) -> datetime:
    return UNKNOWN if text == NO_TIME else from_iso(text)
