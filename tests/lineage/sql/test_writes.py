"""Statements that write: what each column of the target is made from, what the target is, and all that is read."""

from __future__ import annotations

import pytest

from headwater.lineage import analyse_sql
from tests.lineage.sql.flows import flows, reads

SCHEMA = {
    "t": {"a": "integer", "b": "integer", "ds": "varchar", "hr": "varchar"},
    "s": {"i": "integer", "x": "integer", "y": "integer", "h": "varchar"},
    "u": {"i": "integer", "z": "integer"},
}


@pytest.mark.parametrize(
    ("dialect", "sql", "target", "expected"),
    [
        ("duckdb", "insert into t (b, a) select x, y from s", "t", {"b": ["s.x"], "a": ["s.y"]}),
        ("postgres", "insert into t select x, y from s", "t", {"a": ["s.x"], "b": ["s.y"]}),
        ("duckdb", "insert into t by name select x as b, y as a from s", "t", {"b": ["s.x"], "a": ["s.y"]}),
        ("postgres", "insert into new_t select x, y from s", "new_t", {"x": ["s.x"], "y": ["s.y"]}),
        (
            "hive",
            "insert overwrite table t partition (ds = '1', hr) select x, y, h from s",
            "t",
            {"a": ["s.x"], "b": ["s.y"], "hr": ["s.h"], "ds": []},
        ),
        (
            "spark",
            "insert into other partition (day) select x, h from s",
            "other",
            {"x": ["s.x"], "day": ["s.h"]},
        ),
        ("mysql", "replace into t (a) select x from s", "t", {"a": ["s.x"]}),
        ("mysql", "insert into t set a = 1, b = (select max(x) from s)", "t", {"a": [], "b": ["s.x"]}),
        (
            "postgres",
            "insert into t (a, b) select x, y from s on conflict (a) do update set b = excluded.b + t.b",
            "t",
            {"a": ["s.x"], "b": ["s.y", "t.b"]},
        ),
        (
            "mysql",
            "insert into t (a, b) select x, y from s on duplicate key update b = values(a)",
            "t",
            {"a": ["s.x"], "b": ["s.x", "s.y"]},
        ),
        ("spark", "insert into t table u", "t", {"a": ["u.i"], "b": ["u.z"]}),
        ("spark", "insert overwrite directory 'o' using parquet select x from s", None, {"x": ["s.x"]}),
        ("redshift", "alter table n append from u", "n", {"i": ["u.i"], "z": ["u.z"]}),
        ("oracle", "create materialized view v build immediate refresh fast as select x from s", "v", {"x": ["s.x"]}),
        ("duckdb", "create table n as select x as p from s", "n", {"p": ["s.x"]}),
        ("duckdb", "create view v (p, q) as select x, y from s", "v", {"p": ["s.x"], "q": ["s.y"]}),
        ("mysql", "create table n (id int) select x from s", "n", {"id": [], "x": ["s.x"]}),
        ("snowflake", "create table n clone u", "n", {"i": ["u.i"], "z": ["u.z"]}),
        ("hive", "create table n like u", "n", {"i": [], "z": []}),
        ("clickhouse", "create materialized view v to n as select x from s", "n", {"x": ["s.x"]}),
        ("tsql", "select x as p into #n from s", "#n", {"p": ["s.x"]}),
        ("tsql", "select x as p into n from s union all select z from u", "n", {"p": ["s.x", "u.z"]}),
        ("snowflake", "copy into n from (select x from s)", "n", {"x": ["s.x"]}),
        ("duckdb", "copy (select x from s) to 'o'", None, {"x": ["s.x"]}),
        ("redshift", "unload ('select x from s where h = ''q''') to 'o'", None, {"x": ["s.x"]}),
        ("postgres", "explain analyze select x from s", None, {"x": ["s.x"]}),
        ("tsql", "create or alter view v with schemabinding as select x from s", "v", {"x": ["s.x"]}),
    ],
)
def test_inserts_and_new_tables(dialect: str, sql: str, target: str | None, expected: dict[str, list[str]]) -> None:
    analysis = analyse_sql(sql, dialect, SCHEMA)
    assert (analysis.target, flows(analysis)) == (target, expected)


