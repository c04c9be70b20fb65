"""What the outside is like now: sources by their free state, the warehouse by its token, published files by theirs.

Free answers first; what they cannot tell is paid for only where the caller asks for it (`verify`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from headwater.assets.asset import Asset
from headwater.assets.errors import HeadwaterError, StepError
from headwater.assets.key import AssetKey
from headwater.runtime.build import relation_of
from headwater.runtime.clock import from_iso
from headwater.runtime.engines.engine import Session, Warehouse
from headwater.runtime.file_changes import file_changes
from headwater.runtime.fingerprints import take_token
from headwater.runtime.published_files import located, sha256_of
from headwater.runtime.sources import FileState, content_digest, file_state, settled, source_files
from headwater.runtime.state import Observation, PublishedFile, SourceNow, State, VersionRecord, WarehouseNow

CHEAP_BYTES = 256 * 1024 * 1024  # up to this size a touched file is hashed rather than called changed


def sources_now(assets: Iterable[Asset], state: State, root: Path, *, verify: bool) -> dict[AssetKey, SourceNow]:
    """Return for each file source that was taken in before whether it changed since; others are left out."""
    found: dict[AssetKey, SourceNow] = {}
    for asset in assets:
        observation = state.observed.get(asset.key)
        if asset.source is None or asset.source.file is None or asset.partitions or observation is None:
            continue
        if not observation.state.startswith("["):  # it was no file then: its definition has changed
            continue
        found[asset.key] = _source_now(root / asset.source.file, observation, verify)
    return found


def _source_now(path: Path, seen: Observation, verify: bool) -> SourceNow:
    try:
        now = file_state(path)
        before = FileState.from_json(json.loads(seen.state))
        unchanged = SourceNow(False, state=json.dumps(now.to_json()))
        if now == before and settled(before, _nanoseconds(from_iso(seen.at))):
            return unchanged
        size_now, size_then = sum(f.size for f in now.files), sum(f.size for f in before.files)
        hash_it = verify or now == before or (size_now == size_then and size_now <= CHEAP_BYTES)
        if hash_it and content_digest(source_files(path)) == seen.digest:
            return unchanged
        one_file = len(now.files) == len(before.files) == 1 and path.is_file()
    except (HeadwaterError, OSError, ValueError) as error:
        return SourceNow(None, problem=str(error))
    if not one_file:
        return SourceNow(True, detail=file_changes(before, now, differs=hash_it).sentence or "other content")
    detail = f"{size_then} bytes then, {size_now} now" if size_now != size_then else f"{size_now} bytes, other content"
    return SourceNow(True, detail=detail)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


def altered_files(state: State, root: Path, suffix: str) -> frozenset[AssetKey]:
    """Return the assets whose published file is gone or holds other bytes than those that were published."""
    altered = set()
    for key in state.published.of_kind("file"):
        version = state.published[key]
        if version.file is None:
            continue
        path = root / located(version.file.path, suffix)
        try:
            if path.stat().st_size != version.file.size or sha256_of(path) != version.file.sha256:
                altered.add(key)
        except OSError:
            altered.add(key)
    return frozenset(altered)


def warehouse_gone(published: Iterable[VersionRecord]) -> WarehouseNow:
    """Return what is known where the warehouse file does not exist: all stored data is gone."""
    return WarehouseNow(altered=frozenset(version.physical for version in published))


def identity_findings(
    recorded: tuple[str, int] | None, identity: str, last_publication: int, path: str
) -> tuple[str, ...]:
    """Compare who the warehouse says it is with what the ledger knows. Anything returned forbids publishing.

    A warehouse without any publication holds nothing that could be mistaken: a run that made it anew was interrupted,
    or the project is new.
    """
    known_identity, known_last = recorded or (identity, 0)
    if identity != known_identity:
        return (f"{path} is not the warehouse that the ledger knows (another file stands at its path).",)
    if last_publication == 0:
        return ()
    if last_publication < known_last:
        return (
            f"{path} is older than the ledger: its last publication is {last_publication}, the ledger's {known_last} "
            "(a restored backup?).",
        )
    if last_publication > known_last:
        return (
            f"{path} is newer than the ledger: its last publication is {last_publication}, the ledger's {known_last} "
            "(was the state restored or deleted?).",
        )
    return ()


def verify_warehouse(warehouse: Warehouse, pointed: Iterable[tuple[str | None, VersionRecord]]) -> WarehouseNow:
    """Fingerprint all published data as its readers see it, and compare it with what was recorded.

    `pointed` holds (schema suffix, version) for every pointer of every environment; the suffix is None for one that is
    no longer declared, whose data may yet be shared or come back.
    """
    names, pointers = warehouse.physical_names(), warehouse.pointers()
    altered: set[str] = set()
    session = warehouse.session()
    try:
        for suffix, version in pointed:
            physical, relation = version.physical, None
            if not physical.startswith("=") and suffix is not None:
                schema, table = version.asset.schema + suffix, version.asset.table
                relation = ".".join('"' + name.replace('"', '""') + '"' for name in (schema, table))
                if physical not in names or pointers.get((schema.lower(), table)) != physical:
                    altered.add(physical)
            if physical not in altered and differs(session, version, relation):
                altered.add(physical)
    finally:
        session.close()
    return WarehouseNow(altered=frozenset(altered))


def differs(session: Session, version: VersionRecord, relation: str | None = None) -> bool:
    """Return whether the stored data of `version`, or what a view over it shows, is not what was recorded."""
    try:
        seen = relation or relation_of(session, version.physical)
        if version.physical.startswith("=") and session.describe(seen) != version.schema:
            return True
        return take_token(session, seen, version.schema, "*") != version.tokens["*"]
    except StepError:
        return True


def is_kept(store: Path, file: PublishedFile) -> bool:
    """Return whether the store still has the bytes of a file version."""
    try:
        return sha256_of(store / file.sha256) == file.sha256
    except OSError:
        return False


def foreign_tables(assets: Iterable[Asset], state: State, warehouse: WarehouseNow) -> dict[AssetKey, SourceNow]:
    """Return whether tables that something else writes changed: told by the warehouse file, which holds them too."""
    found: dict[AssetKey, SourceNow] = {}
    for asset in assets:
        key, version = asset.key, None
        if asset.source is not None and asset.source.table is not None:
            version = state.published.get(key)
        if version is None:
            continue
        if not warehouse.verified:
            found[key] = SourceNow(None, problem=warehouse.because)
        else:
            found[key] = SourceNow(version.physical in warehouse.altered, detail=f"{version.rows} rows then")
    return found
