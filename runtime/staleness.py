"""Is it stale? Depth-1 verifying traces with early cutoff: one predicate per clause, in one ordered tuple.

An asset is CURRENT only if every clause holds. A clause that does not hold says which status follows and why; the
status of an asset is the gravest of them. Pure: clock, state and definitions are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from headwater.assets.asset import Asset
from headwater.assets.key import AssetKey
from headwater.lineage.definition import Definition, ReadSet
from headwater.lineage.fingerprint import FILE_BYTES
from headwater.runtime.clock import clock_text, from_iso
from headwater.runtime.model import Reason, Status, StatusWord
from headwater.runtime.sentences import definition_message, gone_columns, rows_moved, some, what_is_seen
from headwater.runtime.state import Hold, State, TraceRead, VersionRecord

if TYPE_CHECKING:
    from headwater.assets.partitions import PartitionSet
    from headwater.runtime.partition_status import Failure as PartitionFailure
    from headwater.runtime.partition_status import PartitionStatus

PRECEDENCE: tuple[StatusWord, ...] = ("MISSING", "UNKNOWN", "STALE", "PENDING", "CURRENT")
Failure = tuple[StatusWord, Reason]


@dataclass(frozen=True, slots=True)
class Resolved:
    """An asset with its names resolved against the schemas of what it reads: what it is now, ready to be judged."""

    asset: Asset
    definition: Definition
    checks_id: str
    check_reads: tuple[ReadSet, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """A status, and what decides about readers: `blocked` by its own gate, `held` by an upstream's.

    `blocked` is the rejected version of today's trace, or the published one where it fails today's checks. `final`
    says that a build today would only make it again. `settled` says that no run will replace what is published, though
    it is not CURRENT: readers may stand on it.
    """

    status: Status
    blocked: VersionRecord | None = None
    held: bool = False
    final: bool = False
    settled: bool = False
    partitions: PartitionStatus | None = None  # of a partitioned asset

    @property
    def is_up_to_date(self) -> bool:
        """Whether readers may stand on what is published: nothing that a run does by itself would replace it."""
        return self.settled or self.status.word == "CURRENT"


@dataclass(frozen=True, slots=True)
class Case:
    """All that a clause may look at."""

    resolved: Resolved
    published: VersionRecord | None
    state: State
    decisions: Mapping[AssetKey, Decision]
    now: datetime
    timezone: str

    @property
    def asset(self) -> Asset:
        """The asset that is judged."""
        return self.resolved.asset

    @property
    def clock(self) -> str | None:
        """The clock literal of today's grain, where the definition asks for the clock."""
        if self.resolved.definition.volatility != "CLOCK":
            return None
        return clock_text(self.now, self.asset.clock, self.timezone)


def upstream_is_current(case: Case) -> Iterator[Failure]:
    """0. Every upstream is CURRENT, or is blocked or held while this asset uses its last good version."""
    names = [read.upstream for read in (*case.resolved.definition.reads, *case.resolved.check_reads)]
    for name in dict.fromkeys(names):
        upstream = AssetKey(name)
        decision = case.decisions.get(upstream)
        if decision is None:
            continue
        missing = _missing_partitions(case, decision)
        if missing and not (decision.blocked or decision.held or decision.status.word == "MISSING"):
            yield "PENDING", Reason("UPSTREAM_MISSING", f"{missing} of {upstream} was never built.", upstream)
        if decision.is_up_to_date:
            continue
        if decision.blocked or decision.held:
            if case.asset.on_upstream_blocked == "hold" or upstream not in case.state.published:
                why = "is blocked by its checks" if decision.blocked else "is itself held"
                yield "PENDING", Reason("HELD", f"{upstream} {why}, so {case.asset.key} is held.", upstream)
        elif decision.status.word == "MISSING":
            yield "PENDING", Reason("UPSTREAM_MISSING", f"{upstream} was never built.", upstream)
        elif decision.status.word == "UNKNOWN":
            yield "UNKNOWN", Reason("UNDECIDABLE", f"{upstream} is UNKNOWN, so this is too.", upstream)
        else:
            message = (
                f"{upstream} is {decision.status.word}; until it is built nobody can say whether its data changed."
            )
            yield "PENDING", Reason("UPSTREAM_PENDING", message, upstream)


