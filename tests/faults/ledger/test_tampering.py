"""Attacks on the file itself: every one refused, or found and named. Never a traceback, never a false VERIFIED."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from headwater.assets.errors import HeadwaterError, StateInvalid
from headwater.lineage.audit import Report
from headwater.runtime.ledger_reader import LedgerReader
from headwater.runtime.ledger_verify import verify_ledger


def verified(ledger: Any, earlier: bytes | None = None) -> Report:
    return verify_ledger(ledger.path, ledger.keys.verifiers(), ledger.projector, earlier=earlier)


EDIT = "UPDATE entry SET body = CAST(replace(body, 'v1', 'v2') AS BLOB)"
ATTACKS = {
    "edit an entry": (
        f"{EDIT} WHERE seq = 2",
        "ENTRY_ALTERED",
        2,
    ),
    "edit an unsigned entry": (
        f"{EDIT} WHERE seq = 7",
        "ENTRY_ALTERED",
        7,
    ),
    "body as text": ("UPDATE entry SET body = replace(body, 'v1', 'v2') WHERE seq = 2", None, None),
    "delete": ("DELETE FROM entry WHERE seq = 2", "ENTRY_MISSING", 2),
    "delete the first": ("DELETE FROM entry WHERE seq = 0", "ENTRY_MISSING", 0),
    "delete the last": ("DELETE FROM entry WHERE seq = 7", "NODE_MISMATCH", None),
    "cut below the checkpoint": ("DELETE FROM entry WHERE seq >= 3", "TRUNCATED", 3),
    "delete all": ("DELETE FROM entry", "TRUNCATED", 0),
    "renumber": ("UPDATE entry SET seq = seq + 100 WHERE seq >= 5", "ENTRY_MISSING", 5),
    "renumber far": ("UPDATE entry SET seq = 9000000000000000000 WHERE seq = 7", "ENTRY_MISSING", 7),
    "move below 0": ("UPDATE entry SET seq = -1 WHERE seq = 7", "ENTRY_MOVED", None),
    "duplicate": ("INSERT INTO entry SELECT 8, body FROM entry WHERE seq = 7", "ENTRY_MOVED", 8),
    "append rubbish": ("INSERT INTO entry VALUES (8, x'7b7d')", "ENTRY_INVALID", 8),
    "replace": ("REPLACE INTO entry SELECT 2, body FROM entry WHERE seq = 1", "ENTRY_MOVED", 2),
    "poison a leaf": ("UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND position = 2", "NODE_MISMATCH", 2),
    "poison a node": ("UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND position = 1", "NODE_MISMATCH", 2),
    "drop all nodes": ("DELETE FROM node WHERE level >= 0", "NODE_MISMATCH", None),
    "poison a head": ("UPDATE head SET count = count - 1 WHERE stream = 'mart.a'", "HEAD_MISMATCH", None),
    "drop a head": ("DELETE FROM head WHERE stream = 'mart.b'", "HEAD_MISMATCH", None),
    "drop the checkpoints": ("DELETE FROM checkpoint", "NO_CHECKPOINT", None),
    "edit a checkpoint": ("UPDATE checkpoint SET note = x'00' WHERE size = 4", "CHECKPOINT_INVALID", None),
    "move a checkpoint": ("UPDATE checkpoint SET size = 5 WHERE size = 4", "CHECKPOINT_INVALID", None),
    "edit a blob": ("UPDATE blob SET data = x'00'", "BLOB_ALTERED", 3),
    "drop a blob": ("DELETE FROM blob", "BLOB_MISSING", 3),
    "edit a projection": ("UPDATE seen SET seq = 0 WHERE subject = 'mart.b@v4'", "PROJECTION_MISMATCH", None),
    "drop a projection": ("DROP TABLE seen", "PROJECTION_MISMATCH", None),
    "drop a table": ("DROP TABLE node", "STORE_DAMAGED", None),
    "change a table": ("ALTER TABLE blob ADD COLUMN more", "STORE_DAMAGED", None),
}


@pytest.mark.parametrize(("statement", "code", "seq"), ATTACKS.values(), ids=ATTACKS.keys())
def test_what_sql_can_do_without_the_guards_is_found(
    statement: str, code: str | None, seq: int | None, ledger: Any
) -> None:
    if code is None:  # a constraint of the table refuses it even then
        with pytest.raises(sqlite3.IntegrityError):
            ledger.without_guards(statement)
        return
    with suppress(sqlite3.OperationalError):  # the guards of a dropped table cannot be put back
        ledger.without_guards(statement)
    report = verified(ledger)
    assert report.verdict != "VERIFIED"
    assert (code, seq) in [(finding.code, finding.seq) for finding in report.findings]


def test_the_same_attacks_with_guards_in_place_are_refused(ledger: Any) -> None:
    with ledger.open() as store:
        for statement, code, _ in ATTACKS.values():
            table = statement.split(" WHERE")[0]
            if statement.split()[0] in {"UPDATE", "DELETE", "REPLACE"} and any(
                f" {name} " in f"{table} " for name in ("entry", "node", "checkpoint")
            ):
                with pytest.raises(sqlite3.IntegrityError):
                    store.connection.execute(statement)
            assert code is None or verified(ledger).verdict == "VERIFIED"


def facts(path: Path) -> tuple[object, ...]:
    """Everything that a ledger says, read without believing anything."""
    with LedgerReader.open(path) as reader:
        rows = reader.connection.execute("SELECT * FROM seen ORDER BY subject").fetchall()
        return (
            reader.bodies(0, 100),
            reader.checkpoints(),
            sorted(reader.heads().items()),
            [reader.nodes(level, 0, 100) for level in range(5)],
            reader.connection.execute("SELECT * FROM blob").fetchall(),
            rows,
        )


def test_a_byte_changed_anywhere_in_the_file_is_found_or_changes_nothing(ledger: Any) -> None:
    with ledger.open() as store:
        store.checkpoint(ledger.keys.signer(store.origin))
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    expected, original = facts(ledger.path), ledger.path.read_bytes()
    randomly = random.Random(20261120)
    counted = {"FAILED": 0, "INCONCLUSIVE": 0, "VERIFIED": 0, "refused": 0}
    for _ in range(400):
        place, bit = randomly.randrange(len(original)), randomly.randrange(8)
        changed = bytearray(original)
        changed[place] ^= 1 << bit
        copy = ledger.path.with_name("copy.db")
        for file in copy.parent.glob("copy.db*"):
            file.unlink()
        copy.write_bytes(changed)
        try:
            verdict = verify_ledger(copy, ledger.keys.verifiers(), ledger.projector).verdict
        except StateInvalid:  # another kind of file, or a newer version, as far as its header says
            counted["refused"] += 1
            assert place < 100
            continue
        counted[verdict] += 1
        if verdict == "VERIFIED":
            assert facts(copy) == expected, f"byte {place}, bit {bit}"
    assert counted["FAILED"] > 30, counted


@pytest.mark.parametrize("kept", [50, 4096, 5000, 20_000])
def test_a_file_cut_short_is_found(ledger: Any, kept: int) -> None:
    with ledger.open() as store:
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.path.write_bytes(ledger.path.read_bytes()[:kept])
    assert verified(ledger).verdict == "FAILED"


def test_a_file_cut_to_nothing_is_no_ledger(ledger: Any) -> None:
    ledger.path.write_bytes(b"")
    with pytest.raises(StateInvalid, match="holds no ledger"):
        verified(ledger)


@pytest.mark.parametrize("page", range(10))
def test_a_page_overwritten_is_found(ledger: Any, page: int) -> None:
    with ledger.open() as store:
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(ledger.path.read_bytes())
    assert len(data) >= (page + 1) * 4096
    data[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    ledger.path.write_bytes(data)
    assert verified(ledger).verdict == "FAILED"
    try:
        with ledger.open() as store:
            store.append(ledger.drafts, ledger.actor)
            store.checkpoint(ledger.keys.signer(store.origin))
    except HeadwaterError:
        pass  # refusing with a sentence is right, and so is going on where the damage is elsewhere
    assert verified(ledger).verdict == "FAILED"


def test_another_ledger_in_its_place_is_found_with_a_kept_checkpoint(ledger: Any, tmp_path: Path) -> None:
    with ledger.open() as store:
        kept = store.latest_checkpoint()
    other = type(ledger)(tmp_path / "other")
    with other.open(create=True) as store:
        for _ in range(4):
            store.append(other.drafts, other.actor)
    shutil.copyfile(other.path, ledger.path)
    assert verified(ledger).verdict == "FAILED", "no key on file signed it"
    shutil.copyfile(other.keys.folder / "ledger.vkey", ledger.keys.folder / "ledger.vkey")
    assert verified(ledger).verdict == "VERIFIED", "whoever replaces the keys too is not seen from inside"
    codes = {finding.code for finding in verified(ledger, earlier=kept).findings}
    assert codes == {"EARLIER_INVALID"}


def test_a_restored_backup_is_found_with_a_kept_checkpoint(ledger: Any, tmp_path: Path) -> None:
    with ledger.open() as store:
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = tmp_path / "backup.db"
    shutil.copyfile(ledger.path, backup)
    with ledger.open() as store:
        store.append(ledger.drafts, ledger.actor)
        kept = store.checkpoint(ledger.keys.signer(store.origin))
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(backup, ledger.path)
    assert verified(ledger).verdict == "VERIFIED"
    assert {finding.code for finding in verified(ledger, earlier=kept).findings} == {"ROLLBACK"}
    with ledger.open() as store:  # and it goes on from the backup, into another history
        for _ in range(4):
            store.append(ledger.drafts[:1], ledger.actor)
        store.checkpoint(ledger.keys.signer(store.origin))
    assert {finding.code for finding in verified(ledger, earlier=kept).findings} == {"FORK"}


def test_an_altered_ledger_is_not_extended_over_the_alteration(ledger: Any) -> None:
    ledger.without_guards(f"{EDIT} WHERE seq = 7")
    with ledger.open() as store, pytest.raises(HeadwaterError, match="Node 7 of level 0"):
        store.checkpoint(ledger.keys.signer(store.origin))
    assert verified(ledger).checkpoint.size == 4
