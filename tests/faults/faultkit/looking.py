"""A reader inside the process that runs: it looks at every published view, as often as it is told to.

DuckDB admits one process, so a reader of the moment between two effects has to live in that process.
"""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import duckdb


class Looking:
    """Compares what readers see with what they may see: the old or the new version of each view, whole."""

    def __init__(self, allowed: Path) -> None:
        self._allowed: dict[str, list[object]] = pickle.loads(allowed.read_bytes())
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._guard = threading.Lock()
        self.wrong: list[str] = []
        self.looks = 0
        self._execute = duckdb.DuckDBPyConnection.execute  # as it is before the effects are spied on
        connect = duckdb.connect

        def connect_seen(*rest: Any, **more: Any) -> duckdb.DuckDBPyConnection:
            opened = connect(*rest, **more)
            if Path(str(rest[0])).name == "warehouse.duckdb":
                self._connection = opened
            return opened

        duckdb.connect = connect_seen

    def look(self) -> None:
        """Look at all views now, in one snapshot, while the warehouse is open."""
        with self._guard:
            try:
                cursor = self._connection.cursor() if self._connection is not None else None
            except duckdb.ConnectionException:
                return
            if cursor is None:
                return
            self.looks += 1
            self._execute(cursor, "begin")
            views = self._execute(
                cursor,
                "select schema_name, view_name from duckdb_views() where not internal and schema_name <> '_headwater'",
            ).fetchall()
            for schema, view in views:
                rows = tuple(self._execute(cursor, f'select * from "{schema}"."{view}" order by all').fetchall())
                if rows not in self._allowed.get(f"{schema}.{view}", []):
                    self.wrong.append(f"{schema}.{view} showed {len(rows)} rows that no accepted version has")
            self._execute(cursor, "commit")
            cursor.close()
