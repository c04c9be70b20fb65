"""What rollbacks keep of a partitioned asset: partitions that no run builds, for it would make what was left again.

A hold is about the partitions that differ between the version that was left and the one that is shown. Those of them
for which a build today would make what the left version has stay as they are, whatever a run is asked for; all others
are built as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from headwater.assets.partitions import PartitionSet, Space
from headwater.lineage.slices import SliceMap
from headwater.runtime.clock import from_iso
from headwater.runtime.model import Reason
from headwater.runtime.part_status import files_are_as_taken_in
from headwater.runtime.partition_status import (
    Failure,
    Missing,
    definition_is_todays,
    inputs_are_equal,
    is_not_volatile,
    missing_facts,
    reads_are_todays,
    slice_map,
    some_ranges,
    space_of,
)
from headwater.runtime.staleness import Case, rollback_message
from headwater.runtime.state import Hold, VersionRecord


@dataclass(frozen=True, slots=True)
class Kept:
    """The partitions that rollbacks keep: `parts` are built by no run, and readers may stand on those in `settled`.

    `failures` say so of them, hold by hold; they go in front of what the other clauses say about being `behind`.
    """

    parts: PartitionSet
    settled: PartitionSet
    failures: tuple[Failure, ...] = ()
    behind: PartitionSet | None = None  # all that a hold is about, those that wait for an upstream included

    def ahead_of(self, found: list[Failure]) -> list[Failure]:
        """Return the failures that decide about single partitions: of a kept one, not how far behind it is."""
        about = self.behind
        if about is None:
            return found
        own = [
            (w, r, parts - about if _is_behind((w, r, parts)) and parts is not None else parts) for w, r, parts in found
        ]
        return [*own, *self.failures]


def kept_by_rollbacks(case: Case, space: Space, found: list[Failure]) -> Kept:
    """Return what holds keep, where `found` is what does not hold of the published version."""
    holds = case.state.holds.get(case.asset.key, ())
    if not holds:
        return Kept(space.empty(), space.empty())
    mine = slice_map(case.published, space)
    behind = _all_of(space, [failure for failure in found if _is_behind(failure) or failure[0] == "UNKNOWN"])
    waiting = _all_of(space, [it for it in found if it[0] == "PENDING" and not _is_behind(it)])
    sure, perhaps = space.empty(), space.empty()
    failures: list[Failure] = []
    for hold in holds:
        theirs = _left(hold, space, mine).restricted(behind - sure - perhaps)
        same, unknown = _of_today(case, space, hold.version, theirs)
        same = same | (_left_out(case, space, hold, found) - sure - perhaps)
        sure, perhaps = sure | same, perhaps | unknown
        kept = (same | unknown) - waiting
        if kept:
            failures.append(("STALE", _reason(case, hold, kept), kept))
    about = sure | perhaps
    doubted = _all_of(space, [it for it in found if it[0] == "UNKNOWN" or it[1].code == "DATA_ALTERED"])
    return Kept(about - waiting, sure - waiting - doubted, tuple(failures), about)


def missing_for_holds(case: Case) -> Iterator[Missing]:
    """Yield the fingerprints that comparing held versions needs and that were never taken."""
    space = space_of(case)
    mine = slice_map(case.published, space)
    for hold in case.state.holds.get(case.asset.key, ()):
        yield from missing_facts(replace(case, published=hold.version), _left(hold, space, mine))


def _left(hold: Hold, space: Space, mine: SliceMap) -> SliceMap:
    """Return the slices of the version that was left where they are not the ones that are shown."""
    theirs = slice_map(hold.version, space)
    return theirs.restricted(theirs.differs(mine))


def _left_out(case: Case, space: Space, hold: Hold, found: list[Failure]) -> PartitionSet:
    """Return the partitions of a source that the left version had no more, for their files were removed, and still are.

    Those that were taken in after it are no matter of this hold.
    """
    removed = _all_of(space, [it for it in found if case.asset.is_external and it[1].code == "INPUT_REMOVED"])
    slices = None if case.published is None else case.published.slices
    then, before = from_iso(hold.version.created), space.empty()
    for trace in slices.traces if removed and slices is not None else ():
        before = before | space.restore(trace.partitions) if from_iso(trace.created) <= then else before
    return (removed & before) - slice_map(hold.version, space).domain


def _of_today(case: Case, space: Space, version: VersionRecord, theirs: SliceMap) -> tuple[PartitionSet, PartitionSet]:
    """Return the partitions of `theirs` that a build today would make again, and those of which nobody can tell.

    That a result differs each time is no reason to let go of a hold: else the next run would end any rollback. Of a
    source, a file that is another one by now is.
    """
    past = replace(case, published=version)
    clauses = (definition_is_todays, reads_are_todays, inputs_are_equal, is_not_volatile)
    found = [it for clause in clauses for it in clause(past, space, theirs) if it[1].code != "VOLATILE"]
    if case.asset.is_external:
        found += files_are_as_taken_in(past, space, theirs)
    other = _all_of(space, [failure for failure in found if failure[0] != "UNKNOWN"])
    unknown = (_all_of(space, found) - other) & theirs.domain
    return theirs.domain - other - unknown, unknown


def _is_behind(failure: Failure) -> bool:
    """Return whether a failure says that a partition is not what would be built; altered data is another matter.

    That the file of a source is another one says so too, though only taking it in tells whether its rows are others.
    """
    word, reason, parts = failure
    other_file = word == "PENDING" and reason.code == "INPUT_CHANGED"
    return parts is not None and (word in ("STALE", "MISSING") or other_file) and reason.code != "DATA_ALTERED"


def _all_of(space: Space, failures: list[Failure]) -> PartitionSet:
    found = space.empty()
    for _, _, parts in failures:
        found = found if parts is None else found | parts
    return found


def _reason(case: Case, hold: Hold, kept: PartitionSet) -> Reason:
    about = some_ranges(kept) if kept.space.axes else ""
    return Reason("ROLLED_BACK", rollback_message(case, hold, about), partitions=kept.ranges)
