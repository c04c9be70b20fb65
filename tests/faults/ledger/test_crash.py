"""Every statement of append, checkpoint and rebuild is broken twice: "failed", and "failed but persisted"."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from headwater.assets.errors import HeadwaterError
from headwater.lineage.audit import Report
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.ledger_verify import verify_ledger


class Faulty(sqlite3.Connection):
    """A connection that fails at one of its write statements, before or after performing it."""

    fail_at = -1
    persisted = False
    statements: list[str]
    fault: Callable[[], None]

    def _perform(self, perform: Callable[..., sqlite3.Cursor], sql: str, *arguments: Any) -> sqlite3.Cursor:
        reads = sql.startswith("SELECT") or (sql.startswith("PRAGMA") and "=" not in sql)
        if reads or sql == "ROLLBACK":
            return perform(sql, *arguments)
        self.statements.append(sql)
        here = len(self.statements) - 1 == self.fail_at
        if here and not self.persisted:
            self.fault()
        cursor = perform(sql, *arguments)
        if here and self.persisted:
            self.fault()
        return cursor

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
        return self._perform(super().execute, sql, *arguments)

    def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:  # type: ignore[override]
        return self._perform(super().executemany, sql, rows)


def disk_full() -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


def die() -> None:
    os._exit(9)


def faulty(fail_at: int, persisted: bool, fault: Callable[[], None]) -> Callable[[Path], sqlite3.Connection]:
    def connect(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Faulty)
        connection.statements, connection.fault = [], fault
        connection.fail_at, connection.persisted = fail_at, persisted
        return connection

    return connect


Operation = Callable[[Any, LedgerStore], object]


def append(ledger: Any, store: LedgerStore) -> object:
    return store.append(ledger.drafts, ledger.actor)


def checkpoint(ledger: Any, store: LedgerStore) -> object:
    return store.checkpoint(ledger.keys.signer(store.origin))


def rebuild(ledger: Any, store: LedgerStore) -> object:
    return store.rebuild()


OPERATIONS: tuple[Operation, ...] = (append, checkpoint, rebuild)
BEFORE = 8


def verified(ledger: Any) -> Report:
    return verify_ledger(ledger.path, ledger.keys.verifiers(), ledger.projector)


def statements_of(ledger: Any, operation: Operation) -> list[str]:
    """Return the write statements that `operation` performs on a copy of the ledger, the first being its BEGIN."""
    copy = type(ledger)(ledger.path.parent / "copy")
    shutil.copytree(ledger.path.parent, copy.path.parent, ignore=shutil.ignore_patterns("copy"))
    with copy.open(faulty(-1, False, disk_full)) as store:
        opened = len(store.connection.statements)
        operation(copy, store)
        every: list[str] = store.connection.statements
    shutil.rmtree(copy.path.parent)
    return ["" for _ in every[:opened]] + every[opened:]


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed but persisted"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_a_fault_at_any_statement_leaves_all_or_nothing(ledger: Any, operation: Operation, persisted: bool) -> None:
    statements = statements_of(ledger, operation)
    assert statements[-1] == "COMMIT"
    pristine = {file.name: file.read_bytes() for file in ledger.path.parent.glob("state.db*")}
    for fail_at, statement in enumerate(statements):
        if not statement:
            continue  # performed while opening
        for file in ledger.path.parent.glob("state.db*"):
            file.unlink()
        for name, data in pristine.items():
            (ledger.path.parent / name).write_bytes(data)
        done = statement == "COMMIT" and persisted
        with ledger.open(faulty(fail_at, persisted, disk_full)) as store:
            with pytest.raises(HeadwaterError, match=r"is full\. Free some space"):
                operation(ledger, store)
            expected = BEFORE + (len(ledger.drafts) if done and operation is append else 0)
            assert store.size() == expected
            report = verified(ledger)
            assert (report.verdict, report.entries) == ("VERIFIED", expected)
            assert (report.unsigned == 0) == (done and operation is checkpoint)
            operation(ledger, store)  # the same store goes on: nothing in memory disagrees with the file
        assert verified(ledger).verdict == "VERIFIED"


DYING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Ledger
from test_crash import append, checkpoint, die, faulty

ledger, operation = Ledger(Path(sys.argv[2])), {"append": append, "checkpoint": checkpoint}[sys.argv[3]]
with ledger.open(faulty(int(sys.argv[4]), sys.argv[5] == "True", die)) as store:
    operation(ledger, store)
"""


@pytest.mark.parametrize("persisted", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("statement", ["INSERT INTO entry", "INSERT OR REPLACE INTO seen", "COMMIT"])
def test_a_process_that_dies_leaves_all_or_nothing(ledger: Any, statement: str, persisted: bool) -> None:
    statements = statements_of(ledger, append)
    fail_at = next(number for number, text in enumerate(statements) if text.startswith(statement))
    arguments = [str(Path(__file__).parent), str(ledger.path.parent), "append", str(fail_at), str(persisted)]
    assert subprocess.run([sys.executable, "-c", DYING, *arguments], check=False).returncode == 9
    done = statement == "COMMIT" and persisted
    report = verified(ledger)
    assert (report.verdict, report.entries) == ("VERIFIED", BEFORE + (len(ledger.drafts) if done else 0))
    with ledger.open() as store:
        append(ledger, store)
        checkpoint(ledger, store)
    assert (verified(ledger).verdict, verified(ledger).unsigned) == ("VERIFIED", 0)


def test_a_checkpoint_is_stored_before_anyone_sees_it(ledger: Any) -> None:
    """Where the commit fails, the note is not returned; the next attempt signs the very same bytes."""
    at = len(statements_of(ledger, checkpoint)) - 1
    with ledger.open(faulty(at, False, disk_full)) as store:
        with pytest.raises(HeadwaterError):
            checkpoint(ledger, store)
        assert verified(ledger).checkpoint.size == 4  # type: ignore[union-attr]
        assert checkpoint(ledger, store) == store.latest_checkpoint()


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed but persisted"])
def test_a_creation_that_fails_anywhere_can_be_repeated(tmp_path: Path, persisted: bool, ledger: Any) -> None:
    for fail_at in range(60):
        fresh = type(ledger)(tmp_path / f"fresh{fail_at}")
        try:
            with fresh.open(faulty(fail_at, persisted, disk_full), create=True):
                pass
        except HeadwaterError:
            with fresh.open(create=True) as store:
                assert store.size() == 1
            assert verified(fresh).verdict == "VERIFIED"
        else:
            assert fail_at > 20, "the fault was never reached"
            return
    raise AssertionError("creation has more statements than were broken")


def test_a_projector_that_fails_undoes_the_append(ledger: Any) -> None:
    with ledger.open() as store:
        store.connection.execute("DROP TABLE seen")
        with pytest.raises(HeadwaterError, match="no such table: seen"):
            append(ledger, store)
        assert store.size() == BEFORE
        store.rebuild()
        append(ledger, store)
    assert verified(ledger).verdict == "VERIFIED"


def test_an_interrupt_undoes_the_append(ledger: Any) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    at = len(statements_of(ledger, append)) - 2
    with ledger.open(faulty(at, True, interrupt)) as store:
        with pytest.raises(KeyboardInterrupt):
            append(ledger, store)
        assert store.size() == BEFORE
        append(ledger, store)
    assert verified(ledger).verdict == "VERIFIED"
