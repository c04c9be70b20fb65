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
        self._views: set[tuple[str, str]] | None = None  # ours, lower case; None: to be read from the catalogue
        self._last: int | None = None  # number of the last publication; None: to be read from the markers

    def publish(self, publication: Publication) -> None:
        """Commit `publication`; see `Warehouse.publish`."""
        pointers = publication.pointers
        with self._guard:
            if publication.number <= (last := self._last_number()):
                raise IntegrityError(
                    f"Publication {publication.number} cannot follow publication {last} of this warehouse.",
                    "The ledger and the warehouse disagree: run `headwater doctor`.",
                )
            self._create_schemas({pointer.schema for pointer in pointers if pointer.physical is not None})
            views = self._our_views()
            try:
                self._transaction([*_swaps(pointers, views), _marker(publication)])
            except BaseException as error:
                self._views = self._last = None  # a commit that raised may have happened: look again
                if isinstance(error, StepError):
                    self._refuse_foreign(pointers)
                raise
            views -= {_place(pointer) for pointer in pointers if pointer.physical is None}
            views |= {_place(pointer) for pointer in pointers if pointer.physical is not None}
            self._last = publication.number

    def is_published(self, publication_id: str) -> bool:
        """Return whether the marker of this publication is there."""
        with self._guard:
            return self._rows(f"select 1 from {PRIVATE}.publications where id = {literal(publication_id)}") == [(1,)]

    def last_number(self) -> int:
        """Return the number of the last publication, 0 where there is none."""
        with self._guard:
            return self._last_number()

    def pointers(self) -> dict[tuple[str, str], str]:
        """Return the physical name behind each of our views, as the catalogue has it now."""
        with self._guard:
            return self._pointers()

    def foreign_names(self) -> dict[tuple[str, str], str]:
        """Return table or view for each (schema, table), lower case, that Headwater did not make."""
        with self._guard:
            rows = self._rows(
                "select lower(table_schema), lower(table_name),"
                " case table_type when 'VIEW' then 'view' else 'table' end"
                " from information_schema.tables"
                f" where table_catalog = current_catalog() and table_schema <> {literal(PRIVATE)}"
            )
            ours = self._our_views()
            places = {(str(schema), str(table)): str(kind) for schema, table, kind in rows}
            return {place: kind for place, kind in places.items() if place not in ours}

    def transaction(self, statements: Sequence[str]) -> None:
        """Run `statements` in one transaction; after an error nothing of them is left."""
        with self._guard:
            self._transaction(statements)

    def close(self) -> None:
        """Let go of the cursor."""
        self._cursor.close()

    def _transaction(self, statements: Sequence[str]) -> None:
        try:
            self._rows("begin transaction")
            for statement in statements:
                self._rows(statement)
            self._rows("commit")
        except BaseException:
            with suppress(duckdb.Error):  # there is none where its begin or commit failed
                self._cursor.execute("rollback").fetchall()
            raise

    def _rows(self, statement: str) -> list[tuple[object, ...]]:
        with engine_errors():
            rows: list[tuple[object, ...]] = self._cursor.execute(statement).fetchall()
            return rows

    def _create_schemas(self, names: set[str]) -> None:
        """Create schemas before the transaction: two transactions that create the same schema would conflict."""
        for name in sorted(names - self._schemas):
            self._rows(f"create schema if not exists {identifier(name)}")
            self._schemas.add(name)

    def _our_views(self) -> set[tuple[str, str]]:
        if self._views is None:
            self._views = set(self._pointers())
        return self._views

    def _pointers(self) -> dict[tuple[str, str], str]:
        rows = self._rows(
            "select lower(schema_name), lower(view_name), sql from duckdb_views()"
            f" where not internal and database_name = current_catalog() and schema_name <> {literal(PRIVATE)}"
        )
        found = ((str(schema), str(view), _TARGET.search(str(sql))) for schema, view, sql in rows)
        return {(schema, view): _unquoted(match[1]) for schema, view, match in found if match}

    def _refuse_foreign(self, pointers: Sequence[Pointer]) -> None:
        """Raise StepError where something that Headwater did not make stands at the name of a pointer."""
        ours = self._our_views()
        for pointer in pointers:
            schema, table = _place(pointer)
            found = self._rows(
                "select table_type from information_schema.tables where table_catalog = current_catalog()"
                f" and lower(table_schema) = {literal(schema)} and lower(table_name) = {literal(table)}"
            )
            if found and (schema, table) not in ours:
                kind = "view" if found[0][0] == "VIEW" else "table"
                raise StepError(
                    f"{pointer.schema}.{pointer.table} is a {kind} that Headwater did not make.",
                    f"Rename or drop that {kind}, or give the asset another key.",
                )

    def _last_number(self) -> int:
        if self._last is None:
            [(number,)] = self._rows(f"select coalesce(max(number), 0) from {PRIVATE}.publications")
            self._last = int(str(number))
        return self._last


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
