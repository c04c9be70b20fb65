"""What would bypass the graph is refused; what is merely wrong is a problem; the rest is neither."""

from __future__ import annotations

import pytest

from headwater.lineage import analyse_sql

SCHEMA = {"t": {"a": "integer", "b": "integer"}, "pg_things": {"a": "integer"}, "kept": {"rowid": "integer"}}


def refused(sql: str) -> list[str]:
    return [problem.message for problem in analyse_sql(sql, schema=SCHEMA).problems if problem.refused]


@pytest.mark.parametrize(
    "sql",
    [
        "from query('select 1')",
        "select * from query_table('t')",
        "select * from information_schema.tables",
        "select * from pg_catalog.pg_class",
        "select * from sqlite_master",
        "select * from duckdb_tables()",
        "select * from pragma_table_info('t')",
        "select * from other.main.t",
        "select rowid from t",
        "select t.rowid, a from t",
        "select * from some_function(1)",
        "select * from 'x.csv'",
        'select * from "data/x.parquet"',
        "select * from read_csv('x' || 'y')",
        "select * from read_parquet(getvariable('p'))",
        "select 1; select 2",
        "create table x as select 1",
        "with a as (select * from duckdb_columns()) select 1",
        "select (select count(*) from sqlite_master) as n",
    ],
)
def test_refused(sql: str) -> None:
    assert refused(sql) != []


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t",
        "select a from t;",
        "select rowid from kept",
        "select a from pg_things",
        "select * from range(3) r(i)",
        "select i from generate_series(1, 3) g(i)",
        "select v from t, unnest([a, b]) u(v)",
        "select * from read_csv('data/x.csv', header := true)",
        "with sqlite_master as (select 1 as x) select x from sqlite_master",
        "select * from not_known_here",
        "from (values (1, 2)) v(a, b)",
    ],
)
def test_not_refused(sql: str) -> None:
    assert refused(sql) == []


def test_files_are_named() -> None:
    sql = "select * from read_csv(['a.csv', 'b.csv']) union all by name from read_parquet('c/*.parquet')"
    assert analyse_sql(sql).files == ("a.csv", "b.csv", "c/*.parquet")


@pytest.mark.parametrize(
    ("sql", "place", "remedy"),
    [
        ("select\n  aa from t", (2, 3), "Did you mean a?"),
        ("select x.a from t", (1, 8), "In scope are: t."),
        ("select a from t t1, t t2", (1, 8), "Qualify it with the table's alias."),
        ("with c as (select a as z from t) select c.zz from c", (1, 41), "Did you mean z?"),
        ("select t.a from t join t u using (nope)", (1, 35), ""),
        ("select (select max(a) from t)", (1, 28), "Give it an alias: (...) as name."),
    ],
)
def test_problems_have_a_place_and_a_remedy(sql: str, place: tuple[int, int], remedy: str) -> None:
    problem = analyse_sql(sql, schema=SCHEMA).problems[0]
    assert ((problem.line, problem.column), problem.remedy, problem.refused) == (place, remedy, False)


def test_what_is_wrong_in_a_cte_that_nobody_uses_does_not_matter() -> None:
    assert analyse_sql("with c as (select nope from t) select a from t", schema=SCHEMA).problems == ()


def test_statements_that_write_name_their_target() -> None:
    merge = "merge into x.y as t using s on t.k = s.k when matched then update set v = s.v + 1"
    analysis = analyse_sql(merge)
    assert analysis.target == "x.y"
    assert analysis.outputs is not None
    assert [(out.name, out.sources[0].table) for out in analysis.outputs] == [("v", "s")]
    insert = analyse_sql("with c as (select k as q from s) insert into x.y (z) select q from c")
    assert insert.outputs is not None
    assert [(out.name, out.sources[0].column) for out in insert.outputs] == [("z", "k")]
    assert [read.table for read in insert.reads] == ["s"]
