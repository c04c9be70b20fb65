"""The run: one coordinator owns state and ledger, workers compute and report, one publisher batches what is ready.

Every decision is taken by pure functions (`resolve_step`, `Schedule`); this is the shell that carries them out. A step
that fails stops only its descendants, and whatever stops the run leaves nothing to repair by hand.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from headwater.assets.errors import HeadwaterError, StepError
from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph
from headwater.lineage.record import Draft
from headwater.runtime.build import error_text, perform, relation_of
from headwater.runtime.definer import PublishedSchemas
from headwater.runtime.engines.engine import Session
from headwater.runtime.fingerprints import take_token
from headwater.runtime.interrupt import Interrupt
from headwater.runtime.leaving import retire_item
from headwater.runtime.model import (
    Plan,
    Progress,
    Reason,
    RunOutcome,
    RunResult,
    Status,
    Step,
    StepOutcome,
    StepResult,
)
from headwater.runtime.observe import differs, is_kept
from headwater.runtime.order import Built, Order
from headwater.runtime.publish import Hands, Item, publish
from headwater.runtime.published_files import discard_draft, in_environment, located, prepare_file
from headwater.runtime.recording import (
    added_keys,
    ended_entry,
    failed_entry,
    gate_entry,
    judged,
    new_version,
    observation_of,
    same_data,
    shared_with_equal,
    staged,
    taken_in_entry,
    token_entry,
)
from headwater.runtime.resolve import Ended, Reuse, Situation, resolve_step
from headwater.runtime.runlog import RunLog
from headwater.runtime.scheduler import Schedule
from headwater.runtime.slice_facts import learn
from headwater.runtime.staleness import Case, Decision, decide
from headwater.runtime.state import State, VersionRecord

BATCH = 16
LONGEST_WAIT_SECONDS = 0.5  # that an accepted version waits for others to be published with it

if TYPE_CHECKING:
    from headwater.runtime.partition_status import Missing

_CURRENT = Decision(Status("CURRENT"))
_BAD = {"FAILED": "FAILED", "SKIPPED": "FAILED", "BLOCKED": "BLOCKED", "HELD": "BLOCKED"}


@dataclass(frozen=True, slots=True)
class Options:
    """How a plan is run."""

    workers: int
    fail_fast: bool = False
    progress: Callable[[Progress], None] | None = None


@dataclass(slots=True)
class Books:
    """What only the coordinator may change while a run goes on."""

    state: State
    decisions: dict[AssetKey, Decision]
    next_numbers: dict[AssetKey, int]
    next_publication: int
    pending: list[Item] = field(default_factory=list)
    facts: list[Draft] = field(default_factory=list)
    oldest_pending: float = 0.0
    results: dict[AssetKey, StepResult] = field(default_factory=dict)
    waiting: dict[AssetKey, StepResult] = field(default_factory=dict)  # accepted, not yet published
    dropped: list[str] = field(default_factory=list)  # stages that failed, were cancelled, or came out equal


class Run:
    """One execution of a plan. `execute` returns the result; everything it needs is given, clock and ids included."""

    def __init__(
        self,
        plan: Plan,
        graph: AssetGraph,
        hands: Hands,
        books: Books,
        situation: Situation,
        options: Options,
        new_id: Callable[[], str],
        log: RunLog,
        interrupt: Interrupt,
        monotonic: Callable[[], float] = time.monotonic,
        pointed: Sequence[tuple[str, VersionRecord]] = (),
    ) -> None:
        self._plan = plan
        self._hands = hands
        self._books = books
        self._at = situation
        self._options = options
        self._new_id = new_id
        self._log = log
        self._interrupt = interrupt
        self._monotonic = monotonic
        self._pointed = pointed  # every pointer of every environment as the run began, where assets are retired
        self._steps: Mapping[AssetKey, Step] = {step.asset: step for step in plan.steps}
        self._retiring = tuple(step.asset for step in plan.steps if step.action == "RETIRE")
        before = {key: graph.before(key) for key in self._steps if key not in self._retiring}
        self._schedule = Schedule(tuple(before), before)
        self._finished: queue.SimpleQueue[tuple[Order, Future[Built]] | None] = queue.SimpleQueue()  # None: Ctrl-C
        self._running: dict[AssetKey, Session] = {}
        self._idle: list[Session] = []
        self._own = hands.warehouse.session()
        self._foreign = hands.warehouse.foreign_names()
        self._stopped = False

    def execute(self) -> RunResult:
        """Carry out the plan. Ctrl-C cancels what has not started, stops what runs, and publishes what was accepted."""
        self._interrupt.wakes(lambda: self._finished.put(None))
        try:
            with ThreadPoolExecutor(self._options.workers, "headwater") as pool:
                try:
                    self._loop(pool)
                except BaseException:
                    self._stop_workers()
                    raise
            self._discard_uncollected()
        finally:
            for session in (*self._idle, self._own):
                session.close()
        if not self._stopped:
            self._retire()
        self._flush()
        self._drop_stages()
        return self._result()

    def _loop(self, pool: ThreadPoolExecutor) -> None:
        while True:
            if self._interrupt.asked:
                self._cancel()
                return
            self._start_what_is_ready(pool)
            if not self._running:
                if self._schedule.done or self._stopped:
                    return
                continue
            self._collect()

    def _start_what_is_ready(self, pool: ThreadPoolExecutor) -> None:
        while not self._stopped and len(self._running) < self._options.workers:
            key = self._schedule.take()
            if key is None:
                break
            self._begin(key, pool)
            if len(self._books.pending) >= BATCH:
                self._flush()

    def _begin(self, key: AssetKey, pool: ThreadPoolExecutor) -> None:
        self._tell(key, "started")
        step = self._steps[key]
        if step.action == "ROLLBACK":
            self._roll_back(step)
            return
        try:
            self._require_free_name(key)
            found = resolve_step(self._at, key, self._steps[key].reasons[:1] == _FORCED, self)
        except HeadwaterError as error:
            self._fail(key, error, 0)
            return
        if isinstance(found, Ended):
            self._end_without_work(key, found)
        elif isinstance(found, Reuse):
            result = StepResult(
                key, "REUSED", version=found.version.number, rows=found.version.rows, message=found.message
            )
            self._accept_stored(found.version, result)
        else:
            session = self._idle.pop() if self._idle else self._hands.warehouse.session()
            self._running[key] = session
            future = pool.submit(perform, found, session, self._log.writer(key))
            future.add_done_callback(lambda done, order=found: self._finished.put((order, done)))  # type: ignore[misc]

    def _collect(self) -> None:
        """Wait for one worker, for Ctrl-C, or until what is pending has waited long enough."""
        timeout = None
        if self._books.pending:
            timeout = max(0.0, self._books.oldest_pending + LONGEST_WAIT_SECONDS - self._monotonic())
        try:
            ended = self._finished.get(timeout=timeout)
        except queue.Empty:
            self._flush()
            return
        if ended is None:
            return
        order, future = ended
        self._idle.append(self._running.pop(order.key))
        error = future.exception()
        if error is None:
            self._record(order, future.result())
        elif isinstance(error, Exception):
            self._fail(order.key, error, 1)
            self._discard(order)
        else:
            raise error

    def _record(self, order: Order, built: Built) -> None:
        """Turn what a worker built into a version with its verdict, and accept or reject it."""
        books, external = self._books, order.resolved.asset.is_external
        version = self._version(order, built)
        recheck = order.kind == "RECHECK" and self._is_shown(version)
        books.facts.append(gate_entry(version, built.verdict.results, self._hands.run, recheck))
        if order.kind == "BUILD" and external:
            seen = observation_of(version, built, self._at.now)
            books.facts.append(taken_in_entry(seen, books.state.observed.get(version.asset)))
            books.state.observed[version.asset] = seen
            before = books.state.sources.pop(version.asset, None)
            if version.slices is not None:
                from headwater.runtime.part_files import after_taking_in

                books.state.sources[version.asset] = after_taking_in(before, seen.state)
        outcome: StepOutcome = "REUSED" if order.kind == "RECHECK" else "OBSERVED" if external else "PUBLISHED"
        result = StepResult(
            version.asset,
            outcome,
            version=version.number,
            rows=built.rows,
            attempts=1,
            seconds=built.milliseconds / 1000,
            checks=built.verdict.results,
            partitions=None if order.slices is None else order.slices.new.domain.text or None,
        )
        if not version.rejected:  # what a build that was blocked says about partitions is not taken on trust either
            books.state.dynamic, added = added_keys(order, built, books.state)
            books.facts += added
        if version.rejected:
            self._reject(version, result)
        elif recheck:
            books.state.published[version.asset] = version
            books.decisions[version.asset] = self._decision_after(version)
            self._finish(replace(result, outcome="RECHECKED", message="Its checks were evaluated again."))
        else:
            self._accept(version, result)

    def _version(self, order: Order, built: Built) -> VersionRecord:
        """Return the version that was judged; a new one is noted as staged, over equal data where there is some."""
        books, key = self._books, order.key
        if order.kind == "RECHECK":
            assert order.version is not None, "a recheck has a version"
            return judged(order.version, order, built)
        number = books.next_numbers.get(key, 1)
        books.next_numbers[key] = number + 1
        source = self._at.source_text(key)
        code = {path: self._at.python[path] for path in order.resolved.definition.code if path in self._at.python}
        version = shared_with_equal(new_version(order, built, number, source, code), books.state, order, built)
        if version.physical != built.physical:
            books.dropped.append(built.physical)
            if built.slices is not None and built.slices.store == f"{built.physical}__rows":
                books.dropped.append(built.slices.store)
        books.facts.append(staged(version, built, source, code))
        if built.slices is not None or built.shown:
            learn(books.state.facts, version, built)
        return version

    def _accept(self, version: VersionRecord, result: StepResult, left: VersionRecord | None = None) -> None:
        """A version that passed: readers downstream may pin it now, and it is published with the next batch."""
        books, before = self._books, self._books.state.published.get(version.asset)
        same = before is not None and before.physical == version.physical and before.file == version.file
        repaired = before is not None and version.asset in books.state.warehouse.altered_files
        changed = before is None or not (same_data(version, before) and before.file == version.file)
        if not books.pending:
            books.oldest_pending = self._monotonic()
        was = self._former_name(version.asset)
        moved = books.state.shown_as.pop(version.asset, None) is not None
        item = Item(version.asset, result.outcome, changed, version, swap=not same or repaired or moved, was=was)
        if left is not None:
            item = replace(item, left=left.number, why=self._plan.why)
        books.pending.append(item)
        books.state.published[version.asset] = version
        # What follows a rollback at once are views, which show all that there is of it.
        after = _CURRENT if left is not None else self._decision_after(version)
        books.decisions[version.asset] = after
        message = result.message or ("" if changed else "It came out equal to what readers see.")
        books.waiting[version.asset] = replace(result, changed=changed, message=message)
        self._settle(version.asset, result.outcome)

    def _retire(self) -> None:
        """Let assets that are no longer declared leave view, with what is published last."""
        books, config = self._books, self._at.config
        for key in self._retiring:
            self._tell(key, "started")
            version = books.state.published[key]
            item, message = retire_item(version, config, self._plan.environment, self._foreign, self._pointed)
            books.pending.append(item)
            books.waiting[key] = StepResult(key, "RETIRED", changed=True, message=message)

    def _decision_after(self, version: VersionRecord) -> Decision:
        """Return what readers may count on now; of a partitioned asset, some partitions may still be waiting."""
        if version.slices is None:
            return _CURRENT
        resolved, _ = self._at.definer.resolve(version.asset, PublishedSchemas(self._books.state))
        state, decisions = self._books.state, self._books.decisions
        found = decide(Case(resolved, version, state, decisions, self._at.now, self._at.config.timezone))
        return self._as_asked_for(found)

    def _as_asked_for(self, decision: Decision) -> Decision:
        """Where only some partitions were asked for, the others count as they are there."""
        if self._plan.only is None or decision.partitions is None:
            return decision
        return Decision(Status("CURRENT"), partitions=decision.partitions.as_found())

    def _require_free_name(self, key: AssetKey) -> None:
        """Raise StepError where a foreign table has the name, before anything is built on what could not be shown."""
        schema = key.schema + self._hands.suffix
        kind = self._foreign.get((schema, key.table))
        if key not in self._books.state.published and kind is not None:
            raise StepError(
                f"{schema}.{key.table} is a {kind} that Headwater did not make.",
                f"Rename or drop that {kind}, or give the asset another key.",
            )

    def _roll_back(self, step: Step) -> None:
        """Show a stored version again, whole and unaltered, and hold the one that is left."""
        key, left = step.asset, self._books.state.published[step.asset]
        version = next(v for v in self._at.reader.versions(key) if v.number == step.version)
        if not self.intact(version):
            message = f"The stored data of {key}@v{version.number} was altered or is gone."
            self._fail(key, StepError(message, f"`headwater history {key}` lists the versions."), 0)
            return
        message = f"Rolled back from v{left.number}, which is held."
        result = StepResult(key, "ROLLED_BACK", version=version.number, rows=version.rows, message=message)
        self._accept_stored(version, result, left)

    def _accept_stored(self, version: VersionRecord, result: StepResult, left: VersionRecord | None = None) -> None:
        """Accept a stored version once its file, if it is one, can be put in place: later would be too late to fail."""
        try:
            if version.file is not None:
                prepare_file(self._hands.root, self._hands.store, in_environment(version.file, self._hands.suffix))
        except StepError as error:
            self._fail(version.asset, error, 0)
        else:
            self._accept(version, result, left)

    def _reject(self, version: VersionRecord, result: StepResult) -> None:
        books = self._books
        rejected = [v for v in books.state.rejected.get(version.asset, ()) if v.number != version.number]
        books.state.rejected[version.asset] = (*rejected, version)
        books.state.extra_tokens.update(version.tokens_seen())
        if self._is_published(version):
            books.state.published[version.asset] = version
        checks = ", ".join(version.gate.failed)
        kept = books.state.published.get(version.asset)
        seen = "readers see none" if kept is None else "readers keep the last good version"
        if kept is not None and kept.number == version.number:
            seen = "readers keep it, as it passed the checks of its time"
        message = f"Blocked by {checks}; {seen}."
        books.decisions[version.asset] = Decision(Status("STALE", (Reason("BLOCKED", message),)), version)
        self._finish(replace(result, outcome="BLOCKED", message=message))

    def _end_without_work(self, key: AssetKey, ended: Ended) -> None:
        if ended.outcome == "FAILED":
            self._fail(key, StepError(ended.message), 0)
            return
        equal = ended.outcome == "VERIFIED_EQUAL" and ended.decision.partitions is None
        self._books.decisions[key] = _CURRENT if equal else self._as_asked_for(ended.decision)
        self._books.facts.append(ended_entry(key, ended, self._hands.run))
        number, rows = (None, None) if ended.version is None else (ended.version.number, ended.version.rows)
        self._finish(StepResult(key, ended.outcome, version=number, rows=rows, message=ended.message))

    def _fail(self, key: AssetKey, error: BaseException, attempts: int) -> None:
        self._log.write(key, error_text(error))
        text = str(error) if isinstance(error, HeadwaterError) else f"{type(error).__name__}: {error}"
        self._books.facts.append(failed_entry(key, self._hands.run, text, "The step raised an error."))
        self._finish(StepResult(key, "FAILED", attempts=attempts, error=text, message=text))

    def _finish(self, result: StepResult) -> None:
        """Note how a step ended that publishes nothing."""
        self._books.results[result.asset] = result
        self._log.write(result.asset, f"{result.outcome} {result.message}".rstrip())
        self._tell(result.asset, "finished", result)
        self._settle(result.asset, result.outcome)
        if self._options.fail_fast and result.outcome in _BAD:
            self._stop()

    def _settle(self, key: AssetKey, outcome: str) -> None:
        """Tell the schedule that a step ended; whoever waited for it and can no longer start is skipped."""
        skipped_before = len(self._schedule.skipped)
        self._schedule.end(key, outcome)
        for reader, cause in self._schedule.skipped[skipped_before:]:
            self._books.results[reader] = StepResult(reader, "SKIPPED", message=f"{cause} failed.")
            self._tell(reader, "finished", self._books.results[reader])

    def _flush(self) -> None:
        """Publish what is pending in one transaction; where that is refused, one by one: one spoils no other."""
        books = self._books
        items, books.pending = books.pending, []
        try:
            if items:
                self._publish(items)
        except StepError as error:
            if len(items) == 1:
                self._refused(items[0], error)
            else:
                self._publish_one_by_one(items)
        if books.facts:
            self._hands.ledger.append(self._take_facts(), self._hands.actor)

    def _publish_one_by_one(self, items: list[Item]) -> None:
        for item in items:
            try:
                self._publish([item])
            except StepError as error:
                self._refused(item, error)

    def _take_facts(self) -> list[Draft]:
        facts, self._books.facts = self._books.facts, []
        return facts

    def _publish(self, items: list[Item]) -> None:
        number = self._books.next_publication
        publish(self._hands, number, self._new_id(), items, self._take_facts())
        self._books.next_publication = number + 1
        for item in items:
            result = self._books.waiting.pop(item.asset)
            self._books.results[item.asset] = result
            version = "" if result.version is None else f" v{result.version}"
            self._log.write(item.asset, f"{result.outcome}{version} {result.message}".rstrip())
            self._tell(item.asset, "finished", result)

    def _refused(self, item: Item, error: StepError) -> None:
        """The engine would not show a version (a foreign table stands at its name): the step failed after all."""
        result = self._books.waiting.pop(item.asset)
        failed = replace(result, outcome="FAILED", changed=False, error=str(error), message=str(error))
        self._books.facts.append(failed_entry(item.asset, self._hands.run, str(error), "It could not be published."))
        self._books.results[item.asset] = failed
        self._books.decisions[item.asset] = Decision(Status("MISSING"))
        if item.version is not None and item.version.file is not None:
            discard_draft(self._hands.root, located(item.version.file.path, self._hands.suffix))
        self._tell(item.asset, "finished", failed)

    def fill(self, version: VersionRecord, columns: str) -> str:
        """Take a fingerprint that clause 5 needs and that nobody needed before; what decides is recorded."""
        relation = relation_of(self._own, version.physical)
        found = take_token(self._own, relation, version.schema, columns)
        self._books.facts.append(token_entry(version, columns, found))
        return found

    def fill_slices(self, missing: Missing) -> None:
        """Take the fingerprints of slices or partitions that comparing needs; what decides is recorded."""
        from headwater.runtime.slice_filling import fill_slices

        found = fill_slices(self._own, self._books.state, missing, self._at.reader.versions)
        if found is not None:
            self._books.facts.append(found)

    def intact(self, version: VersionRecord) -> bool:
        """Look at the data of a stored version, and at its file; those that readers see were verified at the start."""
        published = self._books.state.published.get(version.asset)
        if version.file is not None and not is_kept(self._hands.store, version.file):
            return False
        return (published is not None and published.physical == version.physical) or not differs(self._own, version)

    def _former_name(self, key: AssetKey) -> AssetKey | None:
        """Return the name under which readers find an asset that was renamed, unless another asset has it now."""
        was = self._books.state.shown_as.get(key)
        return None if was is None or was in self._books.state.published else was

    def _is_shown(self, version: VersionRecord) -> bool:
        """Return whether readers see the version, and its file, so that there is nothing to publish."""
        renamed = version.asset in self._books.state.shown_as
        return (
            self._is_published(version)
            and not renamed
            and version.asset not in self._books.state.warehouse.altered_files
        )

    def _is_published(self, version: VersionRecord) -> bool:
        found = self._books.state.published.get(version.asset)
        return found is not None and found.number == version.number

    def _stop(self) -> None:
        """Start nothing more; what is left is cancelled."""
        self._stopped = True
        for key in (*self._schedule.rest(), *self._retiring):
            self._books.results[key] = StepResult(key, "CANCELLED", message="The run stopped before it.")

    def _cancel(self) -> None:
        """Start nothing more and stop what runs; what the workers still bring is not waited for."""
        self._stop()
        self._stop_workers()
        for key in self._running:
            cancelled = StepResult(key, "CANCELLED", attempts=1, message="The run was cancelled.")
            self._books.results.setdefault(key, cancelled)

    def _stop_workers(self) -> None:
        for session in self._running.values():
            session.interrupt()

    def _discard_uncollected(self) -> None:
        """Once no worker runs any more, let go of what they still brought."""
        while not self._finished.empty():
            ended = self._finished.get()
            if ended is not None:
                self._idle.append(self._running.pop(ended[0].key))
                self._discard(ended[0])

    def _discard(self, order: Order) -> None:
        """Nothing of this order will be seen: what it may have built and written goes."""
        if order.kind != "BUILD":
            return
        self._books.dropped += [order.physical, f"{order.physical}__rows", f"{order.physical}__part"]
        path = order.resolved.asset.materialization.path
        if path is not None:
            discard_draft(self._hands.root, located(path, self._hands.suffix))

    def _drop_stages(self) -> None:
        names = [name for name in self._books.dropped if not name.startswith("=")]
        if names:
            self._hands.warehouse.drop(names)

    def _tell(self, key: AssetKey, phase: str, result: StepResult | None = None) -> None:
        if self._options.progress is not None:
            self._options.progress(Progress(key, phase, len(self._books.results), len(self._steps), result))

    def _result(self) -> RunResult:
        ordered = tuple(self._books.results[key] for key in self._steps if key in self._books.results)
        outcome = outcome_of(ordered, self._interrupt.asked)
        return RunResult(self._hands.run, outcome, ordered, self._plan.environment)


_FORCED = (Reason("FORCED", "asked for with --force."),)


def outcome_of(steps: tuple[StepResult, ...], interrupted: bool) -> RunOutcome:
    """Return what a run came to, from its steps: the worst of them, unless someone ended it before its time."""
    outcomes = {step.outcome for step in steps}
    if "CANCELLED" in outcomes and (interrupted or not outcomes & {"FAILED", "BLOCKED"}):
        return "CANCELLED"
    if outcomes & {"FAILED", "SKIPPED"}:
        return "FAILED"
    if outcomes & {"BLOCKED", "HELD"}:
        return "BLOCKED"
    return "SUCCEEDED" if outcomes else "NOTHING_TO_DO"
