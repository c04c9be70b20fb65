"""`plan` as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headwater.render.freshness import warning_text
from headwater.render.paper import Paper
from headwater.render.ranges import few_of
from headwater.render.reasons import because
from headwater.render.run import left_alone
from headwater.render.table import table
from headwater.render.words import counted, duration

if TYPE_CHECKING:
    from headwater.runtime.model import Plan

_CERTAINTY = {"CERTAIN": "certain", "IF_INPUT_CHANGES": "if its input changes"}


def plan_lines(plan: Plan, paper: Paper) -> Iterator[str]:
    """Yield the steps of `plan` in order with their reasons, and how many assets need nothing."""
    spared = counted(len(plan.unaffected), "asset")
    if not plan.steps:
        yield f"Nothing to do in {plan.environment}: {spared} unaffected."
        yield from _warnings(plan)
        yield from _left_alone(plan)
        return
    yield from table(
        ("", "ACTION", "ASSET", "PARTITIONS", "CERTAINTY", "REASON"),
        [
            (str(n), it.action, it.asset, few_of(it.partitions), _CERTAINTY[it.certainty], because(it.reasons))
            for n, it in enumerate(plan.steps, 1)
        ],
        paper,
        right=(0,),
    )
    yield ""
    yield f"{counted(len(plan.steps), 'step')} in {plan.environment}, {spared} unaffected.{_expected(plan)}"
    yield from _warnings(plan)
    yield from _left_alone(plan)


def _expected(plan: Plan) -> str:
    """Return what the longest path is expected to take, and of how many steps nobody knows."""
    if plan.expected_seconds is None:
        return ""
    path = plan.critical_path
    way = path[0] if len(path) == 1 else f"{path[0]} to {path[-1]} ({counted(len(path), 'step')})"
    new = sum(step.expected_seconds is None for step in plan.steps)
    unknown = f"; {counted(new, 'step')} without history" if new else ""
    return f" By history the longest path takes {duration(plan.expected_seconds)}: {way}{unknown}."


def _warnings(plan: Plan) -> Iterator[str]:
    for warning in plan.warnings:
        yield f"Warning: {warning_text(warning)}"


def _left_alone(plan: Plan) -> Iterator[str]:
    """Yield what stays as it is though it is not as it should be: rolled back, or no longer declared."""
    yield from left_alone(plan.rolled_back)
    for asset in plan.retired:
        yield f"{asset} is no longer declared and stays in view; `headwater run {asset} --retire` drops it."
