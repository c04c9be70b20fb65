"""Columns that are chosen by name or by place: stars and what may stand behind them, COLUMNS(...), `#1`, struct.*."""

from __future__ import annotations

import duckdb
import pytest

from headwater.lineage import analyse_sql

SCHEMA = {
    "t": {"id": "integer", "ga": "varchar", "yr": "integer", "gp": "integer"},
    "u": {"id": "integer", "z": "varchar", "s": "struct(a integer, b struct(c integer, d varchar))"},
}

# The select list of `from t`, or a whole query: the engine is asked what the outputs are.
KNOWN = r"""
select columns(*) from t
select columns(['yr', 'ID']) from t
select columns([x for x in (*) if x like 'g%' and x <> 'ga']) from t
select columns([x for x in (* exclude (id)) if x similar to 'g.']) from t
select columns(lambda x: x like 'g%' or x in ('id')) from t
select columns(lambda x: not starts_with(x, 'g')) from t
select columns('g.') from t
select columns('^(id|yr)$') from t
select columns(t.* exclude (id)) from t join u using (id)
select columns(* exclude (id)) from t
select columns(* replace (yr + 1 as yr)) from t
select columns(* rename (yr as year2)) from t
select columns('yr')::varchar from t
select columns('yr|gp') + columns('yr|gp') from t
select min(columns(*)) from t
select min(columns('g(.)')) as 'm_\0_\1' from t
select count(distinct columns(*)) as 'n_\0' from u
select * like 'g%' from t
select * not like 'g%' from t
select * exclude (id) not like 'g%' from t
select t.* like 'g%' from t
select * ilike 'G_' from t
select * glob 'g*' from t
select * similar to 'g.' from t
select * not similar to 'g.' from t
select columns(*) from t where columns('yr|gp') > 1 order by columns('g.')
select * exclude (t.id) from t join u on true
select * rename (yr as z), id from t
select s.* from u
select s.* exclude (a) from u
select s.* replace (s.a + 1 as a) from u
select #2, #1 from u
select unnest(s) from u
select unnest(s, recursive := true) from u
select unnest([s], recursive := true) from u
select unnest([s], max_depth := 2) from u
select unnest([id, 2]) from u
select * from u, unnest([s]) as k
select * from unnest([1, 2])
select * from range(3) r
select * from unnest([1, 2]) with ordinality
select * from t, u join t as v using (id)
""".strip().splitlines()


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for table, columns in SCHEMA.items():
        connection.execute(f"create table {table} ({', '.join(f'{name} {type_}' for name, type_ in columns.items())})")
    return connection


@pytest.mark.parametrize("sql", KNOWN)
def test_outputs_are_those_of_the_engine(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    described = [(row[0], row[1].lower()) for row in connection.execute(f"describe {sql}").fetchall()]
    analysis = analyse_sql(sql, schema=SCHEMA)
    assert analysis.problems == ()
    assert analysis.outputs is not None
    assert [output.name for output in analysis.outputs] == [name for name, _ in described]
    for output, (_, type_) in zip(analysis.outputs, described, strict=True):
        assert output.type in (None, type_)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select columns('^g') from t", "ga gp"),
        ("select columns(['yr']) from t", "yr"),
        ("select * like 'g%' from t", "ga gp"),
        ("select id from t where columns('^g') is null", "ga gp id"),
        ("select id from t order by columns('yr')", "id yr"),
        ("select coalesce(*columns('yr|gp')) as z from t", "gp yr"),
        ("select struct_pack(*columns(['id', 'yr'])) as z from t", "id yr"),
        ("select min(columns(* exclude (ga))) from t", "gp id yr"),
        ("select #3 from t", "yr"),
        ("select id from t order by [1, 2][:yr]", "id yr"),
        ("select [1, 2][:lower(ga)::integer] as z from t", "ga"),
    ],
)
def test_only_what_is_chosen_is_read(sql: str, expected: str) -> None:
    (read,) = analyse_sql(sql, schema=SCHEMA).reads
    assert read.columns is not None
    assert " ".join(read.columns) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "select columns(lambda x: length(x) > 2) from t",  # nobody here computes that
        r"select columns('\pL') from t",  # a class that means something else here
        "select columns('(?=g)') from t",
        "select columns('[[:alpha:]]') from t",
        "select columns('a') from n",
        "select #1 from n",
        "select id from t where columns(lambda x: length(x) > 2) is null",
    ],
)
def test_all_is_read_where_the_choice_cannot_be_told(sql: str) -> None:
    (read,) = analyse_sql(sql, schema=SCHEMA).reads
    assert read.columns is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("select columns('g') from t", "select columns('y') from t"),
        ("select max(columns('g')) as 'a_\\0' from t", "select max(columns('g')) as 'b_\\0' from t"),
        ("select * like 'g%' from t", "select * not like 'g%' from t"),
        ("select #1 from t", "select #2 from t"),
        ("select * exclude (t.id) from t join u on true", "select * exclude (u.id) from t join u on true"),
        ("select count(*) from t where columns('g') is null", "select count(*) from t where columns('y') is null"),
    ],
)
def test_another_choice_is_another_definition(left: str, right: str) -> None:
    assert analyse_sql(left, schema=SCHEMA).definition_hash != analyse_sql(right, schema=SCHEMA).definition_hash


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("select max(columns(*)) from t as a", "select MAX(COLUMNS(*)) from t as b"),
        ("select columns(a.*) from t as a", "select columns( b.* ) from t as b"),
        ("with c as (from t) select * like 'g%' from c", "with d as (from t) select * LIKE 'g%' from d"),
    ],
)
def test_local_names_are_no_definition(left: str, right: str) -> None:
    assert analyse_sql(left, schema=SCHEMA).definition_hash == analyse_sql(right, schema=SCHEMA).definition_hash


def test_a_column_that_the_pattern_chooses_newly_is_another_definition() -> None:
    more = {"t": {**SCHEMA["t"], "gx": "integer"}}
    sql = "select count(*) as n from t where columns('^g') is null"
    assert analyse_sql(sql, schema=SCHEMA).definition_hash != analyse_sql(sql, schema=more).definition_hash


def test_an_unnamed_output_that_unpacks_would_bear_the_name_of_a_version() -> None:
    (problem,) = analyse_sql("select coalesce(*columns('g')) from t", schema=SCHEMA).problems
    assert "without a name of its own" in problem.message
    assert analyse_sql("select coalesce(*columns('g')) as z from t", schema=SCHEMA).problems == ()
    assert analyse_sql("select max(columns('g')) from t", schema=SCHEMA).problems == ()
