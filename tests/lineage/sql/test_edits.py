"""The text that the engine runs: the user's own, with references, parameters and clocks replaced by position."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from headwater.assets.errors import SqlError
from headwater.lineage import analyse_sql
from headwater.lineage.sql import apply_edits, render

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "lineage"
TABLES = {"stg.orders": '"w"."orders@1"', "s2.orders": '"w"."orders@2"'}
SCHEMA = {"stg.orders": {"id": "integer", "day": "date"}, "s2.orders": {"id": "integer"}}


def rendered(sql: str, **values: str) -> str:
    return render(sql, analyse_sql(sql, schema=SCHEMA), TABLES, values, {"current_date": "DATE '2024-01-01'"})


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id from stg.orders", 'select id from "w"."orders@1" AS "orders"'),
        ("select o.id from Stg.Orders o", 'select o.id from "w"."orders@1" o'),
        ("select stg.orders.id from stg.orders", 'select "orders".id from "w"."orders@1" AS "orders"'),
        ("select orders.* from stg . orders -- x", 'select orders.* from "w"."orders@1" AS "orders" -- x'),
        (
            "select stg.orders.id, s2.orders.* from stg.orders, s2.orders",
            'select "orders".id, "s2__orders".* from "w"."orders@1" AS "orders", "w"."orders@2" AS "s2__orders"',
        ),
        ("with orders as (select 1 id) select id from orders", "with orders as (select 1 id) select id from orders"),
        ("select 'é', id from stg.orders", 'select \'é\', id from "w"."orders@1" AS "orders"'),
        ("select '🐘', id from stg.orders o", 'select \'🐘\', id from "w"."orders@1" o'),
        ("select current_date", "select DATE '2024-01-01'"),
        ("select 'current_date', \"current_date\" from stg.orders o", None),
    ],
)
def test_references_are_replaced_by_position(sql: str, expected: str | None) -> None:
    if expected is None:
        assert [edit.kind for edit in analyse_sql(sql).edits] == ["TABLE"]
    else:
        assert rendered(sql) == expected


def test_parameters_are_typed_literals() -> None:
    sql = "select id from stg.orders o where day = $partition.day and id > $vars.min and '$vars.x' <> $$ $vars.y $$"
    analysis = analyse_sql(sql, schema=SCHEMA)
    assert analysis.parameters == ("partition.day", "vars.min")
    text = render(sql, analysis, TABLES, {"partition.day": "DATE '2024-01-01'", "vars.min": "3"}, {})
    assert "day = DATE '2024-01-01' and id > 3 and '$vars.x' <> $$ $vars.y $$" in text


def test_one_argument_age_is_given_its_clock() -> None:
    sql = "select age(day), age(day, day) from stg.orders o"
    analysis = analyse_sql(sql, schema=SCHEMA)
    assert analysis.volatility == "CLOCK"
    text = render(sql, analysis, {}, {}, {"age": "TIMESTAMP '2024-01-01'"})
    assert text == "select age(TIMESTAMP '2024-01-01', day), age(day, day) from stg.orders o"


def test_a_parameter_without_a_value_is_an_error_with_its_place() -> None:
    with pytest.raises(SqlError) as caught:
        rendered("select\n  $vars.none")
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_edits_that_overlap_are_refused() -> None:
    edit = analyse_sql("select id from stg.orders").edits[0]
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("select id from stg.orders", [(edit, "a"), (edit, "b")])


# ---- the engine as judge


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def load(name: str) -> list[dict[str, Any]]:
    path = CASES / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else []


def fill(connection: duckdb.DuckDBPyConnection, relation: str, columns: dict[str, str]) -> None:
    """Make a table with three rows of whatever values its types take."""
    connection.execute(f"create table {relation} ({', '.join(f'{quote(n)} {t}' for n, t in columns.items())})")
    for row in range(3):
        values = [_value(connection, type_, row) for type_ in columns.values()]
        connection.execute(f"insert into {relation} values ({', '.join(values)})")


def _value(connection: duckdb.DuckDBPyConnection, type_: str, row: int) -> str:
    for literal in (f"{row}", f"'{row}'", f"'2020-01-0{row + 1}'", f"[{row}]"):
        try:
            connection.execute(f"select cast({literal} as {type_})")
        except duckdb.Error:
            continue
        return f"cast({literal} as {type_})"
    return "null"


def disagreement(case: dict[str, Any]) -> str | None:
    """Return how the rendered text, over other tables, differs from the user's own; None where it does not."""
    mine, theirs = duckdb.connect(config={"threads": 1}), duckdb.connect(config={"threads": 1})
    mapping = {}
    try:
        theirs.execute('create schema "pinned here"')
        for number, (table, columns) in enumerate(case["schema"].items()):
            parts = table.split(".")[-2:]
            if len(parts) == 2:
                mine.execute(f"create schema if not exists {quote(parts[0])}")
            fill(mine, ".".join(map(quote, parts)), columns)
            mapping[table.lower()] = f'"pinned here"."t {number}"'
            fill(theirs, mapping[table.lower()], columns)
        wanted = sorted(map(repr, mine.execute(case["sql"]).fetchall()))
    except duckdb.Error:
        return None  # not a query that this engine runs on these tables
    try:
        analysis = analyse_sql(case["sql"], schema=case["schema"])
    except SqlError:
        return None
    if analysis.volatility != "STABLE" or any(problem.refused for problem in analysis.problems):
        return None
    text = render(case["sql"], analysis, mapping, {}, {})
    try:
        got = sorted(map(repr, theirs.execute(text).fetchall()))
    except duckdb.Error as error:
        return f"{case['id']}: {error}\n{text}"
    return None if got == wanted else f"{case['id']}: other rows\n{text}"


@pytest.mark.skipif(not CASES.exists(), reason="the labelled cases are not here")
@pytest.mark.parametrize("part", range(4))
def test_rendered_text_means_the_same_to_the_engine(part: int) -> None:
    cases = [*load("tpch"), *load("duckdb_tests")[:: 40 if part < 3 else 37]][part::4]
    assert [found for case in cases if (found := disagreement(case)) is not None] == []


@pytest.mark.slow
@pytest.mark.skipif(not CASES.exists(), reason="the labelled cases are not here")
@pytest.mark.parametrize("part", range(20))
def test_rendered_text_means_the_same_to_the_engine_in_every_case(part: int) -> None:
    cases = [*load("tpcds"), *load("tpch"), *load("duckdb_tests")][part::20]
    assert [found for case in cases if (found := disagreement(case)) is not None] == []
