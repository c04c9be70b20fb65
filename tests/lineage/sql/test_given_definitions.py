"""Views and macros given as text: expanded in lineage and reads, and part of the hash of whatever uses them."""

from __future__ import annotations

import pytest

from headwater.lineage import analyse_sql
from tests.lineage.sql.flows import flows, reads

SCHEMA = {"t": {"a": "integer", "b": "integer", "c": "integer"}}
DEFINITIONS = {
    "v": "create view v (p, q) as select a, b + 1 from t where c > 0",
    "w": "select p as z from v",
    "add": "create macro add(x, y := 1) as x + y",
    "add_c": "create macro add_c(x) as x + c",
    "pick": "create macro pick(x) as x, (x, y) as y",
    "total": "create macro total(x) as (select sum(a) from t where b = x)",
    "rows_of": "create macro rows_of(n) as table select a, n as n from t where b > n",
    "itself": "select p from itself",
}


@pytest.mark.parametrize(
    ("sql", "expected", "also_read"),
    [
        ("select p, q from v", {"p": ["t.a"], "q": ["t.b"]}, {"t.c"}),
        ("select z from w", {"z": ["t.a"]}, {"t.c"}),
        ("select * from v", {"p": ["t.a"], "q": ["t.b"]}, {"t.c"}),
        ("with v as (select 1 as p) select p from v", {"p": []}, set()),
        ("select add(a, b) as r from t", {"r": ["t.a", "t.b"]}, set()),
        ("select add(a) as r from t", {"r": ["t.a"]}, set()),
        ("select add(y := a, x := b) as r from t", {"r": ["t.a", "t.b"]}, set()),
        ("select add(add(a, b), c) as r from t", {"r": ["t.a", "t.b", "t.c"]}, set()),
        ("select add_c(a) as r from t", {"r": ["t.a", "t.c"]}, set()),
        ("select pick(a) as r from t", {"r": ["t.a"]}, set()),
        ("select pick(a, b) as r from t", {"r": ["t.b"]}, {"t.a"}),
        ("select total(1) as r", {"r": ["t.a"]}, {"t.b"}),
        ("select a, n from rows_of(3)", {"a": ["t.a"], "n": []}, {"t.b"}),
        ("select r.n from v, rows_of(v.q) r", {"n": ["t.b"]}, {"t.c"}),
        ("select p from itself", {"p": ["itself.p"]}, set()),
        ("insert into o select p from v", {"p": ["t.a"]}, {"t.c"}),
    ],
)
def test_expanded(sql: str, expected: dict[str, list[str]], also_read: set[str]) -> None:
    analysis = analyse_sql(sql, schema=SCHEMA, definitions=DEFINITIONS)
    assert flows(analysis) == expected
    assert reads(analysis) >= also_read
    assert [problem.message for problem in analysis.problems if not problem.refused] == []


def test_a_view_whose_columns_are_given_is_a_table() -> None:
    assert flows(analyse_sql("select p from v", schema={"v": {"p": "integer"}})) == {"p": ["v.p"]}


@pytest.mark.parametrize(
    ("dialect", "definition", "call"),
    [
        ("bigquery", "create temp function f(x int64) returns int64 as (x + b)", "f(a)"),
        ("snowflake", "create function f(x int) returns int as 'x + b'", "f(a)"),
        ("postgres", "create function f(x int) returns int language sql as $$ select x + t.b from t $$", "f(a)"),
        ("spark", "create function f(x int) returns int return x + b", "f(a)"),
        ("hive", "create temporary macro f(x int) x + b", "f(a)"),
    ],
)
def test_functions_of_other_dialects(dialect: str, definition: str, call: str) -> None:
    given = flows(analyse_sql(f"select {call} as r from t", dialect, SCHEMA, definitions={"f": definition}))
    assert (
        given
        == flows(analyse_sql(f"{definition};\nselect {call} as r from t", dialect, SCHEMA))
        == {"r": ["t.a", "t.b"]}
    )


@pytest.mark.parametrize(
    ("sql", "name", "text"),
    [
        ("select p from v", "v", DEFINITIONS["v"].replace("c > 0", "c > 1")),
        ("select z from w", "v", DEFINITIONS["v"].replace("select a", "select b")),
        ("select add(a, b) as r from t", "add", "create macro add(x, y := 1) as x - y"),
        ("select add(a) as r from t", "add", "create macro add(x, y := 2) as x + y"),
        ("select a from rows_of(1)", "rows_of", DEFINITIONS["rows_of"].replace("b >", "b <")),
    ],
)
def test_the_hash_knows_the_text_that_was_used(sql: str, name: str, text: str) -> None:
    def digest(definitions: dict[str, str]) -> str:
        return analyse_sql(sql, schema=SCHEMA, definitions=definitions).definition_hash

    before = digest(DEFINITIONS)
    assert digest({**DEFINITIONS, name: text}) != before
    assert digest({**DEFINITIONS, name: DEFINITIONS[name].replace(" ", "  ")}) == before
    assert digest({**DEFINITIONS, "unused": "select 1 as one"}) == before


def test_what_a_definition_does_by_chance_makes_its_user_volatile() -> None:
    definitions = {"v": "select random() as r", "f": "create macro f(x) as x + 1"}
    assert analyse_sql("select r from v", definitions=definitions).volatility == "VOLATILE"
    assert analyse_sql("select f(1) as r", definitions=definitions).volatility == "STABLE"
    assert analyse_sql("select g(1) as r", definitions=definitions).volatility == "VOLATILE"
