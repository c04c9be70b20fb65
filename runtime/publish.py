"""Publishing: intent in the ledger, one engine transaction with the marker, files, outcome. Recovery is the same path.

The marker in the warehouse decides: present means published, absent means not. `finish` and `abandon` are what both the
normal path and recovery call, so that an interrupted publication ends exactly as an undisturbed one would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from headwater.assets.errors import HeadwaterError
from headwater.assets.key import AssetKey
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.record import Actor, Blob, Draft
from headwater.runtime.engines.engine import Pointer, Publication, Warehouse
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.published_files import in_environment, place_file, remove_file
from headwater.runtime.state import PublishedFile, VersionRecord
from headwater.runtime.state_reader import InFlight

_INLINE_BYTES = 8 * 1024
STREAM = "publication"


@dataclass(frozen=True, slots=True)
class Item:
    """One asset in a publication. `action` is the step's outcome; without `swap` readers' view stays as it is.

    `version` is None for an asset that is dropped from view (action RETIRED or DROPPED); `removes` is its file, with
    the path that it has in the environment. `was` is the name under which readers found a renamed asset, and
    no longer do. `left` is the number of the version that a rollback leaves, and `why` it
    does.
    """

    asset: AssetKey
    action: str
    changed: bool
    version: VersionRecord | None
    swap: bool = True
    removes: PublishedFile | None = None
    was: AssetKey | None = None
    left: int | None = None
    why: str = ""


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


def publish(
    hands: Hands,
    number: int,
    publication: str,
    items: Sequence[Item],
    facts: Sequence[Draft],
    why: str = "What passed its gate is to be published.",
) -> None:
    """Make `items` visible at once. `facts` are recorded with the intent, in one transaction.

    Raises what the engine raises where it refuses, after recording that nothing was published. Any other error leaves
    the publication in flight: recovery will find out what became of it.
    """
    intent = draft(
        record.PUBLISH_INTENDED,
        STREAM,
        publication,
        _intent(hands, number, publication, items),
        why,
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
    removed = [item.removes for item in items if item.removes is not None]
    follows = aftermath(hands.environment, [_item_to_json(item) for item in items])
    finish(hands.ledger, hands.actor, hands.root, hands.store, publication, files, removed, follows)


def pointers(suffix: str, items: Sequence[Item]) -> tuple[Pointer, ...]:
    """Return the views to swap. A table that something else writes is its own view and has none."""
    found = []
    for item in items:
        schema, table = item.asset.schema + suffix, item.asset.table
        if item.was is not None:
            found.append(Pointer(item.was.schema + suffix, item.was.table, None))
        if item.version is None:
            if item.swap:
                found.append(Pointer(schema, table, None))
        elif item.swap and not item.version.physical.startswith("="):
            columns = tuple(name for name, _ in item.version.schema)
            found.append(Pointer(schema, table, item.version.physical, columns))
    return tuple(found)


def finish(
    ledger: LedgerStore,
    actor: Actor,
    root: Path,
    store: Path,
    publication: str,
    files: Sequence[PublishedFile],
    removed: Sequence[PublishedFile] = (),
    follows: Sequence[Draft] = (),
) -> None:
    """Put the files of a committed publication in place, remove those that left, record the outcome and what `follows`.

    Doing it twice does no harm.
    """
    for file in removed:
        remove_file(root, file)
    for file in files:
        place_file(root, store, file)
    payload: dict[str, JsonValue] = {"publication": publication}
    published = Draft(record.PUBLISHED, STREAM, publication, payload, "The marker is in the warehouse.")
    ledger.append([published, *follows], actor)


def abandon(ledger: LedgerStore, actor: Actor, publication: str, because: str) -> None:
    """Record that an intended publication did not happen."""
    payload: dict[str, JsonValue] = {"publication": publication}
    ledger.append([Draft(record.PUBLISH_ABANDONED, STREAM, publication, payload, because)], actor)


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
        removed, follows = _removed(publication.items), aftermath(publication.environment, publication.items)
        finish(ledger, actor, root, store, publication.id, files, removed, follows)


def _intent(hands: Hands, number: int, publication: str, items: Sequence[Item]) -> dict[str, JsonValue]:
    return {
        "publication": publication,
        "number": number,
        "environment": hands.environment,
        "run": hands.run,
        "items": [_item_to_json(item) for item in items],
    }


def _item_to_json(item: Item) -> dict[str, JsonValue]:
    """Return all of an item that recovery needs."""
    value: dict[str, JsonValue] = {
        "asset": str(item.asset),
        "number": None if item.version is None else item.version.number,
        "action": item.action,
        "changed": item.changed,
    }
    if item.removes is not None:
        value["removes"] = [item.removes.path, item.removes.sha256, item.removes.size]
    if item.left is not None:
        value.update({"left": item.left, "why": item.why})
    return value


def aftermath(environment: str, items: Iterable[Mapping[str, object]]) -> list[Draft]:
    """Return what a committed publication brings with it besides its pointers: the holds of its rollbacks."""
    drafts: list[Draft] = []
    for item in items:
        if "left" not in item:
            continue
        asset, left, why = str(item["asset"]), int(str(item["left"])), str(item["why"])
        place: dict[str, JsonValue] = {"environment": environment, "from": left, "to": int(str(item["number"]))}
        drafts.append(draft(record.ROLLED_BACK, asset, f"{asset}@v{item['number']}", place, why or "No reason given."))
        hold: dict[str, JsonValue] = {"environment": environment, "number": left, "why": why}
        reason = "A rollback left it: it is neither shown nor built again until it is released or its trace changes."
        drafts.append(draft(record.HOLD_PLACED, asset, f"{asset}@v{left}", hold, reason))
    return drafts


def _removed(items: Iterable[Mapping[str, object]]) -> list[PublishedFile]:
    """Return the files that leave view with the items of an intent."""
    rows = [cast("tuple[str, str, int]", item["removes"]) for item in items if "removes" in item]
    return [PublishedFile(path, sha256, size) for path, sha256, size in rows]
