"""The plan: a pure function of graph, statuses and selection. The value that is printed is the value that runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.runtime.basis import basis_of, plan_hash
from headwater.runtime.clock import to_iso
from headwater.runtime.durations import Expected, critical_path
from headwater.runtime.model import Action, Certainty, Plan, Reason, Step
from headwater.runtime.resolutions import Resolutions
from headwater.runtime.retiring import retire_steps, retired
from headwater.runtime.staleness import Decision, Resolved
from headwater.runtime.state import State

if TYPE_CHECKING:
    from headwater.assets.partitions import PartitionSet, Space
    from headwater.runtime.partition_status import PartitionStatus

_CERTAIN_WORDS = ("MISSING", "STALE", "UNKNOWN")


def make_plan(
    graph: AssetGraph,
    resolved: Resolutions,
    decisions: Mapping[AssetKey, Decision],
    state: State,
    selected: Collection[AssetKey],
    now: datetime,
    *,
    force: bool = False,
    only: str | None = None,
    expected: Expected = MappingProxyType({}),
    suffix: str = "",
    select: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    retire: Collection[AssetKey] = (),
) -> Plan:
    """Return what would be done to the `selected` assets, in build order, each CERTAIN or IF_INPUT_CHANGES.

    Sources that a selected asset, or one of its checks, stands on are observed whether selected or not. `suffix` is
    that of the environment's schemas; `select` and `exclude` are the selectors that chose, kept for whoever reads it.
    Of the assets that are no longer declared, those in `retire` are dropped from view, after everything else.
    `expected` are the seconds that each asset is expected to take.
    """
    judged_by = {up for key in selected for up in graph.check_upstream.get(key, ())}
    below = graph.ancestors({*selected, *judged_by})
    chosen = frozenset(selected)
    outlines = resolved.outlines
    wanted = chosen | {key for key in below if not outlines[key].plain and resolved[key].asset.is_external}
    steps: list[Step] = []
    unaffected: list[tuple[AssetKey, str]] = []
    rolled_back: list[tuple[AssetKey, str]] = []
    for key in graph.order:
        if key not in wanted:
            continue
        decision = decisions[key]
        stays = _is_kept(decision) and (decision.partitions is None or not force)
        step = None if stays else _step(resolved[key], decision, state, force and key in chosen, expected, only)
        if (stays or decision.partitions is not None) and key in chosen:
            rolled_back += [(key, it.message) for it in decision.status.reasons if it.code == "ROLLED_BACK"]
        if stays:
            continue
        if step is not None:
            steps.append(step)
        elif key in chosen:
            unaffected.append((key, _why_not(resolved[key], state)))
    steps += retire_steps(retire)
    kept = tuple(key for key in retired(state, graph.upstream) if key not in retire)
    basis = basis_of(graph, resolved, state, steps, suffix, tuple(selected))
    basis = replace(basis, select=select, exclude=exclude)
    said = (tuple(unaffected), force, kept, basis, tuple(rolled_back))
    plan = Plan(state.environment, to_iso(now), "", tuple(steps), *said, only=only)
    return with_forecast(replace(plan, plan_hash=plan_hash(plan)), graph, expected)


def with_forecast(plan: Plan, graph: AssetGraph, expected: Expected) -> Plan:
    """Return `plan` with the seconds that its steps and their longest path are expected to take."""
    steps = tuple(replace(step, expected_seconds=expected.get(step.asset)) for step in plan.steps)
    path, seconds = critical_path(graph, [step.asset for step in steps if step.asset in graph.upstream], expected)
    rounded = None if seconds is None else round(seconds, 6)
    return replace(plan, steps=steps, critical_path=path, expected_seconds=rounded)


def _is_kept(decision: Decision) -> bool:
    """Return whether a rollback keeps an asset as it is, and where it is."""
    codes = {reason.code for reason in decision.status.reasons}
    return decision.settled and "ROLLED_BACK" in codes and not _is_renamed(decision)


def _is_renamed(decision: Decision) -> bool:
    return any(reason.code == "RENAMED" for reason in decision.status.reasons)


def _step(
    resolved: Resolved,
    decision: Decision,
    state: State,
    force: bool,
    expected: Expected,
    only: str | None = None,
) -> Step | None:
    if decision.partitions is not None:
        return _partition_step(resolved, decision, decision.partitions, state, force, expected, only)
    status, asset = decision.status, resolved.asset
    if status.word == "CURRENT" and not force:
        return None
    seconds = expected.get(asset.key)
    if force:
        reasons = (Reason("FORCED", "asked for with --force."), *status.reasons)
        return Step(asset.key, _action(resolved, state, ()), "CERTAIN", reasons, seconds)
    certainty: Certainty = "CERTAIN" if status.word in _CERTAIN_WORDS and not decision.final else "IF_INPUT_CHANGES"
    action: Action = "REUSE" if decision.settled else _action(resolved, state, status.reasons)
    return Step(asset.key, action, certainty, status.reasons, seconds)


def _partition_step(
    resolved: Resolved,
    decision: Decision,
    partitions: PartitionStatus,
    state: State,
    force: bool,
    expected: Expected,
    only: str | None,
) -> Step | None:
    """Return the step of a partitioned asset: it builds the partitions that need it, of those asked for."""
    space = partitions.space
    chosen = space.all() if only is None or not space.axes else _asked_for(resolved.asset.key, space, only)
    perhaps = (partitions.of("PENDING") & chosen) - partitions.not_yet
    gone = partitions.of("STALE") - partitions.not_yet  # of a source, there is nothing to take in for them
    certain = (partitions.needed(force) | gone) & chosen
    if not force:
        certain = certain - perhaps
    if partitions.rolled_back is not None and partitions.settled is not None:
        certain = certain - partitions.rolled_back
        perhaps = perhaps | (partitions.rolled_back - partitions.settled) & chosen
        if not certain and not perhaps and not partitions.whole and not _is_renamed(decision):
            return None
    if not space.all() and resolved.asset.key not in state.published:
        return None
    status = decision.status
    if (status.word == "CURRENT" and not force) or (only is not None and not certain and not perhaps):
        return None
    about = certain | perhaps
    if partitions.not_yet and not about and not partitions.whole and not _is_renamed(decision):
        return None
    seconds = expected.get(resolved.asset.key)
    if decision.settled and _is_renamed(decision) and not force:
        return Step(resolved.asset.key, "REUSE", "CERTAIN", status.reasons, seconds)
    named = tuple(_without_kept(status.reasons, partitions))
    reasons = (Reason("FORCED", "asked for with --force."), *named) if force else named
    action = _action(resolved, state, () if force or about else named)
    sure = (certain or partitions.whole or force) and not (decision.final and not force)
    certainty: Certainty = "CERTAIN" if sure else "IF_INPUT_CHANGES"
    return Step(resolved.asset.key, action, certainty, reasons, seconds, about.text or None if about else None)


def _without_kept(reasons: tuple[Reason, ...], partitions: PartitionStatus) -> Iterator[Reason]:
    """Yield the reasons that are not about partitions alone that a rollback keeps: nothing is done about those."""
    from headwater.runtime.partition_status import parts_of

    kept, space = partitions.rolled_back, partitions.space
    for reason in reasons:
        if kept is None or not reason.partitions or not parts_of(reason, space) <= kept:
            yield reason


def _asked_for(key: AssetKey, space: Space, text: str) -> PartitionSet:
    """Return the partitions that were asked for; raises RequestError, naming the asset, where it has no such ones."""
    try:
        return space.parse(text)
    except RequestError as error:
        message = f"--partitions of {key}: {error.message}"
        raise RequestError(message, f"{error.remedy} Or select the assets that are meant.") from None


def _action(resolved: Resolved, state: State, reasons: tuple[Reason, ...]) -> Action:
    asset = resolved.asset
    if reasons and all(reason.code in ("CHECKS_CHANGED", "BLOCKED") for reason in reasons):
        return "RECHECK"
    if asset.is_external:
        return "OBSERVE"
    if asset.kind == "view" and asset.key in state.published:
        return "REDEFINE"
    return "BUILD"


def _why_not(resolved: Resolved, state: State) -> str:
    """Return one sentence that says why an asset needs nothing."""
    if resolved.asset.partitions and resolved.asset.key not in state.published:
        return "it has no partitions yet."
    reads = resolved.definition.reads
    if resolved.asset.is_external:
        return "the source is as it was last taken in."
    if not reads:
        return "its definition is unchanged and it reads nothing."
    parts = []
    for read in reads:
        columns = "all columns" if read.columns is None else ", ".join(read.columns) or "the row count"
        if read.recorded:
            columns = "what it took"
        parts.append(f"{columns} of {read.upstream}")
    return f"unchanged: its definition, {'; '.join(parts)}."
