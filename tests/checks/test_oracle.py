"""Checks against a plain Python oracle, on rows that hypothesis makes up."""

from __future__ import annotations

import math
import struct
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

settings_ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

SMALL = st.one_of(st.none(), st.integers(0, 3))
ROWS = st.lists(st.tuples(SMALL, SMALL, st.one_of(st.none(), st.booleans())), max_size=12)
TEXTS = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4))


def stage(bench, types, rows):
    """Stage rows of Python values, each cast from text by the engine."""
    names = [f"c{index}" for index in range(len(types))]
    empty = ", ".join(f"cast(null as {type_}) as {name}" for name, type_ in zip(names, types, strict=True))
    bench.stage(f"select {empty} where false")
    values = ", ".join(
        "(" + ", ".join(f"cast({text(value)} as {type_})" for value, type_ in zip(row, types, strict=True)) + ")"
        for row in rows
    )
    if rows:
        bench.connection.execute(f'insert into "staged tables"."t__v1" values {values}')


def text(value):
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"


@settings_
@given(rows=ROWS, columns=st.sampled_from([["c0"], ["c1"], ["c0", "c1"]]), where=st.sampled_from([None, "c2"]))
def test_unique_counts_the_rows_that_share_a_key(bench, rows, columns, where):
    stage(bench, ("integer", "integer", "boolean"), rows)
    result = bench.check({"unique": {"columns": columns, "where": where}})
    keys = Counter(
        key
        for row in rows
        if where is None or row[2]
        for key in [tuple(row[int(column[1])] for column in columns)]
        if None not in key
    )
    assert result.failing_rows == sum(count for count in keys.values() if count > 1)


@settings_
@given(rows=ROWS, there=st.lists(st.tuples(SMALL, SMALL), max_size=6), where=st.sampled_from([None, "c2"]))
def test_relationship_counts_the_complete_keys_that_are_not_there(bench, rows, there, where):
    stage(bench, ("integer", "integer", "boolean"), rows)
    values = ", ".join(f"({'null' if a is None else a}, {'null' if b is None else b})" for a, b in there)
    bench.other(
        "o", f"select a::integer as a, b::integer as b from (values {values or '(0, 0)'}) t(a, b) where {bool(there)}"
    )
    spec = {"to": "o", "columns": ["c0", "c1"], "column": ["a", "b"], "where": where}
    failing = sum(None not in row[:2] and row[:2] not in there for row in rows if where is None or row[2])
    assert bench.check({"relationship": spec}).failing_rows == failing


@settings_
@given(
    values=st.lists(TEXTS, max_size=8), accepted=st.lists(TEXTS.filter(lambda t: t is not None), min_size=1, max_size=4)
)
def test_accepted_texts(bench, values, accepted):
    stage(bench, ("varchar",), [(value,) for value in values])
    failing = sum(value is not None and value not in accepted for value in values)
    assert bench.check({"accepted_values": accepted}, "c0").failing_rows == failing


@settings_
@given(values=st.lists(TEXTS, max_size=8), low=TEXTS, high=TEXTS)
def test_texts_between(bench, values, low, high):
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        return
    stage(bench, ("varchar",), [(value,) for value in values])
    failing = sum(outside(value, low, high) for value in values)
    if any(bound is not None and looks_numeric(bound) for bound in (low, high)):
        return  # the order of quoted numbers is the column's to say
    assert bench.check({"between": {"min": low, "max": high}}, "c0").failing_rows == failing


def looks_numeric(bound):
    try:
        Decimal(bound)
    except ArithmeticError:
        return False
    return True


def outside(value, low, high):
    return value is not None and ((low is not None and value < low) or (high is not None and value > high))


EXACT = {
    "tinyint": (0, 2**7 - 1, -(2**7)),
    "integer": (0, 2**31 - 1, -(2**31)),
    "bigint": (0, 2**63 - 1, -(2**63)),
    "ubigint": (0, 2**64 - 1, 0),
    "hugeint": (0, 2**127 - 1, -(2**127)),
    "decimal(4,2)": (2, 9999, -9999),
    "decimal(18,0)": (0, 10**18 - 1, -(10**18) + 1),
    "decimal(38,37)": (37, 10**38 - 1, -(10**38) + 1),
    "decimal(38,0)": (0, 10**38 - 1, -(10**38) + 1),
}


def exact_numbers(scale, high, low):
    """Numbers of a type, gathered at the edges where comparisons go wrong."""
    whole = st.one_of(
        st.integers(low, high), st.integers(max(low, -3), 3), st.sampled_from([low, high, high - 1, max(low, 0)])
    )
    return whole.map(lambda unscaled: Decimal(f"{unscaled}E-{scale}"))


