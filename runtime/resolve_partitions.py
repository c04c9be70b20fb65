"""What the turn of a partitioned asset's step comes to: which of its partitions are built, from which slices."""

from __future__ import annotations

from dataclasses import replace

from headwater.assets.key import AssetKey
from headwater.assets.partitions import PartitionMapping, PartitionSet
from headwater.lineage.slices import SliceMap
from headwater.runtime.data_time import oldest_of, recorded, times_recorded
from headwater.runtime.literals import partition_literal
from headwater.runtime.model import Reason
from headwater.runtime.order import Order, SliceOrder, SliceWork
from headwater.runtime.part_files import there
from headwater.runtime.partition_holds import missing_for_holds
from headwater.runtime.partition_status import PartitionStatus, missing_facts, slice_map
from headwater.runtime.resolve import Ended, Look, Reuse, Situation, make_order, pinned_sql, stored_version
from headwater.runtime.staleness import Case, Decision, decide
from headwater.runtime.state import VersionRecord

_NO_BUILD = frozenset(("CHECKS_CHANGED", "BLOCKED"))


def resolve_partitions(at: Situation, case: Case, decision: Decision, force: bool, look: Look) -> Ended | Reuse | Order:
    """Return what to do about a partitioned asset now. Raises RequestError for partitions that it does not have."""
    wanting = [*missing_facts(case), *missing_for_holds(case)]
    if wanting:
        for missing in wanting:
            look.fill_slices(missing)
        decision = decide(case)
    status = decision.partitions
    assert status is not None, "a partitioned asset has the status of its partitions"
    space = status.space
    chosen = space.all() if at.only is None or not space.axes else space.parse(at.only)
    kept = status.rolled_back or space.empty()
    waiting = (status.waiting or space.empty()) & chosen
    needed = (status.needed(force) & chosen) - waiting
    waiting = waiting - status.not_yet
    gone = space.empty()
    if case.asset.is_external:
        source = at.state.sources.get(case.asset.key)
        if source is not None and source.problem is not None:
            return Ended("FAILED", source.problem, decision)
        gone = ((status.without_file or gone) & slice_map(case.published, space).domain) - kept
    rolled_back = [reason.message for reason in decision.status.reasons if reason.code == "ROLLED_BACK"]
    codes = {reason.code for reason in decision.status.reasons if reason.partitions is None}
    if decision.held:
        reason = next(r for r in decision.status.reasons if r.code == "HELD")
        return Ended("HELD", reason.message, decision)
    if decision.final and not force:
        return Ended("BLOCKED", decision.status.reasons[-1].message, decision, decision.blocked)
    if case.published is not None and "RENAMED" in codes and decision.settled and not force:
        return Reuse(case.published, f"It was called {at.state.shown_as[case.asset.key]} before; nothing was computed.")
    altered = any(reason.code == "DATA_ALTERED" for reason in decision.status.reasons)
    if altered and slice_map(case.published, space).domain - needed - gone:  # it would be taken over as it was altered
        return _altered(case, decision, rolled_back)
    if not needed and not gone and "DEFINITION_CHANGED" not in codes:
        if waiting:
            reason = next(r for r in decision.status.reasons if r.code in ("UPSTREAM_MISSING", "UPSTREAM_PENDING"))
            return Ended("HELD", f"{reason.message}{_remedy(case, reason)}", decision)
        if codes & _NO_BUILD and case.published is not None:
            return make_order(at, case, "RECHECK", case.published)
        if rolled_back:
            return Ended("ROLLED_BACK", rolled_back[0], decision, case.published)
        message = "What its partitions read proved equal to what they read; nothing was computed."
        return Ended("VERIFIED_EQUAL", message, decision, case.published)
    if not force and at.only is None and not rolled_back and not case.asset.is_external:
        # after a rollback, a version of today has what was left; of a source, none is known to be as its files are
        stored = stored_version(at, case, look)
        if stored is not None:
            return stored
    order = make_order(at, case, "BUILD", None)
    work = _work(at, case, order, status, needed, gone)
    if case.published is not None and work.kept.domain != work.current:  # these slices stay as old as they were
        before = times_recorded(case.published.data_times)
        order = replace(order, inside=recorded(oldest_of([before, times_recorded(order.inside)])))
    return replace(order, slices=work)


def _altered(case: Case, decision: Decision, rolled_back: list[str]) -> Ended:
    """Return why nothing is built on altered data of which some would stay."""
    if rolled_back:
        return Ended("ROLLED_BACK", rolled_back[0], decision, case.published)
    waits = [reason for reason in decision.status.reasons if reason.code in ("UPSTREAM_MISSING", "UPSTREAM_PENDING")]
    if waits:
        return Ended("HELD", f"{waits[0].message}{_remedy(case, waits[0])}", decision)
    message = f"The stored data of {case.asset.key} was altered, and partitions that are not built would keep it."
    return Ended("FAILED", f"{message} Run it without --partitions.", decision)


def _remedy(case: Case, reason: Reason) -> str:
    """Return how to end waiting; for what a rollback took away, no selection does."""
    upstream = None if reason.upstream is None else case.decisions.get(reason.upstream)
    gone = upstream is not None and upstream.partitions is not None and upstream.partitions.absent
    return "" if gone else f" Select +{case.asset.key}."


def _work(
    at: Situation, case: Case, order: Order, status: PartitionStatus, needed: PartitionSet, gone: PartitionSet
) -> SliceWork:
    """Return the work: `needed` partitions are built, those that are `gone` from a source are left out."""
    published = case.published
    slices = None if published is None else published.slices
    mine = slice_map(published, status.space)
    kept = mine.without(needed | gone)
    source = at.state.sources.get(case.asset.key)
    files = () if source is None else source.files
    new = SliceMap.numbered(needed, at.reader.last_slice(case.asset.key) + 1)
    work = SliceWork(
        orders=(),
        new=new,
        kept=kept,
        current=status.of("CURRENT") & kept.domain,
        before=() if slices is None else slices.traces,
        mapped=_mapped(case, order),
        store=None if slices is None else slices.store,
        functions=at.state.functions,
        files=tuple(it for it in files if there([it], status.space) & kept.domain),
    )
    orders = []
    for partition, number in new.items():
        relations = {key: _part(at, order, work, key, status.space.of([partition])) for key in work.mapped}
        sql = None
        if case.asset.sql is not None:
            values = {name: partition_literal(value) for name, value in partition.parameters().items()}
            sql = pinned_sql(at, case, order, relations, values)
        orders.append(SliceOrder(partition, number, sql, relations))
    return replace(work, orders=tuple(orders))


def _mapped(case: Case, order: Order) -> dict[AssetKey, tuple[PartitionMapping, SliceMap]]:
    """Return the upstreams that are read in parts: how the parts are chosen, and the slices that there are."""
    found: dict[AssetKey, tuple[PartitionMapping, SliceMap]] = {}
    for key, mapping in case.asset.mappings:
        theirs = case.decisions[key].partitions
        if key in order.inputs and theirs is not None and order.inputs[key].version.slices is not None:
            found[key] = mapping, slice_map(order.inputs[key].version, theirs.space)
    return found


def _part(at: Situation, order: Order, work: SliceWork, upstream: AssetKey, reader: PartitionSet) -> str:
    """Return the relation of what one partition reads of an upstream."""
    version: VersionRecord = order.inputs[upstream].version
    assert version.slices is not None, "an upstream that is read in parts has slices"
    columns = [name for name, _ in version.schema]
    return at.part_of(version.slices.store, columns, work.read_by(reader, upstream).id_ranges())
