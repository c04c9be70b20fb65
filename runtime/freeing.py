"""Freeing stored versions that nobody can reach. What is kept is a closure; the rest is recorded as gone, then dropped.

Kept are the versions that any environment ever showed, except the one that was dropped; rejected ones, for triage; held
ones; and what a kept view is defined over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from headwater.assets.key import AssetKey
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.record import Draft
from headwater.runtime.held import Held
from headwater.runtime.publish import draft
from headwater.runtime.state import VersionRecord

Place = tuple[AssetKey, int]


def unused(versions: Iterable[VersionRecord], only_there: Collection[Place]) -> tuple[VersionRecord, ...]:
    """Return the versions among `only_there` whose data no other version needs. Pure.

    Needed is what any other version rests on, and what such a version, if it is a view, reads: a view shows what is
    stored for its inputs.
    """
    by_place = {(version.asset, version.number): version for version in versions}
    kept = {place for place in by_place if place not in only_there}
    front = list(kept)
    while front:
        version = by_place[front.pop()]
        below = {(r.upstream, r.number) for r in version.trace} if version.kind == "view" else set()
        fresh = {place for place in below if place in by_place} - kept
        kept |= fresh
        front += fresh
    physical = {by_place[place].physical for place in kept}
    return tuple(v for place, v in by_place.items() if place not in kept and v.physical not in physical)


def free_unused(held: Held, environment: str) -> tuple[Place, ...]:
    """Free what only `environment`, which has no pointers any more, ever showed. Return (asset, number) of each.

    The ledger says so first: a table that is left over then is an orphan, which the next recovery drops.
    """
    shown_in = held.reader.shown_in()
    only_there = [place for place, names in shown_in.items() if names == {environment}]
    versions = held.reader.all_versions()
    freed = [v for v in unused(versions, only_there) if not v.is_foreign]
    if not freed:
        return ()
    held.ledger.append(_drafts(freed, environment), held.actor)
    held.warehouse.drop(sorted({version.physical for version in freed}))
    _drop_files(held, freed, versions)
    return tuple((version.asset, version.number) for version in freed)


def _drafts(freed: Iterable[VersionRecord], environment: str) -> list[Draft]:
    by_asset: dict[AssetKey, list[JsonValue]] = {}
    for version in freed:
        by_asset.setdefault(version.asset, []).append([version.number, version.physical])
    why = f"Only the environment {environment}, which was dropped, had shown these versions."
    payloads: Mapping[AssetKey, dict[str, JsonValue]] = {key: {"versions": rows} for key, rows in by_asset.items()}
    return [draft(record.RETENTION_DISPOSED, key, str(key), payload, why) for key, payload in payloads.items()]


def _drop_files(held: Held, freed: Iterable[VersionRecord], versions: Iterable[VersionRecord]) -> None:
    gone = {(version.asset, version.number) for version in freed}
    kept = {v.file.sha256 for v in versions if v.file is not None and (v.asset, v.number) not in gone}
    for version in freed:
        if version.file is not None and version.file.sha256 not in kept:
            with suppress(OSError):
                (held.workspace.store / version.file.sha256).unlink()
