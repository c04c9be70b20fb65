"""Verification of a whole ledger, through an interface that only reads and that nobody here believes.

`verify` hashes every entry again and compares, in this order: the signed checkpoints, the entries with their places,
streams and stored hashes, the roots that follow from them, the stream heads, the blobs they name, a checkpoint that
the auditor kept, the file itself, and the projections. A verdict is VERIFIED, FAILED or INCONCLUSIVE, never a pass
with a footnote. What no verification of one copy can show is a rewrite by whoever holds the signing key: that takes a
checkpoint kept elsewhere (`earlier`).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from headwater.assets.errors import IntegrityError, StateDamaged
from headwater.lineage.audit_walk import EntryWalk
from headwater.lineage.checkpoint import Checkpoint, Verifier, parse_checkpoint, parse_note, verified_by

Verdict = Literal["VERIFIED", "FAILED", "INCONCLUSIVE"]
MAX_FINDINGS = 100

# Every code that a finding can have. Those marked * make the verdict INCONCLUSIVE, the others FAILED.
CODES: Mapping[str, str] = {
    "ENTRY_MISSING": "an entry is gone; nothing behind it can be judged",
    "ENTRY_ALTERED": "an entry is not what was recorded",
    "ENTRY_MOVED": "an entry stands at another place than its own",
    "ENTRY_INVALID": "bytes are stored that are no entry in its canonical form",
    "STREAM_BROKEN": "an entry does not follow the one before it in its stream",
    "ROOT_MISMATCH": "the entries are not those that a checkpoint was signed over",
    "TRUNCATED": "a checkpoint was signed over more entries than there are",
    "NODE_MISMATCH": "a stored hash of the Merkle tree is wrong, while the entries are right",
    "HEAD_MISMATCH": "the stored head of a stream is not what the entries say",
    "CHECKPOINT_INVALID": "a stored checkpoint is malformed, misfiled or not signed by a trusted key",
    "OTHER_LEDGER": "a checkpoint is of another ledger",
    "BLOB_ALTERED": "stored bytes do not have the digest that an entry names",
    "STORE_DAMAGED": "the file, its tables or its guards are not as they were made",
    "PROJECTION_MISMATCH": "the current state is not what the entries make of it; `headwater ledger rebuild` mends it",
    "EARLIER_INVALID": "the checkpoint that was given to compare with is not genuine",
    "FORK": "the checkpoint that was given is of another history of this ledger: it was rewritten",
    "ROLLBACK": "the checkpoint that was given is of more entries than there are: the ledger was set back",
    "NO_KEY": "* there is no public key to check signatures with",
    "NO_CHECKPOINT": "* no checkpoint vouches for the entries",
    "BLOB_MISSING": "* bytes that an entry names are not stored",
    "EMPTY": "* there are no entries",
    "MORE": "there are more findings than are listed",
}


class LogReader(Protocol):
    """Reads the rows of a ledger as they are stored. Every method raises StateDamaged where the file is damaged."""

    def size(self) -> int:
        """The highest seq plus one, 0 for an empty ledger."""
        ...

    def bodies(self, start: int, stop: int) -> Sequence[tuple[int, bytes]]:
        """The rows with `start` <= seq < `stop`, in order of seq."""
        ...

    def nodes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """The stored hashes of `level` with `start` <= position < `stop`, in order of position."""
        ...

    def node_count(self) -> int:
        """How many nodes are stored in all."""
        ...

    def heads(self) -> Mapping[str, tuple[int, bytes]]:
        """For each stream the stored number of entries and leaf hash of the last."""
        ...

    def checkpoints(self) -> Sequence[tuple[int, bytes]]:
        """Size and note of every checkpoint, in order of size."""
        ...

    def blob_bytes(self, digest: str) -> bytes | None:
        """What is stored under `digest`, whatever it is, or None."""
        ...

    def damage(self) -> Sequence[str]:
        """What is wrong with the file or its schema, one phrase each."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not verify (`verdict` FAILED) or cannot be decided (INCONCLUSIVE), and where.

    `seq` is the entry it is about, or None. `code` is stable; the manual lists them.
    """

    code: str
    seq: int | None
    message: str
    verdict: Verdict = "FAILED"


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification came to. `checkpoint` is the newest good one; `unsigned` counts the entries after it."""

    entries: int
    checkpoint: Checkpoint | None
    signed_by: tuple[str, ...]
    findings: tuple[Finding, ...]
    unsigned: int

    @property
    def verdict(self) -> Verdict:
        """FAILED where anything failed, else INCONCLUSIVE where anything could not be decided, else VERIFIED."""
        verdicts = {finding.verdict for finding in self.findings}
        return "FAILED" if "FAILED" in verdicts else "INCONCLUSIVE" if verdicts else "VERIFIED"

    def to_json(self) -> dict[str, object]:
        """Return the shape that `audit verify --format json` prints; the root is in base64, as in the note."""
        signed = self.checkpoint and {
            "size": self.checkpoint.size,
            "root": b64encode(self.checkpoint.root).decode(),
            "signed_by": ", ".join(self.signed_by),
        }
        findings = [{"code": it.code, "seq": it.seq, "message": it.message} for it in self.findings]
        return {
            "verdict": self.verdict,
            "entries": self.entries,
            "checkpoint": signed,
            "findings": findings,
            "unsigned": self.unsigned,
        }


