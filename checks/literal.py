"""Comparing a column with the value a user wrote, exactly.

Left to itself an engine meets in the middle: it casts text to a whole number by rounding it, or a DECIMAL(38, 0) to
DECIMAL(38, 3) and raises. So the *value* moves to the column's type, and where it lies between two values that the
type can hold, the comparison says so: `x < 0.5` over whole numbers is `x <= 0`. The column is never cast.
Only floating-point columns compare with the nearest value that they can hold, as 0.1 is in no such column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from headwater.assets.asset import OptionValue
from headwater.checks.sql_text import quote_text

Family = Literal[
    "exact", "float", "text", "enum", "boolean", "date", "timestamp", "timestamptz", "time", "other", "unknown"
]

MAX_EXPONENT = 500  # beyond what any engine's number holds; bounds the work on hostile exponents
_SIGNED_BITS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64, "hugeint": 128}
_UNSIGNED_BITS = {"utinyint": 8, "usmallint": 16, "uinteger": 32, "ubigint": 64, "uhugeint": 128}
_SYNONYMS = {"int": "integer", "int2": "smallint", "int4": "integer", "int8": "bigint", "numeric": "decimal"}
_FLOAT_MAX = {
    **dict.fromkeys(("float", "real", "float4"), Decimal((2**24 - 1) * 2**104)),
    **dict.fromkeys(("double", "double precision", "float8"), Decimal((2**53 - 1) * 2**971)),
}
_TEXTS = ("varchar", "text", "character varying", "char", "character", "bpchar", "string")
_TIMESTAMP_UNITS = {"timestamp_s": 1_000_000, "timestamp_ms": 1_000}  # microseconds
_TIMESTAMPS = (
    "timestamp",
    "timestamp_s",
    "timestamp_ms",
    "timestamp_us",
    "timestamp_ns",
    "timestamp without time zone",
    "datetime",
)
_TIMESTAMPTZS = ("timestamp with time zone", "timestamptz")
_NS_FIRST = datetime(1677, 9, 21, 0, 12, 43, 145225)  # a 64-bit count of nanoseconds, in whole microseconds
_NS_END = datetime(2262, 4, 11, 23, 47, 16, 854776)
_NS_LAST_TEXT = "2262-04-11 23:47:16.854775806"
_FAR_DAY = re.compile(
    r"-?infinity|\d{5,7}-\d\d-\d\d|\d{4,7}-\d\d-\d\d \(BC\)", re.IGNORECASE
)  # what Python's dates cannot hold
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?")
_FINE_FRACTION = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d{7,9}")


class Incomparable(Exception):
    """The value cannot be compared with the column without guessing; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What must be known of a column's type to compare it: its family, its name in a CAST, and its grid and range.

    Exact numbers are the multiples of 10^-`scale` from `low` to `high` times that (None: unbounded).
    """

    family: Family
    sql: str
    scale: int | None = None
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a value stands among those of a type: at `literal`, or (not `exact`) between it and the next one up."""

    literal: str
    exact: bool = True
    side: Literal["inside", "below all", "above all"] = "inside"


@lru_cache(maxsize=1024)
def column_type(type_: str | None) -> ColumnType:
    """Return what an engine's type name (any case; None: unknown) means for comparisons."""
    text = (type_ or "").strip().lower()
    if not text:
        return ColumnType("unknown", "")
    base, _, arguments = text.partition("(")
    base = _SYNONYMS.get(base.strip(), base.strip())
    if text.endswith("]") or base in ("struct", "map", "union", "row"):
        return ColumnType("other", text)
    if base in _SIGNED_BITS:
        half = 1 << (_SIGNED_BITS[base] - 1)
        return ColumnType("exact", text, 0, -half, half - 1)
    if base in _UNSIGNED_BITS:
        return ColumnType("exact", text, 0, 0, (1 << _UNSIGNED_BITS[base]) - 1)
    if base == "decimal":
        return _decimal_type(text, arguments)
    if base == "bignum":
        return ColumnType("exact", text, 0)
    if base in _FLOAT_MAX:
        return ColumnType("float", text)
    families: tuple[tuple[Family, tuple[str, ...]], ...] = (
        ("text", _TEXTS),
        ("enum", ("enum",)),
        ("boolean", ("boolean", "bool")),
        ("date", ("date",)),
        ("timestamp", _TIMESTAMPS),
        ("timestamptz", _TIMESTAMPTZS),
        ("time", ("time", "time without time zone")),
    )
    return ColumnType(next((family for family, names in families if base in names), "other"), text)


