"""Chance, clock and order."""

from __future__ import annotations

import duckdb
import pytest

from headwater.lineage import analyse_sql
from headwater.lineage.sql import functions

SCHEMA = {"t": {"a": "integer", "b": "integer", "f": "double", "d": "date", "l": "integer[]"}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(a)", "STABLE"),
        ("coalesce(a, b) + abs(a)", "STABLE"),
        ("cast(a as decimal(18, 2))", "STABLE"),
        ("case when a in (1, 2) then 1 end", "STABLE"),
        ("list_transform(l, lambda x: x + 1)", "STABLE"),
        ("extract(year from d)", "STABLE"),
        ("current_date", "CLOCK"),
        ("now()", "CLOCK"),
        ("get_current_timestamp()", "CLOCK"),
        ("current_localtimestamp()", "CLOCK"),
        ("date_trunc('month', today())", "CLOCK"),
        ("age(d)", "CLOCK"),
        ("age(d, d)", "STABLE"),
        ("random()", "VOLATILE"),
        ("a > random()", "VOLATILE"),
        ("uuid()", "VOLATILE"),
        ("gen_random_uuid()", "VOLATILE"),
        ("nextval('s')", "VOLATILE"),
        ("current_setting('x')", "VOLATILE"),
        ("getenv('HOME')", "VOLATILE"),
        ("txid_current()", "VOLATILE"),
        ("user", "VOLATILE"),
        ("current_user", "VOLATILE"),
        ("never_heard_of(a)", "VOLATILE"),
        ('"random"()', "VOLATILE"),
        ("Random ( )", "VOLATILE"),
        ("ago(interval 1 day)", "VOLATILE"),
    ],
)
def test_volatility_of_an_expression(expression: str, expected: str) -> None:
    assert analyse_sql(f"select {expression} as x from t", schema=SCHEMA).volatility == expected
    assert (
        analyse_sql(f"with c as (select a, {expression} as y from t) select a from c", schema=SCHEMA).volatility
        == expected
    )


@pytest.mark.parametrize("sql", ["from t tablesample 10%", "select a from t using sample 10 rows"])
def test_samples_are_volatile(sql: str) -> None:
    assert analyse_sql(sql, schema=SCHEMA).volatility == "VOLATILE"


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select a from t limit 3", "LIMIT without a total ORDER BY"),
        ("select a, b from t order by a limit 3", "LIMIT without a total ORDER BY"),
        ("select a from (select a, b from t order by b offset 1) x", "OFFSET without a total ORDER BY"),
        ("select any_value(a) as x from t", "any_value without a total ORDER BY"),
        ("select list(a) as x from t", "list without a total ORDER BY"),
        ("select string_agg(a, ',') as x from t", "string_agg without a total ORDER BY"),
        ("select row_number() over () as x from t", "row_number without a total ORDER BY"),
        ("select sum(f) as x from t", "sum over floating-point values"),
        ("select avg(a::double) as x from t", "avg over floating-point values"),
        ("select distinct on (a) b from t", "DISTINCT ON without a total ORDER BY"),
        ("select t.a from t positional join t u", "a positional join without a total ORDER BY"),
    ],
)
def test_results_that_depend_on_the_order_of_rows(sql: str, reason: str) -> None:
    assert analyse_sql(sql, schema=SCHEMA).order_dependent == (reason,)


@pytest.mark.parametrize(
    "sql",
    [
        "select a, b from t order by a, b limit 3",
        "select a as x, b from t order by 2, x limit 3",
        "select a, b from t order by all limit 3",
        "select a, count(*) as n from t group by a order by n, a limit 3",
        "select list(a order by b) as x from t",
        "select sum(a) as x, count(*) as n, max(f) as m from t",
        "select row_number() over (order by a) as x from t",
        "select a from t order by b",
    ],
)
def test_results_that_do_not(sql: str) -> None:
    assert analyse_sql(sql, schema=SCHEMA).order_dependent == ()


def test_our_list_never_calls_pure_what_the_engine_calls_volatile() -> None:
    rows = duckdb.connect().execute("select function_name from duckdb_functions() where stability <> 'CONSISTENT'")
    assert [name for (name,) in rows.fetchall() if functions.is_pure(name)] == []
