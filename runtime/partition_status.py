"""Which partitions are stale: the clauses of `staleness`, asked of whole sets of partitions at once.

A clause says of which partitions it does not hold; nothing is done partition by partition but where fingerprints of
single partitions have to be compared, and those are looked up for the partitions that can differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headwater.assets.key import AssetKey
from headwater.assets.partitions import (
    Latest,
    PartitionMapping,
    PartitionSet,
    PerDimension,
    Space,
    backward,
    forward,
)
from headwater.lineage.fingerprint import added
from headwater.lineage.slices import SliceMap
from headwater.runtime.clock import from_iso
from headwater.runtime.model import PartitionLine, Reason, StatusWord
from headwater.runtime.part_status import files_are_as_taken_in, is_late
from headwater.runtime.sentences import definition_message, gone_columns, rows_moved, some, what_is_seen
from headwater.runtime.state import SliceRead, SliceTrace, VersionRecord

if TYPE_CHECKING:
    from headwater.assets.asset import Asset
    from headwater.runtime.staleness import Case, Decision

Failure = tuple[StatusWord, Reason, PartitionSet | None]  # None: it is about the asset as a whole
MOST_COMPARED = (
    10_000  # partitions whose inputs are added up one by one; beyond that a difference counts as one for all
)


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """How the partitions of an asset divide among the statuses; `whole`: something about all of it is not current.

    Of the stale ones, `rolled_back` are those that no run builds because a rollback left what it would make; readers
    may stand on those in `settled`, and `absent` are those that readers do not see at all. Of a source, there is
    nothing to take in for those in `without_file`; those that are `late` wait for files of sources that were not
    delivered. None: there are none.
    """

    space: Space
    sets: Mapping[StatusWord, PartitionSet]
    whole: bool = False
    waiting: PartitionSet | None = None  # those that cannot be built before an upstream is, whatever their status
    rolled_back: PartitionSet | None = None
    settled: PartitionSet | None = None
    absent: PartitionSet | None = None
    without_file: PartitionSet | None = None
    late: PartitionSet | None = None

    def needed(self, force: bool) -> PartitionSet:
        """Return the partitions to build: those known to need it, or with `force` all that can be built.

        Of a source, those that may have changed too: only taking them in can tell. Never those that a rollback keeps.
        """
        everything, kept = self.space.all(), self.rolled_back or self.space.empty()
        if self.without_file is not None:
            return (everything if force else everything - self.of("CURRENT")) - self.without_file - kept
        found = self.of("MISSING") | self.of("STALE") | self.of("UNKNOWN")
        return (everything if force else found) - self.not_yet - kept

    @property
    def not_yet(self) -> PartitionSet:
        """The partitions that nothing here can bring: they wait for files."""
        return self.late or self.space.empty()

    def line(self) -> PartitionLine | None:
        """Return what `stale` shows of it; nothing for an asset that has no partitions and only reads some."""
        if not self.space.axes:
            return None
        return PartitionLine(
            self.space.all().count,
            self.of("CURRENT").count,
            self.of("STALE").ranges,
            self.of("MISSING").ranges,
            self.of("PENDING").ranges,
            self.of("UNKNOWN").ranges,
        )

    def as_found(self) -> PartitionStatus:
        """Return the status where what is published counts as it is: all that was ever built is current."""
        missing, absent = self.of("MISSING"), self.absent or self.space.empty()
        sets: Mapping[StatusWord, PartitionSet] = {
            "MISSING": missing,
            "CURRENT": self.space.all() - missing - absent,
        }
        return PartitionStatus(self.space, sets, absent=self.absent, late=self.late)

    def waited_for(self, reader: Asset, *, running: bool, mapped: bool) -> Iterator[tuple[StatusWord, PartitionSet]]:
        """Yield the partitions, by their status, that a reader of them has to wait for. On settled ones it may stand.

        One that skips what is missing waits for it, too, until a run has come to the reader: then nobody will build it.
        For files that were not delivered only those wait that are `mapped` to single partitions: no run can bring them.
        """
        skips = reader.missing_partitions == "skip"
        for word, parts in self.sets.items():
            skipped = word == "MISSING" and running and skips
            behind = parts if self.settled is None else parts - self.settled
            if word == "MISSING" and (skips or not mapped):
                behind = behind - self.not_yet
            if behind and word != "CURRENT" and not skipped:
                yield word, behind

    def of(self, word: StatusWord) -> PartitionSet:
        """Return the partitions with this status."""
        return self.sets.get(word, self.space.empty())

    @property
    def is_settled(self) -> bool:
        """Whether a run leaves every partition that is not current as it is, and readers may stand on all of them."""
        others = self.space.all() - self.of("CURRENT")
        if self.without_file is not None:  # a source: what was not delivered is no matter of a run's
            others = others - self.not_yet
        return not self.whole and others <= (self.settled or self.space.empty())


@dataclass(frozen=True, slots=True)
class Missing:
    """A fingerprint that comparing needs and that was never taken: of slices, or of what a condition lets through.

    `numbers` are slices of `upstream`; without them, `partitions` are the reader's, each with a condition of its own.
    """

    upstream: VersionRecord
    columns: str
    numbers: tuple[tuple[int, int], ...] = ()
    partitions: PartitionSet | None = None


def space_of(case: Case) -> Space:
    """Return the partitions that the asset of a case has at its time."""
    return Space(case.asset.partitions, case.now, case.state.dynamic)


def slice_map(version: VersionRecord | None, space: Space) -> SliceMap:
    """Return the slices of a version for the partitions that `space` has."""
    if version is None or version.slices is None:
        return SliceMap(space)
    return SliceMap.restore(version.slices.parts, space)


def failures_of(case: Case) -> Iterator[Failure]:
    """Yield for every clause that does not hold what follows, why, and for which partitions."""
    return (failure for _, failure in failures_by_clause(case))


def failures_by_clause(case: Case, within: PartitionSet | None = None) -> Iterator[tuple[str, Failure]]:
    """Yield the same with the name of the clause, as `staleness.CLAUSES` has it; `within` is what is asked about."""
    space = replace(space_of(case), only=within)
    mine = slice_map(case.published, space)
    clauses: tuple[tuple[str, Iterator[Failure]], ...] = (
        ("upstream", upstream_is_current(case, space)),
        ("published", is_published(case, space, mine)),
        ("data", data_is_unaltered(case, space)),
        ("checks", verdict_is_todays(case)),
        ("definition", definition_is_todays(case, space, mine)),
        ("reads", reads_are_todays(case, space, mine)),
        ("inputs", inputs_are_equal(case, space, mine)),
        ("volatility", is_not_volatile(case, space, mine)),
    )
    for name, failures in clauses:
        for failure in failures:
            yield name, failure


def divided(space: Space, failures: list[Failure], precedence: tuple[StatusWord, ...]) -> PartitionStatus:
    """Return the status of every partition: the gravest that a clause gives it. A new name is about no partition."""
    left, sets = space.all(), dict[StatusWord, PartitionSet]()
    for word in precedence[:-1]:
        named = space.empty()
        for failed, _, parts in failures:
            named = named | parts if failed == word and parts is not None else named
        sets[word] = named & left
        left = left - named
    sets[precedence[-1]] = left
    waiting = space.empty()
    for failed, _, parts in failures:
        waiting = waiting | parts if failed == "PENDING" and parts is not None else waiting
    whole = any(parts is None and reason.code != "RENAMED" for _, reason, parts in failures)
    return PartitionStatus(space, sets, whole, waiting)


def late(case: Case, space: Space) -> PartitionSet | None:
    """Return the partitions that wait, through any number of assets, for a file of a source; None where none do."""
    found = None
    for upstream, mapping in case.asset.mappings if case.asset.missing_partitions == "wait" else ():
        known = case.decisions.get(upstream)
        if known is not None and known.partitions is not None and known.partitions.late:
            touched = backward(mapping, known.partitions.late, space, case.state.functions) & space.all()
            found = touched if found is None else found | touched
    return found


def upstream_is_current(case: Case, space: Space) -> Iterator[Failure]:
    """0. Every upstream is CURRENT where a partition reads it."""
    for upstream, decision in _not_current(case):
        theirs, mapping = decision.partitions, case.asset.mapping_of(upstream)
        if decision.blocked or decision.held:
            if case.asset.on_upstream_blocked == "hold" or upstream not in case.state.published:
                why = "is blocked by its checks" if decision.blocked else "is itself held"
                message = f"{upstream} {why}, so {case.asset.key} is held."
                yield "PENDING", Reason("HELD", message, upstream, partitions=space.all().ranges), space.all()
        elif theirs is None or theirs.whole or upstream not in case.state.published:
            yield _waits(decision.status.word, upstream, space.all(), None)
        else:
            waits = theirs.waited_for(case.asset, running=case.state.running, mapped=mapping is not None)
            waited_for: list[tuple[str, PartitionSet]] = [*waits]
            if mapping is not None and theirs.absent and case.asset.missing_partitions == "wait":
                waited_for.append(("ROLLED_BACK", theirs.absent))
            for word, parts in waited_for:
                touched = space.all()
                if mapping is not None:
                    touched = backward(mapping, parts, space, case.state.functions) & touched
                if touched:
                    yield _waits(word, upstream, touched, _seen_of(case, mapping, touched, parts))
    for upstream, mapping in case.asset.mappings if case.asset.missing_partitions == "wait" else ():
        known = case.decisions.get(upstream)
        if known is not None and known.partitions is not None:
            there = known.partitions.space
            absent = forward(mapping, space.all(), there, case.state.functions) - there.all()
            touched = backward(mapping, absent, space, case.state.functions) & space.all() if absent else space.empty()
            if touched:
                known_ranges = some_ranges(there.all()) or "none"
                message = f"{upstream} has no partition {some_ranges(absent)} (it has {known_ranges})."
                reason = Reason("UPSTREAM_MISSING", message, upstream, partitions=touched.ranges)
                yield "PENDING", reason, touched


def _seen_of(case: Case, mapping: PartitionMapping | None, readers: PartitionSet, parts: PartitionSet) -> PartitionSet:
    """Return those of an upstream's `parts` that some partitions read."""
    if mapping is None:
        return parts
    return parts & forward(mapping, readers, parts.space, case.state.functions)


