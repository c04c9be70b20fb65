"""Freshness of a project: reads the history that judging needs, and shows where one asset's requirement comes from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.clock import from_iso, to_iso
from headwater.runtime.data_time import TIMELESS, UNKNOWN, Inside
from headwater.runtime.durations import HISTORY, PRIOR_SECONDS, expected_seconds, longest_path, path_to
from headwater.runtime.freshness import FreshnessNow, freshness_of_all, judge, lag_seconds
from headwater.runtime.model import StatusWord
from headwater.runtime.promise import Promise, Requirement, Unkept, all_promises
from headwater.runtime.state_reader import SqlStateReader
from headwater.runtime.unkept import Delivery, unkept_promises
from headwater.runtime.workspace import Survey, Workspace

_DELIVERIES = 20  # newest, that say how often a source comes


@dataclass(frozen=True, slots=True)
class Taken:
    """What the build of an asset is expected to take, by its last `builds`; 0 builds: the prior of new assets."""

    asset: AssetKey
    seconds: float
    builds: int


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One promise that an asset stands under: its own, where `taken_off` is empty, or that of one downstream.

    `taken_off` are the assets from here to the one that promises, itself included, along the longest way.
    """

    promise: Promise
    taken_off: tuple[Taken, ...]
    judged: FreshnessNow


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source inside an asset. `data_time` is None where nobody can date it; `column` is where it is declared.

    `seen` says for any other whether it was `observed` (a source), or `built` (an asset that looked outside).
    """

    source: AssetKey
    data_time: str | None
    age_seconds: int | None
    seen: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class FreshnessView:
    """What `freshness` answers: the tightest requirement on an asset, and everything that it follows from.

    `requirements` are in order of their deadlines; `work` are the steps of the longest path from a source.
    """

    asset: AssetKey
    environment: str
    at: str
    status: StatusWord
    freshness: FreshnessNow
    requirements: tuple[RequirementLine, ...]
    work: tuple[Taken, ...]
    sources: tuple[SourceLine, ...]


def survey_freshness(workspace: Workspace, survey: Survey) -> dict[AssetKey, FreshnessNow]:
    """Return the freshness of every asset. History is read only for assets that a promise stands on."""
    assets, graph = survey.loaded.assets, survey.graph
    promises = all_promises(survey.loaded.notable(), survey.loaded.config.timezone)
    expected = expected_seconds(_history(workspace, graph.ancestors(promises)) if promises else {})
    reads = {key: survey.resolved.outlines[key].reads for key in survey.proven}
    proven = {key: above for key, above in reads.items() if set(graph.upstream[key]).issuperset(above)}
    return freshness_of_all(assets, graph, survey.state, promises, expected, survey.now, proven)


def freshness_view(workspace: Workspace, survey: Survey, key: AssetKey) -> FreshnessView:
    """Return what is required of `key` and why, each promise judged on its own."""
    graph, now = survey.graph, survey.now
    promises = all_promises(survey.loaded.notable(), survey.loaded.config.timezone)
    below, above = graph.descendants([key]), graph.ancestors([key])
    history = _history(workspace, below | above)
    expected = expected_seconds(history)
    seconds = {it: expected.get(it, PRIOR_SECONDS) for it in below | above}

    def taken(path: Iterable[AssetKey]) -> tuple[Taken, ...]:
        return tuple(Taken(it, seconds[it], len(history.get(it, ()))) for it in path)

    inside = Inside(survey.loaded.assets, graph, survey.state).times(key)
    oldest = min(inside.values(), default=TIMELESS)
    to_key = longest_path(graph, above, seconds)
    from_key = longest_path(graph, below, {**seconds, key: 0.0})
    lines = []
    for owner in sorted(below & promises.keys()):
        for promise in promises[owner]:
            judged = judge([Requirement(promise, from_key[owner][0])], oldest, to_key[key][0], now)
            lines.append(RequirementLine(promise, taken(path_to(owner, from_key)[1:]), judged))
    lines.sort(key=lambda it: (it.promise.asset, it.promise.by or ""))
    lines.sort(key=lambda it: TIMELESS if it.judged.deadline is None else from_iso(it.judged.deadline))
    return FreshnessView(
        asset=key,
        environment=survey.state.environment,
        at=to_iso(now),
        status=survey.decisions[key].status.word,
        freshness=lines[0].judged if lines else judge((), oldest, 0.0, now),
        requirements=tuple(lines),
        work=taken(path_to(key, to_key)),
        sources=tuple(_source_line(survey, it, inside[it]) for it in sorted(inside, key=lambda it: (inside[it], it))),
    )


def plan_forecast(
    workspace: Workspace, graph: AssetGraph, keys: Collection[AssetKey], now: datetime
) -> tuple[dict[AssetKey, float], tuple[Unkept, ...]]:
    """Return the expected seconds of assets that `keys` stand on, and the promises of `keys` that cannot be kept."""
    assets, wanted = workspace.loaded.assets, frozenset(keys)
    notable = workspace.loaded.notable()
    chosen = {key: notable[key] for key in graph.order if key in wanted and key in notable}
    promises = all_promises(chosen, workspace.config.timezone)
    judged_by = {up for key in keys for up in graph.check_upstream.get(key, ())}
    above = graph.ancestors({*keys, *judged_by})
    dated = [key for key in sorted(graph.ancestors(promises)) if (it := assets[key].source) and it.data_time]
    history: dict[AssetKey, tuple[int, ...]] = {}
    deliveries: dict[AssetKey, tuple[Delivery, ...]] = {}
    with workspace.reader() as reader:
        if reader is not None:
            states = SqlStateReader(reader.connection)
            history = states.build_milliseconds(above, HISTORY)
            for source in dated:
                found = states.deliveries(source, _DELIVERIES)
                deliveries[source] = tuple(Delivery(from_iso(taken_in), from_iso(at)) for taken_in, at in found)
    expected = expected_seconds(history)
    return expected, unkept_promises(graph, promises, expected, deliveries, now)


def _history(workspace: Workspace, keys: Iterable[AssetKey]) -> dict[AssetKey, tuple[int, ...]]:
    with workspace.reader() as reader:
        return {} if reader is None else SqlStateReader(reader.connection).build_milliseconds(keys, HISTORY)


def _source_line(survey: Survey, source: AssetKey, at: datetime) -> SourceLine:
    asset = survey.loaded.assets.get(source)
    declared = None if asset is None or asset.source is None else asset.source.data_time
    seen = "observed" if asset is None or asset.is_external else "built"
    known = None if at == UNKNOWN else to_iso(at)
    return SourceLine(source, known, lag_seconds(at, survey.now), seen, declared)
