"""`why` as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headwater.render.paper import Paper
from headwater.render.ranges import few, partition_cell
from headwater.render.reasons import headline
from headwater.render.table import hanging
from headwater.render.words import counted, moment, one_line, printable

if TYPE_CHECKING:
    from headwater.runtime.explanation import Cause, ColumnMove, DefinitionMove, ReadProof
    from headwater.runtime.model import Clause, Explanation

_LONGEST = 160  # characters of a change that are shown; the diff has all of it
_MOST_READS = 20


def why_lines(explanation: Explanation, environment: str, paper: Paper) -> Iterator[str]:
    """Yield the status, the root causes, every clause with the failing ones first, and what changed."""
    status = explanation.status
    name = explanation.asset if explanation.partition is None else f"{explanation.asset}@{explanation.partition}"
    first = headline(status.reasons)
    why = f": {first.message}" if first else "."
    yield from hanging("", f"{name} is {status.word} in {environment}{why}", paper)
    if explanation.partitions is not None and explanation.partition is None:
        yield from hanging("  ", f"partitions: {partition_cell(explanation.partitions)}", paper)
    in_clauses = {reason for clause in explanation.clauses for reason in clause.reasons}
    messages = {reason.message for reason in in_clauses}
    for reason in status.reasons:
        if reason is not first and reason not in in_clauses and reason.message not in messages:
            yield from hanging("  ", f"{reason.code}: {reason.message}", paper)
    if explanation.because:
        yield from ("", paper.bold("What led to it, back to the root causes (!):"))
        for cause in explanation.because:
            yield from _cause(cause, paper)
    yield from ("", paper.bold("The decision, clause by clause:"))
    for clause in sorted(explanation.clauses, key=lambda it: it.holds is not False):
        yield from _clause(clause, explanation, paper)
    for move in explanation.definition:
        yield from _move(move, paper)
    if explanation.diff and not explanation.definition:
        yield from ("", paper.bold("What changed in the definition:"), *_diff(explanation.diff, paper))
    if explanation.columns is not None:
        yield from _columns(explanation.columns, explanation, paper)


def _clause(clause: Clause, explanation: Explanation, paper: Paper) -> Iterator[str]:
    yield f"  {paper.mark(clause.holds)} {clause.question}"
    for reason in clause.reasons:
        parts = "" if reason.partitions is None or explanation.partition else f"[{few(reason.partitions)}] "
        yield from hanging("      ", f"{parts if reason.partitions else ''}{reason.code}: {reason.message}", paper)
    if clause.proof:
        yield from hanging("      ", clause.proof, paper)
    elif clause.holds is None and not clause.reasons:
        yield "      not reached"
    if clause.name == "inputs" and clause.holds is not None:
        for proof in explanation.reads[:_MOST_READS]:
            yield from hanging("      ", _read(proof, explanation.partition is None), paper)
        if len(explanation.reads) > _MOST_READS:
            yield f"      and {counted(len(explanation.reads) - _MOST_READS, 'more read')}"


def _read(proof: ReadProof, with_partitions: bool) -> str:
    """Return one read in words: of which partitions, what was seen, and whether that is what is there now."""
    parts = f"[{few(proof.partitions)}] " if proof.partitions and with_partitions else ""
    seen = "all columns" if proof.columns is None else ", ".join(proof.columns) or "row count"
    condition = f" where {one_line(proof.condition)}" if proof.condition else ""
    slices = f" of {few(proof.slices)}" if proof.slices else ""
    rows = "" if proof.rows is None else f", {counted(proof.rows, 'row')}"
    digits = f", fingerprint {proof.fingerprint}" if proof.fingerprint else ""
    return f"{parts}{proof.upstream}@v{proof.version} ({seen}{condition}){slices}{rows}{digits}{_verdict(proof)}."


def _verdict(proof: ReadProof) -> str:
    if proof.equal is None:
        return f": nobody can tell whether v{proof.now} is equal"
    if not proof.equal:
        return ": no longer there" if proof.now is None else f": other data in v{proof.now}"
    now = ": still so" if proof.now == proof.version else f": equal in v{proof.now}"
    if proof.since is None:
        return now
    version = "" if proof.since_version is None else f"v{proof.since_version} of "
    return f"{now}, unchanged since {version}{moment(proof.since)}"


def _cause(cause: Cause, paper: Paper) -> Iterator[str]:
    start = "  " + "  " * min(cause.depth, 10) + ("! " if cause.root else "- ")
    told = cause.message if cause.asset in cause.message else f"{cause.asset}: {cause.message}"
    facts = []
    if cause.run:
        facts.append(f"run {cause.run}, {moment(cause.at or '')}")
    if cause.rows_before is not None and cause.rows_before != cause.rows_after:
        facts.append(f"{cause.rows_before:,} rows then, {cause.rows_after:,} now")
    if cause.path:
        facts.append(f"through {few(cause.path)}")
    yield from hanging(start, told + (f" ({'; '.join(facts)})" if facts else ""), paper)
    for change in cause.changes:
        yield from hanging(" " * len(start) + "  ", _short(change.sentence), paper)


def _move(move: DefinitionMove, paper: Paper) -> Iterator[str]:
    made = f", which made {few(move.partitions)}" if move.partitions else ""
    if not move.changes:
        yield from ("", f"Its text was edited since v{move.version}{made}: nothing that counts.")
        return
    yield from ("", paper.bold(f"What changed in the definition since v{move.version}{made}:"))
    for change in move.changes:
        yield from hanging("  * ", _short(change.sentence), paper)
    if move.diff:
        yield from _diff(move.diff, paper)


def _columns(move: ColumnMove, explanation: Explanation, paper: Paper) -> Iterator[str]:
    """Yield what the edit does to the columns, and how many rows readers see now."""
    said = [f"adds {', '.join(move.added)}"] if move.added else []
    said += [f"drops {', '.join(move.removed)}"] if move.removed else []
    said += [f"makes {name} {new} (was {old})" for name, old, new in move.retyped]
    columns = f"The next build {', '.join(said)}" if said else "Its columns stay as they are"
    rows = (
        ""
        if explanation.rows is None
        else f"; readers see {counted(explanation.rows, 'row')} of v{explanation.version}"
    )
    yield from ("", *hanging("", f"{columns}{rows}.", paper))


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _diff(diff: str, paper: Paper) -> Iterator[str]:
    for line in printable(diff).splitlines():
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else None
        yield paper.paint(f"  {line}", style)
