"""The run: one coordinator owns state and ledger, workers compute and report, one publisher batches what is ready.

Every decision is taken by pure functions (`resolve_step`, `Schedule`); this is the shell that carries them out. A step
that fails stops only its descendants, and whatever stops the run leaves nothing to repair by hand.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from headwater.assets.errors import HeadwaterError, StepError
from headwater.assets.key import AssetKey
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.graph import AssetGraph
from headwater.lineage.record import Blob, Draft
from headwater.runtime.build import error_text, perform, relation_of, take_token
from headwater.runtime.clock import to_iso
from headwater.runtime.engines.engine import Session
from headwater.runtime.facts import gate_to_json, version_to_json
from headwater.runtime.interrupt import Interrupt
from headwater.runtime.model import Plan, Progress, Reason, RunOutcome, RunResult, Status, Step, StepResult
from headwater.runtime.observe import differs, is_kept
from headwater.runtime.order import Built, Observed, Order
from headwater.runtime.publish import Hands, Item, discard_draft, draft, publish
from headwater.runtime.resolve import Ended, Reuse, Situation, resolve_step
from headwater.runtime.runlog import RunLog
from headwater.runtime.scheduler import Schedule
from headwater.runtime.staleness import Decision, columns_of_key
from headwater.runtime.state import Gate, Observation, State, VersionRecord

BATCH = 16
LONGEST_WAIT_SECONDS = 0.5  # that an accepted version waits for others to be published with it

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
        self._steps: Mapping[AssetKey, Step] = {step.asset: step for step in plan.steps}
        before = {key: graph.before(key) for key in self._steps}
        self._schedule = Schedule(tuple(self._steps), before)
        self._finished: queue.SimpleQueue[tuple[Order, Future[Built]] | None] = queue.SimpleQueue()  # None: Ctrl-C
        self._running: dict[AssetKey, Session] = {}
        self._idle: list[Session] = []
        self._own = hands.warehouse.session()
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
        try:
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
            self._accept(found.version, result)
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
        version = self._version(order, built)
        reads = built.check_reads
        failed = tuple(r.check for r in built.verdict.results if r.outcome in ("FAIL", "ERROR", "WARN"))
        version = replace(version, gate=Gate(built.verdict.word, order.resolved.checks_id, reads, failed))
        if order.kind == "BUILD":
            self._stage_fact(version, built)
        kind = record.GATE_BLOCKED if version.rejected else record.GATE_PASSED
        why = f"Blocked by {', '.join(failed)}." if version.rejected else "It may be published."
        payload = gate_to_json(version, built.verdict.results, self._hands.run)
        self._books.facts.append(draft(kind, version.asset, f"{version.asset}@v{version.number}", payload, why))
        if order.kind == "BUILD" and order.resolved.asset.is_external:
            self._observe_fact(version, built.observed or Observed(None, built.tokens["*"]))
        result = StepResult(
            version.asset,
            "PUBLISHED",
            version=version.number,
            rows=built.rows,
            attempts=1,
            seconds=built.milliseconds / 1000,
            checks=built.verdict.results,
        )
        if version.rejected:
            self._reject(version, result)
        elif order.kind == "RECHECK" and self._is_published(version):
            self._books.state.published[version.asset] = version
            self._books.decisions[version.asset] = _CURRENT
            self._finish(replace(result, outcome="RECHECKED", message="Its checks were evaluated again."))
        else:
            outcome = (
                "REUSED" if order.kind == "RECHECK" else "OBSERVED" if order.resolved.asset.is_external else "PUBLISHED"
            )
            self._accept(version, replace(result, outcome=outcome))  # type: ignore[arg-type]

    def _version(self, order: Order, built: Built) -> VersionRecord:
        if order.kind == "RECHECK":
            assert order.version is not None, "a recheck has a version"
            return order.version
        asset, definition = order.resolved.asset, order.resolved.definition
        number = self._books.next_numbers.get(asset.key, 1)
        self._books.next_numbers[asset.key] = number + 1
        version = VersionRecord(
            asset=asset.key,
            number=number,
            kind=asset.kind,
            physical=built.physical,
            rows=built.rows,
            schema=built.schema,
            definition=definition.parts(),
            definition_hash=definition.hash,
            trace=built.trace,
            tokens=built.tokens,
            gate=Gate("BLOCK", ""),
            run=self._hands.run,
            created=to_iso(self._at.now),
            clock=order.clock,
            order_dependent=definition.order_dependent,
            file=built.file,
            source=_source(built, order),
            data_times=self._data_times(order, built.observed),
            milliseconds=built.milliseconds,
            text=Blob("", self._at.source_text(asset.key).encode()).reference.sha256,
        )
        return self._shared_with_equal(version)

    def _shared_with_equal(self, version: VersionRecord) -> VersionRecord:
        """Where the data equals what readers see, keep that data and drop the new stage: only the trace is new."""
        published = self._books.state.published.get(version.asset)
        if published is None or version.physical == published.physical or version.physical.startswith("="):
            return version
        altered = published.physical in self._books.state.warehouse.altered
        same_data = published.tokens.get("*") == version.tokens["*"] and published.schema == version.schema
        if altered or not same_data or version.kind == "view" or published.kind != version.kind:
            return version
        if version.file != published.file or version.order_dependent:
            return version
        self._books.dropped.append(version.physical)
        tokens = {**published.tokens, **version.tokens}
        return replace(version, physical=published.physical, tokens=tokens, equal_to=published.number)

    def _data_times(self, order: Order, observed: Observed | None) -> dict[str, str]:
        """Return the oldest data time of every source that is inside, over all inputs."""
        if order.resolved.asset.is_external:
            declared = None if observed is None else observed.data_time
            return {str(order.key): declared or to_iso(self._at.now)}
        oldest: dict[str, str] = {}
        for pinned in order.inputs.values():
            for source, at in pinned.version.data_times.items():
                oldest[source] = min(at, oldest.get(source, at))
        return oldest

    def _accept(self, version: VersionRecord, result: StepResult) -> None:
        """A version that passed: readers downstream may pin it now, and it is published with the next batch."""
        books, before = self._books, self._books.state.published.get(version.asset)
        same = before is not None and before.physical == version.physical and before.file == version.file
        equal = (
            before is not None and before.tokens.get("*") == version.tokens.get("*") and before.schema == version.schema
        )
        repaired = before is not None and version.asset in books.state.warehouse.altered_files
        changed = before is None or not (equal and before.file == version.file)
        if not books.pending:
            books.oldest_pending = self._monotonic()
        books.pending.append(Item(version.asset, result.outcome, changed, version, swap=not same or repaired))
        books.state.published[version.asset] = version
        books.decisions[version.asset] = _CURRENT
        message = result.message or ("" if changed else "It came out equal to what readers see.")
        books.waiting[version.asset] = replace(result, changed=changed, message=message)
        self._schedule.end(version.asset, result.outcome)

    def _reject(self, version: VersionRecord, result: StepResult) -> None:
        books = self._books
        rejected = [v for v in books.state.rejected.get(version.asset, ()) if v.number != version.number]
        books.state.rejected[version.asset] = (*rejected, version)
        books.state.extra_tokens.update(version.tokens_seen())
        if self._is_published(version):
            books.state.published[version.asset] = version
        checks = ", ".join(version.gate.failed)
        message = f"Blocked by {checks}; readers keep the last good version."
        books.decisions[version.asset] = Decision(Status("STALE", (Reason("BLOCKED", message),)), version)
        self._finish(replace(result, outcome="BLOCKED", message=message))

    def _end_without_work(self, key: AssetKey, ended: Ended) -> None:
        self._books.decisions[key] = _CURRENT if ended.outcome == "VERIFIED_EQUAL" else ended.decision
        number = None if ended.version is None else ended.version.number
        payload: dict[str, JsonValue] = {"run": self._hands.run, "number": number, "outcome": ended.outcome}
        if ended.outcome == "FAILED":
            self._fail(key, StepError(ended.message), 0)
            return
        kind = record.VERIFIED_EQUAL if ended.outcome == "VERIFIED_EQUAL" else record.HELD
        self._books.facts.append(draft(kind, key, str(key), payload, ended.message))
        rows = None if ended.version is None else ended.version.rows
        self._finish(StepResult(key, ended.outcome, version=number, rows=rows, message=ended.message))

    def _fail(self, key: AssetKey, error: BaseException, attempts: int) -> None:
        self._log.write(key, error_text(error))
        text = str(error) if isinstance(error, HeadwaterError) else f"{type(error).__name__}: {error}"
        payload: dict[str, JsonValue] = {"run": self._hands.run, "error": _bounded(text)}
        self._books.facts.append(draft(record.STEP_FAILED, key, str(key), payload, "The step raised an error."))
        self._finish(StepResult(key, "FAILED", attempts=attempts, error=text, message=text))

    def _finish(self, result: StepResult) -> None:
        """Note how a step ended that publishes nothing."""
        self._books.results[result.asset] = result
        self._log.write(result.asset, f"{result.outcome} {result.message}".rstrip())
        skipped_before = len(self._schedule.skipped)
        self._schedule.end(result.asset, result.outcome)
        self._tell(result.asset, "finished", result)
        for key, cause in self._schedule.skipped[skipped_before:]:
            message = f"{cause} failed."
            self._books.results[key] = StepResult(key, "SKIPPED", message=message)
            self._tell(key, "finished", self._books.results[key])
        if self._options.fail_fast and result.outcome in _BAD:
            self._stop()

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
            self._log.write(item.asset, f"{result.outcome} v{result.version} {result.message}".rstrip())
            self._tell(item.asset, "finished", result)

    def _refused(self, item: Item, error: StepError) -> None:
        """The engine would not show a version (a foreign table stands at its name): the step failed after all."""
        result = self._books.waiting.pop(item.asset)
        payload: dict[str, JsonValue] = {"run": self._hands.run, "error": _bounded(str(error))}
        self._books.facts.append(
            draft(record.STEP_FAILED, item.asset, str(item.asset), payload, "It could not be published.")
        )
        self._books.results[item.asset] = replace(
            result, outcome="FAILED", changed=False, error=str(error), message=str(error)
        )
        self._books.decisions[item.asset] = Decision(Status("MISSING"))
        if item.version is not None and item.version.file is not None:
            discard_draft(self._hands.root, item.version.file.path)
        self._tell(item.asset, "finished", self._books.results[item.asset])

    def _stage_fact(self, version: VersionRecord, built: Built) -> None:
        texts = {"source": self._at.source_text(version.asset), "ran": built.text}
        blobs = tuple(Blob(name, text.encode(), "text/plain") for name, text in texts.items() if text)
        payload = version_to_json(version)
        why = f"{len(version.trace)} inputs resolved, {version.rows} rows."
        self._books.facts.append(draft(record.VERSION_STAGED, version.asset, version.trace_key, payload, why, blobs))

    def _observe_fact(self, version: VersionRecord, observed: Observed) -> None:
        import json

        state = "" if observed.state is None else json.dumps(observed.state.to_json())
        at = to_iso(self._at.now)
        payload: dict[str, JsonValue] = {"state": state, "digest": observed.digest, "at": at, "number": version.number}
        self._books.facts.append(
            draft(record.SOURCE_OBSERVED, version.asset, str(version.asset), payload, "The source was taken in.")
        )
        observation = Observation(version.asset, state, observed.digest, at, version.number)
        self._books.state.observed[version.asset] = observation
        self._books.state.sources.pop(version.asset, None)

    def fill(self, version: VersionRecord, columns: str) -> str:
        """Take a fingerprint that clause 5 needs and that nobody needed before; what decides is recorded."""
        relation = relation_of(self._own, version.physical)
        found = take_token(self._own, relation, version.schema, columns_of_key(columns))
        payload: dict[str, JsonValue] = {"number": version.number, "tokens": [[columns, found]]}
        why = "A reader needs the fingerprint of these columns."
        self._books.facts.append(
            draft(record.INPUT_RESOLVED, version.asset, f"{version.asset}@v{version.number}", payload, why)
        )
        return found

    def intact(self, version: VersionRecord) -> bool:
        """Look at the data of a stored version, and at its file; those that readers see were verified at the start."""
        published = self._books.state.published.get(version.asset)
        if version.file is not None and not is_kept(self._hands.store, version.file):
            return False
        return (published is not None and published.physical == version.physical) or not differs(self._own, version)

    def _is_published(self, version: VersionRecord) -> bool:
        found = self._books.state.published.get(version.asset)
        return found is not None and found.number == version.number

    def _stop(self) -> None:
        """Start nothing more; what is left is cancelled."""
        self._stopped = True
        for key in self._schedule.rest():
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
        self._books.dropped.append(order.physical)
        path = order.resolved.asset.materialization.path
        if path is not None:
            discard_draft(self._hands.root, path)

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


def finished_payload(result: RunResult) -> dict[str, JsonValue]:
    """Return the payload of a `run.finished` entry: outcome, counts, and the steps that have no entry of their own."""
    left: dict[str, list[JsonValue]] = {"skipped": [], "cancelled": []}
    for step in result.steps:
        if step.outcome in ("SKIPPED", "CANCELLED"):
            left[step.outcome.lower()].append([str(step.asset), step.message])
    payload: dict[str, JsonValue] = {"outcome": result.outcome, "counts": dict(result.counts)}
    payload.update({name: rows for name, rows in left.items() if rows})
    return payload


def _source(built: Built, order: Order) -> dict[str, str]:
    if not order.resolved.asset.is_external:
        return {}
    return {"sha256": built.observed.digest if built.observed is not None else built.tokens["*"]}


def _bounded(text: str) -> str:
    return text if len(text) <= 4000 else text[:4000] + " ..."
