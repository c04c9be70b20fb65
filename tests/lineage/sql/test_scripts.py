"""Scripts and procedures: lineage goes through what they make themselves, and no read of any statement is lost."""

from __future__ import annotations

import pytest

from headwater.assets.errors import SqlError
from headwater.lineage import analyse_script, analyse_sql
from tests.lineage.sql.flows import flows, reads


@pytest.mark.parametrize(
    ("dialect", "sql", "target", "expected"),
    [
        ("postgres", "create temp table c as select x from s; insert into t (a) select x from c", "t", {"a": ["s.x"]}),
        ("snowflake", "create view v as select x from s; select x as a from v", None, {"a": ["s.x"]}),
        ("", "create table c (p int); insert into c select x from s; select p from c", None, {"p": ["s.x"]}),
        ("", "create table c (p int); insert into c values (1); select p from c", None, {"p": ["c.p"]}),
        ("", "insert into c select x as p from s; select p from c", None, {"p": ["c.p"]}),
        ("hive", "insert overwrite table c select x as p from s; select p from c", None, {"p": ["s.x"]}),
        (
            "snowflake",
            "create table c as select 1 as p; create table d as select x as p from s; "
            "alter table c swap with d; select p from c",
            None,
            {"p": ["s.x"]},
        ),
        ("", "create table c as select x from s; alter table c rename to d; select x from d", None, {"x": ["s.x"]}),
        ("oracle", "create table c as select x from s; rename c to d; select x from d", None, {"x": ["s.x"]}),
        ("", "create temp table c as select x from s; drop table c; select x from c", None, {"x": ["c.x"]}),
        (
            "",
            "create temp table c as select x, y from s; update c set x = u.z from u where u.i = c.y; select x from c",
            None,
            {"x": ["s.x", "u.z"]},
        ),
        (
            "",
            "create temp table c as select x from s; insert into c select z from u; select x from c",
            None,
            {"x": ["s.x", "u.z"]},
        ),
        ("tsql", "select x into #c from s\ninsert into t (a)\nselect x from #c", "t", {"a": ["s.x"]}),
        ("tsql", "declare @c table (p int)\ninsert @c select x from s\nselect p from @c", None, {"p": ["s.x"]}),
        ("tsql", "select a from t\ngo\nupdate t set a = s.x from s", "t", {"a": ["s.x"]}),
        ("snowflake", "use schema o; create table c as select x from s; select x from o.c", None, {"x": ["o.s.x"]}),
        ("postgres", "set search_path to o; create table c as select x from s", "o.c", {"x": ["o.s.x"]}),
        ("mysql", "create trigger g after insert on q for each row begin insert into t (a, b) select new.k, x from s; "
         "end", "t", {"a": [], "b": ["s.x"]}),
        ("postgres", "do $$ begin insert into t (a) select x from s; end $$", "t", {"a": ["s.x"]}),
        ("snowflake", "execute immediate 'insert into t (a) select x from s'", "t", {"a": ["s.x"]}),
        ("bigquery", "create procedure p() begin insert into t (a) select x from s; select @@row_count as n; end", "t",
         {"a": ["s.x"]}),
        ("oracle", "create procedure p is cursor c is select x from s; begin for r in c loop insert into t (a) "
         "values (r.x); end loop; end;", "t", {"a": ["s.x"]}),
        ("tsql", "create procedure p @n int as set nocount on; if @n > 0 insert into t (a) select x from s", "t",
         {"a": ["s.x"]}),
        ("snowflake", "create procedure p() returns int language sql as $$ begin insert into t (a) select x from s; "
         "return 1; end $$", "t", {"a": ["s.x"]}),
    ],
)  # fmt: skip
def test_what_a_script_comes_to(dialect: str, sql: str, target: str | None, expected: dict[str, list[str]]) -> None:
    analysis = analyse_sql(sql, dialect)
    assert (analysis.target, flows(analysis)) == (target, expected)
    assert any(problem.refused for problem in analysis.problems)


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("bigquery", "declare n int64; set n = (select max(k) from m); select x from s", {"m.k", "s.x"}),
        ("tsql", "if exists (select 1 from q where z = 1) delete from t where a = 2", {"q.z", "t.a"}),
        ("tsql", "while (select max(k) from q) > 0 begin update t set a = 1 where b = 2 end", {"q.k", "t.b"}),
        ("snowflake", "begin let n := (select max(k) from q); return table(select x from s); end", {"q.k", "s.x"}),
        ("", "create temp table c as select x, y from s; select x from c", {"s.x", "s.y"}),
    ],
)
def test_no_read_is_lost(dialect: str, sql: str, expected: set[str]) -> None:
    assert reads(analyse_sql(sql, dialect)) >= expected


def test_each_statement_is_listed_with_its_place_and_what_it_does() -> None:
    sql = "create temp table c as select x from s;\n\ninsert into t (a) select nope from c;\nselect a from t"
    script = analyse_script(sql, schema={"s": {"x": "integer"}, "t": {"a": "integer"}})
    assert [(sql[item.start :][:6], item.does, item.temporary) for item in script.statements] == [
        ("create", "CREATE", True),
        ("insert", "INSERT", False),
        ("select", "SELECT", False),
    ]
    wrong = [problem for problem in script.main.problems if not problem.refused]
    assert [(problem.line, problem.column) for problem in wrong] == [(3, 26)]
    assert [sql[edit.start : edit.end] for edit in script.main.edits if edit.kind == "TABLE"] == ["s", "t"]


def test_every_target_of_one_statement_is_listed() -> None:
    script = analyse_script("from s insert into p select x insert into q select y", "hive")
    assert [item.analysis.target for item in script.statements] == ["p", "q"]
    assert [flows(item.analysis) for item in script.statements] == [{"x": ["s.x"]}, {"y": ["s.y"]}]


@pytest.mark.parametrize(
    "sql",
    [
        "explain select x from s",
        "begin select x from s end",
        "begin; select x from s",
        "do $$ select x from s $$",
        "execute immediate 'select x from s'",
        "select x from s; nonsense",
        "grant select on s to me",
        "create macro f(x) as x",
    ],
)
def test_what_is_not_one_query_is_refused_for_an_asset(sql: str) -> None:
    try:
        analysis = analyse_sql(sql, "duckdb")
    except SqlError:
        return
    assert any(problem.refused for problem in analysis.problems)


@pytest.mark.parametrize(
    "sql",
    [
        "call p(1)",
        "create procedure p() returns int language python as $$ return 1 $$",
        "create temp table c as select x from s; execute immediate v",
    ],
)
def test_what_cannot_be_followed_is_refused_and_volatile(sql: str) -> None:
    analysis = analyse_sql(sql, "snowflake")
    assert analysis.volatility == "VOLATILE"
    assert any(
        "cannot be known" in problem.message or "not followed" in problem.message for problem in analysis.problems
    )


def test_a_statement_that_cannot_be_parsed_is_an_error_at_its_place() -> None:
    with pytest.raises(SqlError) as error:
        analyse_script("select 1;\nselect from from x", "postgres")
    assert error.value.line == 2


def test_the_hash_of_a_script_is_that_of_all_its_statements() -> None:
    first = "create temp table c as select x from s; select x from c"
    digest = analyse_sql(first).definition_hash
    assert analyse_sql(first.replace("; ", " ;\n\n")).definition_hash == digest
    assert analyse_sql(first.replace("select x from s", "select x + 1 as x from s")).definition_hash != digest
