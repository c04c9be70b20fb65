"""Checks of a table: unique, row_count, expression, sql."""

from __future__ import annotations

from headwater.assets.asset import CheckSpec, Options
from headwater.checks.given import Given
from headwater.checks.library.kind import Ask, CheckKind, Measure, RowKind, Target, texts
from headwater.checks.sql_text import enclose, expression_fault, one_query, query_fault, restrict_this


class Unique(CheckKind):
    """Fails on every row that shares its key with another row: two equal keys are two failing rows.

    The key is one or several columns. Keys that contain a NULL are not compared; NaN equals NaN.
    """

    name = "unique"
    on = "either"
    scope = "table"
    takes = ("columns",)
    shorthand = "columns"
    example = "unique: [day, region]"

    def read(self, given: Given) -> Options:
        """Return `columns`, or nothing where the check is declared on a column."""
        columns = given.names("columns")
        if columns is None:
            if given.column is None and not given.open_column and not given.faults:
                given.fault("the columns are missing.", f"Say for example {self.example}.")
            return ()
        if given.column is not None:
            given.fault(
                "`columns` belong to a check of the table, and this one stands on a column.",
                "Write `unique` here, or move it to the asset's checks.",
            )
        return (("columns", columns),)

    def columns(self, spec: CheckSpec) -> tuple[str, ...]:
        """Return the columns of the key."""
        return texts(spec.option("columns", spec.column))

    def measure(self, spec: CheckSpec, target: Target) -> Measure:
        """Return the count of complete keys, the query for different ones, and the query for rows that share theirs."""
        key = self._key(spec, target)
        complete, listed = _complete(key), ", ".join(key)
        where = complete if spec.where is None else f"{enclose(spec.where)} and {complete}"
        rows = f"from {target.filtered(spec.where)} as checked where {complete}"
        return Measure(
            aggregates=(f"count(*) filter (where {where})",),
            queries=(
                f"select count(*) from (select distinct {listed} {rows}) as keys",
                f"select coalesce(sum(n), 0) from (select count(*) as n {rows} group by {listed}) as keys where n > 1",
            ),
        )

    def failing(self, spec: CheckSpec, measure: Measure, rows: int, values: tuple[int, ...], ask: Ask) -> int:
        """Return how many rows share their key; the dearer query runs only where some do."""
        different, shared = measure.queries
        return 0 if ask(different) == values[0] else ask(shared)

    def expected(self, spec: CheckSpec) -> str:
        """Return for example `unique (day, region)`."""
        return f"unique ({', '.join(self.columns(spec))})"

    def actual(self, spec: CheckSpec, failing: int, rows: int) -> str:
        """Return for example `4 of 100 rows sharing their key`."""
        return f"{failing} of {rows} rows sharing their key"

    def sample(self, spec: CheckSpec, target: Target, limit: int) -> str | None:
        """Return whole rows that share their key, those of one key together."""
        key = self._key(spec, target)
        listed = ", ".join(key)
        rows = f"from {target.filtered(spec.where)} as checked where {_complete(key)}"
        same = " and ".join(f"shared.{column} = failing.{column}" for column in key)
        order = ", ".join(f"failing.{column}" for column in key)
        return (
            f"select failing.* from {target.filtered(spec.where)} as failing where exists (select 1 from "
            f"(select {listed} {rows} group by {listed} having count(*) > 1) as shared where {same}) "
            f"order by {order} limit {limit}"
        )

    def _key(self, spec: CheckSpec, target: Target) -> tuple[str, ...]:
        return target.columns(self.columns(spec)) or (target.column(None)[0],)


