"""Checks of one column, one row at a time: not_null, accepted_values, between, matches."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from headwater.assets.asset import CheckSpec, Options, OptionValue
from headwater.checks.given import Given
from headwater.checks.library.kind import Ask, CannotEvaluate, Measure, RowKind, Target
from headwater.checks.library.pattern import pattern_fault
from headwater.checks.literal import (
    ColumnType,
    Incomparable,
    above,
    as_number,
    below,
    is_far_day,
    is_nan,
    none_of,
    plain,
)
from headwater.checks.sql_text import enclose, quote_text


class NotNull(RowKind):
    """Fails on a row whose value is NULL. Empty text and NaN are values."""

    name = "not_null"
    on = "column"
    example = "not_null"
    shorthand = "column"
    fault = "with NULL"

    def read(self, given: Given) -> Options:
        """Return no options: it takes none of its own."""
        return ()

    def fails(self, spec: CheckSpec, target: Target) -> str:
        """Return SQL that is true for NULL."""
        return f"{target.column(spec.column)[0]} is null"

    def measure(self, spec: CheckSpec, target: Target) -> Measure:
        """Return the count of values, not of NULLs: engines count a column's values from its validity mask alone."""
        counted = f"count({target.column(spec.column)[0]})"
        return Measure((counted if spec.where is None else f"{counted} filter (where {enclose(spec.where)})",))

    def failing(self, spec: CheckSpec, measure: Measure, rows: int, values: tuple[int, ...], ask: Ask) -> int:
        """Return the rows that have no value."""
        return rows - values[0]

    def expected(self, spec: CheckSpec) -> str:
        """Return for example `carrier not NULL`."""
        return f"{spec.column} not NULL"


class AcceptedValues(RowKind):
    """Fails on a value that is not in the list. NULL is not compared; NaN is in no list."""

    name = "accepted_values"
    on = "column"
    takes = ("values",)
    shorthand = "values"
    example = "accepted_values: [a, b]"
    fault = "with another value"

    def read(self, given: Given) -> Options:
        """Return `values`, each once, in the order given."""
        values = given.scalars("values")
        if values is None and not given.faults:
            given.fault("the values are missing.", f"Say for example {self.example}.")
        return (("values", values),)

    def fails(self, spec: CheckSpec, target: Target) -> str:
        """Return SQL that is true for a value outside the list."""
        column, type_ = target.column(spec.column)
        values = spec.option("values")
        try:
            return none_of(column, type_, values if isinstance(values, tuple) else (values,))
        except Incomparable as error:
            raise CannotEvaluate(f"{spec.column}: {error}") from None

    def expected(self, spec: CheckSpec) -> str:
        """Return for example `origin in (EWR, JFK, LGA)`, shortened after ten values."""
        values = spec.option("values")
        shown = [_shown(value) for value in values] if isinstance(values, tuple) else []
        more = [f"... {len(shown) - 10} more"] if len(shown) > 10 else []
        return f"{spec.column} in ({', '.join(shown[:10] + more)})"


class Between(RowKind):
    """Fails on a value below `min` or above `max`, which are both inclusive. NULL is not compared; NaN always fails."""

    name = "between"
    on = "column"
    takes = ("min", "max")
    example = "between: {min: 0, max: 10}"
    fault = "out of bounds"

    def read(self, given: Given) -> Options:
        """Return `max` and `min`, those that were given."""
        low, high = given.scalar("min"), given.scalar("max")
        for name, bound in (("min", low), ("max", high)):
            if isinstance(bound, bool):
                given.fault(f"`{name}` must be a number, a date or a text, not {_shown(bound)}.")
        if low is None and high is None and not given.faults:
            given.fault("needs `min` or `max`.", f"Say for example {self.example}.")
        if low is not None and high is not None and not given.faults:
            fault = _order_fault(low, high)
            if fault:
                given.fault(fault, "Exchange or correct them.")
        return tuple((name, bound) for name, bound in (("max", high), ("min", low)) if bound is not None)

    def fails(self, spec: CheckSpec, target: Target) -> str:
        """Return SQL that is true for a value out of bounds."""
        column, type_ = target.column(spec.column)
        try:
            return _outside(column, type_, spec.option("min"), spec.option("max"))
        except Incomparable as error:
            raise CannotEvaluate(f"{spec.column}: {error}") from None

    def expected(self, spec: CheckSpec) -> str:
        """Return for example `month from 1 to 12`."""
        low, high = spec.option("min"), spec.option("max")
        if low is None or high is None:
            return f"{spec.column} {'<=' if low is None else '>='} {_shown(high if low is None else low)}"
        return f"{spec.column} from {_shown(low)} to {_shown(high)}"