Projections = Callable[[], Iterable[str]]


@dataclass(slots=True)
class _Audit:
    """What the steps below share: the inputs, what was found, and what has been proven so far."""

    reader: LogReader
    verifiers: Sequence[Verifier]
    earlier: bytes | None
    projections: Projections | None
    findings: list[Finding] = field(default_factory=list)
    signed: list[tuple[Checkpoint, tuple[str, ...]]] = field(default_factory=list)
    kept: Checkpoint | None = None
    size: int = 0
    walk: EntryWalk | None = None

    def found(self, code: str, seq: int | None, message: str, verdict: Verdict = "FAILED") -> None:
        self.findings.append(Finding(code, seq, message, verdict))


def verify(
    reader: LogReader,
    verifiers: Sequence[Verifier],
    *,
    earlier: bytes | None = None,
    projections: Projections | None = None,
) -> Report:
    """Return what verifying the whole ledger behind `reader` came to.

    `verifiers` are the public keys to trust, and come from outside the ledger. `earlier` is a checkpoint that someone
    kept: the ledger must extend it. `projections` gives a sentence for each projection that differs from the entries.
    """
    audit = _Audit(reader, verifiers, earlier, projections)
    for step in STEPS:
        try:
            step(audit)
        except StateDamaged as error:
            audit.found("STORE_DAMAGED", None, error.message)
    return _report(audit)


def _report(audit: _Audit) -> Report:
    findings = sorted(audit.findings, key=lambda it: (it.verdict != "FAILED", it.seq is None, it.seq or 0))
    unique = list(dict.fromkeys(findings))
    if len(unique) > MAX_FINDINGS:
        more = f"{len(unique) - MAX_FINDINGS} more findings are not listed."
        unique = [*unique[:MAX_FINDINGS], Finding("MORE", None, more, unique[0].verdict)]
    checkpoint, signed_by = audit.signed[-1] if audit.signed else (None, ())
    unsigned = audit.size - (checkpoint.size if checkpoint else 0)
    return Report(audit.size, checkpoint, signed_by, tuple(unique), max(unsigned, 0))


def _checkpoints(audit: _Audit) -> None:
    """Every stored checkpoint is well formed, of this ledger, and signed by a trusted key."""
    if not audit.verifiers:
        audit.found("NO_KEY", None, "There is no public key to check signatures with.", "INCONCLUSIVE")
    origins = set()
    for size, data in audit.reader.checkpoints():
        try:
            checkpoint, names = _opened(data, audit.verifiers)
        except IntegrityError as error:
            audit.found("CHECKPOINT_INVALID", None, f"The checkpoint of {size} entries is not valid: {error.message}")
            continue
        if checkpoint.size != size:
            audit.found("CHECKPOINT_INVALID", None, f"The checkpoint of {checkpoint.size} is filed under {size}.")
            continue
        audit.signed.append((checkpoint, names))
        origins.add(checkpoint.origin)
    if len(origins) > 1:
        audit.found("CHECKPOINT_INVALID", None, f"The checkpoints are of {len(origins)} different ledgers.")


def _opened(data: bytes, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, tuple[str, ...]]:
    """Return a checkpoint and who signed it. Without any key the signature stays unproven, which NO_KEY says."""
    if not isinstance(data, bytes):
        raise IntegrityError("It is not stored as bytes.")
    note = parse_note(data)
    signers = verified_by(note, verifiers) if verifiers else ()
    return parse_checkpoint(note.text), tuple(f"{signer.name}+{signer.key_id.hex()}" for signer in signers)


def _earlier_checkpoint(audit: _Audit) -> None:
    """The checkpoint that the auditor kept is genuine. Whether the ledger extends it is seen in `_roots`."""
    if audit.earlier is None:
        return
    try:
        audit.kept, _ = _opened(audit.earlier, audit.verifiers)
    except IntegrityError as error:
        audit.found("EARLIER_INVALID", None, f"The checkpoint that you gave is not valid: {error.message}")


