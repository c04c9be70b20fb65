"""Publishing: intent in the ledger, one engine transaction with the marker, files, outcome. Recovery is the same path.

The marker in the warehouse decides: present means published, absent means not. `finish` and `abandon` are what both the
normal path and recovery call, so that an interrupted publication ends exactly as an undisturbed one would.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from headwater.assets.errors import HeadwaterError, ResourceError, StepError
from headwater.assets.key import AssetKey
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.record import Actor, Blob, Draft
from headwater.runtime.engines.engine import Pointer, Publication, Warehouse
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.state import PublishedFile, VersionRecord
from headwater.runtime.state_reader import InFlight

_INLINE_BYTES = 8 * 1024
STREAM = "publication"


@dataclass(frozen=True, slots=True)
class Item:
    """One asset in a publication. `action` is the step's outcome; without `swap` readers' view stays as it is.

    `version` is None for an asset that is dropped from view (action RETIRED).
    """

    asset: AssetKey
    action: str
    changed: bool
    version: VersionRecord | None
    swap: bool = True


@dataclass(frozen=True, slots=True)
class Hands:
    """Everything that publishing has an effect on."""

    ledger: LedgerStore
    warehouse: Warehouse
    root: Path
    store: Path
    actor: Actor
    environment: str
    suffix: str
    run: str


def draft(
    kind: str, stream: str, subject: str, payload: dict[str, JsonValue], why: str, blobs: tuple[Blob, ...] = ()
) -> Draft:
    """Return a ledger draft; a payload that is too large for an entry goes into a blob beside it."""
    text = json.dumps(payload, sort_keys=True)
    if len(text) > _INLINE_BYTES:
        return Draft(kind, stream, subject, {}, why, (*blobs, Blob("payload", text.encode(), "application/json")))
    return Draft(kind, stream, subject, payload, why, blobs)


def publish(hands: Hands, number: int, publication: str, items: Sequence[Item], facts: Sequence[Draft]) -> None:
    """Make `items` visible at once. `facts` are recorded with the intent, in one transaction.

    Raises what the engine raises where it refuses, after recording that nothing was published. Any other error leaves
    the publication in flight: recovery will find out what became of it.
    """
    intent = draft(
        record.PUBLISH_INTENDED,
        STREAM,
        publication,
        _intent(hands, number, publication, items),
        "What passed its gate is to be published.",
    )
    hands.ledger.append([*facts, intent], hands.actor)
    try:
        hands.warehouse.publish(Publication(publication, number, hands.environment, pointers(hands.suffix, items)))
    except HeadwaterError as error:
        if not hands.warehouse.is_published(publication):
            abandon(hands.ledger, hands.actor, publication, error.message)
            raise
    published = [item.version.file for item in items if item.version is not None and item.version.file is not None]
    files = [in_environment(file, hands.suffix) for file in published]
    finish(hands.ledger, hands.actor, hands.root, hands.store, publication, files)


def pointers(suffix: str, items: Sequence[Item]) -> tuple[Pointer, ...]:
    """Return the views to swap. A table that something else writes is its own view and has none."""
    found = []
    for item in items:
        schema, table = item.asset.schema + suffix, item.asset.table
        if item.version is None:
            found.append(Pointer(schema, table, None))
        elif item.swap and not item.version.physical.startswith("="):
            columns = tuple(name for name, _ in item.version.schema)
            found.append(Pointer(schema, table, item.version.physical, columns))
    return tuple(found)


def finish(
    ledger: LedgerStore, actor: Actor, root: Path, store: Path, publication: str, files: Sequence[PublishedFile]
) -> None:
    """Put the files of a committed publication in place and record the outcome. Doing it twice does no harm."""
    for file in files:
        place_file(root, store, file)
    payload: dict[str, JsonValue] = {"publication": publication}
    ledger.append([Draft(record.PUBLISHED, STREAM, publication, payload, "The marker is in the warehouse.")], actor)


def abandon(ledger: LedgerStore, actor: Actor, publication: str, because: str) -> None:
    """Record that an intended publication did not happen."""
    payload: dict[str, JsonValue] = {"publication": publication}
    ledger.append([Draft(record.PUBLISH_ABANDONED, STREAM, publication, payload, because)], actor)


def located(path: str, suffix: str) -> str:
    """Return where an environment has the file that is declared as `path`: its first folder carries the suffix.

    `reports/x.csv` is `reports__dev/x.csv` in dev, a file without a folder `x__dev.csv`: as with schemas, what one
    environment publishes never replaces what readers of another see.
    """
    if not suffix:
        return path
    first, *rest = Path(path).parts
    if rest:
        return Path(first + suffix, *rest).as_posix()
    return Path(path).with_stem(Path(path).stem + suffix).as_posix()


def in_environment(file: PublishedFile, suffix: str) -> PublishedFile:
    """Return `file` with the path that it has in an environment."""
    return replace(file, path=located(file.path, suffix))


def prepare_file(root: Path, store: Path, file: PublishedFile) -> Path:
    """Write `file` beside its target, durably, so that what is left to do cannot fail for want of room or rights.

    Returns the path written. Raises StepError where it cannot be; nothing is left there then.
    """
    target = root / file.path
    beside = _beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(None, "there is a folder of that name")
        beside.write_bytes((store / file.sha256).read_bytes())
        descriptor = os.open(beside, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        discard_draft(root, file.path)
        raise StepError(
            f"The file {file.path} cannot be written: {error.strerror}.", "Make its folder writable and run again."
        ) from error
    return beside


def place_file(root: Path, store: Path, file: PublishedFile) -> None:
    """Make `file` what readers find at its path, in one step, durably.

    Raises ResourceError where it cannot be written. Its publication is committed by then, so no step can fail of it:
    it stays in flight, and the next start puts the file in place.
    """
    remedy = "Make its folder writable and run again: it was published and will be put in place then."
    try:
        beside = prepare_file(root, store, file)
        os.replace(beside, root / file.path)
        sync_folder(beside.parent)
    except StepError as error:
        raise ResourceError(error.message, remedy) from error
    except OSError as error:
        raise ResourceError(f"The file {file.path} cannot be put in place: {error.strerror}.", remedy) from error


def discard_draft(root: Path, path: str) -> None:
    """Remove what was written beside the published file `path` and will not be published."""
    with suppress(OSError):
        _beside(root / path).unlink()


def discard_drafts(root: Path, store: Path, paths: Iterable[str]) -> None:
    """Remove what steps that never ended left beside published files and in the store."""
    for path in paths:
        discard_draft(root, path)
    for unfinished in store.glob(".*"):
        with suppress(OSError):
            unfinished.unlink()


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.new")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def recover(
    ledger: LedgerStore,
    warehouse: Warehouse,
    actor: Actor,
    root: Path,
    store: Path,
    in_flight: Sequence[InFlight],
    file_of: Callable[[AssetKey, int], PublishedFile | None],
    suffix_of: Callable[[str], str],
) -> None:
    """Bring every publication without an outcome to its end: the marker says to which."""
    for publication in in_flight:
        if not warehouse.is_published(publication.id):
            abandon(ledger, actor, publication.id, "The run that intended it ended before the warehouse committed it.")
            continue
        found = [file_of(AssetKey(str(i["asset"])), int(str(i["number"]))) for i in publication.items if i["number"]]
        suffix = suffix_of(publication.environment)
        files = [in_environment(file, suffix) for file in found if file is not None]
        finish(ledger, actor, root, store, publication.id, files)


def _intent(hands: Hands, number: int, publication: str, items: Sequence[Item]) -> dict[str, JsonValue]:
    listed: list[JsonValue] = []
    for item in items:
        listed.append(
            {
                "asset": str(item.asset),
                "number": None if item.version is None else item.version.number,
                "action": item.action,
                "changed": item.changed,
            }
        )
    return {
        "publication": publication,
        "number": number,
        "environment": hands.environment,
        "run": hands.run,
        "items": listed,
    }
