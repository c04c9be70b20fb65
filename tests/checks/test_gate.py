"""Results to a verdict: nothing that failed, raised or did not run is green."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from headwater.assets.asset import CheckSpec
from headwater.checks.check import CheckResult
from headwater.checks.gate import judge


def result(outcome, severity="error", check="c"):
    return CheckResult(check, "not_null", "x", severity, outcome, "", "")


@pytest.mark.parametrize(
    ("outcome", "severity", "word"),
    [
        ("PASS", "error", "PASS"),
        ("WARN", "error", "WARN"),
        ("FAIL", "error", "BLOCK"),
        ("ERROR", "error", "BLOCK"),
        ("PASS", "warn", "PASS"),
        ("WARN", "warn", "WARN"),
        ("ERROR", "warn", "WARN"),
    ],
)
def test_one_result(outcome, severity, word):
    verdict = judge([result(outcome, severity)])
    assert verdict.word == word
    assert verdict.blocks is (word == "BLOCK")
    assert verdict.results == (result(outcome, severity),)


def test_no_checks_pass():
    assert judge(()).word == "PASS"


def test_the_worst_of_many_decides_wherever_it_stands():
    rank = ["PASS", "WARN", "BLOCK"]
    words = {"PASS": "PASS", "WARN": "WARN", "FAIL": "BLOCK", "ERROR": "BLOCK"}
    for outcomes in combinations_with_replacement(words, 3):
        worst = max((words[outcome] for outcome in outcomes), key=rank.index)
        assert judge(map(result, outcomes)).word == worst
        assert judge(map(result, reversed(outcomes))).word == worst


def test_a_check_that_did_not_run_blocks():
    verdict = judge([result("PASS", check="not_null(a)")], [CheckSpec("not_null", "a"), CheckSpec("not_null", "b")])
    assert verdict.word == "BLOCK"
    assert [(each.check, each.outcome, each.actual) for each in verdict.results] == [
        ("not_null(a)", "PASS", ""),
        ("not_null(b)", "ERROR", "was not run"),
    ]


def test_one_result_does_not_stand_for_two_checks_of_one_label():
    same = CheckSpec("not_null", "a")
    assert judge([result("PASS", check="not_null(a)")], [same, same]).word == "BLOCK"
    assert judge([result("PASS", check="not_null(a)")], [same]).word == "PASS"


def test_a_warning_check_that_did_not_run_warns():
    assert judge([], [CheckSpec("not_null", "a", severity="warn")]).word == "WARN"
