"""A session on DuckDB: one cursor, used by one thread at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from headwater.assets.asset import Source
from headwater.assets.errors import StepError
from headwater.lineage.fingerprint import Fingerprint
from headwater.lineage.schema import SchemaColumns, column_names
from headwater.runtime.engines import duckdb_fingerprint, duckdb_ingest, duckdb_objects, duckdb_slices
from headwater.runtime.engines.duckdb_collation import refuse_collations
from headwater.runtime.engines.duckdb_errors import engine_errors
from headwater.runtime.engines.duckdb_export import export_sql, write_durably
from headwater.runtime.engines.duckdb_settings import PRIVATE, RESERVED, SLICE, identifier
from headwater.runtime.engines.duckdb_values import describe, fetch, fetch_one
from headwater.runtime.engines.engine import Form, Ranges, Row


class DuckDBSession:
    """Implements `Session`. Made by the warehouse, which closes it at the latest when it closes itself."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, identity: str, algorithm: str) -> None:
        self._cursor = cursor
        self._plain: duckdb.DuckDBPyConnection | None = None
        self._identity = identity
        self._algorithm = algorithm
        self._fingerprints = duckdb_fingerprint.FingerprintSql(cursor, algorithm)
        self._store: tuple[str, SchemaColumns | None] = ("", None)  # slices are being added to it; its columns

    def relation(self, physical: str) -> str:
        return f"{PRIVATE}.{identifier(physical)}"

    def build_table(self, physical: str, sql: str) -> int:
        counted = self._create("table", physical, sql)
        if not counted:  # a PIVOT runs as several statements, of which the last does not say how many rows there are
            (rows,) = self.row(f"select count(*) from {self.relation(physical)}")
            return int(str(rows))
        return int(counted[0][0])

    def build_view(self, physical: str, sql: str) -> None:
        self._create("view", physical, sql)

    def build_from_object(self, physical: str, data: object) -> None:
        with engine_errors():
            duckdb_objects.build(self._cursor, self._identity, self._target(physical), data)

    def ingest(self, physical: str, source: Source, path: Path, columns: Sequence[tuple[str, str]]) -> None:
        duckdb_ingest.ingest(self._cursor, self._target(physical), source, path, columns)

    def begin_slices(self, store: str, first: int) -> None:
        with engine_errors():
            self._store = store, duckdb_slices.begin(self._cursor, store, first)

    def add_slice(self, store: str, number: int, sql: str) -> int:
        query = _query(sql)
        with engine_errors(first_line=2):
            if "collate" in sql.lower():
                refuse_collations(self._cursor, f"(\n{query}\n)")
            begun, columns = self._store
            assert begun == store, "slices are begun before they are added"
            count, columns = duckdb_slices.add(self._cursor, store, number, query, columns)
            self._store = store, columns
            return count

    def store_columns(self, store: str) -> SchemaColumns:
        with engine_errors():
            return duckdb_slices.columns_of(self._cursor, store)

    def drop_table(self, physical: str) -> None:
        with engine_errors():
            self._cursor.execute(f"drop table {self._target(physical)}")

    def show_slices(self, physical: str, store: str, ranges: Ranges) -> None:
        with engine_errors():
            duckdb_slices.show(self._cursor, store, physical, ranges)

    def part(self, store: str, columns: Sequence[str], ranges: Ranges) -> str:
        return duckdb_slices.part_sql(store, columns, ranges)

    def by_slice(self, store: str, ranges: Ranges, expressions: Sequence[str]) -> list[Row]:
        query = (
            f"select {SLICE}, {', '.join(expressions)} from {self.relation(store)}"
            f" where {duckdb_slices.within(ranges)} group by {SLICE}"
        )
        with engine_errors(first_line=1):
            return fetch(self._cursor, query, None)

    def describe(self, relation: str) -> SchemaColumns:
        with engine_errors():
            if not relation.startswith(f"{PRIVATE}."):
                refuse_collations(self._cursor, relation)
            return describe(self._cursor, relation)

    def columns_of(self, sql: str) -> tuple[str, ...]:
        with engine_errors(first_line=2):
            return column_names(describe(self._cursor, f"(\n{_query(sql)}\n)"))

    def row(self, sql: str, *, small: bool = False) -> Row:
        with engine_errors(first_line=1):
            return fetch_one(self._unoptimized() if small else self._cursor, _query(sql))

    def rows(self, sql: str, limit: int) -> list[Row]:
        with engine_errors(first_line=2):
            return fetch(self._cursor, _query(sql), limit)

    def read(self, sql: str, form: Form) -> object:
        with engine_errors():
            return duckdb_objects.read(self._cursor, _query(sql), form)

    def fingerprint_sql(
        self, schema: SchemaColumns, columns: tuple[str, ...] | None, condition: str | None = None
    ) -> tuple[str, ...]:
        return self._fingerprints.expressions(schema, columns, condition)

    def fingerprint(self, schema: SchemaColumns, columns: tuple[str, ...] | None, values: Row) -> Fingerprint:
        return duckdb_fingerprint.fingerprint(self._algorithm, schema, columns, values)

    def export(self, physical: str, path: Path, format: str) -> None:
        statement = export_sql(self.relation(physical), path, format)
        with engine_errors():
            write_durably(self._cursor, statement, path)

    def interrupt(self) -> None:
        for cursor in (self._cursor, self._plain):
            if cursor is not None:
                with suppress(duckdb.Error):  # a closed session has nothing to stop
                    cursor.interrupt()

    def close(self) -> None:
        for cursor in (self._cursor, self._plain):
            if cursor is not None:
                cursor.close()

    def _unoptimized(self) -> duckdb.DuckDBPyConnection:
        """Return a second cursor without optimizer: over small tables, planning is most of what a scan costs."""
        if self._plain is None:
            self._plain = self._cursor.cursor()
            self._plain.execute("pragma disable_optimizer")
        return self._plain

    def _create(self, kind: str, physical: str, sql: str) -> list[tuple[int]]:
        target = self._target(physical)
        with engine_errors(first_line=2):
            result: list[tuple[int]] = self._cursor.execute(f"create {kind} {target} as (\n{_query(sql)}\n)").fetchall()
            if "collate" in sql.lower():
                self._keep_neutral(kind, target)
        return result

    def _keep_neutral(self, kind: str, target: str) -> None:
        try:
            refuse_collations(self._cursor, target)
        except StepError:
            self._cursor.execute(f"drop {kind} {target}")
            raise

    def _target(self, physical: str) -> str:
        if physical in RESERVED:
            raise StepError(f"{physical!r} is the name of one of Headwater's own tables.", "Take another name.")
        return self.relation(physical)


def _query(sql: str) -> str:
    """Return the one query in `sql`, fit for parentheses, which keep a second statement from hiding behind it."""
    text = sql.rstrip().removesuffix(";")
    if ";" not in text:
        return text
    encoded = sql.encode()
    end = len(encoded)
    for start, kind in reversed(duckdb.tokenize(sql)):  # in bytes
        if encoded[start : start + 1] == b";" and kind is duckdb.token_type.operator:
            end = start
        elif kind is not duckdb.token_type.comment:
            break
    return encoded[:end].decode()