def below(column: str, type_: ColumnType, bound: OptionValue) -> str:
    """Return SQL that is true where `column` (SQL) is less than `bound`. Raises Incomparable."""
    placed = _place(type_, bound)
    if placed.side != "inside":
        return f"{column} is not null" if placed.side == "above all" else "false"
    return f"{_readable(column, type_)} {'<' if placed.exact else '<='} {placed.literal}"


def above(column: str, type_: ColumnType, bound: OptionValue) -> str:
    """Return SQL that is true where `column` (SQL) is greater than `bound`. Raises Incomparable."""
    placed = _place(type_, bound)
    if placed.side != "inside":
        return f"{column} is not null" if placed.side == "below all" else "false"
    return f"{_readable(column, type_)} > {placed.literal}"


def none_of(column: str, type_: ColumnType, values: tuple[OptionValue, ...]) -> str:
    """Return SQL that is true where `column` (SQL) equals none of `values`, unknown where it is NULL."""
    placed = (_place(type_, value) for value in values)
    # A value that the column's type cannot hold equals nothing in it.
    literals = dict.fromkeys(each.literal for each in placed if each.exact and each.side == "inside")
    if not literals:
        return f"{column} is not null"
    return f"{_readable(column, type_)} not in ({', '.join(literals)})"


def is_nan(column: str, type_: ColumnType) -> str | None:
    """Return SQL that is true where `column` (SQL) is not a number; None where its type has no such value."""
    if type_.family == "float":
        return f"{column} = cast('NaN' as {type_.sql})"
    return f"lower(cast({column} as varchar)) = 'nan'" if type_.family == "unknown" else None


def as_number(text: str) -> Decimal | None:
    """Return the number that `text` writes, exactly; None where it is none (NaN included) or out of all bounds."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if number.is_nan() or "_" in text:
        return None
    return number if number.is_infinite() or abs(number.adjusted()) <= MAX_EXPONENT else None


def comparable(one: ColumnType, other: ColumnType) -> bool:
    """Return whether two columns compare without a cast that rounds or guesses; unknown types are given the benefit."""
    families = {one.family, other.family}
    if families == {"other"}:
        return one.sql == other.sql
    return len(families) == 1 or "unknown" in families or families in ({"text", "enum"}, {"date", "timestamp"})


def is_far_day(text: str) -> bool:
    """Return whether `text` writes a day that Python's dates cannot hold: a year of five digits, BC, or infinity."""
    return _FAR_DAY.fullmatch(text) is not None


def plain(number: Decimal | int) -> str:
    """Return a finite number as plain digits, without exponent and exactly."""
    return format(number, "f") if isinstance(number, Decimal) else str(number)


def _decimal_type(text: str, arguments: str) -> ColumnType:
    sizes = [int(part) for part in arguments.rstrip(")").split(",") if part.strip().isdigit()]
    if not sizes:
        return ColumnType("exact", text, None)
    scale = sizes[1] if len(sizes) > 1 else 0
    largest = 10 ** sizes[0] - 1
    return ColumnType("exact", text, scale, -largest, largest)


def _readable(column: str, type_: ColumnType) -> str:
    return f"cast({column} as varchar)" if type_.family == "enum" else column


def _place(type_: ColumnType, value: OptionValue) -> _Placed:
    match type_.family:
        case "exact" | "float":
            number = _number(type_, value)
            return _place_float(type_, number) if type_.family == "float" else _place_exact(type_, number)
        case "text" | "enum" if isinstance(value, str):
            return _Placed(quote_text(value))
        case "boolean" if isinstance(value, bool):
            return _Placed("true" if value else "false")
        case "date":
            return _place_day(type_, value)
        case "timestamp" | "timestamptz":
            return _place_moment(type_, value)
        case "time" if isinstance(value, str) and _CLOCK.fullmatch(value):
            return _Placed(_cast(value, "time"))
        case "other" | "unknown":
            return _Placed(_untyped(value))
    raise _incomparable(type_, value)