class Matches(RowKind):
    """Fails on a text in which the regular expression (RE2) is not found. NULL is not compared."""

    name = "matches"
    on = "column"
    takes = ("pattern",)
    shorthand = "pattern"
    example = 'matches: "^[A-Z]{3}$"'
    fault: ClassVar[str] = "not matching"

    def read(self, given: Given) -> Options:
        """Return `pattern`."""
        pattern = given.text("pattern")
        if pattern is None:
            if not given.faults:
                given.fault("the pattern is missing.", f"Say for example {self.example}.")
        elif (fault := pattern_fault(pattern)) is not None:
            given.fault(f"the pattern {pattern!r} cannot be used: {fault}.", "The syntax is that of RE2.")
        return (("pattern", pattern),)

    def fails(self, spec: CheckSpec, target: Target) -> str:
        """Return SQL that is true for a text without a match."""
        column, type_ = target.column(spec.column)
        if type_.family not in ("text", "enum", "unknown"):
            raise CannotEvaluate(f"{spec.column}: matches compares text, and the column's type is {type_.sql}.")
        text = f"cast({column} as varchar)" if type_.family == "enum" else column
        return f"not regexp_matches({text}, {quote_text(str(spec.option('pattern')))})"

    def expected(self, spec: CheckSpec) -> str:
        """Return for example `tailnum matches ^N`."""
        return f"{spec.column} matches {spec.option('pattern')}"


def _outside(column: str, type_: ColumnType, low: OptionValue, high: OptionValue) -> str:
    if type_.family == "boolean":
        raise Incomparable("between compares numbers, dates and text, and the column's type is boolean.")
    faults = []
    if low is not None:
        faults.append(below(column, type_, low))
    if high is not None:
        faults.append(above(column, type_, high))
    # Engines sort NaN above infinity, so a `min` alone would let it pass.
    numeric = not any(isinstance(bound, str | date) for bound in (low, high))
    nan = is_nan(column, type_) if type_.family == "float" or numeric else None
    return f"({' or '.join([*faults, *([nan] if nan else [])])})"


def _order_fault(low: OptionValue, high: OptionValue) -> str | None:
    numbers = [_number(bound) for bound in (low, high)]
    if numbers[0] is not None and numbers[1] is not None:
        return f"min {_shown(low)} is greater than max {_shown(high)}." if numbers[0] > numbers[1] else None
    if isinstance(low, str) and isinstance(high, str) and not (is_far_day(low) or is_far_day(high)):
        return f"min {low!r} is greater than max {high!r}." if low > high else None
    if isinstance(low, date) and isinstance(high, date):
        return _date_order_fault(low, high)
    if isinstance(low, str) or isinstance(high, str):
        return None  # a quoted number or date: the column's type decides
    return f"min {_shown(low)} and max {_shown(high)} are of different kinds."


def _date_order_fault(low: date, high: date) -> str | None:
    first, last = (d if isinstance(d, datetime) else datetime(d.year, d.month, d.day) for d in (low, high))
    if (first.tzinfo is None) != (last.tzinfo is None):
        return "one of min and max has a time zone and the other has none."
    return f"min {low} is greater than max {high}." if first > last else None


def _number(value: OptionValue) -> Decimal | None:
    if isinstance(value, str):
        return as_number(value)
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _shown(value: OptionValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite():
        return plain(value)
    return str(value)
