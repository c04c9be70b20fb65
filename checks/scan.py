"""One query from many checks: all that looks at one row, or counts, is counted in a single pass over the relation.

`plan_scan` decides into a value, `run_scan` performs it through a function that runs SQL; this module opens nothing.
Checks that need a group or another table have queries of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from headwater.assets.asset import CheckSpec
from headwater.assets.errors import HeadwaterError, StepError
from headwater.checks.check import CheckResult
from headwater.checks.library import check_kind
from headwater.checks.library.kind import (
    CannotEvaluate,
    CheckKind,
    Measure,
    Render,
    Schema,
    Schemas,
    Tables,
    TablesRead,
    Target,
)
from headwater.checks.sql_text import enclose
from headwater.checks.threshold import outcome, tolerance

Execute = Callable[[str], Sequence[object]]
_ROWS = "count(*)"
_NOTHING = Measure()
_NO_SCHEMAS: Schemas = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ScanItem:
    """One check in a scan: what it measures and where its numbers stand in the shared select.

    `rows_at` is the position of the number of rows after `where`. `fault` says why it cannot be evaluated at all.
    """

    spec: CheckSpec
    measure: Measure = _NOTHING
    rows_at: int = 0
    values_at: tuple[int, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """What will be asked of one relation. `selected` are the expressions of the shared select, each once; the first
    counts the rows; `extra_at` are the positions of the extra ones."""

    relation: str
    selected: tuple[str, ...]
    extra_at: tuple[int, ...]
    items: tuple[ScanItem, ...]

    @property
    def sql(self) -> str:
        """The shared select: one row."""
        return self.sql_of(self.selected)

    def sql_of(self, expressions: Sequence[str]) -> str:
        """Return a select of some expressions over the relation."""
        return f"select {', '.join(expressions)} from {self.relation}"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found: the rows, the values of the extra expressions in their order, a result for each check.

    `extra_errors` holds (position, message) for each extra expression that raised; its value is then None.
    """

    rows: int
    extra: tuple[object, ...]
    results: tuple[CheckResult, ...]
    extra_errors: tuple[tuple[int, str], ...] = ()


def plan_scan(
    relation: str,
    schema: Schema,
    checks: Iterable[CheckSpec],
    tables: Tables,
    extra: Sequence[str],
    render: Render,
    schemas: Schemas = _NO_SCHEMAS,
) -> Scan:
    """Return the scan that evaluates `checks` and the `extra` aggregate expressions over `relation` (SQL).

    `schema` is the relation's (name, type) columns. For relationship `tables` maps asset keys to relations (SQL), and
    `schemas` to their columns: without them, keys of different types compare as the engine has it. `render` turns the
    text of a `sql` check into SQL with its references pinned and `$this` replaced. A check that cannot be evaluated is
    planned as a fault, not raised.
    """
    target = Target(relation, schema, tables, render, schemas)
    positions: dict[str, int] = {_ROWS: 0}

    def place(expression: str) -> int:
        return positions.setdefault(expression, len(positions))

    extra_at = tuple(place(expression) for expression in extra)
    items = []
    for spec in checks:
        try:
            measure = _kind(spec).measure(spec, target)
        except (CannotEvaluate, HeadwaterError) as error:
            items.append(ScanItem(spec, fault=str(error)))
            continue
        rows_at = place(_rows_expression(spec))
        items.append(ScanItem(spec, measure, rows_at, tuple(place(each) for each in measure.aggregates)))
    return Scan(relation, tuple(positions), extra_at, tuple(items))


def run_scan(scan: Scan, execute: Execute) -> ScanResult:
    """Perform a scan. `execute` runs SQL and returns its one row; it raises StepError where the engine refuses.

    Where the shared select raises, everything in it is asked for alone, so that one wrong check spoils no other:
    that one becomes ERROR. Raises StepError where not even the rows can be counted.
    """
    values = _Values(scan, execute)
    rows = values.number(0)
    results = tuple(_evaluate(item, values) for item in scan.items)
    extra, errors = [], []
    for index, position in enumerate(scan.extra_at):
        try:
            extra.append(values.value(position))
        except StepError as error:
            extra.append(None)
            errors.append((index, error.message))
    return ScanResult(rows, tuple(extra), results, tuple(errors))


