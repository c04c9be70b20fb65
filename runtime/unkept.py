"""Promises about freshness that history says cannot be kept, with the arithmetic. Pure; a warning, never an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise

from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.durations import Expected, longest_path, path_to
from headwater.runtime.promise import Promise, Unkept, requirements

_FEWEST_DELIVERIES = 3  # that say how often a source comes
_DEADLINES = 10  # to come, of which the two nearest to each other count


@dataclass(frozen=True, slots=True)
class Delivery:
    """A version of a source: when it was taken in, and the data time inside."""

    taken_in: datetime
    data_time: datetime


def unkept_promises(
    graph: AssetGraph,
    promises: Mapping[AssetKey, tuple[Promise, ...]],
    expected: Expected,
    deliveries: Mapping[AssetKey, tuple[Delivery, ...]],
    now: datetime,
) -> tuple[Unkept, ...]:
    """Return what of `promises` cannot be kept, in build order: first for their path, then for their sources.

    What was never built counts nothing here: history says nothing about it. `deliveries` are those of sources that
    declare a data time, oldest first; any other is as fresh as it is looked at.
    """
    if not promises:
        return ()
    cone = graph.ancestors(promises)
    known = {key: expected.get(key, 0.0) for key in cone}
    longest = longest_path(graph, cone, known)
    found = []
    for key in (it for it in graph.order if it in promises):
        for promise in promises[key]:
            allowed = _allowed(promise, now)
            if allowed is not None and longest[key][0] > allowed:
                terms = tuple((it, known[it]) for it in path_to(key, longest))
                found.append(Unkept(promise, "PATH", longest[key][0], allowed, terms))
    too_long = {it.promise for it in found}
    required = requirements(graph, promises, known)
    for source in (it for it in graph.order if it in cone and len(deliveries.get(it, ())) >= _FEWEST_DELIVERIES):
        for requirement in required.get(source, ()):
            if requirement.promise not in too_long:
                path = _path(graph, source, requirement.promise.asset, known)
                found += _undelivered(requirement.promise, source, deliveries[source], path)
    return tuple(found)


def _allowed(promise: Promise, now: datetime) -> float | None:
    """Return the seconds in which a promise wants new data brought in: its lag, or the least between two deadlines."""
    if promise.by is None:
        return promise.max_lag_seconds
    from headwater.assets.deadline import deadlines_from

    coming = islice(deadlines_from(now, promise.by, promise.timezone, promise.holidays), _DEADLINES)
    return min(((after - before).total_seconds() for before, after in pairwise(coming)), default=None)


def _path(
    graph: AssetGraph, source: AssetKey, end: AssetKey, seconds: Mapping[AssetKey, float]
) -> tuple[tuple[AssetKey, float], ...]:
    between = graph.descendants([source]) & graph.ancestors([end])
    return tuple((key, seconds[key]) for key in path_to(end, longest_path(graph, between, seconds)))


def _undelivered(
    promise: Promise, source: AssetKey, deliveries: tuple[Delivery, ...], path: tuple[tuple[AssetKey, float], ...]
) -> Iterator[Unkept]:
    """Yield a promise that is mostly broken before the next delivery of `source` has come all the way."""
    way = sum(seconds for _, seconds in path)
    ages = sorted((after.taken_in - before.data_time).total_seconds() for before, after in pairwise(deliveries))
    late = 0
    for before, after in pairwise(deliveries):
        deadline = promise.deadline(before.data_time)
        late += deadline is not None and (after.taken_in - deadline).total_seconds() + way > 0
    if late * 2 <= len(ages):
        return
    age = ages[(len(ages) - 1) // 2]
    yield Unkept(
        promise, "DELIVERY", age + way, promise.max_lag_seconds, ((source, age), *path), source, late, len(ages)
    )
