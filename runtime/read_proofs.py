"""Read by read: what an asset saw of its upstreams, whether it would see the same now, and since when that is so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from headwater.assets.partitions import Partition, PartitionSet, forward
from headwater.lineage.fingerprint import added, columns_of_key, condition_of_key
from headwater.lineage.slices import SliceMap
from headwater.runtime.explanation import ReadProof
from headwater.runtime.partition_status import compared, slice_map
from headwater.runtime.sentences import gone_columns
from headwater.runtime.staleness import Case, Decision
from headwater.runtime.state import SliceRead, TraceRead, VersionRecord
from headwater.runtime.version_history import VersionHistory, rows_of

_DIGITS = 12  # of a fingerprint that are shown


def read_proofs(
    case: Case, decision: Decision, history: VersionHistory, within: PartitionSet | None
) -> tuple[ReadProof, ...]:
    """Return what was read to make what readers see, of `within` partitions or all, in the order of the record."""
    version = case.published
    if version is None:
        return ()
    if version.slices is None or decision.partitions is None:
        return tuple(_whole(case, read, history) for read in version.trace)
    return tuple(_of_slices(case, decision, version, history, within))


def _whole(case: Case, read: TraceRead, history: VersionHistory) -> ReadProof:
    upstream = case.state.published.get(read.upstream)
    equal = _equal(case, upstream, read)
    rows = None
    if (then := history.of(read.upstream).get(read.number)) is not None:
        rows = rows_of(then, read.token, read.columns)
    proof = _proof(read, upstream, equal, rows, read.token)
    return _since(proof, read.columns, case, history)


def _equal(case: Case, upstream: VersionRecord | None, read: TraceRead) -> bool | None:
    if upstream is None or gone_columns(upstream, read.columns):
        return False
    if upstream.number == read.number:
        return True
    token = case.state.token(upstream, read.columns)
    return None if token is None else token == read.token


def _proof(
    read: TraceRead | SliceRead, upstream: VersionRecord | None, equal: bool | None, rows: int | None, token: str
) -> ReadProof:
    columns, condition = columns_of_key(read.columns), condition_of_key(read.columns)
    digits = token.rpartition(":")[0].replace(":", "")[-_DIGITS:] if ":" in token else token[:_DIGITS]
    now = None if upstream is None else upstream.number
    return ReadProof(read.upstream, columns, condition, read.number, now, equal, rows, digits)


def _since(proof: ReadProof, columns: str, case: Case, history: VersionHistory) -> ReadProof:
    """Add since when the data is as it is, where it is still what was seen."""
    upstream = case.state.published.get(proof.upstream)
    if upstream is None or not proof.equal:
        return proof
    first = history.since(upstream, columns)
    return replace(proof, since_version=first.number, since=first.created, since_run=first.run)


def _of_slices(
    case: Case, decision: Decision, version: VersionRecord, history: VersionHistory, within: PartitionSet | None
) -> Iterator[ReadProof]:
    assert version.slices is not None, "the asset has partitions"
    assert decision.partitions is not None, "the asset has partitions"
    space = decision.partitions.space
    mine = slice_map(version, space)
    for trace in version.slices.traces:
        parts = space.restore(trace.partitions) & mine.domain
        parts = parts if within is None else parts & within
        for read in trace.reads if parts else ():
            yield from _of_parts(case, mine.restricted(parts), parts, read, history)


def _of_parts(
    case: Case, mine: SliceMap, parts: PartitionSet, read: SliceRead, history: VersionHistory
) -> Iterator[ReadProof]:
    """Yield one proof for the partitions that see what they saw, one for those that do not, one for the undecided."""
    upstream = case.state.published.get(read.upstream)
    if upstream is None or gone_columns(upstream, read.columns):
        answers: tuple[tuple[bool | None, PartitionSet], ...] = ((False, parts),)
    else:
        found = compared(case, mine, parts, read, upstream)
        answers = (
            (False, found.changed),
            (None, found.unknown - found.changed),
            (True, parts - found.changed - found.unknown),
        )
    for equal, some in answers:
        if some:
            tokens = _tokens(case, mine.restricted(some), some, read)
            token = None if tokens is None else added(tokens)
            rows = None if token is None else int(token.split(":")[0])
            proof = _proof(read, upstream, equal, rows, token or "")
            ranges = some.ranges if some.space.axes else None
            proof = replace(proof, partitions=ranges, slices=_slices(case, some, read))
            yield _since(proof, read.columns, case, history) if read.token else _slice_since(proof, case, some, read)


def _slice_since(proof: ReadProof, case: Case, parts: PartitionSet, read: SliceRead) -> ReadProof:
    """Add when the youngest of the upstream's slices that are seen was built, where they are still what was seen."""
    upstream = case.state.published.get(read.upstream)
    reach = _reach(case, parts, read) if read.parts is not None and proof.equal else None
    if reach is None or upstream is None or upstream.slices is None:
        return proof
    built = [trace.created for trace in upstream.slices.traces if reach.space.restore(trace.partitions) & reach]
    return replace(proof, since=max(built, default=None))


def _tokens(case: Case, mine: SliceMap, parts: PartitionSet, read: SliceRead) -> list[str] | None:
    """Return the fingerprints of what partitions saw, or None where they are not known or would overlap."""
    if read.token:
        return [read.token]
    if parts.count > 1:
        return None  # several partitions may have seen the same rows
    facts = case.state.facts
    if read.parts is None:
        return list(facts.seen(case.asset.key, read.upstream, read.columns, mine.id_ranges()).values()) or None
    reach = _reach(case, parts, read)
    if reach is None:
        return None
    seen = SliceMap.restore(read.parts, reach.space).restricted(reach)
    held = facts.held(read.upstream, read.columns, seen.id_ranges())
    numbers: list[tuple[Partition, int]] = list(seen.items())
    return [held[number] for _, number in numbers] if all(number in held for _, number in numbers) else None


def _slices(case: Case, parts: PartitionSet, read: SliceRead) -> tuple[str, ...] | None:
    """Return the ranges of the upstream that partitions see through a mapping."""
    reach = None if read.parts is None else _reach(case, parts, read)
    return None if reach is None else reach.ranges


def _reach(case: Case, parts: PartitionSet, read: SliceRead) -> PartitionSet | None:
    decision, mapping = case.decisions.get(read.upstream), case.asset.mapping_of(read.upstream)
    if decision is None or decision.partitions is None or mapping is None:
        return None
    space = decision.partitions.space
    return forward(mapping, parts, space, case.state.functions) & space.all()