@pytest.mark.parametrize("type_", EXACT)
@settings_
@given(data=st.data())
def test_exact_numbers_between_and_accepted(bench, type_, data):
    numbers = exact_numbers(*EXACT[type_])
    # Bounds also fall between the type's values and beyond its range.
    nearby = st.tuples(numbers, st.sampled_from(["0", "0.5", "-0.5", "1e-40", "1", "1e39"])).map(
        lambda pair: Fraction(pair[0]) + Fraction(pair[1])
    )
    bounds = st.one_of(numbers.map(Fraction), nearby).map(decimal_of)
    values = data.draw(st.lists(st.one_of(st.none(), numbers), max_size=6))
    low, high = sorted(data.draw(st.tuples(bounds, bounds)))
    stage(bench, (type_,), [(None if value is None else format(value, "f"),) for value in values])
    failing = sum(outside(value, low, high) for value in values)
    assert bench.check({"between": {"min": low, "max": high}}, "c0").failing_rows == failing
    quoted = {"min": format(low, "f"), "max": format(high, "f")}
    assert bench.check({"between": quoted}, "c0").failing_rows == failing
    outsiders = sum(value is not None and value not in (low, high) for value in values)
    assert bench.check({"accepted_values": [low, high]}, "c0").failing_rows == outsiders


def decimal_of(number):
    """The exact decimal of a fraction over a power of ten."""
    places = 0
    while number.denominator != 1:
        number, places = number * 10, places + 1
    return Decimal(f"{number.numerator}E-{places}")


@pytest.mark.parametrize("type_", ["double", "float"])
@settings_
@given(data=st.data())
def test_floats_between(bench, type_, data):
    width = 32 if type_ == "float" else 64
    values = data.draw(st.lists(st.one_of(st.none(), st.floats(width=width), st.sampled_from([0.0, -0.0])), max_size=6))
    written = st.decimals(-1000, 1000, places=3)
    low, high = sorted(data.draw(st.tuples(written, written)))
    low, high = data.draw(st.sampled_from([(low, high), (low, None), (None, high)]))
    values += [None if bound is None else nearest(bound, type_) for bound in (low, high)]
    stage(bench, (type_,), [(None if value is None else repr(value),) for value in values])
    bounds = [None if bound is None else nearest(bound, type_) for bound in (low, high)]
    failing = sum(value is not None and (math.isnan(value) or outside(value, *bounds)) for value in values)
    assert bench.check({"between": {"min": low, "max": high}}, "c0").failing_rows == failing


def nearest(number, type_):
    return struct.unpack("f", struct.pack("f", float(number)))[0] if type_ == "float" else float(number)


MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999))
NEAR = st.tuples(
    st.sampled_from([datetime(2024, 1, 1), datetime(1970, 1, 1), datetime(1, 1, 2), datetime(9999, 12, 31)]),
    st.integers(-2_000_001, 2_000_001),
).map(lambda pair: pair[0] + timedelta(microseconds=pair[1]))
GRID = {"timestamp": 1, "timestamp_ms": 1_000, "timestamp_s": 1_000_000, "date": 86_400_000_000}


@pytest.mark.parametrize("type_", GRID)
@settings_
@given(values=st.lists(st.one_of(st.none(), MOMENTS, NEAR), max_size=6), bounds=st.tuples(NEAR, NEAR))
def test_moments_between(bench, type_, values, bounds):
    low, high = sorted(bounds)
    on_grid = [None if value is None else floor(value, GRID[type_]) for value in values]
    stage(bench, (type_,), [(None if v is None else day(v) if type_ == "date" else v,) for v in on_grid])
    failing = sum(outside(value, low, high) for value in on_grid)
    assert bench.check({"between": {"min": low, "max": high}}, "c0").failing_rows == failing
    assert bench.check({"between": {"min": str(low), "max": str(high)}}, "c0").failing_rows == failing
    if type_ == "date":
        first, last = low.date(), high.date()
        failing = sum(value is not None and not first <= value.date() <= last for value in on_grid)
        assert bench.check({"between": {"min": first, "max": last}}, "c0").failing_rows == failing


def floor(moment, microseconds):
    since = moment - datetime(1, 1, 1)
    return moment - since % timedelta(microseconds=microseconds)


def day(moment: datetime) -> date:
    return moment.date()


@settings_
@given(rows=ROWS)
def test_not_null_expression_and_row_count(bench, rows):
    stage(bench, ("integer", "integer", "boolean"), rows)
    kept = [row for row in rows if row[2]]
    assert bench.check({"not_null": {"column": "c0", "where": "c2"}}).failing_rows == sum(r[0] is None for r in kept)
    false = sum(r[0] is not None and r[1] is not None and not r[0] <= r[1] for r in kept)
    assert bench.check({"expression": {"sql": "c0 <= c1", "where": "c2"}}).failing_rows == false
    assert bench.check({"row_count": {"exact": len(kept), "where": "c2"}}).outcome == "PASS"
    assert bench.check({"row_count": {"exact": len(kept) + 1, "where": "c2"}}).outcome == "FAIL"
