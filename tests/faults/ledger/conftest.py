"""A small ledger on disk, and the means to break it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.lineage.record import Actor, Blob, Draft, Entry
from headwater.runtime.keys import FileKeys
from headwater.runtime.ledger import LedgerStore


class Seen:
    """A toy projection: which entry was last for each subject."""

    tables: tuple[str, ...] = ("seen",)

    def create(self, connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE seen (subject TEXT PRIMARY KEY, seq INTEGER)")

    def apply(self, connection: sqlite3.Connection, entry: Entry) -> None:
        connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (entry.subject, entry.seq))


class Ledger:
    """A ledger file of eight entries, its keys, and how to open it."""

    actor = Actor("ann")
    projector = Seen()
    drafts = (
        Draft("version.staged", "mart.a", "mart.a@v1", {"number": 1}),
        Draft("gate.passed", "mart.a", "mart.a@v1", {"number": 1}, "all checks passed"),
        Draft("version.published", "mart.b", "mart.b@v4", {"number": 4}, blobs=(Blob("sql", b"select 1"),)),
    )

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.db"
        self.keys = FileKeys(folder / "keys")

    def open(self, connect: Callable[[Path], sqlite3.Connection] | None = None, create: bool = False) -> LedgerStore:
        more = {"connect": connect} if connect else {}
        return LedgerStore.open(self.path, self.projector, self.now, create=create, signer_for=self.keys.signer, **more)

    @staticmethod
    def now() -> datetime:
        return datetime(2026, 11, 20, 8, tzinfo=UTC)

    def without_guards(self, *statements: str) -> None:
        """Change the file as whoever holds it can."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in guards:
            connection.execute(sql)
        connection.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Eight entries: the first and those up to 3 signed, the last four not."""
    made = Ledger(tmp_path)
    with made.open(create=True) as store:
        store.append(made.drafts, made.actor)
        store.checkpoint(made.keys.signer(store.origin))
        store.append(made.drafts[:2], made.actor)
        store.append(made.drafts[:2], made.actor)
    return made
