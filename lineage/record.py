"""Ledger entries: one recorded fact each, as a value and as its canonical bytes.

Field by field (format version 1, keys in canonical order):

    actor        who: `id`, `kind` (user, service), `on_behalf_of` (another id or null)
    blobs        what was too large to write here: `media`, `name`, `sha256`, `size` of each
    clock        which clock `ts` was read from
    payload      the facts themselves, in the shape that the kind calls for
    seq          place in the ledger, counted from 0: the index of its leaf in the Merkle tree
    stream       what the entry is about in the long run: an asset key, `run`, `project`, `ledger`,
                 `partitions:NAME` for a list of dynamic keys
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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from headwater.lineage.encoding import JsonValue, canonical_bytes
from headwater.lineage.record_form import FORMAT_VERSION, check_entry, read_entry

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
PARTITION_ADDED: Final = "partition.added"  # keys were added to a list of dynamic keys, or came back to it
PARTITION_RETIRED: Final = "partition.retired"  # keys were taken off a list; what they hold stays
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
        value = _value(self)
        check_entry(value)
        return canonical_bytes(value)

    @classmethod
    def from_bytes(cls, data: bytes) -> Entry:
        """Return the entry whose canonical bytes are `data`. Raises EncodingError for any other bytes."""
        form = read_entry(data)
        return cls(
            seq=form.seq,
            stream=form.stream,
            stream_seq=form.stream_seq,
            stream_prev=form.stream_prev,
            ts=form.ts,
            clock=form.clock,
            type=form.type,
            actor=Actor(*form.actor),
            why=form.why,
            subject=form.subject,
            payload=form.payload,
            blobs=tuple([BlobReference(**blob) for blob in form.blobs]),
        )


def _value(entry: Entry) -> dict[str, JsonValue]:
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
