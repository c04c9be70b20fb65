"""The checks as Python functions, for `@asset(checks=[...])`: the same names and options as in YAML.

Each returns a CheckSpec and raises RequestError with every fault of its arguments. A check of a column may leave the
column out where it stands in `columns=` and takes the column from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict, Unpack

from headwater.assets.asset import CheckSpec
from headwater.assets.errors import RequestError
from headwater.checks.declare import parse_check

Bound = str | int | float | Decimal | date | datetime
Value = Bound | bool


class CommonOptions(TypedDict, total=False):
    """The options that every check takes."""

    name: str
    severity: str
    warn_if: str
    error_if: str
    where: str
    on_fail: str
    scope: str
    description: str


def not_null(column: str | None = None, **common: Unpack[CommonOptions]) -> CheckSpec:
    """Fails on rows whose value is NULL."""
    return _check("not_null", {"column": column}, common)


def unique(*columns: str, **common: Unpack[CommonOptions]) -> CheckSpec:
    """Fails on rows that share their key, one or several columns, with another row."""
    return _check("unique", {"columns": list(columns) or None}, common)


def accepted_values(
    column: str | None = None, values: Sequence[Value] = (), **common: Unpack[CommonOptions]
) -> CheckSpec:
    """Fails on rows whose value is not one of `values`."""
    return _check("accepted_values", {"column": column, "values": list(values)}, common)


def between(
    column: str | None = None, *, min: Bound | None = None, max: Bound | None = None, **common: Unpack[CommonOptions]
) -> CheckSpec:
    """Fails on rows whose value is less than `min` or greater than `max`, and on NaN."""
    return _check("between", {"column": column, "min": min, "max": max}, common)


def matches(column: str | None = None, pattern: str = "", **common: Unpack[CommonOptions]) -> CheckSpec:
    """Fails on rows in whose text the regular expression is not found."""
    return _check("matches", {"column": column, "pattern": pattern}, common)


def row_count(
    *, min: int | None = None, max: int | None = None, exact: int | None = None, **common: Unpack[CommonOptions]
) -> CheckSpec:
    """Fails where the number of rows is out of bounds."""
    return _check("row_count", {"min": min, "max": max, "exact": exact}, common)


def relationship(
    *columns: str, to: str, column: str | Sequence[str] | None = None, **common: Unpack[CommonOptions]
) -> CheckSpec:
    """Fails on rows whose key in `columns` is not found in `column` of the asset `to`."""
    there = column if column is None or isinstance(column, str) else list(column)
    return _check("relationship", {"columns": list(columns) or None, "to": to, "column": there}, common)


def expression(sql: str, **common: Unpack[CommonOptions]) -> CheckSpec:
    """Fails on rows for which the SQL condition is false."""
    return _check("expression", {"sql": sql}, common)


def sql(query: str, **common: Unpack[CommonOptions]) -> CheckSpec:
    """Fails on every row that the query returns; `$this` is the staged table."""
    return _check("sql", {"sql": query}, common)


def _check(kind: str, options: Mapping[str, object], common: CommonOptions) -> CheckSpec:
    given = {name: value for name, value in options.items() if value is not None}
    spec, problems = parse_check({kind: {**given, **common}}, None, None, open_column=True)
    if spec is None:
        raise RequestError(" ".join(str(problem) for problem in problems))
    return spec
