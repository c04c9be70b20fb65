"""Promotion: the pointers of a whole selection move from one environment to another, in one transaction or not at all.

What moves must be CURRENT where it arrives: of today's definition, judged by today's checks, on the data that readers
there see. The clauses that decide everywhere else decide here, on the state as it would be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.lineage.record import Draft
from headwater.runtime.build import relation_of
from headwater.runtime.engines.engine import Session
from headwater.runtime.fingerprints import take_token
from headwater.runtime.held import Held
from headwater.runtime.model import Move, Moved
from headwater.runtime.moving import holding, move
from headwater.runtime.observe import altered_files, foreign_tables, is_kept
from headwater.runtime.publish import Item
from headwater.runtime.published import Published
from headwater.runtime.recording import same_data, token_entry
from headwater.runtime.staleness import Case, decide, missing_tokens
from headwater.runtime.state import State, VersionRecord
from headwater.runtime.workspace import Survey, Workspace

Choose = Callable[[Survey], tuple[AssetKey, ...]]
_MOST_REFUSALS = 10  # that one message names


def promote(workspace: Workspace, choose: Choose, source: str, target: str, *, everything: bool, why: str) -> Move:
    """Move the pointers of what `choose` selects from `source` to `target`.

    With `everything`, what was never published in `source` is passed over. Raises RequestError, before any effect and
    naming every asset that stands in the way, where one could not be CURRENT in `target`.
    """
    workspace.suffix(source)
    if source == target:
        raise RequestError(f"{source} cannot be promoted to itself.", "Name two environments: --from dev --to prod.")
    with holding(workspace, target) as held:
        state = held.state
        # What only taking in can tell counts as it was last taken in: promoting moves what there is.
        state.sources = workspace.sources_now(state, verify=True, taken_in=workspace.loaded.assets)
        survey = workspace.judge(workspace.loaded.require_graph(), state)
        survey.require_trusted_warehouse()
        theirs = held.reader.snapshot(source).published
        chosen = choose(survey)
        absent = [key for key in chosen if key not in theirs]
        if absent and not everything:
            _refuse([f"{key} was never published in {source}" for key in absent], source, target)
        moving = {key: theirs[key] for key in chosen if key in theirs and not _is_there(state, theirs[key])}
        there = len(chosen) - len(moving) - len(absent)
        if not moving:
            return Move(target, None, unchanged=there)
        facts = _require_current(held, survey, moving, source)
        items = [_item(version, state) for version in moving.values()]
        publication = move(held, items, facts, f"Promoted from {source}{f': {why}' if why else '.'}")
        moved = tuple(Moved(key, version.number, _number(state, key)) for key, version in moving.items())
        return Move(target, publication, moved, there)


def _require_current(held: Held, survey: Survey, moving: Mapping[AssetKey, VersionRecord], source: str) -> list[Draft]:
    """Decide about `moving` on the state as it would be; return the fingerprints that had to be taken for it."""
    workspace, target = held.workspace, held.environment
    refused = [
        f"{key}@v{v.number} was rejected by its checks ({', '.join(v.gate.failed)})"
        for key, v in moving.items()
        if v.rejected
    ]
    refused += [
        f"the bytes of {key}@v{v.number} are gone from the store"
        for key, v in moving.items()
        if v.file is not None and not is_kept(workspace.store, v.file)
    ]
    if refused:
        _refuse(refused, source, target)
    before = survey.state
    would_be = replace(before, published=Published([*({**before.published, **moving}).values()]))
    files = altered_files(before, workspace.config.root, held.suffix) - moving.keys()
    would_be.warehouse = replace(before.warehouse, altered_files=files)
    would_be.sources.update(foreign_tables(workspace.loaded.notable().values(), would_be, would_be.warehouse))
    facts = _fill(held, survey, would_be, before.published, moving)
    judged = workspace.decide(survey.graph, would_be)
    for key in moving:
        status = judged.decisions[key].status
        if status.word != "CURRENT" and {it.code for it in status.reasons} != {"RENAMED"}:
            reason = status.reasons[0].message.rstrip(".")
            refused.append(f"{key}@v{moving[key].number} would be {status.word} in {target} ({reason})")
        refused += [f"{key}@v{moving[key].number}: {why}" for why in _kept_there(judged, before, key)]
    if refused:
        _refuse(refused, source, target)
    return facts


def _kept_there(judged: Survey, before: State, key: AssetKey) -> list[str]:
    """Return what is rolled back in the target of the partitions that a version would show there again."""
    case = judged.case(key)
    if not case.asset.in_parts or key not in before.holds:
        return []
    decision = decide(replace(case, published=before.published.get(key)))
    return [it.message.rstrip(".") for it in decision.status.reasons if it.code == "ROLLED_BACK"]


def _fill(
    held: Held,
    survey: Survey,
    would_be: State,
    before: Mapping[AssetKey, VersionRecord],
    moving: Mapping[AssetKey, VersionRecord],
) -> list[Draft]:
    """Take the fingerprints that the clauses need and that nobody needed before."""
    facts: list[Draft] = []
    session = held.warehouse.session()
    try:
        for key, version in moving.items():
            case = Case(survey.resolved[key], version, would_be, {}, survey.now, survey.loaded.config.timezone)
            for upstream, columns in missing_tokens(case, [version]):
                relation = relation_of(session, upstream.physical)
                token = take_token(session, relation, upstream.schema, columns)
                would_be.extra_tokens[(upstream.asset, upstream.number, columns)] = token
                facts.append(token_entry(upstream, columns, token))
            if case.asset.in_parts:
                facts += _fill_partitions(held, session, replace(case, decisions=survey.decisions), before.get(key))
    finally:
        session.close()
    return facts


def _fill_partitions(held: Held, session: Session, case: Case, before: VersionRecord | None) -> list[Draft]:
    """Take the fingerprints of single slices and partitions, those that a hold is compared with included."""
    from headwater.runtime.partition_holds import missing_for_holds
    from headwater.runtime.partition_status import missing_facts
    from headwater.runtime.slice_filling import fill_slices

    wanted = [*missing_facts(case), *missing_for_holds(replace(case, published=before))]
    found = (fill_slices(session, case.state, missing, held.reader.versions) for missing in wanted)
    return [fact for fact in found if fact is not None]


def _refuse(refused: list[str], source: str, target: str) -> None:
    shown = refused[:_MOST_REFUSALS]
    if len(refused) > len(shown):
        shown.append(f"and {len(refused) - len(shown)} more")
    raise RequestError(
        f"Nothing was promoted from {source} to {target}: {'; '.join(shown)}.",
        f"Run what is not current in {source} first, and select what it stands on too: +ASSET.",
    )


def _item(version: VersionRecord, state: State) -> Item:
    before, was = state.published.get(version.asset), state.shown_as.get(version.asset)
    was = None if was in state.published else was
    same = before is not None and before.physical == version.physical and before.file == version.file
    changed = before is None or not (same_data(version, before) and before.file == version.file)
    swap = not same or version.asset in state.shown_as
    return Item(version.asset, "PROMOTED", changed, version, swap=swap, was=was)


def _is_there(state: State, version: VersionRecord) -> bool:
    return _number(state, version.asset) == version.number


def _number(state: State, key: AssetKey) -> int | None:
    found = state.published.get(key)
    return None if found is None else found.number
