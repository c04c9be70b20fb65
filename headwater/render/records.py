"""What happened, as text: `ls`, `history`, `runs`, `show`, `logs`, `audit log` and `audit verify`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headwater.render.paper import Paper
from headwater.render.ranges import partition_cell
from headwater.render.run import recorded_check_lines
from headwater.render.table import table
from headwater.render.words import counted, counts, digest, duration, moment, one_line, printable

if TYPE_CHECKING:
    from headwater.lineage.audit import Report
    from headwater.lineage.record import Entry
    from headwater.runtime.model import AssetLine, LogLine, RunLine, StepLine, VersionLine


def asset_lines(assets: Sequence[AssetLine], paper: Paper) -> Iterator[str]:
    """Yield what `ls` prints."""
    headers = ("ASSET", "KIND", "STATUS", "PARTITIONS", "OWNER", "DESCRIPTION")
    rows = [
        (it.asset, it.kind, it.status, partition_cell(it.partitions), it.owner or "", it.description or "")
        for it in assets
    ]
    yield from table(headers, rows, paper, words=(2,))
    yield from ([""] if assets else [])
    yield f"{counted(len(assets), 'asset')}."


def history_lines(asset: str, versions: Sequence[VersionLine], paper: Paper) -> Iterator[str]:
    """Yield the versions of one asset as `history` prints them."""
    if not versions:
        yield f"{asset} was never built."
        return
    yield from table(
        ("VERSION", "CREATED", "VERDICT", "ROWS", "TIME", "READ IN", "DEFINITION", "RUN", "NOTE"),
        [_version(it) for it in versions],
        paper,
        right=(0, 3, 4),
        words=(2,),
    )


def _version(line: VersionLine) -> tuple[str, ...]:
    notes = [f"equal to v{line.equal_to}"] if line.equal_to is not None else []
    notes += [f"failed {', '.join(line.failed_checks)}"] if line.failed_checks else []
    notes += [f"rolled back in {', '.join(line.held_in)}"] if line.held_in else []
    notes += [f"called {line.named} then"] if line.named else []
    took = duration(line.milliseconds / 1000)
    readers, code = ", ".join(line.published_in), digest(line.definition_hash)
    start = (f"v{line.number}", moment(line.created), line.verdict, f"{line.rows:,}", took)
    return (*start, readers, code, line.run, "; ".join(notes))


def run_list_lines(runs: Sequence[RunLine], paper: Paper) -> Iterator[str]:
    """Yield what `runs` prints."""
    if not runs:
        yield "No runs yet."
        return
    headers = ("RUN", "STARTED", "OUTCOME", "ENVIRONMENT", "STEPS", "BY", "HOST")
    rows = [_run_cells(it) for it in runs]
    yield from table(headers, rows, paper, words=(2,))


def _run_cells(line: RunLine) -> tuple[str, ...]:
    outcome = line.outcome or "RUNNING"
    return line.run, moment(line.started), outcome, line.environment, counts(line.counts), line.actor, line.host


def run_record_lines(run: RunLine, steps: Sequence[StepLine], paper: Paper) -> Iterator[str]:
    """Yield one run with its steps and the checks that did not pass, as `show` prints it."""
    yield f"Run {paper.bold(run.run)} in {run.environment}: {paper.word(run.outcome or 'RUNNING')}"
    until = f" to {moment(run.finished)}" if run.finished else ""
    yield f"{moment(run.started)}{until}, by {run.actor} on {run.host}"
    if steps:
        yield ""
    headers = ("OUTCOME", "ASSET", "VERSION", "AT", "NOTE")
    yield from table(headers, [_step_cells(it) for it in steps], paper, right=(2,), words=(0,))
    for step in steps:
        failing = [check for check in step.checks if check.get("outcome") != "PASS"]
        if failing:
            yield from ("", paper.bold(f"Checks of {step.asset} that did not pass:"))
        for check in failing:
            yield from recorded_check_lines(check, paper)


def _step_cells(step: StepLine) -> tuple[str, ...]:
    version = "" if step.version is None else f"v{step.version}"
    return step.outcome, step.asset, version, moment(step.at), step.message


def log_lines(lines: Sequence[LogLine]) -> Iterator[str]:
    """Yield what the steps of a run wrote, one line each."""
    for line in lines:
        for part in printable(line.message).splitlines() or [""]:
            yield f"{moment(line.at)} {line.asset}: {part}"


def entry_lines(entries: Sequence[Entry], paper: Paper, *, of: int | None = None) -> Iterator[str]:
    """Yield ledger entries as `audit log` prints them. `of` is how many there are, where not all are shown."""
    rows = [(str(it.seq), moment(it.ts), it.type, it.stream, digest(it.subject), it.actor.id, it.why) for it in entries]
    yield from table(("SEQ", "AT", "TYPE", "STREAM", "SUBJECT", "BY", "WHY"), rows, paper, right=(0,))
    yield from ([""] if entries else [])
    shown = f"The newest {len(entries):,} of " if of is not None and of > len(entries) else ""
    yield f"{shown}{counted(of if shown and of else len(entries), 'entry', 'entries')}."


def audit_lines(report: Report, paper: Paper) -> Iterator[str]:
    """Yield what a verification of the ledger came to, in plain words."""
    yield f"{paper.word(report.verdict)}: {counted(report.entries, 'entry', 'entries')}."
    if report.checkpoint is None:
        yield "There is no checkpoint that vouches for them."
    else:
        signers = ", ".join(report.signed_by) or "nobody whose key is known"
        root = b64encode(report.checkpoint.root).decode()
        yield f"Checkpoint of {report.checkpoint.size:,} entries, root {root}, signed by {signers}."
        if report.unsigned:
            yield f"{counted(report.unsigned, 'entry', 'entries')} after it are not signed yet."
    for finding in report.findings:
        place = "" if finding.seq is None else f" at entry {finding.seq}"
        mark = paper.paint(finding.verdict, "red" if finding.verdict == "FAILED" else "yellow")
        yield f"  {mark} {finding.code}{place}: {one_line(finding.message)}"
    if report.verdict == "VERIFIED":
        yield "Only a checkpoint kept elsewhere (--checkpoint) shows a rewrite by whoever holds the signing key."
