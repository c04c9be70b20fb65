"""Values and types as DuckDB hands them to Python, as the rest of Headwater takes them."""

from __future__ import annotations

import re

import duckdb

from headwater.assets.errors import StepError
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.engines.engine import Row

_QUOTED_OR_NOT = re.compile(r"""[^'"]+|'(?:[^']|'')*'|"(?:[^"]|"")*\"""")

INTEGERS = frozenset(
    f"{sign}{kind}" for kind in ("tinyint", "smallint", "integer", "bigint", "hugeint") for sign in ("", "u")
)
_VALUES = INTEGERS | {"boolean", "float", "double", "varchar", "blob", "json"}


def fetch(cursor: duckdb.DuckDBPyConnection, sql: str, limit: int) -> list[Row]:
    """Return at most `limit` rows of a query; what is no `Value` (dates, decimals, lists) comes as the engine's text.

    The engine writes that text: in Python, a timestamp with time zone would need a library that we do not have.
    """
    kinds = [type_ for _, type_ in describe(cursor, f"(\n{sql}\n)")]
    names = [f"c{place}" for place in range(len(kinds))]
    picked = [n if kind in _VALUES else f"{n}::varchar" for n, kind in zip(names, kinds, strict=True)]
    return all_rows(cursor, f"select {', '.join(picked)} from (\n{sql}\n) as t({', '.join(names)}) limit {int(limit)}")


def fetch_one(cursor: duckdb.DuckDBPyConnection, sql: str) -> Row:
    """Return the single row of a query as `fetch` does, running it once where all its columns are `Value`s.

    Raises StepError where it has no row or several.
    """
    description = cursor.execute(sql).description
    if all(str(kind).lower() in _VALUES for _, kind, *_ in description):
        rows: list[Row] = cursor.fetchall()
    else:
        rows = fetch(cursor, sql, 2)
    if len(rows) != 1:
        raise StepError(f"A query that must give one row gave {'none' if not rows else 'more'}: {sql}")
    return rows[0]


def all_rows(cursor: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    """Return all rows of a query. A result that is not read to its end keeps a transaction open."""
    rows: list[Row] = cursor.execute(sql).fetchall()
    return rows


def describe(cursor: duckdb.DuckDBPyConnection, relation: str) -> SchemaColumns:
    """Return the columns of a relation or parenthesised query. A third of the price of DESCRIBE."""
    cursor.execute(f"select * from {relation} limit 0")
    description = cursor.description
    cursor.fetchall()
    return tuple((name, type_text(str(kind))) for name, kind, *_ in description)


def type_text(text: str) -> str:
    """Return a type as DuckDB writes it in lower case, but for what is named in it, where case counts.

    Fields of structs and unions are named without quotes, among type names: such a type stays as DuckDB writes it.
    """
    if "STRUCT(" in text or "UNION(" in text:
        return text
    if "'" not in text and '"' not in text:
        return text.lower()
    return "".join(part if part[0] in "'\"" else part.lower() for part in _QUOTED_OR_NOT.findall(text))
