"""The contract of an engine: where data lives and SQL runs. What can be written once against it is not in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from headwater.assets.asset import Source
from headwater.lineage.fingerprint import Fingerprint
from headwater.lineage.schema import SchemaColumns

Value = str | int | float | bool | bytes | None
Row = tuple[Value, ...]
Ranges = Sequence[tuple[int, int]]  # of slice numbers, both ends included
Form = Literal["relation", "arrow", "pandas", "polars"]


@dataclass(frozen=True, slots=True)
class Pointer:
    """What readers of `schema.table` shall see: the relation `physical`, or nothing (None drops the view)."""

    schema: str
    table: str
    physical: str | None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """One atomic publication. `number` grows with each in a warehouse; `id` never repeats."""

    id: str
    number: int
    environment: str
    pointers: tuple[Pointer, ...]


class Session(Protocol):
    """One thread's hands on an open warehouse. Statements run in autocommit. Engine failures raise StepError.

    `physical` is a bare name in the private schema; `relation(physical)` is how SQL writes it. A session belongs to
    one thread at a time, except `interrupt`, which any thread may call.
    """

    def relation(self, physical: str) -> str:
        """Return how SQL writes the physical table or view, quoted and qualified."""

    def build_table(self, physical: str, sql: str) -> int:
        """Create a table from one query, in the query's row order; return its number of rows."""

    def build_view(self, physical: str, sql: str) -> None:
        """Create a view over one query; nothing is computed."""

    def build_from_object(self, physical: str, data: object) -> None:
        """Create a table from what a Python asset returned: an Arrow table, a frame, or a relation of the engine."""

    def ingest(self, physical: str, source: Source, path: Path, columns: Sequence[tuple[str, str]]) -> None:
        """Create a table from a source file, folder or glob at `path`; `columns` are the declared (name, type)."""

    def begin_slices(self, store: str, first: int) -> None:
        """Get ready to add slices numbered from `first` to a store, a table of slices that versions share.

        What a step that never ended left under these numbers is deleted.
        """

    def add_slice(self, store: str, number: int, sql: str) -> int:
        """Add the rows of one query to a store as one slice; return their number. The first makes the store.

        Raises StepError where its columns are not those of the store.
        """

    def store_columns(self, store: str) -> SchemaColumns:
        """Return the columns of the rows in a store."""

    def drop_table(self, physical: str) -> None:
        """Drop a table that nobody else knows of."""

    def show_slices(self, physical: str, store: str, ranges: Ranges) -> None:
        """Make `physical`, a view of these slices of a store, which never changes."""

    def part(self, store: str, columns: Sequence[str], ranges: Ranges) -> str:
        """Return these slices of a store as a relation, as SQL writes it, with the given columns."""

    def by_slice(self, store: str, ranges: Ranges, expressions: Sequence[str]) -> list[Row]:
        """Return for each of these slices that has rows its number and what the aggregate expressions come to."""

    def describe(self, relation: str) -> SchemaColumns:
        """Return the columns of a relation as SQL writes it; types in lower case outside quotes."""

    def columns_of(self, sql: str) -> tuple[str, ...]:
        """Return the output columns of a query without running it."""

    def row(self, sql: str, *, small: bool = False) -> Row:
        """Return the single row of a query, values as in `rows`. Faster where all are `Value`s already.

        `small` says that the query reads some thousand rows at most: then it is planned less and runs as it is.
        """

    def rows(self, sql: str, limit: int) -> list[Row]:
        """Return at most `limit` rows of a query; what is no `Value` comes as the engine's text."""

    def read(self, sql: str, form: Form) -> object:
        """Return the result of a query as a frame, or as a lazy relation of the engine."""

    def fingerprint_sql(
        self, schema: SchemaColumns, columns: tuple[str, ...] | None, condition: str | None = None
    ) -> tuple[str, ...]:
        """Return the aggregate expressions of a fingerprint (always three), to be selected with others in one scan.

        Only rows that meet `condition`, SQL over the relation's own columns, count.
        """

    def fingerprint(self, schema: SchemaColumns, columns: tuple[str, ...] | None, values: Row) -> Fingerprint:
        """Return the fingerprint made of what the expressions of `fingerprint_sql` came to."""

    def export(self, physical: str, path: Path, format: str) -> None:
        """Write the table to `path`, in its row order, and fsync it: equal tables make equal bytes."""

    def interrupt(self) -> None:
        """Stop the statement that runs now in this session, from any thread; it raises StepError there."""

    def close(self) -> None:
        """Let go of the session; a second call does nothing."""


class Warehouse(Protocol):
    """An open warehouse; one process at a time. `close` returns what a later `file_token` is compared with."""

    @property
    def identity(self) -> str:
        """The random id given to the warehouse when it was made."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Everything about the engine that decides results: its full version and settings. Part of definitions."""

    def last_publication(self) -> int:
        """Return the number of the last publication, 0 where there is none."""

    def session(self) -> Session:
        """Return a new session for the calling thread."""

    def publish(self, publication: Publication) -> None:
        """Make readers see every pointer of `publication`, or none. After an error, `is_published` says which.

        Raises StepError where something that Headwater did not make stands at a pointer's name.
        """

    def foreign_names(self) -> Mapping[tuple[str, str], str]:
        """Return table or view for each (schema, table), lower case, that Headwater did not make."""

    def is_published(self, publication_id: str) -> bool:
        """Return whether this publication was committed: the marker decides."""

    def pointers(self) -> Mapping[tuple[str, str], str]:
        """Return what readers' views point to: (schema, table), lower case, to the physical name behind it."""

    def physical_names(self) -> frozenset[str]:
        """Return the names of all physical tables and views."""

    def use_threads(self, count: int) -> None:
        """Let one statement use `count` threads from now on. Costs less than a millisecond; sessions may be busy.

        A warehouse opens with one, which is best for small tables, however many sessions work at once.
        """

    def drop(self, names: Sequence[str]) -> None:
        """Drop these physical tables and views in one transaction; names that are not there are no error."""

    def close(self) -> str:
        """Make everything durable, let go of the file and return its token. A second call returns it again.

        Raises ResourceError where the file cannot be written; it is let go of, and what was published is kept.
        """


class OpenWarehouse(Protocol):
    """Opens the warehouse at `path`, creating it with `new_identity` where it is missing.

    `timezone` is the project's. `folders` are the only places whose files may be read and written; None leaves the
    file system open. Raises WarehouseLocked, WarehouseInvalid, or ResourceError.
    """

    def __call__(
        self, path: Path, *, new_identity: str, timezone: str = "UTC", folders: Sequence[Path] | None = None
    ) -> Warehouse: ...
