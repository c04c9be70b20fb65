"""Ledger entries: one recorded fact each, as a value and as its canonical bytes.

Field by field (format version 1, keys in canonical order):

    actor        who: `id`, `kind` (user, service), `on_behalf_of` (another id or null)
    blobs        what was too large to write here: `media`, `name`, `sha256`, `size` of each
    clock        which clock `ts` was read from
    payload      the facts themselves, in the shape that the kind calls for
    seq          place in the ledger, counted from 0: the index of its leaf in the Merkle tree
    stream       what the entry is about in the long run: an asset key, `run`, `project`, `ledger`
    stream_prev  leaf hash of the stream's entry before this one, hex, or null for its first
    stream_seq   place in the stream, counted from 0: "entry n of n" can be proven, not only "an entry"
    subject      what exactly it is about: a version, a run id, a source
    ts           when it was appended, UTC with microseconds
    type         one of the kinds below
    v            version of this format
    why          the reason in one sentence, as a person would give it
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from headwater.assets.errors import EncodingError
from headwater.lineage.encoding import JsonValue, canonical_bytes, parse_canonical

FORMAT_VERSION: Final = 1
LEDGER_STREAM: Final = "ledger"

# The ledger about itself
LEDGER_CREATED: Final = "ledger.created"  # the ledger began; the payload holds its permanent origin
KEY_ROTATED: Final = "key.rotated"  # checkpoints are signed by another key from here on
CLOCK_ANOMALY: Final = "clock.anomaly"  # the clock read earlier than at the entry before
BACKUP_RESTORED: Final = "backup.restored"  # an older copy of the ledger or the warehouse was put in place
# The project
PROJECT_LOADED: Final = "project.loaded"  # a project with this set of definitions was taken as the one to run
DEFINITION_CHANGED: Final = "definition.changed"  # an asset was declared, changed, renamed or retired
# Deciding
PLAN_MADE: Final = "plan.made"  # these steps, for these reasons
PLAN_APPROVED: Final = "plan.approved"  # a person accepted a plan as the one to run
# Doing
RUN_REQUESTED: Final = "run.requested"  # someone, or a schedule, asked for a run
RUN_STARTED: Final = "run.started"  # a run took the warehouse
RUN_FINISHED: Final = "run.finished"  # a run came to its end, with this outcome
RUN_INTERRUPTED: Final = "run.interrupted"  # a run was found dead; what was in flight was finished or discarded
INPUT_RESOLVED: Final = "input.resolved"  # a step pinned these upstream versions
STEP_FAILED: Final = "step.failed"  # an attempt at a step ended in an error
VERSION_STAGED: Final = "version.staged"  # a version was built out of sight
CHECK_EVALUATED: Final = "check.evaluated"  # checks were evaluated on a version, with these results
GATE_PASSED: Final = "gate.passed"  # a version may be published
GATE_BLOCKED: Final = "gate.blocked"  # a version was rejected; readers keep the last good one
GATE_OVERRIDDEN: Final = "gate.overridden"  # a person published a version against its gate
PUBLISH_INTENDED: Final = "publish.intended"  # these pointers are about to be swapped under this publication id
PUBLISHED: Final = "version.published"  # readers see this version
PUBLISH_ABANDONED: Final = "publish.abandoned"  # an intended publication was found not to have happened
VERIFIED_EQUAL: Final = "version.verified_equal"  # inputs proved equal as read; nothing was computed
ROLLED_BACK: Final = "version.rolled_back"  # readers see an older version again
HELD: Final = "step.held"  # a step waited, because an upstream is blocked
SOURCE_OBSERVED: Final = "source.observed"  # an external source was found in this state
DATA_ALTERED: Final = "data.altered"  # stored data was found changed behind Headwater's back
# People
APPROVAL_SIGNED: Final = "approval.signed"  # a person signed off a version, with a meaning
APPROVAL_REVOKED: Final = "approval.revoked"  # a sign-off was taken back
ADJUSTMENT_MADE: Final = "adjustment.made"  # a figure was changed by hand, by an owner, for a reason
ACCESS_GRANTED: Final = "access.granted"  # a role was given
ACCESS_DENIED: Final = "access.denied"  # an attempt without the right was refused
EXPORT_MADE: Final = "export.made"  # records or evidence left the ledger
# Keeping
RETENTION_DISPOSED: Final = "retention.disposed"  # stored data was deleted because its time was over
HOLD_PLACED: Final = "hold.placed"  # something may not be deleted, or not be reused
HOLD_LIFTED: Final = "hold.lifted"  # a hold was ended
RECORD_REDACTED: Final = "record.redacted"  # a vaulted value was destroyed; the record of it stays

KINDS: Final = frozenset(
    value for name, value in list(globals().items()) if name.isupper() and isinstance(value, str) and "." in value
)

_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z").fullmatch
_HASH = re.compile(r"[0-9a-f]{64}").fullmatch
_FIELDS: Final[dict[str, type]] = {
    "actor": dict,
    "blobs": list,
    "clock": str,
    "payload": dict,
    "seq": int,
    "stream": str,
    "stream_prev": str,
    "stream_seq": int,
    "subject": str,
    "ts": str,
    "type": str,
    "v": int,
    "why": str,
}
_NAMES: Final = tuple(_FIELDS)  # in canonical order, which is the order that a parsed entry has
_SHAPE: Final = tuple(_FIELDS.values())
_SHAPE_OF_FIRST: Final = tuple(type(None) if name == "stream_prev" else type_ for name, type_ in _FIELDS.items())
_ACTOR_FIELDS: Final = ("id", "kind", "on_behalf_of")
_BLOB_FIELDS: Final = ("media", "name", "sha256", "size")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `kind` is user or service; `on_behalf_of` is the id of whoever asked, where that is another."""

    id: str
    kind: str = "user"
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class BlobReference:
    """A stored blob as an entry names it. `sha256` is hex, `size` in bytes, `media` a media type."""

    name: str
    sha256: str
    size: int
    media: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that are stored beside the ledger, in the transaction of the entry that names their digest."""

    name: str
    data: bytes = field(repr=False)
    media: str = "application/octet-stream"

    @property
    def reference(self) -> BlobReference:
        """What the entry keeps of it."""
        return BlobReference(self.name, hashlib.sha256(self.data).hexdigest(), len(self.data), self.media)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller wants recorded. The ledger adds place, time, clock and actor."""

    type: str
    stream: str
    subject: str = ""
    payload: Mapping[str, JsonValue] = field(default_factory=dict)
    why: str = ""
    blobs: tuple[Blob, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded fact. The module's docstring says what each field means."""

    seq: int
    stream: str
    stream_seq: int
    stream_prev: str | None
    ts: str
    clock: str
    type: str
    actor: Actor
    why: str
    subject: str
    payload: Mapping[str, JsonValue]
    blobs: tuple[BlobReference, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the canonical bytes. Raises EncodingError where a value has none."""
        value = entry_value(self)
        check_entry(value)
        return canonical_bytes(value)

    @classmethod
    def from_bytes(cls, data: bytes) -> Entry:
        """Return the entry whose canonical bytes are `data`. Raises EncodingError for any other bytes."""
        value = parse_canonical(data)
        check_entry(value)
        return _entry(cast("dict[str, object]", value))


def entry_value(entry: Entry) -> dict[str, JsonValue]:
    """Return `entry` as the JSON object that is encoded, its fields in canonical order."""
    actor: JsonValue = {"id": entry.actor.id, "kind": entry.actor.kind, "on_behalf_of": entry.actor.on_behalf_of}
    blobs: list[JsonValue] = [
        {"media": it.media, "name": it.name, "sha256": it.sha256, "size": it.size} for it in entry.blobs
    ]
    return {
        "actor": actor,
        "blobs": blobs,
        "clock": entry.clock,
        "payload": entry.payload,
        "seq": entry.seq,
        "stream": str(entry.stream),
        "stream_prev": entry.stream_prev,
        "stream_seq": entry.stream_seq,
        "subject": str(entry.subject),
        "ts": entry.ts,
        "type": entry.type,
        "v": FORMAT_VERSION,
        "why": entry.why,
    }


def _entry(value: dict[str, object]) -> Entry:
    """Return the entry that a checked JSON object stands for."""
    fields = {name: member for name, member in value.items() if name != "v"}
    fields["actor"] = Actor(**cast("dict[str, str]", value["actor"]))
    fields["blobs"] = tuple(BlobReference(**blob) for blob in cast("list[dict[str, str]]", value["blobs"]))  # type: ignore[arg-type]
    return Entry(**fields)  # type: ignore[arg-type]


def check_entry(value: object) -> None:
    """Raise EncodingError unless `value` is an object with exactly the fields of an entry, each of its type.

    `type` is not compared with the kinds above: an entry that a newer Headwater wrote still verifies.
    """
    if not isinstance(value, dict) or tuple(value) != _NAMES:
        raise EncodingError("Not an entry: fields are missing, or there are others.")
    first = value["stream_prev"] is None
    if tuple(map(type, value.values())) != (_SHAPE_OF_FIRST if first else _SHAPE):
        wrong = next(name for name, type_ in _FIELDS.items() if type(value[name]) is not type_)
        raise EncodingError(f"Not an entry: the field {wrong!r} is a {type(value[wrong]).__name__}.")
    if value["v"] != FORMAT_VERSION:
        raise EncodingError(f"The entry has format {value['v']}, and this Headwater reads format {FORMAT_VERSION}.")
    if value["seq"] < 0 or value["stream_seq"] < 0 or first != (value["stream_seq"] == 0):
        raise EncodingError("Not an entry: its numbers are below 0, or disagree with the hash of the entry before.")
    if not _TIMESTAMP(value["ts"]):
        raise EncodingError("Not an entry: its time is not UTC with microseconds.")
    if not (first or _HASH(value["stream_prev"])):
        raise EncodingError("Not an entry: the hash of the entry before is not 64 hex digits.")
    _check_actor(value["actor"])
    for blob in value["blobs"]:
        _check_blob(blob)


def _check_actor(actor: dict[str, object]) -> None:
    if tuple(actor) != _ACTOR_FIELDS or not (type(actor["id"]) is type(actor["kind"]) is str):
        raise EncodingError("Not an entry: the actor has no id and kind, or has other fields.")
    if type(actor["on_behalf_of"]) is not str and actor["on_behalf_of"] is not None:
        raise EncodingError("Not an entry: on whose behalf the actor acted is neither a text nor null.")


def _check_blob(blob: object) -> None:
    if not isinstance(blob, dict) or tuple(blob) != _BLOB_FIELDS:
        raise EncodingError("Not an entry: a blob has no name, media, size and digest, or has other fields.")
    if type(blob["size"]) is not int or not all(type(blob[name]) is str for name in ("media", "name", "sha256")):
        raise EncodingError("Not an entry: a blob's fields have wrong types.")
    if not _HASH(blob["sha256"]):
        raise EncodingError("Not an entry: the digest of a blob is not 64 hex digits.")
