"""Thresholds are parsed strictly and compared exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.asset import CheckSpec
from headwater.checks.threshold import outcome, parse_threshold, tolerance


@pytest.mark.parametrize(
    ("text", "failing", "rows", "holds"),
    [
        ("> 0", 0, 0, False),
        ("> 0", 1, 0, True),
        (">= 3", 3, 5, True),
        (">= 3", 2, 5, False),
        ("= 0", 0, 5, True),
        ("== 2", 2, 5, True),
        ("!= 0", 1, 5, True),
        ("<> 0", 0, 5, False),
        ("< 10", 9, 5, True),
        ("<= 9", 9, 99, True),
        ("<= 9", 10, 99, False),
        (">10", 11, 99, True),
        ("  >   10  ", 10, 99, False),
        ("> 0.1%", 1, 1000, False),
        ("> 0.1%", 1, 999, True),
        ("> 0.1 %", 1001, 1_000_000, True),
        (">= 33.3%", 333, 1000, True),
        (">= 33.3%", 3329, 10000, False),
        ("> 0%", 0, 0, False),
        (">= 5%", 0, 0, False),
        (">= 0%", 0, 0, True),
        ("< 5%", 0, 0, True),
        ("= 0%", 0, 0, True),
        ("> 100%", 1, 0, True),
        ("< 100%", 1, 0, False),
        ("> 150%", 151, 100, True),
        ("> 30%", 3 * 10**17, 10**18, False),
        ("> 30%", 3 * 10**17 + 1, 10**18, True),
    ],
)
def test_holds(text, failing, rows, holds):
    assert parse_threshold(text).holds(failing, rows) is holds


@pytest.mark.parametrize(
    "text", ["", "10", "> ", "> ten", "> -1", "=> 3", "> 1e3", "> 10 rows", "> 5%%", "> 1,000", "> .5%"]
)
def test_what_is_no_threshold(text):
    with pytest.raises(ValueError, match="is not a threshold"):
        parse_threshold(text)


def test_a_fraction_of_a_row_is_a_forgotten_percent_sign():
    with pytest.raises(ValueError, match="compares a number of rows with a fraction"):
        parse_threshold("> 0.1")


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.decimals(0, 200, places=5))
def test_a_share_is_compared_as_a_fraction(failing, rows, limit):
    assert parse_threshold(f"> {limit:f}%").holds(failing, rows) == (Fraction(failing, rows) * 100 > Fraction(limit))


@pytest.mark.parametrize(
    ("text", "shown"),
    [(">=3", ">= 3"), ("> 0.10%", "> 0.1%"), ("<> 2.0", "!= 2"), ("==7%", "= 7%"), ("> 12.34%", "> 12.34%")],
)
def test_shown_in_one_way_which_means_the_same(text, shown):
    assert str(parse_threshold(text)) == shown
    assert parse_threshold(shown) == parse_threshold(text)


@pytest.mark.parametrize(
    ("options", "failing", "expected"),
    [
        ({}, 0, "PASS"),
        ({}, 1, "FAIL"),
        ({"error_if": "> 10"}, 10, "PASS"),
        ({"error_if": "> 10"}, 11, "FAIL"),
        ({"warn_if": "> 10"}, 1, "FAIL"),  # error_if keeps its default
        ({"warn_if": "> 2", "error_if": "> 10"}, 2, "PASS"),
        ({"warn_if": "> 2", "error_if": "> 10"}, 3, "WARN"),
        ({"warn_if": "> 2", "error_if": "> 10"}, 11, "FAIL"),
        ({"warn_if": "> 20", "error_if": "> 10"}, 11, "FAIL"),
        ({"severity": "warn"}, 0, "PASS"),
        ({"severity": "warn"}, 1, "WARN"),
        ({"severity": "warn", "warn_if": "> 10"}, 10, "PASS"),
        ({"severity": "warn", "warn_if": "> 10"}, 11, "WARN"),
        ({"severity": "warn", "warn_if": "> 10", "error_if": "> 5"}, 6, "WARN"),
        ({"severity": "warn", "error_if": "> 5"}, 100, "WARN"),
    ],
)
def test_the_worse_threshold_counts_and_warn_never_fails(options, failing, expected):
    assert outcome(CheckSpec("not_null", "x", **options), failing, 100) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ""),
        ({"error_if": ">0"}, ""),
        ({"severity": "warn", "warn_if": "> 0"}, ""),
        ({"severity": "warn", "warn_if": "> 5"}, " (warns if > 5)"),
        ({"warn_if": "> 1", "error_if": "> 0.1%"}, " (fails if > 0.1%, warns if > 1)"),
    ],
)
def test_what_is_tolerated_is_said(options, words):
    assert tolerance(CheckSpec("not_null", "x", **options)) == words
