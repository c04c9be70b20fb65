"""Which partitions of a source are as their files are: the clause of sources with a file for each partition. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headwater.assets.partition_files import file_of
from headwater.assets.partitions import PartitionSet, Space
from headwater.lineage.slices import SliceMap
from headwater.runtime.model import Reason
from headwater.runtime.part_files import SOURCE_FILE, there

if TYPE_CHECKING:
    from headwater.runtime.partition_status import Failure
    from headwater.runtime.staleness import Case

WITHOUT_FILE = ("UPSTREAM_MISSING", "INPUT_REMOVED")  # codes of partitions that there is nothing to take in for
_MOST_NAMED = 3


def files_are_as_taken_in(case: Case, space: Space, mine: SliceMap) -> Iterator[Failure]:
    """Each partition that has a file was taken in from the content that it has now, and no other has rows."""
    source, all_parts = case.state.sources.get(case.asset.key), space.all()
    if case.published is None and (source is None or source.problem is not None):
        message = f"{case.asset.key} was never published in {case.state.environment}."
        yield "MISSING", Reason("NEVER_BUILT", message, partitions=all_parts.ranges), all_parts
    if source is None or source.problem is not None:
        message = "nobody looked at its files." if source is None else str(source.problem)
        yield "UNKNOWN", Reason("UNDECIDABLE", message, partitions=all_parts.ranges), all_parts
        return
    delivered = there(source.files, space) & all_parts
    shown = mine.domain & all_parts
    new, gone, late = delivered - shown, shown - delivered, all_parts - delivered - shown
    if new and case.published is None:
        message = f"{case.asset.key} was never published in {case.state.environment}."
        yield "MISSING", Reason("NEVER_BUILT", message, partitions=new.ranges), new
    elif new:
        yield "MISSING", Reason("PARTITION_ADDED", f"{_named(case, new)} came.", partitions=new.ranges), new
    if gone:
        yield "STALE", Reason("INPUT_REMOVED", f"{_named(case, gone)} was removed.", partitions=gone.ranges), gone
    if late:
        message = f"{_named(case, late)} was not delivered."
        yield "MISSING", Reason("UPSTREAM_MISSING", message, partitions=late.ranges), late
    digests = {it.keys: it.digest for it in source.files}
    held = case.state.facts.held(case.asset.key, SOURCE_FILE, mine.id_ranges())
    pairs = [(p, digests[p.keys], held.get(number)) for p, number in mine.items() if p.keys in digests]
    changed = space.of([p for p, digest, taken in pairs if digest is None or digest != taken]) & all_parts
    if changed:
        message = f"{_named(case, changed)} changed since it was last taken in; it must be taken in to know."
        yield "PENDING", Reason("INPUT_CHANGED", message, partitions=changed.ranges), changed


def is_late(failure: Failure) -> bool:
    """Say whether a failure is about files that were not delivered: there is nothing to do about them here."""
    word, reason, _ = failure
    return word == "MISSING" and reason.code == "UPSTREAM_MISSING"


def without_file(failures: list[Failure], space: Space) -> PartitionSet:
    """Return the partitions that there is no file to take in for."""
    found = space.empty()
    for _, reason, parts in failures:
        found = found | parts if parts is not None and reason.code in WITHOUT_FILE else found
    return found


def _named(case: Case, parts: PartitionSet) -> str:
    """Return the files of partitions for a sentence: the first of them, and how many there are more."""
    assert case.asset.source is not None, "an external has a source"
    form = case.asset.source.file or ""
    names: list[str] = []
    for partition in parts:
        if len(names) == _MOST_NAMED:
            break
        names.append(file_of(form, partition))
    more = parts.count - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