@pytest.mark.parametrize(
    ("dialect", "sql", "target", "expected", "also_read"),
    [
        ("postgres", "update t set a = s.x from s where s.i = t.b", "t", {"a": ["s.x"]}, {"s.i", "t.b"}),
        ("tsql", "update q set q.a = s.x from t q join s on s.i = q.b", "t", {"a": ["s.x"]}, {"s.i", "t.b"}),
        ("mysql", "update t join s on s.i = t.b set t.a = s.x where s.y = 1", "t", {"a": ["s.x"]}, {"s.i", "s.y"}),
        ("mysql", "update t, s set t.a = s.x where s.i = t.b", "t", {"a": ["s.x"]}, {"s.i", "t.b"}),
        ("teradata", "update t from s set a = s.x where s.i = t.b", "t", {"a": ["s.x"]}, {"s.i", "t.b"}),
        (
            "oracle",
            "update t set (a, b) = (select x, y from s where s.i = t.ds)",
            "t",
            {"a": ["s.x"], "b": ["s.y"]},
            {"s.i", "t.ds"},
        ),
        ("duckdb", "update t set (a, b) = (b, a + 1)", "t", {"a": ["t.b"], "b": ["t.a"]}, set()),
        ("tsql", "update t set a += s.x from s", "t", {"a": ["s.x", "t.a"]}, set()),
        ("tsql", "with c as (select a, b from t) update c set a = b", "t", {"a": ["t.b"]}, set()),
        ("clickhouse", "alter table t update a = b where ds = '1'", "t", {"a": ["t.b"]}, {"t.ds"}),
        ("postgres", "delete from t using s where s.i = t.b", "t", {}, {"s.i", "t.b"}),
        ("mysql", "delete q from t q join s on s.i = q.b where s.x > 1", "t", {}, {"s.i", "s.x", "t.b"}),
        ("tsql", "delete top (5) from t where a > 1", "t", {}, {"t.a"}),
        ("tsql", "delete t where a > 1", "t", {}, {"t.a"}),
    ],
)
def test_updates_and_deletions(
    dialect: str, sql: str, target: str, expected: dict[str, list[str]], also_read: set[str]
) -> None:
    analysis = analyse_sql(sql, dialect, SCHEMA)
    assert (analysis.target, flows(analysis)) == (target, expected)
    assert reads(analysis) >= also_read | {source for found in expected.values() for source in found}


@pytest.mark.parametrize(
    ("dialect", "branches", "expected", "also_read"),
    [
        ("snowflake", "when matched then update set a = s.x", {"a": ["s.x"]}, set()),
        ("snowflake", "when matched and s.y > 1 then update set a = s.x + t.b", {"a": ["s.x", "t.b"]}, {"s.y"}),
        ("snowflake", "when not matched then insert (b, a) values (s.x, 1)", {"b": ["s.x"], "a": []}, set()),
        ("bigquery", "when not matched then insert (a, b) values (x, y)", {"a": ["s.x"], "b": ["s.y"]}, set()),
        (
            "snowflake",
            "when not matched then insert values (s.x, s.y, s.h)",
            {"a": ["s.x"], "b": ["s.y"], "ds": ["s.h"]},
            set(),
        ),
        ("databricks", "when not matched by source and t.ds = '1' then delete", {}, {"t.ds"}),
        (
            "oracle",
            "when matched then update set t.a = s.x where s.y = 1 delete where s.h = '1'",
            {"a": ["s.x"]},
            {"s.y", "s.h"},
        ),
        (
            "snowflake",
            "when matched then update set a = s.x when not matched then insert (a) values (s.y)",
            {"a": ["s.x", "s.y"]},
            set(),
        ),
    ],
)
def test_merges(dialect: str, branches: str, expected: dict[str, list[str]], also_read: set[str]) -> None:
    analysis = analyse_sql(f"merge into t using s on (t.hr = s.i) {branches}", dialect, SCHEMA)
    assert (analysis.target, flows(analysis)) == ("t", expected)
    assert reads(analysis) >= {"t.hr", "s.i", *also_read}


def test_a_merge_of_all_columns_means_those_of_the_source_that_the_target_has() -> None:
    sql = "merge into d using u on d.i = u.i when matched then update set * when not matched then insert *"
    assert flows(analyse_sql(sql, "databricks", {"u": SCHEMA["u"]})) == {"i": ["u.i"], "z": ["u.z"]}
    assert flows(analyse_sql(sql, "databricks", {"u": SCHEMA["u"], "d": {"i": "int"}})) == {"i": ["u.i"]}
    some = sql.replace("set *", "set * except (i)").replace("insert *", "insert * except (i)")
    assert flows(analyse_sql(some, "databricks", {"u": SCHEMA["u"]})) == {"z": ["u.z"]}


def test_an_insertion_into_several_tables_has_the_outputs_of_all() -> None:
    sql = "from s insert overwrite table p select x where y > 1 insert into table t select y, i"
    analysis = analyse_sql(sql, "hive", SCHEMA)
    assert (analysis.target, flows(analysis)) == ("p", {"x": ["s.x"], "a": ["s.y"], "b": ["s.i"]})
    sql = "insert all when x > 1 then into p (k) values (y) else into t values (x, i) select x, y, i from s"
    assert flows(analyse_sql(sql, "snowflake", SCHEMA)) == {"k": ["s.y"], "a": ["s.x"], "b": ["s.i"]}


def test_rows_that_a_change_returns_can_be_read() -> None:
    sql = "with c as (insert into t (a) select x from s returning a, b) select a as p, b as q from c"
    assert flows(analyse_sql(sql, "postgres", SCHEMA)) == {"p": ["s.x"], "q": ["t.b"]}
    sql = "with c as (update t set a = s.x from s where s.i = t.b returning t.a) insert into n select a from c"
    analysis = analyse_sql(sql, "postgres", SCHEMA)
    assert (analysis.target, flows(analysis)) == ("n", {"a": ["s.x"]})
    assert reads(analysis) >= {"s.x", "s.i", "t.b"}