def sample_sql(
    spec: CheckSpec,
    relation: str,
    schema: Schema,
    tables: Tables,
    render: Render,
    limit: int = 10,
    schemas: Schemas = _NO_SCHEMAS,
) -> str | None:
    """Return SQL for at most `limit` failing rows of a check, or None where it is not about rows or cannot be asked.

    The arguments are those of `plan_scan`.
    """
    try:
        return _kind(spec).sample(spec, Target(relation, schema, tables, render, schemas), limit)
    except (CannotEvaluate, HeadwaterError):
        return None


def check_columns(spec: CheckSpec) -> tuple[str, ...]:
    """Return the columns of its own asset that a check names, as written; SQL texts are in `check_expressions`."""
    return _kind(spec).columns(spec)


def check_tables(spec: CheckSpec) -> TablesRead:
    """Return the other assets that a check names: (asset key, columns needed there, or None for any)."""
    return _kind(spec).tables(spec)


def check_expressions(spec: CheckSpec) -> tuple[str, ...]:
    """Return the SQL expressions over a row of the asset that a check contains: its condition and its `where`."""
    condition = spec.option("sql") if spec.kind == "expression" else None
    return tuple(text for text in (condition, spec.where) if isinstance(text, str))


def check_query(spec: CheckSpec) -> str | None:
    """Return the query of a `sql` check as written, to be parsed for the tables that it reads; else None."""
    query = spec.option("sql") if spec.kind == "sql" else None
    return query if isinstance(query, str) else None


class _Values:
    """The values of the shared select, in one query or, once that has raised, one by one."""

    def __init__(self, scan: Scan, execute: Execute) -> None:
        self._scan = scan
        self._execute = execute
        self._known: dict[int, object | StepError] = {}
        try:
            row = tuple(execute(scan.sql))
        except StepError:
            return
        if len(row) == len(scan.selected):  # COLUMNS(*) in a condition unfolds to several
            self._known = dict(enumerate(row))

    def value(self, position: int) -> object:
        """Return a value; raises StepError where its expression does."""
        if position not in self._known:
            self._known[position] = self._alone(self._scan.selected[position])
        value = self._known[position]
        if isinstance(value, StepError):
            raise value
        return value

    def number(self, position: int) -> int:
        """Return a value that is a number of rows."""
        return _whole(self.value(position))

    def ask(self, query: str) -> int:
        """Return the one number that `query` gives."""
        (value,) = self._execute(query)
        return _whole(value)

    def _alone(self, expression: str) -> object | StepError:
        try:
            row = tuple(self._execute(self._scan.sql_of((expression,))))
        except StepError as error:
            return error
        return row[0] if len(row) == 1 else StepError("The condition unfolds to several columns. Name each of them.")


def _evaluate(item: ScanItem, values: _Values) -> CheckResult:
    if item.fault is not None:
        return _error(item.spec, item.fault)
    spec, kind = item.spec, _kind(item.spec)
    try:
        rows = values.number(item.rows_at)
        numbers = tuple(values.number(position) for position in item.values_at)
        failing = kind.failing(spec, item.measure, rows, numbers, values.ask)
    except StepError as error:
        return _error(spec, error.message)
    return CheckResult(
        check=spec.label,
        kind=spec.kind,
        column=spec.column,
        severity=spec.severity,
        outcome=outcome(spec, failing, rows),
        expected=kind.expected(spec) + tolerance(spec),
        actual=kind.actual(spec, failing, rows),
        failing_rows=failing if kind.counts_rows else None,
    )


def _error(spec: CheckSpec, message: str) -> CheckResult:
    try:
        expected = _kind(spec).expected(spec) + tolerance(spec)
    except CannotEvaluate:
        expected = ""
    return CheckResult(
        spec.label,
        spec.kind,
        spec.column,
        spec.severity,
        "ERROR",
        expected,
        "could not be evaluated",
        message=_brief(message),
    )


def _brief(message: str) -> str:
    """An engine's first paragraph: what follows it quotes SQL of ours, which nobody has written."""
    return message.split("\n\n", 1)[0]


def _kind(spec: CheckSpec) -> CheckKind:
    try:
        return check_kind(spec.kind)
    except KeyError:
        raise CannotEvaluate(f"There is no check {spec.kind!r}.") from None


def _rows_expression(spec: CheckSpec) -> str:
    return _ROWS if spec.where is None else f"{_ROWS} filter (where {enclose(spec.where)})"


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise StepError(f"The engine answered {value!r} where a number of rows was asked for.")
