"""Schemas as ordered, immutable columns: (name, type) with the type None where it is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

SchemaColumns = tuple[tuple[str, str | None], ...]
Catalog = Mapping[str, SchemaColumns | None]  # table name as written in SQL, lower case -> columns; None: unknown


def schema_columns(columns: Mapping[str, str | None] | Iterable[tuple[str, str | None]]) -> SchemaColumns:
    """Return `columns` as an ordered tuple, types lower-cased."""
    pairs = columns.items() if isinstance(columns, Mapping) else columns
    return tuple((name, None if type_ is None else type_.lower()) for name, type_ in pairs)


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that DuckDB gives to the columns of a table or subquery whose columns are called `names`.

    Of equal ones (case apart) the later get `_1`, `_2`, ... behind them, the next number that is free, as in DuckDB's
    own `DeduplicateColumns`.
    """
    seen: dict[str, int] = {}
    distinct: list[str] = []
    for name in names:
        given, key = name, name.lower()
        if key in seen:
            while given.lower() in seen:
                given = f"{name}_{seen[key]}"
                seen[key] += 1
        seen[given.lower()] = 1
        distinct.append(given)
    return tuple(distinct)


def column_names(schema: SchemaColumns) -> tuple[str, ...]:
    """Return the column names of `schema`, in order."""
    return tuple(name for name, _ in schema)
