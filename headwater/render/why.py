"""`why` as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headwater.render.paper import Paper
from headwater.render.table import wrapped
from headwater.render.words import printable

if TYPE_CHECKING:
    from headwater.runtime.model import Clause, Explanation


def why_lines(explanation: Explanation, environment: str, paper: Paper) -> Iterator[str]:
    """Yield the status, every clause with the failing ones first, the change of the definition, and the root causes."""
    status = explanation.status
    because = f": {status.reasons[0].message}" if status.reasons else "."
    yield f"{paper.bold(explanation.asset)} is {paper.word(status.word)} in {environment}{because}"
    if explanation.causes:
        yield from ("", paper.bold("Root causes, nearest first:"))
        for cause in explanation.causes:
            yield from _hanging("  - ", cause, paper)
    yield from ("", paper.bold("The decision, clause by clause:"))
    for clause in sorted(explanation.clauses, key=lambda it: it.holds is not False):
        yield from _clause(clause, paper)
    if explanation.diff:
        yield from ("", paper.bold("What changed in the definition:"))
        yield from (_changed(line, paper) for line in printable(explanation.diff).splitlines())


def _clause(clause: Clause, paper: Paper) -> Iterator[str]:
    yield f"  {paper.mark(clause.holds)} {clause.question}"
    for reason in clause.reasons:
        yield from _hanging("      ", f"{reason.code}: {reason.message}", paper)
    if clause.proof:
        yield from _hanging("      ", clause.proof, paper)
    elif clause.holds is None and not clause.reasons:
        yield "      not reached"


def _hanging(start: str, text: str, paper: Paper) -> Iterator[str]:
    lines = wrapped(printable(text), paper.width, len(start))
    yield start + lines[0]
    yield from (" " * len(start) + line for line in lines[1:])


def _changed(line: str, paper: Paper) -> str:
    style = "green" if line.startswith("+") else "red" if line.startswith("-") else None
    return paper.paint(f"  {line}", style)