def _missing_partitions(case: Case, upstream: Decision) -> str:
    """Return the partitions of an upstream that were never built and that a reader of all waits for, as a sentence."""
    if upstream.partitions is None:
        return ""
    from headwater.runtime.partition_status import some_ranges

    waited_for = dict(upstream.partitions.waited_for(case.asset, running=case.state.running, mapped=False))
    return some_ranges(waited_for["MISSING"]) if "MISSING" in waited_for else ""


def is_published(case: Case) -> Iterator[Failure]:
    """1. It is published in this environment."""
    if case.published is None:
        yield "MISSING", Reason("NEVER_BUILT", f"{case.asset.key} was never published in {case.state.environment}.")
    elif case.asset.key in case.state.shown_as:
        message = f"it was renamed: readers find it as {case.state.shown_as[case.asset.key]} until a run moves it."
        yield "STALE", Reason("RENAMED", message)


def data_is_unaltered(case: Case) -> Iterator[Failure]:
    """2. Its stored data is there and unaltered."""
    version, warehouse = case.published, case.state.warehouse
    if version is None:
        return
    for finding in warehouse.findings:
        yield "UNKNOWN", Reason("UNDECIDABLE", finding)
    if not warehouse.verified:
        yield "UNKNOWN", Reason("UNDECIDABLE", warehouse.because)
    elif version.physical in warehouse.altered and not version.is_foreign:
        yield (
            "STALE",
            Reason(
                "DATA_ALTERED",
                f"the stored data of {version.asset}@v{version.number} was altered or removed behind Headwater's back.",
            ),
        )
    if version.asset in warehouse.altered_files and version.file is not None:
        yield (
            "STALE",
            Reason("DATA_ALTERED", f"the file {version.file.path} was altered or removed behind Headwater's back."),
        )


def source_is_as_observed(case: Case) -> Iterator[Failure]:
    """2b. A source is as it was when last taken in (the free tier: equal means unchanged, different means maybe)."""
    if not case.asset.is_external or case.published is None or case.asset.partitions:
        return  # of partitions, `part_status` says it
    seen = case.state.observed.get(case.asset.key)
    if seen is not None and seen.digest != case.published.source.get("sha256"):
        message = (
            f"the delivery taken in as v{seen.number} is not the one that is published (v{case.published.number})."
        )
        yield "STALE", Reason("INPUT_CHANGED", message)
    source = case.state.sources.get(case.asset.key)
    if source is None:
        return
    if source.problem is not None:
        yield "UNKNOWN", Reason("UNDECIDABLE", source.problem)
    elif source.changed is None:
        message = f"whether {case.asset.key} changed is told only by taking it in ({source.detail})."
        yield "PENDING", Reason("INPUT_CHANGED", message)
    elif source.changed:
        message = f"{case.asset.key} changed since it was last taken in ({source.detail}); it must be taken in to know."
        yield "PENDING", Reason("INPUT_CHANGED", message)


def definition_is_todays(case: Case) -> Iterator[Failure]:
    """3. Its definition hash is today's."""
    today, version = case.resolved.definition, case.published
    for what in today.undecidable:
        message = f"the code cannot be followed: {what}. Give `version=` to take responsibility."
        yield "UNKNOWN", Reason("UNDECIDABLE", message if case.asset.python is not None else what)
    if version is None or version.definition_hash == today.hash:
        return
    yield "STALE", Reason("DEFINITION_CHANGED", definition_message(version.definition, today))


def reads_are_todays(case: Case) -> Iterator[Failure]:
    """4. Its set of reads is today's."""
    if case.published is None:
        return
    recorded = {read.upstream for read in case.published.trace}
    today = {AssetKey(read.upstream) for read in case.resolved.definition.reads}
    for upstream in sorted(today - recorded):
        yield "STALE", Reason("INPUT_ADDED", f"it now reads {upstream}.", upstream)
    for upstream in sorted(recorded - today):
        yield "STALE", Reason("INPUT_REMOVED", f"it no longer reads {upstream}.", upstream)


