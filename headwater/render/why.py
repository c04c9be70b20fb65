"""`why` as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headwater.render.paper import Paper
from headwater.render.reasons import headline
from headwater.render.table import hanging
from headwater.render.words import printable

if TYPE_CHECKING:
    from headwater.runtime.model import Clause, Explanation


def why_lines(explanation: Explanation, environment: str, paper: Paper) -> Iterator[str]:
    """Yield the status, every clause with the failing ones first, the change of the definition, and the root causes."""
    status = explanation.status
    first = headline(status.reasons)
    why = f": {first.message}" if first else "."
    yield from hanging("", f"{explanation.asset} is {status.word} in {environment}{why}", paper)
    in_clauses = {reason for clause in explanation.clauses for reason in clause.reasons}
    for reason in status.reasons:
        if reason is not first and reason not in in_clauses:
            yield from hanging("  ", f"{reason.code}: {reason.message}", paper)
    if explanation.causes:
        yield from ("", paper.bold("Root causes, nearest first:"))
        for cause in explanation.causes:
            yield from hanging("  - ", cause, paper)
    yield from ("", paper.bold("The decision, clause by clause:"))
    for clause in sorted(explanation.clauses, key=lambda it: it.holds is not False):
        yield from _clause(clause, paper)
    if explanation.diff:
        yield from ("", paper.bold("What changed in the definition:"))
        yield from (_changed(line, paper) for line in printable(explanation.diff).splitlines())


def _clause(clause: Clause, paper: Paper) -> Iterator[str]:
    yield f"  {paper.mark(clause.holds)} {clause.question}"
    for reason in clause.reasons:
        yield from hanging("      ", f"{reason.code}: {reason.message}", paper)
    if clause.proof:
        yield from hanging("      ", clause.proof, paper)
    elif clause.holds is None and not clause.reasons:
        yield "      not reached"


def _changed(line: str, paper: Paper) -> str:
    style = "green" if line.startswith("+") else "red" if line.startswith("-") else None
    return paper.paint(f"  {line}", style)