class RowCount(CheckKind):
    """Fails where the number of rows is less than `min` or more than `max`, or not `exact`.

    Thresholds compare how many rows are missing or in excess.
    """

    name = "row_count"
    on = "table"
    scope = "table"
    takes = ("min", "max", "exact")
    shorthand = "exact"
    example = "row_count: {min: 1}"
    counts_rows = False

    def read(self, given: Given) -> Options:
        """Return `exact`, `max` and `min`, those that were given."""
        bounds = {name: given.whole(name) for name in ("exact", "max", "min")}
        low, high = bounds["min"], bounds["max"]
        if not any(given.has(name) for name in bounds):
            given.fault("needs `min`, `max` or `exact`.", f"Say for example {self.example}.")
        if given.has("exact") and (given.has("min") or given.has("max")):
            given.fault("`exact` excludes `min` and `max`.", "Keep one form.")
        if low is not None and high is not None and low > high:
            given.fault(f"min {low} is greater than max {high}.", "Exchange or correct them.")
        return tuple((name, bound) for name, bound in bounds.items() if bound is not None)

    def measure(self, spec: CheckSpec, target: Target) -> Measure:
        """Return nothing: the shared scan counts rows anyway."""
        return Measure()

    def failing(self, spec: CheckSpec, measure: Measure, rows: int, values: tuple[int, ...], ask: Ask) -> int:
        """Return how many rows are missing or in excess."""
        low, high = _row_bounds(spec)
        return max((low or 0) - rows, 0) + (max(rows - high, 0) if high is not None else 0)

    def expected(self, spec: CheckSpec) -> str:
        """Return for example `from 1 to 12 rows`."""
        low, high = _row_bounds(spec)
        if low == high:
            return f"{low} rows"
        if low is None or high is None:
            return f"at most {high} rows" if low is None else f"at least {low} rows"
        return f"from {low} to {high} rows"

    def actual(self, spec: CheckSpec, failing: int, rows: int) -> str:
        """Return for example `3 rows`."""
        return f"{rows} rows"


class Expression(RowKind):
    """Fails on a row for which the condition is false, not where it is NULL. It may use all columns of the row."""

    name = "expression"
    on = "either"
    takes = ("sql",)
    shorthand = "sql"
    example = 'expression: "amount >= 0"'
    fault = "for which it is false"

    def read(self, given: Given) -> Options:
        """Return `sql`."""
        text = given.text("sql")
        if text is None:
            if not given.faults:
                given.fault("the condition is missing.", f"Say for example {self.example}.")
        elif (fault := expression_fault(text)) is not None:
            given.fault(*fault)
        return (("sql", text),)

    def fails(self, spec: CheckSpec, target: Target) -> str:
        """Return SQL that is true where the condition is false."""
        return f"not {enclose(str(spec.option('sql')))}"

    def expected(self, spec: CheckSpec) -> str:
        """Return the condition itself, on one line."""
        return " ".join(str(spec.option("sql")).split())


class Sql(CheckKind):
    """Fails on every row that the query returns. In it `$this` is the staged table."""

    name = "sql"
    on = "either"
    scope = "table"
    takes = ("sql",)
    shorthand = "sql"
    example = 'sql: "select * from $this where amount < 0"'

    def read(self, given: Given) -> Options:
        """Return `sql`."""
        text = given.text("sql")
        if text is None:
            if not given.faults:
                given.fault("the query is missing.", f"Say for example {self.example}.")
        elif (fault := query_fault(text)) is not None:
            given.fault(*fault)
        return (("sql", text),)

    def measure(self, spec: CheckSpec, target: Target) -> Measure:
        """Return the count of what the query returns."""
        return Measure(queries=(f"select count(*) from ({self._rendered(spec, target)}\n) as failing",))

    def failing(self, spec: CheckSpec, measure: Measure, rows: int, values: tuple[int, ...], ask: Ask) -> int:
        """Return how many rows the query returns."""
        return ask(measure.queries[0])

    def expected(self, spec: CheckSpec) -> str:
        """Return `no rows`."""
        return "no rows returned"

    def actual(self, spec: CheckSpec, failing: int, rows: int) -> str:
        """Return for example `2 rows returned`."""
        return f"{failing} {'row' if failing == 1 else 'rows'} returned"

    def sample(self, spec: CheckSpec, target: Target, limit: int) -> str | None:
        """Return the first rows that the query returns."""
        return f"select * from ({self._rendered(spec, target)}\n) as failing limit {limit}"

    def _rendered(self, spec: CheckSpec, target: Target) -> str:
        query = one_query(str(spec.option("sql")))
        return target.render(query if spec.where is None else restrict_this(query, spec.where))


def _complete(key: tuple[str, ...]) -> str:
    return " and ".join(f"{column} is not null" for column in key)


def _row_bounds(spec: CheckSpec) -> tuple[int | None, int | None]:
    exact, low, high = spec.option("exact"), spec.option("min"), spec.option("max")
    if isinstance(exact, int):
        return exact, exact
    return low if isinstance(low, int) else None, high if isinstance(high, int) else None
