"""Doing what a plan says, from taking the lock to the signed checkpoint; `Run` does the steps in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from headwater.assets.key import AssetKey
from headwater.assets.modules import forget_modules
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.record import Draft
from headwater.runtime.clock import to_iso
from headwater.runtime.data_time import Inside
from headwater.runtime.held import Held
from headwater.runtime.interrupt import Interrupt
from headwater.runtime.key_lists import list_names
from headwater.runtime.loading import source_text
from headwater.runtime.model import Plan, Progress, RunResult, Status
from headwater.runtime.provenance import code_commit, host_name
from headwater.runtime.publish import draft
from headwater.runtime.recording import finished_payload, observed_entry
from headwater.runtime.resolve import Situation, shown_to_readers, wanted_sets
from headwater.runtime.run import Books, Options, Run
from headwater.runtime.runlog import RunLog
from headwater.runtime.staleness import Decision
from headwater.runtime.state import State, VersionRecord
from headwater.runtime.workspace import Survey, Workspace

_LARGE_ROWS = 200_000
_LARGE_BYTES = 16 * 1024 * 1024
_MOST_NAME_LENGTH = 40  # of the readable part of a physical name; PostgreSQL cuts names at 63


class Doing:
    """One run of one workspace: how many workers, whether to stop at the first failure, who watches."""

    def __init__(
        self,
        workspace: Workspace,
        environment: str,
        workers: int,
        fail_fast: bool,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._workspace = workspace
        self._environment = environment
        self._options = Options(workers, fail_fast, progress)

    def run(
        self, choose: Callable[[Survey], Plan], *, verify_data: bool = False, taken_in: Collection[AssetKey] = ()
    ) -> RunResult:
        """Hold the warehouse, judge, let `choose` make the plan, carry it out, record, sign.

        `taken_in` are sources that count as they were last taken in where only taking them in could tell more.
        Raises ProjectError before any effect, and ResourceError where lock, ledger or warehouse cannot be had.
        """
        workspace, outside = self._workspace, self._workspace.outside
        started = outside.now()
        forget_modules(workspace.config.root, workspace.loaded.python_texts())
        run = f"{started.astimezone(UTC).strftime('%Y%m%dT%H%M%S')}-{outside.new_id()[:6]}"
        with workspace.hold(run, environment=self._environment, verify_data=verify_data) as held:
            survey = self._survey(held, taken_in)
            survey.require_trusted_warehouse()
            held.require_key()
            plan = choose(survey)
            interrupt = Interrupt()
            with interrupt.listening():
                result = self._carry_out(held, plan, survey, interrupt)
        workspace.cache.flush()
        return result

    def _carry_out(self, held: Held, plan: Plan, survey: Survey, interrupt: Interrupt) -> RunResult:
        held.record_renames()
        self._started(held, plan, survey)
        result = RunResult(held.run, "NOTHING_TO_DO", (), self._environment)
        if plan.steps:
            result = self._steps(held, plan, survey, interrupt)
        result = replace(result, rolled_back=plan.rolled_back)
        finish = draft(record.RUN_FINISHED, "run", held.run, finished_payload(result), f"It ended {result.outcome}.")
        held.ledger.append([finish], held.actor)
        held.checkpoint()
        return result

    def _survey(self, held: Held, taken_in: Collection[AssetKey]) -> Survey:
        workspace = self._workspace
        state = held.state
        state.sources = workspace.sources_now(state, verify=True, taken_in=taken_in)
        return workspace.judge(workspace.loaded.require_graph(), state)

    def _started(self, held: Held, plan: Plan, survey: Survey) -> None:
        """Record that the run began, from which code, and that the sources it stands on were found unchanged."""
        config = self._workspace.config
        known = held.reader.warehouse()
        payload: dict[str, JsonValue] = {
            "environment": self._environment,
            "plan_hash": plan.plan_hash,
            "steps": len(plan.steps),
            "host": host_name(),
            "pid": os.getpid(),
            "commit": code_commit(config.root),
            "warehouse": known[0] if known is not None else held.warehouse.identity if plan.steps else "",
        }
        drafts = [draft(record.RUN_STARTED, "run", held.run, payload, f"{len(plan.steps)} steps planned.")]
        for key in sorted(survey.state.warehouse.altered_files | _altered_assets(survey.state)):
            why = "Its stored data is not what was recorded."
            drafts.append(draft(record.DATA_ALTERED, key, str(key), {"run": held.run}, why))
        drafts += self._unchanged_sources(survey)
        held.ledger.append(drafts, held.actor)

    def _unchanged_sources(self, survey: Survey) -> list[Draft]:
        """Note that sources were found unchanged, in the state that was compared: they are as fresh as now."""
        drafts = []
        for key, now in sorted(survey.state.sources.items()):
            seen = survey.state.observed.get(key)
            if now.changed is False and seen is not None and key in survey.loaded.assets:
                again = replace(seen, state=now.state or seen.state, at=to_iso(survey.now))
                survey.state.observed[key] = again
                drafts.append(observed_entry(again, "The source was found unchanged."))
        return drafts

    def _steps(self, held: Held, plan: Plan, survey: Survey, interrupt: Interrupt) -> RunResult:
        workspace, state = self._workspace, survey.state
        state.running = True
        planned = {step.asset for step in plan.steps if step.action != "RETIRE"}
        retiring = len(planned) < len(plan.steps)
        decisions = _as_of_plan(survey.decisions, planned, state)
        known = held.reader.warehouse()
        books = Books(state, decisions, held.reader.next_numbers(), (known[1] if known else 0) + 1)
        held.warehouse.use_threads(workspace.config.threads or _threads(workspace.config.root, survey, planned))
        session = held.warehouse.session()
        relation = session.relation
        log = RunLog(workspace.logs, held.run, workspace.outside.now)
        situation = Situation(
            config=workspace.config,
            definer=workspace.definer,
            reader=held.reader,
            state=state,
            decisions=decisions,
            left_out=frozenset(k for k, d in survey.decisions.items() if k not in planned and not d.is_up_to_date),
            readers=wanted_sets(survey.resolved, state),
            run=held.run,
            now=survey.now,
            store=workspace.store,
            suffix=held.suffix,
            relation_of=lambda version: _relation(version, relation),
            part_of=session.part,
            only=plan.only,
            shown=shown_to_readers(survey, state, planned),
            physical_name=lambda key: _physical_name(key, workspace.outside.new_id()),
            source_text=lambda key: source_text(workspace.loaded.assets[key], workspace.loaded),
            python=workspace.loaded.python_texts(),
            dynamic_lists=list_names(workspace.loaded.assets),
            inside=Inside(workspace.loaded.assets, survey.graph, state),
            key_prefix=lambda key: workspace.loaded.folder_of[workspace.loaded.assets[key].location.file],
        )
        try:
            execution = Run(
                plan,
                survey.graph,
                held.hands(),
                books,
                situation,
                self._options,
                workspace.outside.new_id,
                log,
                interrupt,
                workspace.outside.monotonic,
                held.reader.shown_anywhere() if retiring else (),
            )
            return execution.execute()
        finally:
            session.close()
            log.close()


def _as_of_plan(
    decisions: Mapping[AssetKey, Decision], planned: set[AssetKey], state: State
) -> dict[AssetKey, Decision]:
    """Return the decisions that steps start from: what is not in the plan counts by its published version.

    Who asks for one asset alone asks for it on what is there. What is blocked or held stays so, and so does what is
    missing.
    """
    found: dict[AssetKey, Decision] = {}
    for key, decision in decisions.items():
        usable = key not in planned and key in state.published and not decision.blocked and not decision.held
        if not usable:
            found[key] = decision
            continue
        partitions = None if decision.partitions is None else decision.partitions.as_found()
        found[key] = Decision(Status("CURRENT"), partitions=partitions)
    return found


def _threads(root: Path, survey: Survey, planned: set[AssetKey]) -> int:
    """Return how many threads one statement may use: one while all tables are small, for then they only get in the way.

    How large a table will be is told by the last build of what it reads, or by the file that a source comes in.
    """
    inputs = survey.graph.ancestors(planned)
    rows = max((v.rows for key, v in survey.state.published.items() if key in inputs), default=0)
    sources = (survey.loaded.assets[key].source for key in inputs)
    paths = [root / source.file for source in sources if source is not None and source.file is not None]
    size = max((path.stat().st_size for path in paths if path.is_file()), default=0)
    return os.cpu_count() or 1 if rows > _LARGE_ROWS or size > _LARGE_BYTES else 1


def _altered_assets(state: State) -> frozenset[AssetKey]:
    altered = state.warehouse.altered
    return frozenset(k for k, v in state.published.items() if v.physical in altered and not v.is_foreign)


def _relation(version: VersionRecord, relation: Callable[[str], str]) -> str:
    return version.physical[1:] if version.physical.startswith("=") else relation(version.physical)


def _physical_name(key: AssetKey, new_id: str) -> str:
    readable = key.replace(".", "__")[:_MOST_NAME_LENGTH]
    return f"{readable}__{new_id[:12]}"
