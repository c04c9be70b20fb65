"""Sliced tables on DuckDB: one store of rows, each tagged with its slice, and for every version the slices it shows.

A *store* is a physical table that several versions share; rows are only ever added to it under new slice numbers. A
version is a private view over the store that shows the slices listed for it, so that whatever knows a version by the
name of its physical relation need not know that it is sliced. Rows of a slice that no version lists are waste.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

import duckdb

from headwater.assets.errors import StepError
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.engines.duckdb_settings import LISTED, PRIVATE, SLICE, identifier, literal
from headwater.runtime.engines.duckdb_values import describe
from headwater.runtime.engines.engine import Ranges

_LISTED = f"{PRIVATE}.{LISTED}"
_MAKING = threading.Lock()  # two workers that make the same table at once conflict, `if not exists` or not


def begin(cursor: duckdb.DuckDBPyConnection, store: str, first: int) -> SchemaColumns | None:
    """Make room for slices from `first` on: what a step that never ended left under these numbers goes.

    Returns the columns of the store, or None where the first slice will make it.
    """
    with _MAKING:
        cursor.execute(f"create table if not exists {_LISTED} (store varchar, physical varchar, slice bigint)")
    if not _exists(cursor, store):
        return None
    cursor.execute(f"delete from {_name(store)} where {SLICE} >= {int(first)}")
    return columns_of(cursor, store)


def add(
    cursor: duckdb.DuckDBPyConnection, store: str, number: int, query: str, expected: SchemaColumns | None
) -> tuple[int, SchemaColumns]:
    """Add the rows of `query` as one slice to a store with the `expected` columns; None: there is no store yet.

    Returns the number of rows and the columns of the store. Raises StepError where those of the query are others.
    """
    columns = describe(cursor, f"(\n{query}\n)")
    if any(name.lower() == SLICE for name, _ in columns):
        raise StepError(f"The column name {SLICE} is Headwater's own.", "Give the column another name.")
    rows = f"select *, {int(number)}::bigint as {SLICE} from (\n{query}\n)"
    if expected is None:
        count = _count(cursor.execute(f"create table {_name(store)} as {rows}").fetchall())
        return count, columns_of(cursor, store)
    if columns != expected:
        raise StepError(
            f"A partition has the columns {_listed(columns)}, where others have {_listed(expected)}.",
            "Cast the columns, so that every partition has the same ones.",
        )
    return _count(cursor.execute(f"insert into {_name(store)} {rows}").fetchall()), expected


def show(cursor: duckdb.DuckDBPyConnection, store: str, physical: str, ranges: Ranges) -> None:
    """Make the version `physical`: a view of the slices in `ranges`. All of it, or nothing, is there afterwards."""
    names = ", ".join(identifier(name) for name, _ in columns_of(cursor, store))
    listed = ", ".join(f"({low}, {high})" for low, high in ranges)
    cursor.execute("begin transaction")
    try:
        if ranges:
            cursor.execute(
                f"insert into {_LISTED} select {literal(store)}, {literal(physical)}, unnest(range(low, high + 1))"
                f" from (values {listed}) as ranges(low, high)"
            )
        cursor.execute(
            f"create view {_name(physical)} as select {names} from {_name(store)} where {SLICE} in"
            f" (select slice from {_LISTED} where physical = {literal(physical)})"
        )
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise


def part_sql(store: str, columns: Iterable[str], ranges: Ranges) -> str:
    """Return the slices in `ranges` as a relation, with the given columns."""
    return f"(select {', '.join(map(identifier, columns))} from {_name(store)} where {within(ranges)})"


def within(ranges: Ranges) -> str:
    """Return the condition that a row is of one of these slices."""
    spans = [f"{SLICE} = {low}" if low == high else f"{SLICE} between {low} and {high}" for low, high in ranges]
    return f"({' or '.join(spans)})" if spans else "false"


def columns_of(cursor: duckdb.DuckDBPyConnection, store: str) -> SchemaColumns:
    """Return the columns of a store without its own."""
    return tuple((name, type_) for name, type_ in describe(cursor, _name(store)) if name != SLICE)


def unlisted_sql(names: Sequence[str]) -> str:
    """Return the statement that forgets what the dropped versions `names` listed."""
    return f"delete from {_LISTED} where physical in ({', '.join(map(literal, names))})"


def waste_sql(store: str) -> str:
    """Return the statement that deletes the rows of a store that no version lists."""
    listed = f"select slice from {_LISTED} where store = {literal(store)}"
    return f"delete from {_name(store)} where {SLICE} not in ({listed})"


def stores_sql() -> str:
    """Return the query for the names of all stores."""
    return (
        "select table_name from information_schema.columns where table_catalog = current_catalog()"
        f" and table_schema = {literal(PRIVATE)} and column_name = {literal(SLICE)}"
    )


def _exists(cursor: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = cursor.execute(
        "select 1 from duckdb_tables() where database_name = current_catalog()"
        f" and schema_name = {literal(PRIVATE)} and table_name = {literal(name)}"
    )
    return found.fetchone() is not None


def _name(table: str) -> str:
    return f"{PRIVATE}.{identifier(table)}"


def _listed(columns: SchemaColumns) -> str:
    return ", ".join(f"{name} {type_}" for name, type_ in columns)


def _count(rows: list[tuple[object, ...]]) -> int:
    return int(str(rows[0][0])) if rows else 0
