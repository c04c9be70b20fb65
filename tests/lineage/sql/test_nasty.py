"""Nasty input gives an answer or a SqlError with its place; it never hangs, and never shows a parser's traceback."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.assets.errors import SqlError
from headwater.lineage import analyse_sql
from headwater.lineage.sql import writes

CHAIN = "with c0 as (select a, b from t), {} select * from c{}"
INPUTS = {
    "sum of 20,000 terms": "select " + "+".join(["a"] * 20_000) + " as s from t",
    "20,000 conjuncts": "select 1 from t where " + " and ".join(f"a={n}" for n in range(20_000)),
    "1,000 parentheses": "select " + "(" * 1_000 + "1" + ")" * 1_000,
    "5,000 nested CASE": "select " + "case when a then " * 5_000 + "1" + " end" * 5_000 + " from t",
    "3,000 branches": " union all ".join(["select a, b from t"] * 3_000),
    "2,000 CTEs": CHAIN.format(", ".join(f"c{n} as (select * from c{n - 1})" for n in range(1, 2_000)), 1_999),
    "diamonds": CHAIN.format(
        ", ".join(f"c{n} as (select x.a + y.a as a from c{n - 1} x, c{n - 1} y)" for n in range(1, 60)), 59
    ),
    "500 subqueries": "select * from (" * 500 + "select 1" + ")" * 500,
    "3,000 signs": "select " + "- " * 3_000 + "1",
    "20,000 subqueries": "select * from (" * 20_000 + "select 1" + ")" * 20_000,
    "20,000 joins in each other": "select * from t " + "join (t " * 20_000 + ") on a = a " * 20_000,
    "20,000 struct types": "select cast(1 as " + "struct(a " * 20_000 + "int" + ")" * 20_000 + ")",
    "20,000 array types": "select cast(1 as " + "array<" * 20_000 + "int" + ">" * 20_000 + ")",
    "20,000 subscripts": "select a" + "[1]" * 20_000 + " from t",
    "20,000 method calls": "select a" + ".lower()" * 20_000 + " from t",
    "a number of 10,000 digits": f"select {'1' * 10_000} from t order by {'1' * 10_000}",
    "odd digits": "select a from t order by \u00b2",
    "half a character": "select '\ud800'",
    "another dialect": "SELECT TOP 5 [a b] FROM x.dbo.t AS q",
    "bytes": bytes(range(1, 256)).decode("latin-1"),
    "open quote": "select 'abc",
    "open comment": "select 1 /* abc",
    "null byte": "select 1\x00",
    "nothing": " ;;; ",
    "only words": "once upon a time",
}


SALAD = """
    select from where a b t ( ) , . * + - = 'x' " $v [ ] { } case when end as with union all join on using group by
    order limit over pivot unpivot values lateral exclude columns lambda : :: -> not null 1 ; /* */ -- exists in
"""


def place_or_tables(sql: str, schema: dict[str, dict[str, str]]) -> tuple[int, int] | set[str]:
    """Return the tables read, or where the error is."""
    try:
        return {read.table for read in analyse_sql(sql, schema=schema).reads}
    except SqlError as error:
        return (error.line or 0, error.column or 0)


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("schema", [{}, {"t": {"a": "integer", "b": "integer"}}], ids=["unknown", "known"])
def test_an_answer_or_an_error_with_its_place(name: str, schema: dict[str, dict[str, str]]) -> None:
    answer = place_or_tables(INPUTS[name], schema)
    assert answer <= {"t"} if isinstance(answer, set) else min(answer) > 0


@settings(deadline=None)
@given(st.lists(st.sampled_from(SALAD.split()), max_size=25).map(" ".join))
def test_word_salad(sql: str) -> None:
    answer = place_or_tables(sql, {"t": {"a": "integer", "b": "integer"}})
    assert isinstance(answer, set) or min(answer) > 0


def test_a_form_that_no_rule_has_met_is_an_error_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(resolution: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(writes, "resolve_statement", stumble)
    with pytest.raises(SqlError, match="not understood: IndexError"):
        analyse_sql("select 1 as x")


@pytest.mark.parametrize("terms", [300, 4_000, 20_000])
@pytest.mark.parametrize("sign", ["+", "||", "and", "*"])
def test_long_chains_are_answered(terms: int, sign: str) -> None:
    """A generated score may well add hundreds of columns."""
    sql = "select " + f" {sign} ".join(["a"] * terms)
    for named in (f"{sql} as s from t", f"{sql} from t"):
        analysis = analyse_sql(named, schema={"t": {"a": "integer"}})
        assert [read.columns for read in analysis.reads] == [("a",)]
        assert [len(output.sources) for output in analysis.outputs or ()] == [1]
