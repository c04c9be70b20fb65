"""Small facts whose loss costs time only: the warehouse's file token, who holds a run lease, caches.

They live in the ledger's file, beside the guarded tables, and never in an entry. Nothing may be decided from one that
could not be found out again.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from threading import RLock
from typing import cast

from headwater.lineage.encoding import JsonValue
from headwater.runtime.ledger_schema import sqlite_errors


class Ephemera:
    """Keys with JSON values. Writes are durable on return; get one from the LedgerStore or the LedgerReader."""

    __slots__ = ("_connection", "_lock", "_path")

    def __init__(self, connection: sqlite3.Connection, path: Path, lock: RLock) -> None:
        self._connection = connection
        self._path = path
        self._lock = lock

    def get(self, key: str) -> JsonValue:
        """Return the value of `key`, or None where there is none or it cannot be read."""
        with self._lock, sqlite_errors(self._path):
            row = self._connection.execute("SELECT value FROM ephemera WHERE key = ?", (key,)).fetchone()
        try:
            return cast(JsonValue, json.loads(row[0])) if row else None
        except ValueError:
            return None

    def put(self, key: str, value: JsonValue) -> None:
        """Set `key` to `value`. Raises ResourceError where the file cannot be written."""
        with self._lock, sqlite_errors(self._path):
            self._connection.execute(
                "INSERT OR REPLACE INTO ephemera (key, value) VALUES (?, ?)", (key, json.dumps(value))
            )

    def delete(self, key: str) -> None:
        """Forget `key`, if there is one."""
        with self._lock, sqlite_errors(self._path):
            self._connection.execute("DELETE FROM ephemera WHERE key = ?", (key,))
