"""Graphs with promises and published versions, made of a few words, for judging freshness without a project."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from headwater.assets.asset import Asset, Freshness, Location, Source
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph, build_graph
from headwater.runtime.clock import to_iso
from headwater.runtime.freshness import FreshnessNow, freshness_of_all
from headwater.runtime.promise import all_promises
from headwater.runtime.published import Published
from headwater.runtime.state import Gate, Observation, State, TraceRead, VersionRecord


def utc(text: str) -> datetime:
    """Return an ISO text as a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Shelf:
    """Assets with what they read, what they promise, and what is published of them. Sources read nothing."""

    def __init__(self, reads: Mapping[str, str], timezone: str = "UTC") -> None:
        self.timezone = timezone
        self.reads = {AssetKey(key): tuple(map(AssetKey, text.split())) for key, text in reads.items()}
        self.assets = {key: self._asset(key) for key in self.reads}
        graph = build_graph(self.reads, {})
        assert isinstance(graph, AssetGraph)
        self.graph = graph
        self.state = State("prod", Published(), {}, {})
        self.expected: dict[AssetKey, float] = {}

    def _asset(self, key: AssetKey, **fields: object) -> Asset:
        source = None if self.reads[key] else Source(file=f"{key}.csv", format="csv")
        return Asset(key, Location("a.yaml"), source=source, **fields)  # type: ignore[arg-type]

    def promise(self, key: str, max_lag: int | None = None, by: str | None = None, **more: str) -> Shelf:
        """Let an asset promise something."""
        at = AssetKey(key)
        self.assets[at] = self._asset(at, freshness=Freshness(max_lag, by, **more))
        return self

    def takes(self, **seconds: float) -> Shelf:
        """Say how long builds take."""
        self.expected = {AssetKey(key): taken for key, taken in seconds.items()}
        return self

    def publish(self, at: str, *keys: str) -> Shelf:
        """Build and publish assets (all, in build order, by default) over what is published of their upstreams."""
        for key in map(AssetKey, keys or self.graph.order):
            published, before = self.state.published, self.state.published.get(AssetKey(key))
            number = 1 if before is None else before.number + 1
            trace = tuple(TraceRead(up, published[up].number, "*", published[up].tokens["*"]) for up in self.reads[key])
            inside: dict[str, str] = {} if self.reads[key] else {str(key): to_iso(utc(at))}
            for up in self.reads[key]:
                for source, time in published[up].data_times.items():
                    inside[source] = min(time, inside.get(source, time))
            token, digest = f"{key}{number}", {"sha256": f"{key}{number}"}
            published[key] = VersionRecord(
                key, number, "table", f"{key}_{number}", 1, (), {}, "d", trace, {"*": token}, Gate("PASS", ""),
                created=to_iso(utc(at)), data_times=inside, source={} if self.reads[key] else digest,
            )  # fmt: skip
            if not self.reads[key]:
                self.observe(at, key)
        return self

    def observe(self, at: str, key: str) -> Shelf:
        """Look at a source and find it as it is published."""
        version = self.state.published[AssetKey(key)]
        digest = version.source["sha256"]
        self.state.observed[version.asset] = Observation(version.asset, "", digest, to_iso(utc(at)), version.number)
        return self

    def judge(self, now: str) -> dict[str, FreshnessNow]:
        """Return the freshness of every asset."""
        promises = all_promises(self.assets, self.timezone)
        found = freshness_of_all(self.assets, self.graph, self.state, promises, self.expected, utc(now))
        return {str(key): it for key, it in found.items()}

    def words(self, now: str) -> dict[str, str]:
        """Return the freshness word of every asset."""
        return {key: it.word for key, it in self.judge(now).items()}