def inputs_are_equal(case: Case) -> Iterator[Failure]:
    """5. For each read, the input fingerprint recorded equals that of the upstream's current version."""
    if case.published is None:
        return
    todays = {read.upstream: read for read in case.resolved.definition.reads}
    for read in case.published.trace:
        if read.upstream in todays:
            yield from _compare(case, read, "INPUT_CHANGED")


def is_not_volatile(case: Case) -> Iterator[Failure]:
    """6. It is not volatile beyond its grain."""
    definition, version = case.resolved.definition, case.published
    if version is None:
        return
    if definition.volatility == "CLOCK" and version.clock != case.clock:
        message = f"it asks for the clock: built for {version.clock}, and it is now {case.clock} ({case.asset.clock})."
        yield "STALE", Reason("CLOCK_GRAIN", message)
    elif definition.volatility == "VOLATILE":
        limit = case.asset.freshness.max_lag_seconds if case.asset.freshness else None
        age = (case.now - from_iso(version.created)).total_seconds()
        if limit is None or age > limit:
            yield "STALE", Reason("VOLATILE", f"its result may differ each time: {definition.volatile_because}.")


def is_not_rolled_back(case: Case) -> Iterator[Failure]:
    """6b. What would be built today is not a version that a rollback left."""
    for hold in case.state.holds.get(case.asset.key, ()):
        if is_of_today(case, hold.version) is not False:
            yield "STALE", Reason("ROLLED_BACK", rollback_message(case, hold))
            return


def verdict_is_todays(case: Case) -> Iterator[Failure]:
    """7. Its verdict was given by today's checks on today's fingerprints of all they read."""
    version = case.published
    if version is None:
        return
    if version.gate.checks_id != case.resolved.checks_id:
        yield (
            "STALE",
            Reason(
                "CHECKS_CHANGED", "its checks changed since its verdict; they are evaluated again, nothing is computed."
            ),
        )
        return
    if version.rejected:
        checks = ", ".join(version.gate.failed) or "its checks"
        yield (
            "STALE",
            Reason("BLOCKED", f"the published v{version.number} fails {checks}, which changed since it was published."),
        )
    for read in version.gate.reads:
        yield from _compare(case, read, "CHECKS_CHANGED")


@dataclass(frozen=True, slots=True)
class _Named:
    """A clause with the question that it answers and the sentence that says why it holds."""

    name: str
    question: str
    failures: Callable[[Case], Iterator[Failure]]


CLAUSES: tuple[_Named, ...] = (
    _Named("upstream", "Is every upstream current?", upstream_is_current),
    _Named("published", "Is it published in this environment?", is_published),
    _Named("data", "Is its stored data there and unaltered?", data_is_unaltered),
    _Named("source", "Is the source as it was last taken in?", source_is_as_observed),
    _Named("definition", "Is its definition today's?", definition_is_todays),
    _Named("reads", "Does it read what it read then?", reads_are_todays),
    _Named("inputs", "Is what it reads equal to what it read then?", inputs_are_equal),
    _Named("volatility", "Does its result not depend on clock or chance?", is_not_volatile),
    _Named("rollback", "Was it not rolled back from what would be built today?", is_not_rolled_back),
    _Named("checks", "Was its verdict given by today's checks?", verdict_is_todays),
)


def decide(case: Case) -> Decision:
    """Return the status of one asset; its upstreams have been decided before (`case.decisions`)."""
    if case.asset.in_parts:
        return _decide_partitions(case)
    failures = [failure for clause in CLAUSES for failure in clause.failures(case)]
    return _decided(case, failures) if failures else CURRENT


