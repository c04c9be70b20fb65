"""A pattern is refused when it is declared exactly where the engine would refuse it."""

from __future__ import annotations

import warnings

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.checks.library.pattern import pattern_fault

ACCEPTED = r"""
    a ^[A-Z]{3}$ \d+\.\d{2} (a|b)* (?:a)? (?i)abc a(?i)b (?i:a)b (?s-i:.) (?P<x>a) (?P<1a>b) (?P<x>a)(?P<y>b) \pL
    \p{Greek} \P{Lu} [[:alpha:]_] [^[:digit:]] \Qa.b(\E a\z []a] [^]a] [\]] [\d-x] a{2,5}? a{1000} 鍵+ \x{1F5DD} \x41
    \bword\b a{,3} x*? \. \/ (?U)a+ \A\w [a&&b] a]
"""
REFUSED = r"""
    [ ( ) a) *a a** [z-a] [a--b] (?=a) (?!a) (?<=a) (?<!a) (a)\1 (?P=x) (?>a) a++ a{2}+ a{1001} a{3,2} (?(1)a|b) (?#c)a
    (?z)a \Z \u0041 \N a\ + (?x)a (?a)b (?L)b \G (?|a) (?<x>a) \p \pX \p{2} \P? [a
"""


def engine_refuses(bench, pattern):
    """Whether RE2 does, as the engine has it built in."""
    try:
        bench.connection.execute("select regexp_matches('abc', ?)", [pattern]).fetchall()
    except duckdb.Error:
        return True
    return False


@pytest.mark.parametrize("pattern", ACCEPTED.split())
def test_accepted_as_by_the_engine(bench, pattern):
    assert not engine_refuses(bench, pattern)
    assert pattern_fault(pattern) is None


@pytest.mark.parametrize("pattern", REFUSED.split())
def test_refused_as_by_the_engine(bench, pattern):
    assert engine_refuses(bench, pattern)
    assert pattern_fault(pattern)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.text(st.sampled_from(list(r"ab1()[]{}|*+?^$.\-,:=!<>P")), max_size=6))
def test_what_is_accepted_the_engine_accepts(bench, pattern):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fault = pattern_fault(pattern)
    assert fault or not engine_refuses(bench, pattern)
