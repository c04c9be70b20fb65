"""What a check of the library is: how it reads its options, and the SQL that counts its failing rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from headwater.assets.asset import CheckSpec, Options, OptionValue
from headwater.checks.given import Given
from headwater.checks.literal import ColumnType, column_type
from headwater.checks.sql_text import enclose, quote_name

Schema = tuple[tuple[str, str | None], ...]
Tables = Mapping[str, str]
Schemas = Mapping[str, Schema]
Render = Callable[[str], str]
Ask = Callable[[str], int]
TablesRead = tuple[tuple[str, tuple[str, ...] | None], ...]


class CannotEvaluate(Exception):
    """The check cannot be evaluated on this table; the text says why. It counts as failed."""


@dataclass(frozen=True, slots=True)
class Target:
    """What checks are evaluated on: a relation (SQL) and its schema, those of other assets, `render` for queries."""

    relation: str
    schema: Schema
    tables: Tables
    render: Render
    schemas: Schemas

    def column(self, name: str | None) -> tuple[str, ColumnType]:
        """Return a column as quoted SQL in the table's own spelling, and its type. Raises CannotEvaluate."""
        if name is None:
            raise CannotEvaluate("The check needs a column. Declare it on one.")
        return _column(name, self.schema, "")

    def other_column(self, key: str, name: str) -> tuple[str, ColumnType]:
        """Return a column of another asset likewise; of unknown type where that asset's schema is not known."""
        if key not in self.schemas:
            return quote_name(name), column_type(None)
        return _column(name, self.schemas[key], f" in {key}")

    def columns(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns as quoted SQL. Raises CannotEvaluate."""
        return tuple(self.column(name)[0] for name in names)

    def filtered(self, where: str | None) -> str:
        """Return the relation, or only those of its rows for which `where` is true, to stand after FROM."""
        return self.relation if where is None else f"(select * from {self.relation} where {enclose(where)})"

    def other(self, key: str) -> str:
        """Return the relation of another asset. Raises CannotEvaluate where there is none to read."""
        if key not in self.tables:
            raise CannotEvaluate(f"{key} has no version to compare with. Build it first.")
        return self.tables[key]


def _column(name: str, schema: Schema, where: str) -> tuple[str, ColumnType]:
    same = [pair for pair in schema if pair[0] == name] or [p for p in schema if p[0].lower() == name.lower()]
    if not same:
        known = ", ".join(column for column, _ in schema)
        raise CannotEvaluate(f"There is no column {name}{where}. The columns are {known}.")
    return quote_name(same[0][0]), column_type(same[0][1])


@dataclass(frozen=True, slots=True)
class Measure:
    """The SQL from which a check's failing rows are counted.

    `aggregates` are expressions for the one shared scan of the relation; each of `queries` returns one number.
    """

    aggregates: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()


class CheckKind(ABC):
    """One kind of check. Subclasses say what they take, what they cost, and how they speak."""

    name: ClassVar[str]
    on: ClassVar[Literal["column", "table", "either"]]
    scope: ClassVar[Literal["rows", "table"]]
    takes: ClassVar[tuple[str, ...]] = ()  # its own options
    shorthand: ClassVar[str | None] = None  # the option that a bare value stands for
    example: ClassVar[str]  # one valid declaration in YAML, for remedies
    counts_rows: ClassVar[bool] = True

    @abstractmethod
    def read(self, given: Given) -> Options:
        """Return the validated options; what is wrong is noted on `given`."""

    @abstractmethod
    def measure(self, spec: CheckSpec, target: Target) -> Measure:
        """Return the SQL that counts. Raises CannotEvaluate."""

    @abstractmethod
    def expected(self, spec: CheckSpec) -> str:
        """Return what must hold, in a few words."""

    @abstractmethod
    def actual(self, spec: CheckSpec, failing: int, rows: int) -> str:
        """Return what was found in `rows` rows (after `where`), in a few words."""

    def failing(self, spec: CheckSpec, measure: Measure, rows: int, values: tuple[int, ...], ask: Ask) -> int:
        """Return how many of `rows` rows fail. `values` are those of `measure.aggregates`; `ask` runs a query."""
        return values[0]

    def columns(self, spec: CheckSpec) -> tuple[str, ...]:
        """Return the columns of the asset itself that the check names."""
        return () if spec.column is None else (spec.column,)

    def tables(self, spec: CheckSpec) -> TablesRead:
        """Return the other assets that the check names, each with the columns it needs there."""
        return ()

    def sample(self, spec: CheckSpec, target: Target, limit: int) -> str | None:
        """Return SQL for at most `limit` failing rows, None where it is not about rows. Raises CannotEvaluate."""
        return None


class RowKind(CheckKind):
    """A check that looks at one row at a time: it fails where `fails` is true, not where that is NULL."""

    scope = "rows"
    fault: ClassVar[str]  # what failing rows are, after "3 of 100 rows"

    @abstractmethod
    def fails(self, spec: CheckSpec, target: Target) -> str:
        """Return SQL that is true for a failing row. Raises CannotEvaluate."""

    def measure(self, spec: CheckSpec, target: Target) -> Measure:
        """Return one aggregate that counts the failing rows."""
        return Measure((f"count(*) filter (where {self._guarded(spec, target)})",))

    def actual(self, spec: CheckSpec, failing: int, rows: int) -> str:
        """Return for example `3 of 100 rows out of bounds`."""
        return f"{failing} of {rows} rows {self.fault}"

    def sample(self, spec: CheckSpec, target: Target, limit: int) -> str | None:
        """Return whole failing rows."""
        return f"select * from {target.relation} where {self._guarded(spec, target)} limit {limit}"

    def _guarded(self, spec: CheckSpec, target: Target) -> str:
        # CASE, not AND: an engine may evaluate both sides of AND, and the condition may raise where `where` is false.
        fails = self.fails(spec, target)
        return fails if spec.where is None else f"case when {enclose(spec.where)} then {fails} else false end"


def texts(value: OptionValue) -> tuple[str, ...]:
    """Return an option that holds names as a tuple of them."""
    return tuple(str(item) for item in value) if isinstance(value, tuple) else () if value is None else (str(value),)
