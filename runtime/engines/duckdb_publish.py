"""Publishing on DuckDB: one transaction that swaps pointer views and writes the marker row; all of it or nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress

import duckdb

from headwater.assets.errors import IntegrityError, StepError
from headwater.runtime.engines.duckdb_errors import engine_errors
from headwater.runtime.engines.duckdb_settings import PRIVATE, identifier, literal
from headwater.runtime.engines.engine import Pointer, Publication

_TARGET = re.compile(rf' FROM {PRIVATE}\.("(?:[^"]|"")+"|\w+);?\s*$')


class Publisher:
    """The one hand that changes what readers see. Calls from several threads follow one another."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._guard = threading.Lock()
        self._schemas: set[str] = set()
        self._views: set[tuple[str, str]] | None = None  # ours, lower case; read from the catalogue once
        self.last_number = self._read_last_number()

    def publish(self, publication: Publication) -> None:
        """Commit `publication`; see `Warehouse.publish`."""
        if publication.number <= self.last_number:
            raise IntegrityError(
                f"Publication {publication.number} cannot follow publication {self.last_number}.",
                "The ledger and the warehouse disagree: run `headwater doctor`.",
            )
        pointers = publication.pointers
        self._create_schemas({pointer.schema for pointer in pointers if pointer.physical is not None})
        views = self._our_views()
        self.transaction([*_swaps(pointers, views), _marker(publication)])
        self.last_number = publication.number
        views -= {_place(pointer) for pointer in pointers if pointer.physical is None}
        views |= {_place(pointer) for pointer in pointers if pointer.physical is not None}

    def is_published(self, publication_id: str) -> bool:
        """Return whether the marker of this publication is there."""
        with self._guard, engine_errors():
            query = f"select count(*) from {PRIVATE}.publications where id = {literal(publication_id)}"
            return self._cursor.execute(query).fetchall() == [(1,)]

    def pointers(self) -> dict[tuple[str, str], str]:
        """Return the physical name behind each of our views, as the catalogue has it now."""
        with self._guard, engine_errors():
            rows = self._cursor.execute(
                "select lower(schema_name), lower(view_name), sql from duckdb_views()"
                " where not internal and database_name = current_catalog()"
            ).fetchall()
        found = ((schema, view, _TARGET.search(sql)) for schema, view, sql in rows)
        return {(schema, view): _unquoted(match[1]) for schema, view, match in found if match and schema != PRIVATE}

    def transaction(self, statements: Sequence[str]) -> None:
        """Run `statements` in one transaction; after an error nothing of them is left."""
        with self._guard:
            self._execute("begin transaction")
            try:
                for statement in statements:
                    self._execute(statement)
                self._execute("commit")
            except BaseException:
                self._roll_back()
                raise

    def close(self) -> None:
        """Let go of the cursor."""
        self._cursor.close()

    def _execute(self, statement: str) -> None:
        with engine_errors():
            self._cursor.execute(statement)

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):  # a failed commit has already ended the transaction
            self._cursor.execute("rollback")

    def _create_schemas(self, names: set[str]) -> None:
        """Create schemas before the transaction: two transactions that create the same schema would conflict."""
        for name in sorted(names - self._schemas):
            with self._guard:
                self._execute(f"create schema if not exists {identifier(name)}")
            self._schemas.add(name)

    def _our_views(self) -> set[tuple[str, str]]:
        if self._views is None:
            with self._guard, engine_errors():
                rows = self._cursor.execute(
                    "select lower(schema_name), lower(view_name) from duckdb_views()"
                    f" where not internal and database_name = current_catalog() and contains(sql, ' FROM {PRIVATE}.')"
                ).fetchall()
            self._views = set(rows)
        return self._views

    def _read_last_number(self) -> int:
        with engine_errors():
            [(number,)] = self._cursor.execute(
                f"select coalesce(max(number), 0) from {PRIVATE}.publications"
            ).fetchall()
        return int(number)


def _swaps(pointers: Sequence[Pointer], views: set[tuple[str, str]]) -> Iterator[str]:
    for pointer in pointers:
        ours = _place(pointer) in views
        if pointer.physical is not None:
            yield _view(pointer, ours)
        elif ours:
            yield f"drop view {_name(pointer)}"


def _view(pointer: Pointer, ours: bool) -> str:
    """Return the view of a pointer. Only a view of ours is replaced, so that nothing of the user's is ever lost."""
    columns = ", ".join(map(identifier, pointer.columns))
    if not columns or pointer.physical is None:
        raise StepError(f"The pointer {pointer.schema}.{pointer.table} has no columns.")
    verb = "create or replace view" if ours else "create view"
    return f"{verb} {_name(pointer)} ({columns}) as select {columns} from {PRIVATE}.{identifier(pointer.physical)}"


def _marker(publication: Publication) -> str:
    values = f"{literal(publication.id)}, {int(publication.number)}, {literal(publication.environment)}"
    return f"insert into {PRIVATE}.publications values ({values})"


def _name(pointer: Pointer) -> str:
    return f"{identifier(pointer.schema)}.{identifier(pointer.table)}"


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _place(pointer: Pointer) -> tuple[str, str]:
    return pointer.schema.lower(), pointer.table.lower()
