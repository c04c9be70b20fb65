"""Questions about the past: versions, runs, logs, the ledger itself. All of them read; `rebuild_ledger` mends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.audit import Report
from headwater.lineage.record import Entry
from headwater.runtime.keys import FileKeys
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.ledger_reader import LedgerReader
from headwater.runtime.ledger_verify import verify_ledger
from headwater.runtime.model import LogLine, RunLine, StepLine, VersionLine
from headwater.runtime.projections import StateProjector
from headwater.runtime.runlog import read_log
from headwater.runtime.state_reader import RunRecord, SqlStateReader
from headwater.runtime.workspace import Workspace


@contextmanager
def _ledger(workspace: Workspace) -> Iterator[LedgerReader]:
    with workspace.reader() as reader:
        if reader is None:
            raise RequestError("Nothing has run here yet, so nothing is recorded.", "Start with `headwater run`.")
        yield reader


def is_recorded(workspace: Workspace, asset: AssetKey) -> bool:
    """Return whether the ledger knows a version of `asset`, though it may no longer be declared."""
    with workspace.reader() as reader:
        return reader is not None and bool(workspace.states(reader.connection).versions(asset))


def todays_name(workspace: Workspace, asset: AssetKey) -> AssetKey:
    """Return what an asset that was once called `asset` is called today, or the key itself."""
    with workspace.reader() as reader:
        former = {} if reader is None else workspace.states(reader.connection).names.former
    return next((key for key, names in former.items() if asset in names), asset)


def history(workspace: Workspace, asset: AssetKey) -> tuple[VersionLine, ...]:
    """Return every version of `asset`, newest first; none before its first build."""
    with workspace.reader() as reader:
        if reader is None:
            return ()
        states = workspace.states(reader.connection)
        shown, held = states.environments_of(asset), states.held_in(asset)
        return tuple(
            VersionLine(
                asset,
                v.number,
                v.created,
                v.run,
                v.rows,
                v.gate.word,
                v.milliseconds,
                v.definition_hash,
                shown.get(v.number, ()),
                v.equal_to,
                v.gate.failed,
                held.get(v.number, ()),
                v.named,
            )
            for v in reversed(states.versions(asset))
        )


def runs(workspace: Workspace, limit: int) -> tuple[RunLine, ...]:
    """Return the newest runs, newest first."""
    with workspace.reader() as reader:
        if reader is None:
            return ()
        states = workspace.states(reader.connection)
        return tuple(_run_line(states, run) for run in states.runs(limit))


def show(workspace: Workspace, text: str) -> tuple[RunLine, tuple[StepLine, ...]]:
    """Return the run whose id starts with `text` and its steps. Raises RequestError unless there is exactly one."""
    with _ledger(workspace) as reader:
        states = workspace.states(reader.connection)
        run = _find_run(states, text)
        steps = []
        for step in states.steps(run=run.id):
            checks = states.results_of(step.asset, step.number) if step.number is not None else []
            judged = step.outcome in ("PUBLISHED", "OBSERVED", "BLOCKED", "RECHECKED", "REUSED")
            results = tuple(checks) if judged else ()
            steps.append(StepLine(step.asset, step.outcome, step.number, step.at, step.message, step.changed, results))
        return _run_line(states, run), tuple(steps)


def logs(workspace: Workspace, text: str, asset: AssetKey | None) -> tuple[LogLine, ...]:
    """Return the lines that a run wrote, about one asset or all."""
    with _ledger(workspace) as reader:
        run = _find_run(workspace.states(reader.connection), text)
    return tuple(line for line in read_log(workspace.logs, run.id) if asset is None or line.asset == asset)


def last_results(workspace: Workspace) -> dict[AssetKey, str]:
    """Return what each asset came to in the newest run that had steps, in lower case, for the `result:` selector."""
    with workspace.reader() as reader:
        if reader is None:
            return {}
        states = workspace.states(reader.connection)
        for run in states.runs():
            steps = states.steps(run=run.id)
            if steps:
                return {step.asset: step.outcome.lower() for step in steps}
    return {}


def audit_log(workspace: Workspace, limit: int | None, asset: AssetKey | None) -> tuple[Entry, ...]:
    """Return ledger entries, newest first."""
    with _ledger(workspace) as reader:
        found: list[Entry] = []
        former = workspace.states(reader.connection).names.former
        streams = () if asset is None else (asset, *former.get(asset, ()))
        step = 500
        stop = reader.size()
        while stop > 0 and (limit is None or len(found) < limit):
            start = max(0, stop - step)
            page = [e for e in reader.entries(start, stop) if asset is None or e.stream in streams]
            found += reversed(page)
            stop = start
        return tuple(found if limit is None else found[:limit])


def audit_verify(workspace: Workspace, checkpoint: Path | None) -> Report:
    """Verify the ledger with the project's public keys. Raises RequestError where `checkpoint` cannot be read."""
    earlier = None
    if checkpoint is not None:
        try:
            earlier = checkpoint.read_bytes()
        except OSError as error:
            raise RequestError(
                f"The checkpoint {checkpoint} cannot be read: {error.strerror}.", "Check the path."
            ) from error
    keys = FileKeys(workspace.config.home / "keys")
    path = workspace.config.state_path
    if not path.exists():
        raise RequestError("Nothing has run here yet, so nothing is recorded.", "Start with `headwater run`.")
    return verify_ledger(path, keys.verifiers(), StateProjector(), earlier=earlier)


def rebuild_ledger(workspace: Workspace) -> int:
    """Make the projections anew from the entries. Raises IntegrityError where an entry does not match its hash."""
    with LedgerStore.open(workspace.config.state_path, StateProjector(), workspace.outside.now) as ledger:
        return ledger.rebuild()


def _run_line(states: SqlStateReader, run: RunRecord) -> RunLine:
    counts: dict[str, int] = {}
    for step in states.steps(run=run.id):
        counts[step.outcome] = counts.get(step.outcome, 0) + 1
    return RunLine(
        run.id,
        run.environment,
        run.started,
        run.finished,
        run.outcome,
        run.actor,
        run.host,
        tuple(sorted(counts.items())),
    )


def _find_run(states: SqlStateReader, text: str) -> RunRecord:
    all_runs = states.runs()
    if text == "last" and all_runs:
        return all_runs[0]
    found = [run for run in all_runs if run.id == text] or [run for run in all_runs if run.id.startswith(text)]
    if len(found) == 1:
        return found[0]
    what = "No run is called" if not found else "More than one run starts with"
    raise RequestError(f"{what} {text!r}.", "`headwater runs` lists them.")
