"""Whether a query binds over tables of given columns: asked of an empty database in memory, never of the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from headwater.lineage.schema import SchemaColumns
from headwater.runtime.engines.duckdb_settings import AT_START


@dataclass(frozen=True, slots=True)
class Bound:
    """The output columns of a query that binds, or the engine's `error` for one that does not."""

    columns: SchemaColumns = ()
    error: str | None = None


class Binder:
    """An empty database in memory, in which tables are made without rows."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config=dict(AT_START))

    def bind(self, sql: str, tables: Mapping[str, SchemaColumns]) -> Bound:
        """Return what `sql` gives over `tables`, which maps names to columns with known types; nothing is computed."""
        with self._connection.cursor() as cursor:
            cursor.execute("begin")
            try:
                for name, columns in tables.items():
                    described = ", ".join(f"{_quoted(column)} {type_}" for column, type_ in columns)
                    cursor.execute(f"create table {_quoted(name)} ({described})")
                rows = cursor.execute(f"describe {sql}").fetchall()
                return Bound(tuple((row[0], str(row[1]).lower()) for row in rows))
            except duckdb.Error as error:
                return Bound(error=str(error))
            finally:
                cursor.execute("rollback")

    def type_name(self, text: str) -> str | None:
        """Return a type as the engine spells it, in lower case, or None where it knows no such type."""
        try:
            found = self._connection.execute(f"describe select cast(null as {text}) as x").fetchone()
        except duckdb.Error:
            return None
        return None if found is None else str(found[1]).lower()

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
