"""The ledger read-only: for status, questions and verification, while a run writes, on a copy, on read-only media."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any, Self

from headwater.assets.errors import StateEmpty
from headwater.lineage.record import Entry
from headwater.runtime.ephemera import Ephemera
from headwater.runtime.ledger_rows import latest_note, ledger_origin, ledger_size, stored_blob, stored_entries
from headwater.runtime.ledger_schema import connect_reader, is_initialised, schema_changes, sqlite_errors


class LedgerReader:
    """One consistent moment of a ledger: entries appended after `open` are not seen. Implements audit.LogReader."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self.ephemera = Ephemera(connection, path, RLock())

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return a reader of the ledger at `path`.

        Raises StateInvalid where there is none, or the file is something else or newer, ResourceError where it cannot
        be opened.
        """
        with sqlite_errors(path):
            connection = connect_reader(path)
            try:
                connection.execute("BEGIN")  # the first read fixes the moment
                if not is_initialised(connection, path):
                    raise StateEmpty(f"{path} is empty: it holds no ledger.", "Run `headwater run` first.")
            except BaseException:
                connection.close()
                raise
        return cls(connection, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """For reading projections."""
        return self._connection

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    @property
    def origin(self) -> str:
        """The permanent id of this ledger."""
        with sqlite_errors(self._path):
            return ledger_origin(self._connection)

    def size(self) -> int:
        """Return the number of entries."""
        with sqlite_errors(self._path):
            return ledger_size(self._connection)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield the parsed entries from `start` up to `stop`. Raises IntegrityError, naming one that is damaged."""
        with sqlite_errors(self._path):
            yield from stored_entries(self._connection, start, self.size() if stop is None else stop)

    def latest_checkpoint(self) -> bytes | None:
        """Return the newest stored note, or None."""
        with sqlite_errors(self._path):
            row = latest_note(self._connection)
        return None if row is None else row[1]

    def blob(self, digest: str) -> bytes | None:
        """Return the bytes whose SHA-256 (hex) is `digest`, or None. Raises IntegrityError where they were altered."""
        with sqlite_errors(self._path):
            return stored_blob(self._connection, digest)

    # What audit.LogReader asks for: rows as they are, believed by nobody.

    def bodies(self, start: int, stop: int) -> list[tuple[int, bytes]]:
        """Return the rows with `start` <= seq < `stop`, in order of seq."""
        return self._rows("SELECT seq, body FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq", start, stop)

    def nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        """Return the hashes of `level` with `start` <= position < `stop`, in order."""
        query = "SELECT hash FROM node WHERE level = ? AND position >= ? AND position < ? ORDER BY position"
        return [row[0] for row in self._rows(query, level, start, stop)]

    def node_count(self) -> int:
        """Return how many tree nodes are stored."""
        count: int = self._rows("SELECT count(*) FROM node")[0][0]
        return count

    def heads(self) -> dict[str, tuple[int, bytes]]:
        """Return for each stream the number of its entries and the leaf hash of the last."""
        return {stream: (count, hash_) for stream, count, hash_ in self._rows("SELECT stream, count, hash FROM head")}

    def checkpoints(self) -> list[tuple[int, bytes]]:
        """Return size and note of every checkpoint, in order of size."""
        return self._rows("SELECT size, note FROM checkpoint ORDER BY size")

    def blob_bytes(self, digest: str) -> bytes | None:
        """Return what is stored under `digest`, whatever it is, or None."""
        rows = self._rows("SELECT data FROM blob WHERE digest = ?", digest)
        return rows[0][0] if rows else None

    def damage(self) -> tuple[str, ...]:
        """Return what SQLite itself finds wrong with the file, and schema objects that are not as they were made."""
        found = [row[0] for row in self._rows("PRAGMA quick_check(10)") if row[0] != "ok"]
        with sqlite_errors(self._path):
            changed = schema_changes(self._connection)
        return (*found, *(f"the table or guard {name} is missing, altered or foreign" for name in changed))

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with sqlite_errors(self._path):
            return self._connection.execute(query, parameters).fetchall()
