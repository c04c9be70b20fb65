"""How a worker builds partitions: one slice after the other into a store, then the version that shows them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from headwater.assets.errors import StepError
from headwater.assets.key import AssetKey
from headwater.lineage.conditions import parameters_of
from headwater.lineage.fingerprint import columns_of_key, condition_of_key
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.engines.engine import Ranges, Session
from headwater.runtime.fingerprints import shown_tokens, slice_tokens
from headwater.runtime.order import BuiltSlices, Observed, Order, SliceOrder, SliceWork
from headwater.runtime.state import TraceRead

if TYPE_CHECKING:
    from headwater.runtime.build import Draft

Seen = frozenset[tuple[AssetKey, str]]


def stage_slices(draft: Draft) -> None:
    """Build every partition that was ordered, and the version that shows them beside those that are kept."""
    order, work, session = draft.order, _work(draft.order), draft.session
    store = work.store
    saw: list[Seen] = []
    keys: tuple[str, ...] = ()
    for place, each in enumerate(work.orders):
        try:
            query, seen = _query(draft, each)
            if place == 0:
                store = _store_for(session, order, work, query)
                session.begin_slices(store, each.number)
                keys = _keys_among(session, order, query)
            assert store is not None, "the first partition decides where all of them go"
            if keys and order.resolved.asset.null_partition == "drop":
                query = f"select * from (\n{query}\n) where {' and '.join(f'{key} is not null' for key in keys)}"
            session.add_slice(store, each.number, query)
        except StepError as error:
            raise StepError(f"{each.partition.text}: {error.message}", error.remedy) from error
        saw.append(seen)
        if place == 0:
            draft.text = query
    if store is None:
        raise StepError(f"{order.key} has no partitions to show.", "Ask for partitions that exist.")
    if draft.part is not None:
        session.drop_table(draft.part)
    _refuse_null_keys(draft, store, work)
    session.show_slices(order.physical, store, work.kept.overlaid(work.new).id_ranges())
    draft.seen = {place for seen in saw for place in seen}
    draft.slices = BuiltSlices(store, work.orders, tuple(saw), {}, {}, {})
    if order.resolved.asset.is_external:
        from headwater.runtime.part_files import parts_to_json

        draft.observed = Observed(parts_to_json((*work.files, *draft.files)), "")


def fingerprint_slices(draft: Draft) -> None:
    """Take the fingerprints of the new slices that readers see, and of what these partitions saw through conditions."""
    from headwater.runtime.build import input_token

    order, built = draft.order, draft.slices
    if built is not None:
        work = _work(order)
        names = {name.lower() for name, _ in draft.schema}
        keys = ["*", *(key for key in order.wanted if names.issuperset(columns_of_key(key) or ()))]
        held = {key: found for key in keys if (found := _held(draft, key, work.new.id_ranges())) is not None}
        seen, tokens = {}, {}
        readers = [each.partition for each in work.orders]
        for upstream, key in sorted(draft.seen):
            pinned = order.inputs[upstream]
            if parameters_of(condition_of_key(key)):
                seen[upstream, key] = shown_tokens(draft.session, pinned.relation, pinned.version.schema, key, readers)
            elif upstream not in work.mapped:
                tokens[upstream, key] = input_token(draft, upstream, key)
        if draft.files:
            from headwater.runtime.part_files import SOURCE_FILE

            taken = zip(work.orders, draft.files, strict=True)
            held[SOURCE_FILE] = {each.number: file.digest or "" for each, file in taken}
        draft.slices = replace(built, tokens=tokens, held=held, seen=seen)
    for key, partitions in order.shown:
        shown = _shown(draft, key, partitions)
        if shown is not None:
            draft.shown[key] = shown


def trace_of_slices(draft: Draft) -> tuple[TraceRead, ...]:
    """Return what the partitions read, without fingerprints: each of them has its own."""
    inputs = draft.order.inputs
    return tuple(TraceRead(up, inputs[up].version.number, key, "") for up, key in sorted(draft.seen))


def _work(order: Order) -> SliceWork:
    assert order.slices is not None, "the asset is partitioned"
    return order.slices


def _query(draft: Draft, each: SliceOrder) -> tuple[str, Seen]:
    """Return the query for the rows of one partition, with what was read for it."""
    order = draft.order
    if each.sql is not None:
        reads = order.resolved.definition.reads
        return each.sql, frozenset((AssetKey(read.upstream), read.key) for read in reads)
    if order.resolved.asset.is_external:
        from headwater.runtime.part_files import take_in_part

        return take_in_part(draft, each), frozenset()
    from headwater.runtime.build import returned_sql, seen_with_text
    from headwater.runtime.python_run import call_function

    inputs = {
        key: replace(pinned, relation=each.relations.get(key, pinned.relation)) for key, pinned in order.inputs.items()
    }
    part = replace(order, inputs=inputs, partition=each.partition)
    result, taken, added = call_function(part, draft.session, draft.log)
    draft.added_keys = tuple(dict.fromkeys((*draft.added_keys, *added)))
    seen = {(upstream, item.key) for upstream, item in taken.items()}
    if isinstance(result, str):
        sql, reads, _ = returned_sql(part, result)
        return sql, frozenset(seen_with_text(taken, reads))
    if result is None or isinstance(result, os.PathLike):
        raise StepError(
            f"{order.key} returned {'nothing' if result is None else 'a path'}.",
            "Return a frame, an Arrow table, a relation or SQL text for each partition.",
        )
    if draft.part is not None:
        draft.session.drop_table(draft.part)
    draft.part = f"{order.physical}__part"
    draft.session.build_from_object(draft.part, result)
    return f"select * from {draft.session.relation(draft.part)}", frozenset(seen)


def _store_for(session: Session, order: Order, work: SliceWork, query: str) -> str:
    """Return the store that takes slices with the columns of `query`: that of the version before where they fit."""
    columns = session.describe(f"(\n{query}\n)")
    if work.store is None:
        return f"{order.physical}__rows"
    known = _columns_there(session, work)
    if known == columns:
        return work.store
    if work.kept:
        raise StepError(
            f"The columns of {order.key} changed ({_difference(known, columns)}), and "
            f"{work.kept.count} of its partitions would keep the old ones.",
            f"Build all of them: `headwater run {order.key} --force`.",
        )
    return f"{order.physical}__rows"


def _keys_among(session: Session, order: Order, query: str) -> tuple[str, ...]:
    """Return the columns, quoted, that are called like a dimension: they hold the keys of the rows."""
    names = {name.lower() for name, _ in order.resolved.asset.partitions}
    columns = session.columns_of(query) if names else ()
    return tuple('"' + name.replace('"', '""') + '"' for name in columns if name.lower() in names)


def _refuse_null_keys(draft: Draft, store: str, work: SliceWork) -> None:
    """Raise StepError where a row has NULL for the key of its partition: it would belong to none."""
    session, asset = draft.session, draft.order.resolved.asset
    names = {name.lower() for name, _ in asset.partitions}
    columns = [name for name, _ in session.store_columns(store) if name.lower() in names]
    if not columns or not work.orders:
        return
    part = session.part(store, columns, work.new.id_ranges())
    where = " or ".join('"' + name.replace('"', '""') + '" is null' for name in columns)
    (count,) = session.row(f"select count(*) from {part} where {where}")
    if count:
        message = (
            f"{asset.key} has rows ({count!s}) with NULL for {' or '.join(columns)}, which is the key of no partition."
        )
        raise StepError(message, "Leave them out of the query, or say null_partition: drop.")


def _columns_there(session: Session, work: SliceWork) -> SchemaColumns:
    """Return the columns of the store; none where it is gone, as with a warehouse that was deleted."""
    assert work.store is not None, "there is a version before"
    try:
        return session.store_columns(work.store)
    except StepError:
        if work.kept:
            raise
        return ()


def _difference(known: SchemaColumns, columns: SchemaColumns) -> str:
    before, after = dict(known), dict(columns)
    added = [name for name in after if name not in before]
    gone = [name for name in before if name not in after]
    other = [name for name in after if name in before and before[name] != after[name]]
    said = [("new", added), ("gone", gone), ("of another type", other)]
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in said if names) or "in another order"


def _held(draft: Draft, key: str, numbers: Ranges) -> dict[int, str] | None:
    built = draft.slices
    assert built is not None, "slices were built"
    try:
        return slice_tokens(draft.session, built.store, draft.schema, key, numbers)
    except StepError:
        if condition_of_key(key) is None:
            raise
        return None  # a reader's condition that raises is its reader's matter


def _shown(draft: Draft, key: str, partitions: Iterable[object]) -> dict[str, str] | None:
    try:
        return shown_tokens(draft.session, draft.relation, draft.schema, key, tuple(partitions))  # type: ignore[arg-type]
    except StepError:
        return None