def _decide_partitions(case: Case) -> Decision:
    """Return the status of a partitioned asset: its gravest, but MISSING only where none of it was ever published."""
    from headwater.runtime.partition_holds import kept_by_rollbacks
    from headwater.runtime.partition_status import divided, failures_of, late, slice_map, space_of

    found, space = list(failures_of(case)), space_of(case)
    kept = kept_by_rollbacks(case, space, found)
    partitions = divided(space, kept.ahead_of(found), PRECEDENCE)
    if kept.parts:
        absent = kept.parts - slice_map(case.published, space).domain
        partitions = replace(partitions, rolled_back=kept.parts, settled=kept.settled, absent=absent)
    found += kept.failures
    if case.asset.is_external:
        return _decide_files(case, found, partitions)
    partitions = replace(partitions, late=late(case, space))
    missing: StatusWord = "MISSING" if case.published is None else "STALE"
    failures: list[Failure] = [(missing if word == "MISSING" else word, reason) for word, reason, _ in found]
    decision = _decided(case, failures, partitions) if failures else CURRENT
    return replace(decision, partitions=partitions)


def _decide_files(case: Case, found: list[PartitionFailure], partitions: PartitionStatus) -> Decision:
    """Return the status of a source with a file for each partition. Files that were not delivered are no matter of
    ours: they are MISSING and said, and the source is CURRENT without them."""
    from headwater.runtime.part_status import is_late, without_file

    space = partitions.space
    late = [failure for failure in found if is_late(failure)]
    closed, awaited = without_file(found, space), without_file(late, space)
    partitions = replace(partitions, waiting=None, without_file=closed, late=awaited)
    missing: StatusWord = "MISSING" if case.published is None else "STALE"
    ours = [failure for failure in found if not is_late(failure)]
    failures: list[Failure] = [(missing if word == "MISSING" else word, reason) for word, reason, _ in ours]
    decision = _decided(case, failures, partitions) if failures else CURRENT
    status = Status(decision.status.word, (*decision.status.reasons, *(reason for _, reason, _ in late)))
    return replace(decision, status=status, partitions=partitions)


def _decided(case: Case, failures: list[Failure], partitions: PartitionStatus | None = None) -> Decision:
    failures.sort(key=lambda failure: PRECEDENCE.index(failure[0]))
    word = failures[0][0]
    reasons = tuple(reason for _, reason in failures)
    held = any(reason.code == "HELD" for reason in reasons)
    failing = case.published if any(reason.code == "BLOCKED" for reason in reasons) else None
    kept = None if partitions is None else partitions.rolled_back
    rejected = None if held else rejected_today(case, [failure[0] for failure in failures], kept)
    if rejected is not None and (failing is None or failing.number != rejected.number):
        checks = ", ".join(rejected.gate.failed) or "its checks"
        seen = "readers see none" if case.published is None else "readers keep the last good version"
        message = f"v{rejected.number} of today's inputs was rejected by {checks}; {seen}."
        reasons = (*reasons, Reason("BLOCKED", message))
    definition = case.resolved.definition
    final = rejected is not None and definition.volatility != "VOLATILE" and not definition.undecidable
    settled = _is_settled(case, failures) if partitions is None else partitions.is_settled
    settled = settled and rejected is None and failing is None
    return Decision(Status(word, reasons), rejected or failing, held, final, settled)


def _is_settled(case: Case, failures: Iterable[Failure]) -> bool:
    """Return whether no run changes what readers see: it only moves, or a rollback left what would be built today."""
    codes = {reason.code for _, reason in failures}
    if codes == {"RENAMED"}:
        return True
    if "ROLLED_BACK" not in codes or "DATA_ALTERED" in codes or any(word != "STALE" for word, _ in failures):
        return False
    return any(is_of_today(case, hold.version) for hold in case.state.holds[case.asset.key])


CURRENT = Decision(Status("CURRENT"))


def rejected_today(case: Case, words: list[StatusWord], kept: PartitionSet | None = None) -> VersionRecord | None:
    """Return the version of today's trace that today's checks rejected on today's data, if there is one.

    `kept` are partitions that a rollback keeps: in such a version they are the ones that are published.
    """
    if "PENDING" in words and not case.asset.is_external:
        return None
    for version in reversed(case.state.rejected.get(case.asset.key, ())):
        if is_of_today(case, version, kept) and is_judged_today(case, version):
            return version
    return None