def _not_current(case: Case) -> Iterator[tuple[AssetKey, Decision]]:
    names = [read.upstream for read in (*case.resolved.definition.reads, *case.resolved.check_reads)]
    for name in dict.fromkeys(names):
        decision = case.decisions.get(AssetKey(name))
        if decision is None:
            continue
        if decision.partitions is not None or not decision.is_up_to_date:
            yield AssetKey(name), decision


def _waits(word: str, upstream: AssetKey, touched: PartitionSet, theirs: PartitionSet | None) -> Failure:
    about = f"{upstream}" if theirs is None else some_of(upstream, theirs)
    if word == "MISSING":
        status, code, message = "PENDING", "UPSTREAM_MISSING", f"{about} was never built."
    elif word == "ROLLED_BACK":
        message = (
            f"{about} is not in the version that {upstream} was rolled back to."  # it is settled: no run brings it
        )
        status, code = "PENDING", "UPSTREAM_MISSING"
    elif word == "UNKNOWN":
        status, code, message = "UNKNOWN", "UNDECIDABLE", f"{about} is UNKNOWN, so this is too."
    else:
        message = f"{about} is {word}; until it is built nobody can say whether its data changed."
        status, code = "PENDING", "UPSTREAM_PENDING"
    answer: StatusWord = "UNKNOWN" if status == "UNKNOWN" else "PENDING"
    return answer, Reason(code, message, upstream, partitions=touched.ranges), touched


