"""Rollback: readers see an older version again, at once, and the one they saw is held until someone releases it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.graph import AssetGraph
from headwater.lineage.record import Draft
from headwater.runtime.basis import plan_hash
from headwater.runtime.clock import to_iso
from headwater.runtime.model import Plan, Reason, Step
from headwater.runtime.moving import holding
from headwater.runtime.publish import draft
from headwater.runtime.state import VersionRecord
from headwater.runtime.workspace import Survey, Workspace

_VERSION = re.compile(r"(?:(?P<asset>[^@]+)@)?v?(?P<number>\d{1,15})")
MOST_WHY = 1000  # characters of a reason


def rollback_plan(workspace: Workspace, key: AssetKey, text: str, why: str) -> Callable[[Survey], Plan]:
    """Return what makes the plan of a rollback to the version called `text` (`v3`, `3` or `ASSET@v3`) from a survey.

    The views over the asset come after it, through their own gates. What it returns raises RequestError, before any
    effect, where there is nothing to roll back or the version cannot be shown.
    """
    number = _number(key, text)
    _require_short(why)

    def choose(survey: Survey) -> Plan:
        left, environment = survey.state.published.get(key), survey.state.environment
        if left is None:
            raise RequestError(f"{key} is not published in {environment}.", "There is nothing to roll back.")
        if left.number == number:
            raise RequestError(f"{environment} shows {key}@v{number} already.", f"See `headwater history {key}`.")
        if left.is_foreign:
            raise RequestError(f"{key} is a table that something else writes.", "Roll it back there.")
        _require_showable(workspace, survey, key, number)
        message = f"rolled back from v{left.number} to v{number}{f' ({why})' if why else ''}."
        steps = [Step(key, "ROLLBACK", "CERTAIN", (Reason("ROLLED_BACK", message),), version=number)]
        seen = "the version that it is defined over was rolled back."
        for view in _views_over(survey, key):
            steps.append(Step(view, "REDEFINE", "IF_INPUT_CHANGES", (Reason("INPUT_CHANGED", seen, key),)))
        plan = Plan(environment, to_iso(survey.now), "", tuple(steps), why=why)
        return replace(plan, plan_hash=plan_hash(plan))

    return choose


def release(workspace: Workspace, key: AssetKey, environment: str, why: str) -> tuple[int, ...]:
    """Lift every hold on versions of `key` in `environment`; return their numbers. A run may build or show them again.

    Raises RequestError where none is held.
    """
    _require_short(why)
    workspace.suffix(environment)
    with holding(workspace, environment) as held:
        numbers = tuple(hold.version.number for hold in held.reader.holds(environment).get(key, ()))
        if not numbers:
            raise RequestError(f"No version of {key} is held in {environment}.", "There is nothing to release.")
        held.ledger.append(lifted(key, environment, numbers, why), held.actor)
        held.checkpoint()
    return numbers


def lifted(key: AssetKey, environment: str, numbers: tuple[int, ...], why: str) -> list[Draft]:
    """Return the entries that lift the holds on these versions."""
    payloads: list[dict[str, JsonValue]] = [{"environment": environment, "number": number} for number in numbers]
    reason = why or "No reason given."
    return [draft(record.HOLD_LIFTED, key, f"{key}@v{it['number']}", it, reason) for it in payloads]


def _require_short(why: str) -> None:
    if len(why) > MOST_WHY:
        raise RequestError(f"The reason has {len(why)} characters.", f"Say it in {MOST_WHY} or fewer.")


def _number(key: AssetKey, text: str) -> int:
    match = _VERSION.fullmatch(text.strip().lower())
    if match is None or match["asset"] not in (None, key):
        raise RequestError(f"{text!r} is no version of {key}.", "Write it as v3.")
    return int(match["number"])


def _require_showable(workspace: Workspace, survey: Survey, key: AssetKey, number: int) -> None:
    """Raise RequestError unless the version is there, passed its gate, and is not one that a rollback left."""
    found: VersionRecord | None = None
    with workspace.reader() as reader:
        if reader is not None:
            states = workspace.states(reader.connection)
            found = next((v for v in states.versions(key) if v.number == number), None)
            if found is not None and not states.is_stored(found):
                raise RequestError(f"The data of {key}@v{number} was disposed of.", f"See `headwater history {key}`.")
    if found is None:
        raise RequestError(f"There is no version {number} of {key}.", f"`headwater history {key}` lists them.")
    if found.rejected:
        checks = ", ".join(found.gate.failed) or "its checks"
        raise RequestError(f"{key}@v{number} was rejected by {checks}.", f"See `headwater history {key}`.")
    if any(hold.version.number == number for hold in survey.state.holds.get(key, ())):
        raise RequestError(
            f"{key}@v{number} is held: {survey.state.environment} was rolled back from it.",
            f"Lift that with `headwater rollback {key} --release`, and run.",
        )


def _views_over(survey: Survey, key: AssetKey) -> list[AssetKey]:
    """Return the views over `key`, directly or through views, that are as they are declared, in build order."""
    graph: AssetGraph = survey.graph
    found = {key}
    for asset in graph.order:
        edited = any(r.code == "DEFINITION_CHANGED" for r in survey.decisions[asset].status.reasons)
        is_view = survey.loaded.assets[asset].kind == "view" and asset in survey.state.published
        if is_view and not edited and found.intersection(graph.upstream[asset]):
            found.add(asset)
    return [asset for asset in graph.order if asset in found and asset != key]
