"""Schemas as ordered, immutable columns: (name, type) with the type None where it is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SchemaColumns = tuple[tuple[str, str | None], ...]
Catalog = Mapping[str, SchemaColumns | None]  # table name as written in SQL, lower case -> columns; None: unknown


def schema_columns(columns: Mapping[str, str | None] | Iterable[tuple[str, str | None]]) -> SchemaColumns:
    """Return `columns` as an ordered tuple, types lower-cased."""
    pairs = columns.items() if isinstance(columns, Mapping) else columns
    return tuple((name, None if type_ is None else type_.lower()) for name, type_ in pairs)


def column_names(schema: SchemaColumns) -> tuple[str, ...]:
    """Return the column names of `schema`, in order."""
    return tuple(name for name, _ in schema)