def is_published(case: Case, space: Space, mine: SliceMap) -> Iterator[Failure]:
    """1. Every partition is published in this environment, and none of them has ceased to exist."""
    version = case.published
    if case.asset.is_external:
        yield from files_are_as_taken_in(case, space, mine)
    elif version is None:
        message = f"{case.asset.key} was never published in {case.state.environment}."
        if not space.all():
            message = f"{case.asset.key} has no partitions yet."
        yield "MISSING", Reason("NEVER_BUILT", message, partitions=space.all().ranges), space.all()
        return
    if version is not None and case.asset.key in case.state.shown_as:
        message = f"it was renamed: readers find it as {case.state.shown_as[case.asset.key]} until a run moves it."
        yield "STALE", Reason("RENAMED", message), None
    missing = space.empty() if case.asset.is_external else space.all() - mine.domain
    if missing:
        message = f"{some_of(case.asset.key, missing)} was never built."
        yield "MISSING", Reason("PARTITION_ADDED", message, partitions=missing.ranges), missing
    gone = 0 if version is None or version.slices is None else version.slices.count - mine.count
    if gone:
        message = f"readers see {gone} {'partition' if gone == 1 else 'partitions'} that no longer exist."
        yield "STALE", Reason("DEFINITION_CHANGED", message), None