def _entries(audit: _Audit) -> None:
    """Every entry is canonical, stands in its place, continues its stream and matches its stored hashes."""
    audit.size = audit.reader.size()
    if not audit.size:
        audit.found("EMPTY", None, "There are no entries.", "INCONCLUSIVE")
    wanted = {checkpoint.size for checkpoint, _ in audit.signed}
    if audit.kept:
        wanted.add(audit.kept.size)
    audit.walk = EntryWalk(audit.reader, audit.size, wanted)
    try:
        audit.walk.run()
    finally:
        for finding in audit.walk.findings:
            audit.found(*finding)


def _roots(audit: _Audit) -> None:
    """Every signed root follows from the entries, and so does the one that the auditor kept."""
    walk = audit.walk
    if walk is None:
        return
    proven, failed = 0, False
    for checkpoint, _ in audit.signed:
        if checkpoint.size > audit.size:
            text = f"The checkpoint states {checkpoint.size} entries, and there are {audit.size}: the end is missing."
            audit.found("TRUNCATED", audit.size, text)
        elif walk.roots.get(checkpoint.size) == checkpoint.root:
            proven = checkpoint.size
        elif not failed and checkpoint.size in walk.roots:
            failed = True
            text = f"Entries {proven} to {checkpoint.size - 1} are not all those that the checkpoint was signed over."
            audit.found("ROOT_MISMATCH", None, text)
    for code, seq, message in walk.mismatches(proven):
        audit.found(code, seq, message)
    if not audit.signed and audit.size:
        audit.found("NO_CHECKPOINT", None, "No checkpoint vouches for the entries.", "INCONCLUSIVE")
    _origins(audit, walk)
    if audit.kept:
        _extends(audit, walk, audit.kept)


def _origins(audit: _Audit, walk: EntryWalk) -> None:
    """The ledger that the checkpoints name is the one that the first entry names."""
    for checkpoint in (*(signed for signed, _ in audit.signed[-1:]), *((audit.kept,) if audit.kept else ())):
        if audit.size and checkpoint.origin != walk.origin:
            text = f"The checkpoint is of the ledger {checkpoint.origin!r}; this one is {walk.origin!r}."
            audit.found("OTHER_LEDGER", None, text)


def _extends(audit: _Audit, walk: EntryWalk, kept: Checkpoint) -> None:
    if kept.size > audit.size:
        text = f"You hold a checkpoint of {kept.size} entries; this ledger has only {audit.size}."
        audit.found("ROLLBACK", audit.size, text)
    elif kept.size in walk.roots and walk.roots[kept.size] != kept.root:
        text = f"The first {kept.size} entries are not those of the checkpoint that you hold: history was rewritten."
        audit.found("FORK", None, text)


def _heads(audit: _Audit) -> None:
    """The stored stream heads are those that follow from the entries."""
    walk = audit.walk
    if walk is None or not walk.complete:
        return
    stored = audit.reader.heads()
    for stream in sorted(stored.keys() | walk.heads.keys(), key=str):
        count, last = walk.heads.get(stream, (0, None))
        found_count, found_hash = stored.get(stream, (0, None))
        if (found_count, found_hash.hex() if isinstance(found_hash, bytes) else found_hash) != (count, last):
            text = (
                f"The head of stream {stream!r} states {found_count} entries; the entries say {count}, or another end."
            )
            audit.found("HEAD_MISMATCH", None, text)


def _blobs(audit: _Audit) -> None:
    """Every blob that an entry names is stored, with exactly the bytes that its digest stands for."""
    for digest, (seq, name, size) in (audit.walk.blobs if audit.walk else {}).items():
        try:
            data = audit.reader.blob_bytes(digest)
        except StateDamaged as error:
            audit.found("STORE_DAMAGED", seq, f"The blob {name!r} cannot be read: {error.message}")
            continue
        if data is None:
            audit.found("BLOB_MISSING", seq, f"The blob {name!r} ({digest}) is not stored.", "INCONCLUSIVE")
        elif not isinstance(data, bytes) or hashlib.sha256(data).hexdigest() != digest or len(data) != size:
            audit.found("BLOB_ALTERED", seq, f"The blob {name!r} does not have the digest {digest}.")


def _file(audit: _Audit) -> None:
    """The file is whole, and its tables and guards are as they were made."""
    for phrase in audit.reader.damage():
        audit.found("STORE_DAMAGED", None, f"The ledger's file: {phrase}.")


def _projections(audit: _Audit) -> None:
    """The projections are what the entries make of them."""
    if audit.projections is None or any(finding.verdict == "FAILED" for finding in audit.findings):
        return
    try:
        for sentence in audit.projections():
            audit.found("PROJECTION_MISMATCH", None, sentence)
    except IntegrityError as error:
        audit.found("PROJECTION_MISMATCH", None, error.message)


STEPS: tuple[Callable[[_Audit], None], ...] = (
    _checkpoints,
    _earlier_checkpoint,
    _entries,
    _roots,
    _heads,
    _blobs,
    _file,
    _projections,
)
