"""The tables a text may name: an immutable, project-wide lookup that is built once and never per query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headwater.lineage.schema import SchemaColumns, schema_columns

TableColumns = Mapping[str, str | None] | Iterable[tuple[str, str | None]]


@dataclass(frozen=True, slots=True, eq=False)
class TableSchema:
    """The known columns of one table, in order, with an index by lower-case name."""

    columns: SchemaColumns
    by_name: Mapping[str, tuple[str, str | None]]
    twins: Mapping[str, list[tuple[str, str | None]]]  # further columns of a name that differ in case only

    @classmethod
    def of(cls, columns: TableColumns) -> TableSchema:
        """Return the schema of `columns`; of columns that differ in case only, the first answers to the name."""
        ordered = schema_columns(columns)
        by_name: dict[str, tuple[str, str | None]] = {}
        for column in ordered:
            by_name.setdefault(column[0].lower(), column)
        twins: dict[str, list[tuple[str, str | None]]] = {}
        for column in ordered if len(by_name) < len(ordered) else ():
            if by_name[column[0].lower()] is not column:
                twins.setdefault(column[0].lower(), []).append(column)
        return cls(ordered, by_name, twins)


class SqlCatalog:
    """Table name (any case, dotted) to columns. Build it once for a project and pass it to every `analyse_sql`."""

    __slots__ = ("_compiled", "_source")

    def __init__(self, tables: Mapping[str, TableColumns | None]) -> None:
        self._source = {name.lower().replace('"', ""): columns for name, columns in tables.items()}
        self._compiled: dict[str, TableSchema | None] = {}

    @classmethod
    def of(cls, schema: Schema) -> SqlCatalog:
        """Return `schema` itself if it is a catalog already, else a catalog of it."""
        if isinstance(schema, SqlCatalog):
            return schema
        return cls(schema) if schema else EMPTY_CATALOG

    def find(self, name: str) -> TableSchema | None:
        """Return the columns of the table with this lower-case dotted name, or None where they are not known."""
        if name in self._compiled:
            return self._compiled[name]
        columns = self._source.get(name)
        compiled = None if columns is None else TableSchema.of(columns)
        if name in self._source:
            self._compiled[name] = compiled
        return compiled

    def knows(self, name: str) -> bool:
        """Return whether the table is listed at all, with or without columns."""
        return name in self._source


Schema = Mapping[str, TableColumns | None] | SqlCatalog | None
EMPTY_CATALOG = SqlCatalog({})


@dataclass(frozen=True, slots=True)
class Naming:
    """How unqualified table names are completed."""

    default_catalog: str | None = None
    default_schema: str | None = None

    def complete(self, parts: tuple[str, ...]) -> str:
        """Return the lower-case dotted name of a table written as `parts`."""
        if len(parts) == 1 and self.default_schema:
            parts = (self.default_schema.lower(), *parts)
        if len(parts) == 2 and self.default_catalog:
            parts = (self.default_catalog.lower(), *parts)
        return ".".join(parts)

    def candidates(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names under which a catalog may list a table written as `parts`, the best one first."""
        names = [self.complete(parts), ".".join(parts)]
        if len(parts) == 1:
            if self.default_schema:
                names.append(f"{self.default_schema.lower()}.{parts[0]}")
            names.append(f"main.{parts[0]}")
        elif len(parts) == 2 and parts[0] == "main":
            names.append(parts[1])
        elif len(parts) == 3:
            if self.default_catalog and parts[0] == self.default_catalog.lower():
                names.append(".".join(parts[1:]))
            if self.default_schema and parts[1] == self.default_schema.lower():
                names.append(parts[2])
        return tuple(dict.fromkeys(names))