def _number(type_: ColumnType, value: OptionValue) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise _incomparable(type_, value)
    number = as_number(value) if isinstance(value, str) else Decimal(value)
    if number is None:
        raise _incomparable(type_, value)
    return number


def _place_exact(type_: ColumnType, number: Decimal) -> _Placed:
    if number.is_infinite():
        return _Placed("", side="above all" if number > 0 else "below all")
    if type_.scale is None:
        return _Placed(plain(number))
    sign, digits, exponent = number.as_tuple()
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    shift = int(exponent) + type_.scale
    whole, rest = (unscaled * 10**shift, 0) if shift >= 0 else divmod(unscaled, 10**-shift)
    if type_.high is not None and whole > type_.high:
        return _Placed("", side="above all")
    if type_.low is not None and whole < type_.low:
        return _Placed("", side="below all")
    return _Placed(_cast(_with_scale(whole, type_.scale), type_.sql), rest == 0)


def _with_scale(whole: int, scale: int) -> str:
    digits = str(abs(whole)).zfill(scale + 1)
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if whole < 0 else text


def _place_float(type_: ColumnType, number: Decimal) -> _Placed:
    largest = _FLOAT_MAX[type_.sql]
    if number.is_infinite() or number.copy_abs() <= largest:
        return _Placed(_cast(str(number), type_.sql))
    # Finite, yet beyond every finite value of the type: the value just under it is the largest, or minus infinity.
    return _Placed(_cast(str(float(largest)) if number > 0 else "-Infinity", type_.sql), exact=False)


def _place_day(type_: ColumnType, value: OptionValue) -> _Placed:
    if isinstance(value, str) and is_far_day(value):
        return _Placed(_cast(value, "date"))
    moment = _moment(type_, value)
    if moment.tzinfo is not None:
        raise Incomparable(f"{value} has a time zone and the column holds dates. Write a date.")
    return _Placed(_cast(moment.date().isoformat(), "date"), moment == datetime(moment.year, moment.month, moment.day))


def _place_moment(type_: ColumnType, value: OptionValue) -> _Placed:
    if isinstance(value, str) and is_far_day(value):
        return _Placed(_cast(value, type_.sql))
    fine = isinstance(value, str) and _FINE_FRACTION.fullmatch(value) is not None
    if fine and type_.sql == "timestamp_ns":
        return _Placed(_cast(str(value), type_.sql))
    moment = _moment(type_, value)
    if moment.tzinfo is not None and type_.family == "timestamp":
        raise Incomparable(f"{value} has a time zone and the column has none. Write it without one.")
    if type_.sql == "timestamp_ns" and not _NS_FIRST <= moment < _NS_END:
        return _Placed(_cast("-infinity" if moment < _NS_FIRST else _NS_LAST_TEXT, type_.sql), exact=False)
    rest = moment.microsecond % _TIMESTAMP_UNITS.get(type_.sql, 1)
    return _Placed(_cast((moment - timedelta(microseconds=rest)).isoformat(" "), type_.sql), rest == 0 and not fine)


def _moment(type_: ColumnType, value: OptionValue) -> datetime:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise _incomparable(type_, value) from None
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    raise _incomparable(type_, value)


def _untyped(value: OptionValue) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quote_text(value)
        case int():
            return str(value)
        case Decimal():
            return plain(value) if value.is_finite() else _cast(str(value), "double")
        case datetime():
            return _cast(value.isoformat(" "), "timestamp" if value.tzinfo is None else "timestamptz")
        case date():
            return _cast(value.isoformat(), "date")
    raise Incomparable(f"{value!r} is not a value to compare with.")


def _cast(text: str, type_: str) -> str:
    return f"cast({quote_text(text)} as {type_})"


def _incomparable(type_: ColumnType, value: OptionValue) -> Incomparable:
    if type_.family == "text" and not isinstance(value, str):
        remedy = "Quote the value, or cast the column in the asset."
    else:
        remedy = "Write a value of the column's type, or cast the column in the asset."
    shown = repr(value) if isinstance(value, str) else str(value)
    return Incomparable(f"{shown} cannot be compared with a column of type {type_.sql}. {remedy}")
