"""Verification finds every alteration of a ledger and names its place. The ledger here is a few lists in memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headwater.assets.errors import StateDamaged
from headwater.lineage import audit, audit_walk
from headwater.lineage.audit import CODES, MAX_FINDINGS, Report, verify
from headwater.lineage.checkpoint import Checkpoint, Verifier, sign_checkpoint
from headwater.lineage.merkle import Frontier, leaf_hash
from headwater.lineage.record import LEDGER_CREATED, LEDGER_STREAM, Actor, Blob, Entry

ORIGIN = "headwater.invalid/ledger/1"


class MemorySigner:
    def __init__(self, seed: int = 1, name: str = ORIGIN) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())
        self.vkey = self.verifier.vkey

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


SIGNER = MemorySigner()


@dataclass
class MemoryLog:
    """A LogReader over lists, which an attacker can write to."""

    rows: list[tuple[int, bytes]] = field(default_factory=list)
    tree: dict[tuple[int, int], bytes] = field(default_factory=dict)
    tips: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    notes: list[tuple[int, bytes]] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)  # entries that the file does not give out
    phrases: tuple[str, ...] = ()

    def size(self) -> int:
        return self.rows[-1][0] + 1 if self.rows else 0

    def bodies(self, start: int, stop: int) -> list[tuple[int, bytes]]:
        if any(start <= seq < stop for seq in self.broken):
            raise StateDamaged("The disk is bad.")
        return [(seq, body) for seq, body in self.rows if start <= seq < stop]

    def nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        return [self.tree[level, at] for at in range(start, stop) if (level, at) in self.tree]

    def node_count(self) -> int:
        return len(self.tree)

    def heads(self) -> dict[str, tuple[int, bytes]]:
        return self.tips

    def checkpoints(self) -> list[tuple[int, bytes]]:
        return self.notes

    def blob_bytes(self, digest: str) -> bytes | None:
        return self.stored.get(digest)

    def damage(self) -> tuple[str, ...]:
        return self.phrases

    # What the honest writer does, and what an attacker repeats over altered rows.

    def append(self, stream: str, payload: dict[str, object], blobs: tuple[Blob, ...] = (), kind: str = "a.b") -> None:
        count, last = self.tips.get(stream, (0, None))
        entry = Entry(
            seq=len(self.rows),
            stream=stream,
            stream_seq=count,
            stream_prev=None if last is None else last.hex(),
            ts="2026-11-20T08:00:00.000000Z",
            clock="test",
            type=kind,
            actor=Actor("ann"),
            why="",
            subject="",
            payload=payload,  # type: ignore[arg-type]
            blobs=tuple(blob.reference for blob in blobs),
        )
        self.rows.append((entry.seq, entry.to_bytes()))
        self.stored |= {blob.reference.sha256: blob.data for blob in blobs}
        self.tips[stream] = (count + 1, leaf_hash(self.rows[-1][1]))
        self.rehash()

    def rehash(self) -> None:
        frontier, self.tree = Frontier(), {}
        for _, body in self.rows:
            self.tree |= {(node.level, node.position): node.hash for node in frontier.append(leaf_hash(body))}
        self.root = frontier.root()

    def rechain(self) -> None:
        """Write places, stream numbers and hashes anew, as whoever holds the file can."""
        rows, self.tips = self.rows, {}
        self.rows = []
        for _, body in rows:
            entry = Entry.from_bytes(body)
            count, last = self.tips.get(entry.stream, (0, None))
            previous = None if last is None else last.hex()
            entry = replace(entry, seq=len(self.rows), stream_seq=count, stream_prev=previous)
            self.rows.append((entry.seq, entry.to_bytes()))
            self.tips[entry.stream] = (count + 1, leaf_hash(entry.to_bytes()))
        self.rehash()

    def checkpoint(self, signer: MemorySigner = SIGNER) -> bytes:
        note = sign_checkpoint(Checkpoint(ORIGIN, len(self.rows), self.root), signer)
        self.notes.append((len(self.rows), note))
        return note


BLOB = Blob("sql", b"select 1")


def ledger(entries: int = 8) -> MemoryLog:
    log = MemoryLog()
    log.append(LEDGER_STREAM, {"origin": ORIGIN}, kind=LEDGER_CREATED)
    log.checkpoint()
    for number in range(1, entries):
        log.append(f"mart.{'ab'[number % 2]}", {"number": number}, (BLOB,) if number == 3 else ())
        if number == entries // 2:
            log.checkpoint()
    log.checkpoint()
    return log


def check(log: MemoryLog, earlier: bytes | None = None) -> Report:
    report = verify(log, [SIGNER.verifier], earlier=earlier)
    for finding in report.findings:
        assert finding.code in CODES
        assert CODES[finding.code].startswith("*") == (finding.verdict == "INCONCLUSIVE")
    return report


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def test_an_honest_ledger_verifies() -> None:
    log = ledger()
    log.append("mart.a", {"after": "the checkpoint"})
    report = check(log, earlier=log.notes[1][1])
    assert report.to_json() == {
        "verdict": "VERIFIED",
        "entries": 9,
        "checkpoint": {
            "size": 8,
            "root": log.notes[-1][1].decode().splitlines()[2],
            "signed_by": f"{ORIGIN}+{SIGNER.verifier.key_id.hex()}",
        },
        "findings": [],
        "unsigned": 1,
    }


@pytest.mark.parametrize("entries", [1, 2, 3, 7, 8, 9, 15, 16, 17, 33])
@pytest.mark.parametrize("level", [0, 1, 2, 3, 12])
def test_batches_of_every_size_agree(entries: int, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_walk, "BATCH_LEVEL", level)
    monkeypatch.setattr(audit_walk, "BATCH", 1 << level)
    log = ledger(entries)
    assert check(log).findings == ()
    for key in log.tree:
        poisoned = deepcopy(log)
        poisoned.tree[key] = bytes(32)
        assert codes(check(poisoned)) == {"NODE_MISMATCH"}


def flips(data: bytes) -> list[bytes]:
    return [data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)]


def test_every_flipped_bit_of_an_entry_is_found_and_named() -> None:
    log = ledger(3)
    for seq, body in list(log.rows):
        for changed in flips(body):
            log.rows[seq] = (seq, changed)
            report = check(log)
            assert report.verdict == "FAILED"
            assert report.findings[0].seq == seq
        log.rows[seq] = (seq, body)


def test_every_flipped_bit_is_found_though_the_hashes_are_redone() -> None:
    log = ledger(2)
    for seq, body in list(log.rows):
        for changed in flips(body):
            log.rows[seq] = (seq, changed)
            log.rehash()
            assert check(log).verdict == "FAILED"
        log.rows[seq] = (seq, body)


def test_every_flipped_bit_of_a_checkpoint_is_found() -> None:
    log = ledger(3)
    size, note = log.notes[-1]
    for changed in flips(note):
        log.notes[-1] = (size, changed)
        assert codes(check(log)) == {"CHECKPOINT_INVALID"}


def body_of(log: MemoryLog, seq: int, **change: object) -> bytes:
    return replace(Entry.from_bytes(log.rows[seq][1]), **change).to_bytes()  # type: ignore[arg-type]


def delete(log: MemoryLog) -> None:
    del log.rows[4]


def delete_and_close_the_gap(log: MemoryLog) -> None:
    del log.rows[4]
    log.rows = [(place, body) for place, (_, body) in enumerate(log.rows)]


def delete_and_redo_everything(log: MemoryLog) -> None:
    del log.rows[4]
    log.rechain()


def insert(log: MemoryLog) -> None:
    log.rows.insert(4, (4, body_of(log, 4, payload={"forged": True})))
    log.rows = [(place, body) for place, (_, body) in enumerate(log.rows)]


def insert_and_redo_everything(log: MemoryLog) -> None:
    log.rows.insert(4, (4, body_of(log, 4, payload={"forged": True})))
    log.rechain()


def swap(log: MemoryLog) -> None:
    log.rows[3], log.rows[4] = (3, log.rows[4][1]), (4, log.rows[3][1])


def swap_and_redo_everything(log: MemoryLog) -> None:
    swap(log)
    log.rechain()


def renumber(log: MemoryLog) -> None:
    log.rows = [(seq if seq < 4 else seq + 1, body) for seq, body in log.rows]


def far_away(log: MemoryLog) -> None:
    log.rows[-1] = (1 << 60, log.rows[-1][1])


def before_the_beginning(log: MemoryLog) -> None:
    log.rows.insert(0, (-1, log.rows[3][1]))


def cut_the_tail(log: MemoryLog) -> None:
    log.rows = log.rows[:6]


def cut_the_tail_and_redo_everything(log: MemoryLog) -> None:
    log.rows = log.rows[:6]
    log.rechain()


def edit(log: MemoryLog) -> None:
    log.rows[4] = (4, body_of(log, 4, payload={"number": 5}))


def edit_and_redo_the_tree(log: MemoryLog) -> None:
    edit(log)
    log.rehash()


def edit_and_redo_everything(log: MemoryLog) -> None:
    edit(log)
    log.rechain()


def break_a_stream(log: MemoryLog) -> None:
    """An entry that claims to be the next of another stream."""
    log.rows[7] = (7, body_of(log, 7, stream_prev="00" * 32))
    log.rehash()
    log.tips["mart.b"] = (log.tips["mart.b"][0], leaf_hash(log.rows[7][1]))
    log.notes.pop()
    log.checkpoint()


def not_canonical_but_signed(log: MemoryLog) -> None:
    log.rows[4] = (4, log.rows[4][1].replace(b'{"number":4}', b'{"number": 4}'))
    log.rehash()
    log.notes = []
    log.checkpoint()


def forge_a_signature(log: MemoryLog) -> None:
    log.notes.pop()
    log.checkpoint(MemorySigner(2))


def file_a_checkpoint_elsewhere(log: MemoryLog) -> None:
    log.notes[-1] = (7, log.notes[-1][1])


def checkpoint_of_another_ledger(log: MemoryLog) -> None:
    other = MemorySigner(1, ORIGIN)
    log.notes = [(8, sign_checkpoint(Checkpoint("headwater.invalid/ledger/2", 8, log.root), other))]


def checkpoint_of_another_ledger_in_between(log: MemoryLog) -> None:
    foreign = sign_checkpoint(Checkpoint("headwater.invalid/ledger/2", 5, bytes(32)), SIGNER)
    log.notes = [(size, foreign if size == 5 else note) for size, note in log.notes]


def blob_of_another_size(log: MemoryLog) -> None:
    """Recorded and signed so: the bytes have the digest, and not the size."""
    reference = replace(BLOB.reference, size=7)
    log.rows[3] = (3, body_of(log, 3, blobs=(reference,)))
    log.rechain()
    log.notes = []
    log.checkpoint()


def drop_a_node(log: MemoryLog) -> None:
    del log.tree[1, 3]


def add_a_node(log: MemoryLog) -> None:
    log.tree[9, 0] = bytes(32)


def poison_a_leaf(log: MemoryLog) -> None:
    log.tree[0, 4] = bytes(32)


def poison_a_head(log: MemoryLog) -> None:
    log.tips["mart.a"] = (log.tips["mart.a"][0] - 1, log.tips["mart.a"][1])


def add_a_head(log: MemoryLog) -> None:
    log.tips["mart.z"] = (1, bytes(32))


def alter_a_blob(log: MemoryLog) -> None:
    log.stored[BLOB.reference.sha256] = b"select 2"


def damage_the_file(log: MemoryLog) -> None:
    log.phrases = ("a page is wrong",)


def make_an_entry_unreadable(log: MemoryLog) -> None:
    log.broken = {4}


Attack = Callable[[MemoryLog], None]
ATTACKS: list[tuple[Attack, str, int | None]] = [
    (delete, "ENTRY_MISSING", 4),
    (delete_and_close_the_gap, "ENTRY_MOVED", 4),
    (delete_and_redo_everything, "ROOT_MISMATCH", None),
    (insert, "ENTRY_ALTERED", 4),
    (insert_and_redo_everything, "ROOT_MISMATCH", None),
    (swap, "ENTRY_MOVED", 3),
    (swap_and_redo_everything, "ROOT_MISMATCH", None),
    (renumber, "ENTRY_MISSING", 4),
    (far_away, "ENTRY_MISSING", 7),
    (before_the_beginning, "ENTRY_MOVED", None),
    (cut_the_tail, "TRUNCATED", 6),
    (cut_the_tail_and_redo_everything, "TRUNCATED", 6),
    (edit, "ENTRY_ALTERED", 4),
    (edit_and_redo_the_tree, "STREAM_BROKEN", 6),
    (edit_and_redo_everything, "ROOT_MISMATCH", None),
    (break_a_stream, "STREAM_BROKEN", 7),
    (not_canonical_but_signed, "ENTRY_INVALID", 4),
    (forge_a_signature, "CHECKPOINT_INVALID", None),
    (file_a_checkpoint_elsewhere, "CHECKPOINT_INVALID", None),
    (checkpoint_of_another_ledger, "OTHER_LEDGER", None),
    (checkpoint_of_another_ledger_in_between, "CHECKPOINT_INVALID", None),
    (blob_of_another_size, "BLOB_ALTERED", 3),
    (drop_a_node, "NODE_MISMATCH", 6),
    (add_a_node, "NODE_MISMATCH", None),
    (poison_a_leaf, "NODE_MISMATCH", 4),
    (poison_a_head, "HEAD_MISMATCH", None),
    (add_a_head, "HEAD_MISMATCH", None),
    (alter_a_blob, "BLOB_ALTERED", 3),
    (damage_the_file, "STORE_DAMAGED", None),
    (make_an_entry_unreadable, "STORE_DAMAGED", 4),
]


@pytest.mark.parametrize(("attack", "code", "seq"), ATTACKS, ids=[attack.__name__ for attack, _, _ in ATTACKS])
def test_an_attack_is_found_and_its_place_named(attack: Attack, code: str, seq: int | None) -> None:
    log = ledger()
    attack(log)
    report = check(log)
    assert report.verdict == "FAILED"
    assert (code, seq) in [(finding.code, finding.seq) for finding in report.findings]


def test_a_poisoned_hash_is_not_taken_for_an_altered_entry() -> None:
    log = ledger()
    poison_a_leaf(log)
    assert codes(check(log)) == {"NODE_MISMATCH"}


def test_an_alteration_after_the_last_checkpoint_is_still_found() -> None:
    log = ledger()
    log.append("mart.a", {"number": 8})
    log.rows[8] = (8, body_of(log, 8, payload={"number": 9}))
    report = check(log)
    assert [(finding.code, finding.seq) for finding in report.findings][:1] == [("ENTRY_ALTERED", 8)]


def test_what_cannot_be_decided_is_inconclusive() -> None:
    log = ledger()
    log.stored.clear()
    missing = check(log)
    assert (missing.verdict, codes(missing)) == ("INCONCLUSIVE", {"BLOB_MISSING"})
    assert (verify(ledger(), []).verdict, codes(verify(ledger(), []))) == ("INCONCLUSIVE", {"NO_KEY"})
    unsigned = ledger()
    unsigned.notes = []
    assert (check(unsigned).verdict, codes(check(unsigned))) == ("INCONCLUSIVE", {"NO_CHECKPOINT"})
    assert check(MemoryLog()).verdict == "INCONCLUSIVE"


def test_a_failure_outweighs_what_cannot_be_decided() -> None:
    log = ledger()
    log.stored.clear()
    edit(log)
    assert check(log).verdict == "FAILED"


def rewritten() -> MemoryLog:
    """A ledger rewritten from entry 4 on by someone who holds the signing key."""
    log = ledger()
    edit_and_redo_everything(log)
    log.notes = log.notes[:1]
    log.checkpoint()
    return log


def test_a_rewrite_with_the_stolen_key_is_found_only_with_a_checkpoint_kept_elsewhere() -> None:
    kept = ledger().notes[-1][1]
    assert check(rewritten()).verdict == "VERIFIED"
    report = check(rewritten(), earlier=kept)
    assert (report.verdict, codes(report)) == ("FAILED", {"FORK"})


def test_a_ledger_set_back_is_found_with_a_checkpoint_kept_elsewhere() -> None:
    log = ledger()
    kept = log.notes[-1][1]
    log.rows, log.notes = log.rows[:5], log.notes[:2]
    log.rechain()
    assert check(log).verdict == "VERIFIED"
    assert codes(check(log, earlier=kept)) == {"ROLLBACK"}


@pytest.mark.parametrize("size", range(1, 9))
def test_a_kept_checkpoint_of_any_size_is_compared(size: int) -> None:
    short = MemoryLog(rows=ledger().rows[:size])
    short.rehash()
    kept = short.checkpoint()
    assert check(ledger(), earlier=kept).verdict == "VERIFIED"
    assert codes(check(rewritten(), earlier=kept)) == ({"FORK"} if size > 4 else set())


def test_a_kept_checkpoint_must_be_genuine_and_of_this_ledger() -> None:
    log = ledger()
    forged = sign_checkpoint(Checkpoint(ORIGIN, 8, log.root), MemorySigner(2))
    assert codes(check(log, earlier=forged)) == {"EARLIER_INVALID"}
    assert codes(check(log, earlier=b"not a note")) == {"EARLIER_INVALID"}
    other = sign_checkpoint(Checkpoint("headwater.invalid/ledger/2", 8, log.root), SIGNER)
    assert codes(check(log, earlier=other)) == {"OTHER_LEDGER"}


def test_projections_that_differ_are_a_failure() -> None:
    report = verify(ledger(), [SIGNER.verifier], projections=lambda: ["The projection run holds nothing."])
    assert (report.verdict, codes(report)) == ("FAILED", {"PROJECTION_MISMATCH"})


def test_projections_are_not_compared_with_entries_that_do_not_verify() -> None:
    log = ledger()
    edit(log)
    report = verify(log, [SIGNER.verifier], projections=lambda: pytest.fail("compared"))
    assert "PROJECTION_MISMATCH" not in codes(report)


def test_every_code_has_its_meaning() -> None:
    source = "".join(Path(str(module.__file__)).read_text() for module in (audit, audit_walk))
    named = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', source)) - {"VERIFIED", "FAILED", "INCONCLUSIVE"}
    assert named == CODES.keys()


def test_a_ledger_of_rubbish_gives_a_report_of_bounded_length() -> None:
    log = ledger(300)
    log.rows = [(seq, hashlib.sha256(body).digest()) for seq, body in log.rows]
    report = check(log)
    assert (report.verdict, len(report.findings), report.findings[-1].code) == ("FAILED", MAX_FINDINGS + 1, "MORE")


@pytest.mark.parametrize("junk", [None, 7, "text", b"", b"\x00" * 32])
def test_rows_of_the_wrong_type_are_findings_and_not_exceptions(junk: object) -> None:
    for spoil in (
        lambda log: log.rows.__setitem__(4, (4, junk)),
        lambda log: log.notes.__setitem__(1, (5, junk)),
        lambda log: log.tree.__setitem__((0, 4), junk),
        lambda log: log.tree.__setitem__((1, 1), junk),
        lambda log: log.tips.__setitem__("mart.a", (junk, junk)),
        lambda log: log.stored.__setitem__(BLOB.reference.sha256, junk or 0),
    ):
        log = ledger()
        spoil(log)
        assert check(log).verdict == "FAILED"
