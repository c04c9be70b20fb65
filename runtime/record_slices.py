"""What is recorded of a version's partitions: their slices, and what each was made from. Pure."""

from __future__ import annotations

from dataclasses import replace

from headwater.assets.key import AssetKey
from headwater.assets.partitions import PartitionSet
from headwater.lineage.conditions import parameters_of
from headwater.lineage.fingerprint import condition_of_key
from headwater.lineage.slices import SliceMap
from headwater.runtime.clock import to_iso
from headwater.runtime.order import Built, Order, SliceWork
from headwater.runtime.state import SliceFacts, SliceRead, Slices, SliceTrace, VersionRecord


def slices_of(order: Order, built: Built) -> Slices:
    """Return the slices of a version that a worker built, those that it kept included.

    What kept partitions were made from is brought up to date where they were found current: what they read was proven
    equal in the versions that are read now. So the record stays as short as the partitions are alike.
    """
    work = order.slices
    assert work is not None, "the asset is partitioned"
    assert built.slices is not None, "the asset is partitioned"
    traces = [*_kept(order, work), *_built(order, built, work)]
    shown = work.kept.overlaid(work.new)
    return Slices(built.slices.store, shown.to_json(), shown.count, work.last, _joined(order, work, traces))


def with_slices_of(
    published: VersionRecord, slices: Slices, order: Order, built: Built, facts: SliceFacts
) -> Slices | None:
    """Return `slices` over the stored rows of `published`, where each partition is proven to hold the same; else None.

    That all rows are equal together is not enough: they may have moved from one partition to another. Nor are the
    slices of two builds one where each saw rows under a condition of its own: what it saw is kept by its number.
    """
    theirs, work = published.slices, order.slices
    if built.slices is not None and built.slices.seen:
        return None
    if theirs is None or work is None or built.slices is None or theirs.count != slices.count:
        return None
    shown, before = work.kept.overlaid(work.new), SliceMap.restore(theirs.parts, work.new.space)
    if before.count != theirs.count or before.domain != shown.domain:
        return None
    other = shown.differs(before)
    new, old = shown.restricted(other), before.restricted(other)
    known = {**facts.held(published.asset, "*", old.id_ranges()), **built.slices.held.get("*", {})}
    pairs = [(known.get(number), known.get(old.get(partition) or 0)) for partition, number in new.items()]
    if any(mine is None or mine != their for mine, their in pairs):
        return None
    return replace(slices, store=theirs.store, parts=theirs.parts)


_Trace = tuple[SliceTrace, PartitionSet]  # a trace, and its partitions as a set


def _kept(order: Order, work: SliceWork) -> list[_Trace]:
    found: list[_Trace] = []
    for trace in work.before:
        parts = work.new.space.restore(trace.partitions) & work.kept.domain
        current = parts & work.current
        if current:
            reads = tuple(_as_of_now(order, work, current, read) for read in trace.reads)
            found.append((replace(trace, reads=reads), current))
        if parts - current:
            found.append((trace, parts - current))
    return found


def _as_of_now(order: Order, work: SliceWork, readers: PartitionSet, read: SliceRead) -> SliceRead:
    pinned = order.inputs.get(read.upstream)
    if pinned is None:
        return read
    return _read(order, work, readers, (read.upstream, read.columns), read.token)


def _built(order: Order, built: Built, work: SliceWork) -> list[_Trace]:
    """Return what the new partitions were made from, one trace for those that read the same columns."""
    assert built.slices is not None, "the asset is partitioned"
    alike: dict[frozenset[tuple[AssetKey, str]], list[int]] = {}
    for place, saw in enumerate(built.slices.saw):
        alike.setdefault(saw, []).append(place)
    found: list[_Trace] = []
    for saw, places in alike.items():
        parts = work.new.domain
        if len(alike) > 1:
            parts = work.new.space.of([work.orders[place].partition for place in places])
        reads = tuple(_read(order, work, parts, place, built.slices.tokens.get(place, "")) for place in sorted(saw))
        definition = order.resolved.definition
        trace = SliceTrace("", definition.parts(), definition.hash, order.clock, to_iso(order.now), reads)
        found.append((trace, parts))
    return found


def _read(order: Order, work: SliceWork, readers: PartitionSet, place: tuple[AssetKey, str], token: str) -> SliceRead:
    upstream, key = place
    number = order.inputs[upstream].version.number
    if upstream in work.mapped:
        parts = work.read_by(readers, upstream)
        return SliceRead(upstream, number, key, parts=parts.to_json(), count=parts.count)
    return SliceRead(upstream, number, key, token="" if parameters_of(condition_of_key(key)) else token)


def _joined(order: Order, work: SliceWork, traces: list[_Trace]) -> tuple[SliceTrace, ...]:
    """Return the traces, those that say the same put together."""
    together: dict[object, _Trace] = {}
    for trace, parts in traces:
        alike = (
            trace.definition_hash,
            trace.clock,
            tuple((r.upstream, r.columns, r.number, r.token) for r in trace.reads),
        )
        current = trace.definition_hash == order.resolved.definition.hash and parts <= (work.current | work.new.domain)
        stable = current and order.resolved.definition.volatility != "VOLATILE"
        same = alike if stable else (alike, trace.created, len(together))
        before = together.get(same)
        together[same] = (trace, parts) if before is None else _both(work, before, (trace, parts))
    return tuple(replace(trace, partitions=parts.text) for trace, parts in together.values())


def _both(work: SliceWork, one: _Trace, other: _Trace) -> _Trace:
    parts = one[1] | other[1]
    reads = []
    for read, also in zip(one[0].reads, other[0].reads, strict=True):
        if read.parts is None:
            reads.append(read)
            continue
        space = work.mapped[read.upstream][1].space
        joined = SliceMap.restore(read.parts, space).overlaid(SliceMap.restore(also.parts, space))
        reads.append(replace(read, parts=joined.to_json(), count=joined.count))
    return replace(one[0], reads=tuple(reads), created=max(one[0].created, other[0].created)), parts
