"""Values and types as DuckDB hands them to Python, as the rest of Headwater takes them."""

from __future__ import annotations

import re

import duckdb

from headwater.assets.errors import StepError
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.engines.engine import Row

_PARTS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|\s+|.""", re.DOTALL)

INTEGERS = frozenset(
    f"{sign}{kind}" for kind in ("tinyint", "smallint", "integer", "bigint", "hugeint") for sign in ("", "u")
)
_VALUES = INTEGERS | {"boolean", "float", "double", "varchar", "blob", "json"}


def fetch(cursor: duckdb.DuckDBPyConnection, sql: str, limit: int | None) -> list[Row]:
    """Return at most `limit` rows of a query (None: all).

    What is no `Value` (dates, decimals, lists) comes as the engine's text.

    The engine writes that text: in Python, a timestamp with time zone would need a library that we do not have.
    """
    kinds = [type_ for _, type_ in describe(cursor, f"(\n{sql}\n)")]
    names = [f"c{place}" for place in range(len(kinds))]
    picked = [n if kind in _VALUES else f"{n}::varchar" for n, kind in zip(names, kinds, strict=True)]
    most = "" if limit is None else f" limit {int(limit)}"
    return all_rows(cursor, f"select {', '.join(picked)} from (\n{sql}\n) as t({', '.join(names)}){most}")


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
    """Return a type as DuckDB writes it in lower case, but for what is quoted and names of fields.

    In STRUCT(...) and UNION(...) the first word after the parenthesis and after each comma is a name.
    """
    if not any(mark in text for mark in "('\""):
        return text.lower()
    out: list[str] = []
    named: list[bool] = []  # for each open parenthesis, whether it holds named fields
    word, name_next = "", False
    for part in _PARTS.findall(text):
        is_name = name_next and part not in "()," and not part.isspace()
        if part == "(":
            named.append(word in ("STRUCT", "UNION"))
        elif part == ")" and named:
            named.pop()
        name_next = (part in "(," and bool(named) and named[-1]) or (name_next and part.isspace())
        word = part if part.isalpha() else ""
        out.append(part if is_name or part[0] in "'\"" else part.lower())
    return "".join(out)
