"""What decides a verdict is in the identity, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from headwater.assets.asset import CheckSpec, Location
from headwater.checks.declare import parse_checks
from headwater.checks.identity import checks_identity

BASE = CheckSpec("between", "x", (("max", 10), ("min", 0)))


def identity(*declared):
    specs, problems = parse_checks(list(declared), None, None)
    assert not problems
    return checks_identity(specs)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"column": "y"},
        {"options": (("max", 11), ("min", 0))},
        {"options": (("max", "10"), ("min", 0))},
        {"options": (("max", 10),)},
        {"where": "x > 1"},
        {"severity": "warn"},
        {"warn_if": "> 3"},
        {"error_if": "> 1"},
        {"error_if": "> 0%"},
        {"scope": "table"},
        {"on_fail": "quarantine"},
    ],
)
def test_what_decides_changes_it(change):
    assert checks_identity([replace(BASE, **change)]) != checks_identity([BASE])


@pytest.mark.parametrize(
    "change",
    [
        {"description": "why"},
        {"name": "in range"},
        {"location": Location("a.yaml", 3)},
        {"error_if": "> 0"},
        {"error_if": ">0.0"},
        {"options": (("max", Decimal("10.00")), ("min", Decimal("-0")))},
    ],
)
def test_what_does_not_decide_leaves_it(change):
    assert checks_identity([replace(BASE, **change)]) == checks_identity([BASE])


def test_defaults_that_are_written_out_change_nothing():
    written = {"not_null": {"column": "a", "severity": "error", "error_if": "> 0", "scope": "rows", "on_fail": "block"}}
    assert identity(written) == identity({"not_null": "a"})
    warns = {"not_null": {"column": "a", "severity": "warn", "warn_if": ">0"}}
    assert identity(warns) == identity({"not_null": {"column": "a", "severity": "warn"}})


def test_order_of_checks_does_not_decide_but_their_number_does():
    a, b = {"not_null": "a"}, {"unique": "b"}
    assert identity(a, b) == identity(b, a)
    assert identity(a, a) != identity(a)
    assert identity() != identity(a)


def test_values_of_different_kinds_differ():
    values = (1, "1", True, "true", date(2024, 1, 1), datetime(2024, 1, 1), "2024-01-01", (1,), None)
    seen = {checks_identity([replace(BASE, options=(("values", value),))]) for value in values}
    assert len(seen) == len(values)


def test_it_holds_only_tuples_text_and_whole_numbers():
    def leaves(value):
        return [leaf for item in value for leaf in leaves(item)] if isinstance(value, tuple) else [value]

    spec = replace(
        BASE, options=(("values", (Decimal("0.1"), date(2024, 1, 1), True, None, "x", Decimal("Infinity"))),)
    )
    assert {type(leaf) for leaf in leaves(checks_identity([spec]))} <= {str, int, type(None)}