def data_is_unaltered(case: Case, space: Space) -> Iterator[Failure]:
    """2. Its stored data is there and unaltered: it is one for all partitions."""
    from headwater.runtime import staleness

    for word, reason in staleness.data_is_unaltered(case):
        yield word, reason, space.all()


def verdict_is_todays(case: Case) -> Iterator[Failure]:
    """7. Its verdict is about the asset as a whole."""
    from headwater.runtime import staleness

    for word, reason in staleness.verdict_is_todays(case):
        yield word, reason, None


def definition_is_todays(case: Case, space: Space, mine: SliceMap) -> Iterator[Failure]:
    """3. Every partition was made by today's definition."""
    today, version = case.resolved.definition, case.published
    for what in today.undecidable:
        message = f"the code cannot be followed: {what}. Give `version=` to take responsibility."
        told = message if case.asset.python is not None else what
        yield "UNKNOWN", Reason("UNDECIDABLE", told, partitions=space.all().ranges), space.all()
    for trace in version.slices.traces if version is not None and version.slices is not None else ():
        parts = space.restore(trace.partitions) & mine.domain
        if trace.definition_hash != today.hash and parts:
            message = definition_message(trace.definition, today)
            yield "STALE", Reason("DEFINITION_CHANGED", message, partitions=parts.ranges), parts


def reads_are_todays(case: Case, space: Space, mine: SliceMap) -> Iterator[Failure]:
    """4. Every partition was made from what is read today."""
    today = {AssetKey(read.upstream) for read in case.resolved.definition.reads}
    for trace, parts in current_traces(case, space, mine):
        recorded = {read.upstream for read in trace.reads}
        for upstream in sorted(today - recorded):
            message = f"it now reads {upstream}."
            yield "STALE", Reason("INPUT_ADDED", message, upstream, partitions=parts.ranges), parts
        for upstream in sorted(recorded - today):
            message = f"it no longer reads {upstream}."
            yield "STALE", Reason("INPUT_REMOVED", message, upstream, partitions=parts.ranges), parts


def inputs_are_equal(case: Case, space: Space, mine: SliceMap) -> Iterator[Failure]:
    """5. What every partition reads is equal to what it read then."""
    for trace, parts in current_traces(case, space, mine):
        for read in trace.reads:
            yield from _compare(case, mine.restricted(parts), parts, read)


def is_not_volatile(case: Case, space: Space, mine: SliceMap) -> Iterator[Failure]:
    """6. No partition is volatile beyond its grain."""
    definition = case.resolved.definition
    limit = case.asset.freshness.max_lag_seconds if case.asset.freshness else None
    for trace, parts in current_traces(case, space, mine):
        if definition.volatility == "CLOCK" and trace.clock != case.clock:
            message = f"it asks for the clock: built for {trace.clock}, it is now {case.clock} ({case.asset.clock})."
            yield "STALE", Reason("CLOCK_GRAIN", message, partitions=parts.ranges), parts
        elif definition.volatility == "VOLATILE":
            age = (case.now - from_iso(trace.created)).total_seconds()
            if limit is None or age > limit:
                message = f"its result may differ each time: {definition.volatile_because}."
                yield "STALE", Reason("VOLATILE", message, partitions=parts.ranges), parts


def shows_today(case: Case, version: VersionRecord, kept: PartitionSet | None = None) -> bool | None:
    """Return whether every partition of a stored version is what would be built today. None: not known yet.

    The partitions in `kept`, which no run builds, only have to be the ones that are published.
    """
    past = replace(case, published=version)
    space = space_of(past)
    mine = slice_map(version, space)
    clauses = (is_published, definition_is_todays, reads_are_todays, inputs_are_equal, is_not_volatile)
    found = [failure for clause in clauses for failure in clause(past, space, mine) if failure[1].code != "RENAMED"]
    found = [failure for failure in found if not is_late(failure)]
    if kept:
        same = kept - mine.differs(slice_map(case.published, space))
        found = [(word, reason, parts) for word, reason, parts in found if parts is None or parts - same]
    if any(word != "UNKNOWN" for word, _, _ in found):
        return False
    return None if found else True


