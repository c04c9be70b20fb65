"""Projections: tables of current state that follow from the entries, and can be made anew from them at any time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Protocol

from headwater.lineage.record import Entry
from headwater.runtime.ledger_rows import proven_entries, stored_blob


class Projector(Protocol):
    """Keeps tables that are a pure function of the entries, in order.

    `tables` names them; none may have the name of a table of the ledger itself. Both methods run inside the ledger's
    transaction: they use `execute` and `executemany`, never `executescript`, `commit` or `rollback`. `apply` reads
    nothing but the entry, its own tables, and from table `blob` (digest, data) what the entry's references name; what
    it raises undoes the whole append.
    """

    @property
    def tables(self) -> tuple[str, ...]: ...

    def create(self, connection: sqlite3.Connection) -> None:
        """Create the tables and their indexes, empty."""
        ...

    def apply(self, connection: sqlite3.Connection, entry: Entry) -> None:
        """Bring the tables from just before `entry` to just after it. Kinds it does not know change nothing."""
        ...


class NoProjections:
    """A projector without tables, for ledgers that are only read, verified or benchmarked."""

    tables: tuple[str, ...] = ()

    def create(self, connection: sqlite3.Connection) -> None:
        """Create nothing."""

    def apply(self, connection: sqlite3.Connection, entry: Entry) -> None:
        """Change nothing."""


def rebuild_projections(connection: sqlite3.Connection, projector: Projector) -> int:
    """Drop and re-make projections and stream heads from the entries, inside the caller's transaction.

    Returns the number of entries. Raises IntegrityError, naming the entry, where one does not match its stored hash.
    """
    for table in projector.tables:
        connection.execute(f"DROP TABLE IF EXISTS {_quoted(table)}")
    projector.create(connection)
    heads: dict[str, tuple[int, bytes]] = {}
    count = 0
    for entry, leaf in proven_entries(connection):
        projector.apply(connection, entry)
        heads[entry.stream] = (entry.stream_seq + 1, leaf)
        count += 1
    connection.execute("DELETE FROM head")
    connection.executemany(
        "INSERT INTO head (stream, count, hash) VALUES (?, ?, ?)",
        ((stream, length, leaf) for stream, (length, leaf) in heads.items()),
    )
    return count


def projection_differences(connection: sqlite3.Connection, projector: Projector) -> tuple[str, ...]:
    """Return a sentence for each projection table that differs from what the entries say; none where all agree.

    Rebuilds in memory and compares definition and rows exactly. Raises IntegrityError where an entry is damaged.
    """
    scratch = sqlite3.connect(":memory:", isolation_level=None)
    try:
        scratch.execute("CREATE TABLE blob (digest TEXT PRIMARY KEY, data BLOB NOT NULL)")
        projector.create(scratch)
        for entry, _ in proven_entries(connection):
            _lend_blobs(entry, connection, scratch)
            projector.apply(scratch, entry)
        found = (_table_difference(connection, scratch, table) for table in projector.tables)
        return tuple(sentence for sentence in found if sentence)
    finally:
        scratch.close()


def _lend_blobs(entry: Entry, stored: sqlite3.Connection, scratch: sqlite3.Connection) -> None:
    """Give the scratch database exactly the blobs that `entry` names."""
    scratch.execute("DELETE FROM blob")
    for digest in {blob.sha256 for blob in entry.blobs}:
        data = stored_blob(stored, digest)
        if data is not None:
            scratch.execute("INSERT INTO blob (digest, data) VALUES (?, ?)", (digest, data))


def _table_difference(stored: sqlite3.Connection, rebuilt: sqlite3.Connection, table: str) -> str | None:
    definition = "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? ORDER BY type, name"
    if stored.execute(definition, (table,)).fetchall() != rebuilt.execute(definition, (table,)).fetchall():
        return f"The projection {table} is not defined as this Headwater defines it."
    columns = len(rebuilt.execute(f"SELECT * FROM {_quoted(table)} LIMIT 0").description)
    ordered = f"SELECT * FROM {_quoted(table)} ORDER BY {', '.join(str(n + 1) for n in range(columns))}"
    for row, expected in zip_longest(_typed(stored.execute(ordered)), _typed(rebuilt.execute(ordered))):
        if row != expected:
            return f"The projection {table} holds {_shown(row)} where the entries say {_shown(expected)}."
    return None


def _typed(rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[tuple[type, object], ...]]:
    """Yield rows with the type of each value, so that 1 and 1.0 differ."""
    for row in rows:
        yield tuple((type(value), value) for value in row)


def _shown(row: tuple[tuple[type, object], ...] | None) -> str:
    return "nothing" if row is None else "(" + ", ".join(repr(value)[:80] for _, value in row) + ")"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
