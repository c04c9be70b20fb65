"""The checks as Python functions: the same values as from YAML."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from headwater.assets.errors import RequestError
from headwater.checks import functions as hw
from headwater.checks.declare import parse_check
from headwater.checks.library import KINDS


@pytest.mark.parametrize(
    ("made", "raw", "column"),
    [
        (hw.not_null("carrier"), "not_null", "carrier"),
        (hw.unique("carrier", "day"), {"unique": ["carrier", "day"]}, None),
        (hw.between("delay", min=0), {"between": {"min": 0}}, "delay"),
        (
            hw.between("d", min=date(2024, 1, 1), max="2024-02-01"),
            {"between": {"min": date(2024, 1, 1), "max": "2024-02-01"}},
            "d",
        ),
        (hw.between("x", max=Decimal("0.10")), {"between": {"max": 0.1}}, "x"),
        (hw.accepted_values("x", ["a", "b"]), {"accepted_values": ["a", "b"]}, "x"),
        (hw.matches("x", "^a"), {"matches": "^a"}, "x"),
        (hw.row_count(min=1), {"row_count": {"min": 1}}, None),
        (hw.expression("amount >= 0"), {"expression": "amount >= 0"}, None),
        (hw.sql("select 1", severity="warn"), {"sql": {"sql": "select 1", "severity": "warn"}}, None),
        (
            hw.relationship("cust", to="stg.customers", column="id"),
            {"relationship": {"columns": "cust", "to": "stg.customers", "column": "id"}},
            None,
        ),
        (
            hw.not_null("a", name="n", severity="warn", warn_if="> 1%", where="b", description="d"),
            {"not_null": {"name": "n", "severity": "warn", "warn_if": "> 1%", "where": "b", "description": "d"}},
            "a",
        ),
    ],
)
def test_same_as_yaml(made, raw, column):
    assert made == parse_check(raw, column, None)[0]


@pytest.mark.parametrize(
    "made",
    [hw.not_null(), hw.unique(), hw.between(min=0), hw.accepted_values(values=["a"]), hw.matches(pattern="a")],
)
def test_the_column_may_come_from_where_it_stands(made):
    spec, problems = parse_check(made, "x", None)
    assert problems == ()
    assert spec.column == "x"


@pytest.mark.parametrize("there", [{}, {"column": "id"}])
def test_a_relationship_takes_its_column_from_where_it_stands(there):
    spec, problems = parse_check(hw.relationship(to="stg.x", **there), "k", None)
    assert problems == ()
    assert spec == parse_check({"relationship": {"to": "stg.x", **there}}, "k", None)[0]


def test_a_relationship_of_the_table_has_the_same_column_there_and_here():
    spec, problems = parse_check(hw.relationship(to="stg.x", column="id"), None, None)
    assert problems == ()
    assert spec == parse_check({"relationship": {"to": "stg.x", "column": "id"}}, None, None)[0]
    assert (
        parse_check(hw.relationship(to="stg.x"), None, None)[1][0].message == "relationship: the columns are missing."
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hw.between("x"), "between: needs `min` or `max`."),
        (lambda: hw.between("x", min=2, max=1), "min 2 is greater than max 1"),
        (lambda: hw.not_null("x", severity="fatal"), "`severity` must be error or warn"),
        (lambda: hw.accepted_values("x"), "`values` must be a list of values"),
        (lambda: hw.matches("x", "["), "cannot be used"),
        (lambda: hw.relationship("a", "b", to="x", column="c"), "2 columns here cannot equal 1 there"),
        (lambda: hw.row_count(), "needs `min`, `max` or `exact`"),
        (lambda: hw.expression(""), "`sql` must be a text"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(RequestError, match=re.escape(message)):
        make()


def test_there_is_a_function_for_every_check():
    assert all(callable(getattr(hw, name, None)) for name in KINDS)