def current_traces(case: Case, space: Space, mine: SliceMap) -> Iterator[tuple[SliceTrace, PartitionSet]]:
    """Yield what partitions were made from, for those that today's definition made and that still exist."""
    slices = None if case.published is None else case.published.slices
    for trace in slices.traces if slices is not None else ():
        if trace.definition_hash == case.resolved.definition.hash:
            parts = space.restore(trace.partitions) & mine.domain
            if parts:
                yield trace, parts


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing one read came to: the partitions that see other data now, and those of which nobody can tell."""

    changed: PartitionSet
    unknown: PartitionSet
    missing: tuple[Missing, ...] = ()


def missing_facts(case: Case, slices: SliceMap | None = None) -> Iterator[Missing]:
    """Yield the fingerprints that comparing needs and that were never taken; for `slices` of the version, or all."""
    space = space_of(case)
    mine = slice_map(case.published, space) if slices is None else slices
    for trace, parts in current_traces(case, space, mine):
        for read in trace.reads:
            upstream = case.state.published.get(read.upstream)
            if upstream is not None and not gone_columns(upstream, read.columns):
                yield from compared(case, mine.restricted(parts), parts, read, upstream).missing


def _compare(case: Case, mine: SliceMap, parts: PartitionSet, read: SliceRead) -> Iterator[Failure]:
    """5. What a partition reads is equal to what it read then."""
    upstream = case.state.published.get(read.upstream)
    todays = {AssetKey(each.upstream) for each in case.resolved.definition.reads}
    if upstream is None or read.upstream not in todays:
        return
    gone = gone_columns(upstream, read.columns)
    if gone:
        message = f"{some(gone)} of {read.upstream} is gone since v{upstream.number}."
        yield "STALE", Reason("INPUT_CHANGED", message, read.upstream, gone, parts.ranges), parts
        return
    found = compared(case, mine, parts, read, upstream)
    columns, seen = what_is_seen(read.columns)
    if found.changed:
        token = case.state.token(upstream, read.columns) if read.token else None
        rows = rows_moved(read.token, token) if token else ""
        reader = f", as {some_ranges(found.changed)} reads it" if found.changed.space.axes else ""
        moved = f"between v{read.number} and v{upstream.number}{rows}{reader}."
        message = f"{seen} of {read.upstream} changed {moved}"
        yield (
            "STALE",
            Reason("INPUT_CHANGED", message, read.upstream, columns, found.changed.ranges),
            found.changed,
        )
    if found.unknown:
        message = f"the fingerprint of {seen} in {read.upstream}@v{upstream.number} was never computed."
        yield "UNKNOWN", Reason("UNDECIDABLE", message, read.upstream, columns, found.unknown.ranges), found.unknown


def compared(case: Case, mine: SliceMap, parts: PartitionSet, read: SliceRead, upstream: VersionRecord) -> Compared:
    """Compare what `parts`, with the slices `mine`, saw of an upstream with what they would see of its version now."""
    nothing = parts - parts
    if read.parts is not None:
        decision, mapping = case.decisions.get(read.upstream), case.asset.mapping_of(read.upstream)
        if decision is None or decision.partitions is None or mapping is None:
            return Compared(parts, nothing)
        return _compared_slices(case, parts, read, upstream, mapping, decision.partitions.space)
    if upstream.number == read.number:
        return Compared(nothing, nothing)
    if read.token:
        token = case.state.token(upstream, read.columns)
        if token is None:
            return Compared(nothing, parts, (Missing(upstream, read.columns),))
        return Compared(nothing if token == read.token else parts, nothing)
    then = case.state.facts.seen(case.asset.key, read.upstream, read.columns, mine.id_ranges())
    now = case.state.facts.shown(read.upstream, upstream.number, read.columns)
    pairs = [(partition, then.get(number), now.get(partition.text)) for partition, number in mine.items()]
    unknown = parts.space.of([partition for partition, old, new in pairs if old is None or new is None])
    changed = parts.space.of([p for p, old, new in pairs if old is not None and new is not None and old != new])
    lacking = parts.space.of([partition for partition, _, new in pairs if new is None])
    missing = (Missing(upstream, read.columns, partitions=lacking),) if lacking else ()
    return Compared(changed, unknown, missing)


def _compared_slices(
    case: Case,
    parts: PartitionSet,
    read: SliceRead,
    upstream: VersionRecord,
    mapping: PartitionMapping,
    space: Space,
) -> Compared:
    """Compare slices by their numbers first, then by their fingerprints, then added up for each partition."""
    nothing, functions = parts - parts, case.state.functions
    reach = forward(mapping, parts, space, functions) & space.all()
    seen = SliceMap.restore(read.parts, space)
    if seen.count != read.count:  # some of what was read is no partition any more
        return Compared(parts, nothing)
    lost = reach - slice_map(upstream, space).domain
    if lost and case.asset.missing_partitions == "wait":  # until it is there, nobody can say what would be read
        parts = parts - backward(mapping, lost, parts.space, functions)
        reach = forward(mapping, parts, space, functions) & space.all() if parts else space.empty()
    if not parts:
        return Compared(nothing, nothing)
    now = slice_map(upstream, space).restricted(reach)
    moved = bool(_follows_latest(mapping) and seen.domain - reach)  # what was the latest then is not read any more
    if moved and parts.count > 1:
        return Compared(parts, nothing)
    then = seen if moved else seen.restricted(reach)
    other = then.differs(now)
    if not other:
        return Compared(nothing, nothing)
    old, new = then.restricted(other), now.restricted(other)
    facts, key = case.state.facts, read.upstream
    held = {
        **facts.held(key, read.columns, old.id_ranges()),
        **facts.held(key, read.columns, new.id_ranges()),
    }
    before, after = dict(old.items()), dict(new.items())
    numbers = [*before.values(), *after.values()]
    lacking = sorted(number for number in numbers if number not in held)
    if lacking:
        ranges = tuple((number, number) for number in lacking)
        touched = parts if moved else backward(mapping, other, parts.space, functions) & parts
        return Compared(nothing, touched, (Missing(upstream, read.columns, ranges),))
    differing = [p for p in {**before, **after} if not _equal(held, [before.get(p)], [after.get(p)])]
    if not differing:
        return Compared(nothing, nothing)
    if moved:
        same = _equal(held, list(before.values()), list(after.values()))
        return Compared(nothing if same else parts, nothing)
    touched = backward(mapping, space.of(differing), parts.space, functions) & parts
    if touched.count > MOST_COMPARED:
        return Compared(touched, nothing)
    changed = []
    for partition in touched:
        one = forward(mapping, parts.space.of([partition]), space, functions) & other
        inside = [p for p in one if p in before or p in after]
        if not _equal(held, [before.get(p) for p in inside], [after.get(p) for p in inside]):
            changed.append(partition)
    return Compared(parts.space.of(changed), nothing)


def _follows_latest(mapping: PartitionMapping) -> bool:
    """Return whether what a partition reads moves on with the upstream's partitions."""
    ways = [how for _, _, how in mapping.dimensions] if isinstance(mapping, PerDimension) else [mapping]
    return any(isinstance(way, Latest) for way in ways)


def _equal(held: Mapping[int, str], before: list[int | None], after: list[int | None]) -> bool:
    """Return whether two sets of slices hold the same rows together; no slice is no rows."""
    old, new = (added(held[n] for n in numbers if n is not None) for numbers in (before, after))
    if old is None or new is None:
        return False
    return old == new or (old.startswith("0:") and new.startswith("0:"))


def parts_of(reason: Reason, space: Space) -> PartitionSet:
    """Return the partitions that a reason names."""
    if not reason.partitions:
        return space.empty()
    return space.restore(("," if len(space.axes) == 1 else " | ").join(reason.partitions))


def some_of(asset: AssetKey, parts: PartitionSet) -> str:
    """Return partitions of an asset for a sentence; of one without partitions, the asset."""
    return f"{some_ranges(parts)} of {asset}" if parts.space.axes else str(asset)


def some_ranges(parts: PartitionSet, most: int = 3) -> str:
    """Return partitions for a sentence: their first ranges, and how many there are more."""
    ranges = parts.ranges
    shown = ", ".join(ranges[:most])
    return shown if len(ranges) <= most else f"{shown} and {len(ranges) - most} more ranges"