def is_judged_today(case: Case, version: VersionRecord) -> bool:
    """Return whether the verdict on `version` was given by today's checks on today's fingerprints of all they read."""
    judged = version.gate.checks_id == case.resolved.checks_id
    return judged and all(_is_equal(case, read) for read in version.gate.reads)


def is_of_today(case: Case, version: VersionRecord, kept: PartitionSet | None = None) -> bool | None:
    """Return whether `version` has today's trace: definition, inputs as read, parameters. None: not known yet.

    The partitions in `kept` are left out, where they are the published ones.
    """
    definition = case.resolved.definition
    if case.asset.in_parts:
        from headwater.runtime.partition_status import shows_today

        return shows_today(case, version, kept)
    if version.definition_hash != definition.hash or version.clock != case.clock:
        return False
    if case.asset.is_external:
        seen, source = case.state.observed.get(case.asset.key), case.state.sources.get(case.asset.key)
        as_seen = source is None or source.changed is False
        return seen is not None and as_seen and version.source.get("sha256") == seen.digest
    if {read.upstream for read in version.trace} != {AssetKey(read.upstream) for read in definition.reads}:
        return False
    answers = [_is_equal(case, read) for read in version.trace]
    return False if False in answers else None if None in answers else True


def missing_tokens(case: Case, versions: Iterable[VersionRecord]) -> tuple[tuple[VersionRecord, str], ...]:
    """Return what has to be fingerprinted before inputs can be compared with those of `versions`.

    Each is an upstream's version with a column set; those of versions that differ already are left out.
    """
    wanted: dict[tuple[AssetKey, str], tuple[VersionRecord, str]] = {}
    for version in versions:
        trace = version.trace if version.slices is None else ()  # its partitions are compared one by one
        if False in [_is_equal(case, read) for read in trace]:
            continue
        for read in (*trace, *version.gate.reads):
            if _is_equal(case, read) is None:
                wanted[(read.upstream, read.columns)] = (case.state.published[read.upstream], read.columns)
    return tuple(wanted.values())


def _is_equal(case: Case, read: TraceRead) -> bool | None:
    """Return whether a read would see now what it saw then; None where that was never fingerprinted."""
    upstream = case.state.published.get(read.upstream)
    if upstream is None:
        return False
    if upstream.number == read.number:  # the very same version
        return True
    if gone_columns(upstream, read.columns):
        return False
    token = case.state.token(upstream, read.columns)
    return None if token is None else token == read.token


def _compare(case: Case, read: TraceRead, code: str) -> Iterator[Failure]:
    upstream = case.state.published.get(read.upstream)
    if upstream is None or _is_equal(case, read):
        return
    gone = gone_columns(upstream, read.columns)
    if gone:
        message = f"{some(gone)} of {read.upstream} is gone since v{upstream.number}."
        yield "STALE", Reason(code, message, read.upstream, gone)
        return
    columns, seen = what_is_seen(read.columns)
    token = case.state.token(upstream, read.columns)
    if token is None:
        message = f"the fingerprint of {seen} in {read.upstream}@v{upstream.number} was never computed."
        yield "UNKNOWN", Reason("UNDECIDABLE", message, read.upstream, columns)
        return
    rows = "" if read.columns == FILE_BYTES else rows_moved(read.token, token)
    message = f"{seen} of {read.upstream} changed between v{read.number} and v{upstream.number}{rows}."
    yield "STALE", Reason(code, message, read.upstream, columns)


def rollback_message(case: Case, hold: Hold, about: str = "") -> str:
    """Return the sentence about what a rollback keeps: who, when, why, and how it ends; `about` are partitions."""
    shown = "" if case.published is None or about else f" to v{case.published.number}"
    why = f" ({hold.why.rstrip('.')})" if hold.why else ""
    what = f"{about} of v{hold.version.number}" if about else f"v{hold.version.number}"
    return (
        f"{hold.by} rolled it back from v{hold.version.number}{shown} on {hold.at[:10]}{why}, and a build would make "
        f"{what} again; `headwater rollback {case.asset.key} --release` lets it."
    )
