"""`run` as text: one line for a step that ended, and the summary of a whole run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from headwater.render.paper import Paper
from headwater.render.ranges import few_of
from headwater.render.table import hanging, table
from headwater.render.words import counted, counts, duration, one_line, printable

Row = tuple[tuple[str, str | None], ...]

if TYPE_CHECKING:
    from headwater.checks.check import CheckResult
    from headwater.runtime.model import RunResult, StepResult

_NAME = re.compile(r"\w+")
_FEW_COLUMNS = 4
_BAD = ("FAILED", "BLOCKED", "HELD")
_QUIET = ("VERIFIED_EQUAL", "OBSERVED")


def is_bad(result: RunResult) -> bool:
    """True where a step FAILED, was BLOCKED or is HELD, so that `run` answers 1."""
    return result.outcome in ("FAILED", "BLOCKED") or any(step.outcome in _BAD for step in result.steps)


def step_line(step: StepResult) -> str:
    """Return one line about a step that ended."""
    version = f"v{step.version}" if step.version is not None else ""
    facts = [version, few_of(step.partitions), _rows(step), _took(step), _note(step)]
    return f"{step.outcome} {step.asset}: {one_line(', '.join(fact for fact in facts if fact)) or 'done'}"


def run_lines(result: RunResult, paper: Paper, *, brief: bool = False) -> Iterator[str]:
    """Yield the summary of a run: its steps, the checks that did not pass, errors in full, and what it came to.

    `brief` leaves out the steps that changed nothing; the counts still tell of them.
    """
    if result.outcome == "NOTHING_TO_DO" and not result.steps:
        other = "else " if result.rolled_back else ""
        yield f"Nothing to do: everything {other}asked for is current in {result.environment}."
        yield from left_alone(result.rolled_back)
        return
    yield from table(
        ("OUTCOME", "ASSET", "PARTITIONS", "VERSION", "ROWS", "TIME", "NOTE"),
        [_cells(step) for step in result.steps if not brief or step.changed or step.outcome not in _QUIET],
        paper,
        right=(3, 4, 5),
        words=(0,),
    )
    for step in result.steps:
        yield from _failing_checks(step, paper)
    for step in result.steps:
        if step.error and "\n" in step.error.strip():  # the first line stands in the table
            yield from ("", paper.bold(f"{step.asset} failed:"))
            yield from (f"  {line}" for line in printable(step.error).splitlines())
    yield ""
    yield f"{_name(result)}: {paper.word(result.outcome)}. {counts(result.counts).capitalize()}."
    yield from left_alone(result.rolled_back)
    blocked = next((step.asset for step in result.steps if step.outcome == "BLOCKED"), None)
    if blocked is not None:
        yield f"Readers keep the last good version. `headwater why {blocked}` says more."


def left_alone(rolled_back: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield what no run changes, because it was rolled back."""
    for asset, message in rolled_back:
        yield f"{asset} stays as it is: {message}"


def _name(result: RunResult) -> str:
    return f"Run {result.run} in {result.environment}" if result.run else f"The run in {result.environment}"


def _cells(step: StepResult) -> tuple[str, ...]:
    version = f"v{step.version}" if step.version is not None else ""
    return step.outcome, step.asset, few_of(step.partitions), version, _number(step.rows), _took(step), _note(step)


def _number(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"


def _rows(step: StepResult) -> str:
    return "" if step.rows is None else counted(step.rows, "row")


def _took(step: StepResult) -> str:
    return duration(step.seconds) if step.attempts else ""


def _note(step: StepResult) -> str:
    if step.error:
        return step.error.strip().splitlines()[0] if step.error.strip() else "failed"
    if step.message:
        return step.message
    return "equal to the version before" if step.outcome == "PUBLISHED" and not step.changed else ""


def _failing_checks(step: StepResult, paper: Paper) -> Iterator[str]:
    failing = [check for check in step.checks if check.outcome != "PASS"]
    if not failing:
        return
    version = f" v{step.version}" if step.version is not None else ""
    yield from ("", paper.bold(f"Checks of {step.asset}{version} that did not pass:"))
    for check in failing:
        yield from check_lines(check, paper)


def check_lines(check: CheckResult, paper: Paper) -> Iterator[str]:
    """Yield what one check found: expected, actual, the number of failing rows, and some of them."""
    rows = "" if check.failing_rows is None else f", {counted(check.failing_rows, 'failing row')}"
    yield f"  {paper.word(check.outcome)} {one_line(check.check)} ({check.severity}{rows})"
    yield f"      expected {one_line(check.expected)}; found {one_line(check.actual)}"
    if check.message:
        yield f"      {one_line(check.message)}"
    yield from _sample(check, paper)


def recorded_check_lines(check: Mapping[str, object], paper: Paper) -> Iterator[str]:
    """Yield what a recorded check found, from its JSON shape."""
    rows = check.get("failing_rows")
    failing = f", {counted(rows, 'failing row')}" if isinstance(rows, int) else ""
    outcome, name = str(check.get("outcome", "")), one_line(str(check.get("check", "")))
    yield f"  {paper.word(outcome)} {name} ({check.get('severity', 'error')}{failing})"
    if outcome != "PASS":
        yield f"      expected {one_line(str(check.get('expected')))}; found {one_line(str(check.get('actual')))}"


def _sample(check: CheckResult, paper: Paper) -> Iterator[str]:
    """Yield some failing rows: the columns that the check names first, and equal lines only once."""
    times: dict[str, int] = {}
    for row in check.sample:
        text = _row(row, f"{check.check} {check.expected} {check.column}")
        times[text] = times.get(text, 0) + 1
    for text, count in times.items():
        start = "      row: " if count == 1 else f"      {count} rows: "
        yield from hanging(start, text, paper)


def _row(row: Row, said: str) -> str:
    named = set(_NAME.findall(said))
    columns = sorted(row, key=lambda column: column[0] not in named)
    shown = columns[: max(_FEW_COLUMNS, len(named & {name for name, _ in row}))]
    more = f" and {counted(len(row) - len(shown), 'more column')}" if len(shown) < len(row) else ""
    return ", ".join(f"{name}={'NULL' if value is None else one_line(value)}" for name, value in shown) + more
