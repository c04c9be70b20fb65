"""What a plan stands on, and what of it has changed since: a reviewed plan is the plan that runs, or nothing runs.

A plan depends on the definitions, checks, published versions and deliveries of its steps and of all that is above them;
an asset elsewhere may change as it likes. Pure: the plan of then is compared with the survey of now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.encoding import PlainValue, tagged_hash
from headwater.lineage.graph import AssetGraph
from headwater.runtime.model import Basis, Ground, Plan, Step
from headwater.runtime.staleness import Resolved
from headwater.runtime.state import State

_PARTS = {
    "logic": "its code",
    "config": "how it is stored or where it comes from",
    "settings": "the engine or its settings",
    "parameters": "a parameter",
}
_MOST_CHANGES = 10  # that one message names


@dataclass(frozen=True, slots=True)
class Today:
    """What a plan is compared with: the same project and state, now."""

    graph: AssetGraph
    resolved: Mapping[AssetKey, Resolved]
    state: State
    suffix: str


def basis_of(
    graph: AssetGraph,
    resolved: Mapping[AssetKey, Resolved],
    state: State,
    steps: Sequence[Step],
    suffix: str,
    selected: tuple[AssetKey, ...],
) -> Basis:
    """Return what `steps` stand on: themselves, and everything that they or their checks read, directly or not."""
    today = Today(graph, resolved, state, suffix)
    wanted = {step.asset for step in steps}
    declared = [key for key in wanted if key in resolved]
    judged_by = {up for key in declared for up in graph.check_upstream.get(key, ())}
    wanted |= graph.ancestors({*declared, *judged_by})
    return Basis(suffix, selected, tuple(_ground(today, key) for key in sorted(wanted)))


def plan_hash(plan: Plan) -> str:
    """Return the hash of a plan: of what it does, in which environment, and of all that it depends on."""
    steps: list[PlainValue] = [
        (s.asset, s.action, s.certainty, s.partitions, [r.code for r in s.reasons]) for s in plan.steps
    ]
    basis = plan.basis
    grounds: list[PlainValue] = []
    if basis is not None:
        grounds += [(g.asset, g.definition, g.checks, g.version, g.delivery) for g in basis.assets]
    suffix = "" if basis is None else basis.suffix
    return tagged_hash("plan", (plan.environment, suffix, plan.force, plan.only, steps, grounds))


def require_unchanged(plan: Plan, today: Today, again: Plan) -> None:
    """Raise RequestError, naming what changed, unless everything that `plan` depends on is as it was.

    `again` is what a plan of the same assets says today.
    """
    changes = list(changes_since(plan, today, again))
    if changes:
        shown = changes[:_MOST_CHANGES]
        if len(changes) > len(shown):
            shown.append(f"and {len(changes) - len(shown)} more")
        raise RequestError(
            f"The plan of {plan.at} is not carried out, because what it depends on changed: {'; '.join(shown)}.",
            "Make the plan again and review it.",
        )


def changes_since(plan: Plan, today: Today, again: Plan) -> Iterator[str]:
    """Yield what `plan` depends on and is not as it was, one clause of a sentence each."""
    basis = plan.basis
    if basis is None:
        return
    found = []
    if basis.suffix != today.suffix:
        found.append(f"the suffix of the environment {plan.environment} ({basis.suffix!r} then, {today.suffix!r} now)")
    grounds = [(then, _ground(today, then.asset)) for then in basis.assets]
    if any(_part(then, "settings") != _part(now, "settings") for then, now in grounds if now.definition is not None):
        found.append(_PARTS["settings"])
    for then, now in grounds:
        found += _ground_changes(then, now, today)
    yield from found or _step_changes(plan, again)


def _ground(today: Today, key: AssetKey) -> Ground:
    resolved, number = today.resolved.get(key), today.state.published.number(key)
    if resolved is None:
        return Ground(key, None, None, number)
    seen = today.state.observed.get(key) if resolved.asset.is_external else None
    parts = tuple(sorted(resolved.definition.parts().items()))
    return Ground(key, parts, resolved.checks_id, number, None if seen is None else seen.digest)


def _part(ground: Ground, name: str) -> str | None:
    return dict(ground.definition or ()).get(name)


def _ground_changes(then: Ground, now: Ground, today: Today) -> Iterator[str]:
    key = then.asset
    if now.definition is None and then.definition is not None:
        yield f"{key} is no longer declared"
        return
    if then.definition is None and now.definition is not None:
        yield f"{key} is declared again"
        return
    parts = [text for name, text in _PARTS.items() if name != "settings" and _part(then, name) != _part(now, name)]
    if parts:
        yield f"the definition of {key} ({', '.join(parts)})"
    if then.checks != now.checks:
        yield f"the checks of {key}"
    if then.delivery != now.delivery:
        yield f"the source {key} was delivered anew"
    elif then.version != now.version:
        yield f"the published version of {key} ({_number(then.version)} then, {_number(now.version)} now)"
    elif then.delivery is not None and key in today.state.sources:
        source = today.state.sources[key]
        if source.problem is not None:
            yield f"the source {key} can no longer be read ({source.problem.rstrip('.')})"
        elif source.changed is not False:
            yield f"the source {key} was delivered anew ({source.detail})"


def _number(version: int | None) -> str:
    return "none" if version is None else f"v{version}"


def _step_changes(plan: Plan, again: Plan) -> Iterator[str]:
    """Yield steps that would be others today though no definition, version or delivery changed: data, clock, a hold."""
    todays = {step.asset: step for step in again.steps}
    for step in plan.steps:
        now = todays.get(step.asset)
        if now is None:
            yield f"{step.asset} needs nothing any more"
        elif _said(now) != _said(step):
            yield f"the step of {step.asset} ({_text(step)} then, {_text(now)} now)"


def _said(step: Step) -> tuple[object, ...]:
    return step.action, step.certainty, step.partitions, [reason.code for reason in step.reasons]


def _text(step: Step) -> str:
    return " ".join([step.action, *dict.fromkeys(reason.code for reason in step.reasons)])
