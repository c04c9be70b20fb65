"""Fingerprints of slices and partitions that a decision needs and that nobody needed before."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from headwater.assets.errors import StepError
from headwater.assets.key import AssetKey
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.fingerprint import condition_of_key
from headwater.lineage.record import Draft
from headwater.runtime.build import relation_of
from headwater.runtime.engines.engine import Session
from headwater.runtime.facts import shown_to_json
from headwater.runtime.fingerprints import shown_tokens, slice_tokens, take_token
from headwater.runtime.partition_status import Missing
from headwater.runtime.publish import draft
from headwater.runtime.slice_facts import StoredSliceFacts
from headwater.runtime.state import State, VersionRecord


def fill_slices(
    session: Session, state: State, missing: Missing, versions: Callable[[AssetKey], Iterable[VersionRecord]]
) -> Draft | None:
    """Take what is missing, keep it in the state, and return the entry of it. `versions` gives all of an asset.

    None where a condition raises an error: then there is no fingerprint, and nobody can tell.
    """
    facts, version, key = state.facts, missing.upstream, missing.columns
    assert isinstance(facts, StoredSliceFacts), "a run has a state"
    payload: dict[str, JsonValue] = {"number": version.number}
    relation = relation_of(session, version.physical)
    try:
        if missing.partitions is not None:
            shown = shown_tokens(session, relation, version.schema, key, tuple(missing.partitions))
            facts.learn_shown(version.asset, version.number, key, shown)
            payload["shown"] = shown_to_json({key: shown})
        elif missing.numbers and version.slices is not None:
            held = _held(session, version, missing, versions(version.asset))
            facts.learn_held(version.asset, key, held)
            payload["held"] = [[key, [[number, token] for number, token in sorted(held.items())]]]
        else:
            token = take_token(session, relation, version.schema, key)
            state.extra_tokens[(version.asset, version.number, key)] = token
            payload["tokens"] = [[key, token]]
    except StepError:
        if condition_of_key(key) is None:
            raise
        return None
    why = "A reader needs these fingerprints."
    return draft(record.INPUT_RESOLVED, version.asset, f"{version.asset}@v{version.number}", payload, why)


def _held(
    session: Session, version: VersionRecord, missing: Missing, versions: Iterable[VersionRecord]
) -> dict[int, str]:
    """Return the fingerprints of slices of an asset, in whichever store they are: other columns make another one."""
    stores = {it.slices.store: it.schema for it in (*versions, version) if it.slices is not None}
    found: dict[int, str] = {}
    for store, schema in stores.items():
        try:
            tokens = slice_tokens(session, store, schema, missing.columns, missing.numbers)
        except StepError:
            if version.slices is not None and store == version.slices.store:
                raise
            continue  # it was freed, or never had these columns: nobody read them there
        found.update({number: it for number, it in tokens.items() if number not in found or not it.startswith("0:")})
    return found
