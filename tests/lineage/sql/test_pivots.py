"""PIVOT and UNPIVOT: the outputs that the engine gives, what each is made from, what is read, and what is hashed."""

from __future__ import annotations

import duckdb
import pytest

from headwater.lineage import analyse_sql

SCHEMA = {
    "t": {"id": "integer", "g": "varchar", "yr": "integer", "p": "integer", "q": "double"},
    "u": {"id": "integer", "z": "varchar"},
}

# Of each of these, names and types of the outputs are known, and are those of the engine.
KNOWN = """
pivot t on yr in (2000, 2001), g in ('a', 'b') using sum(p) as s
pivot t on yr in (2000, 2001) using sum(p) as s, max(q)
pivot t on yr in (2000, 2001) using sum(p), max(q) group by ID
pivot t on yr in (2000, 2001) group by id
pivot t using sum(p), max(q) as mm group by id, g
pivot t on yr in ('2000' as first_year, '2001' later) using sum(p)
pivot t on yr in (null, 2000) using sum(p) group by g
pivot t on yr in (2000) using first(p order by id), sum(distinct p) as z
pivot t on yr in (2000) using sum(p) order by id desc limit 1
pivot (from t where id > 0) on yr in (2000) using sum(p)
with c as (from t) pivot c on yr in (2000) using sum(p)
select * from (pivot t on yr in (2000) using sum(p)) as x(a, b)
from t pivot (sum(p) for (yr, g) in ((2000, 'a'), (2001, 'b')))
from t pivot (sum(p) for yr in (2000 as X, 2001 y) g in ('a' as aa, 'b'))
from t pivot (sum(p) as s, max(q) for yr in (2000 as X, 2001 y))
from t pivot (sum(p) for yr in (date '2020-01-01', 1.50, -1, true, 'x''y'))
from t pivot (count(*), sum(p) for yr in (2000, 2001) group by g)
from t pivot (sum(p) filter (id > 1) for yr in (2000)) as p
select columns('2.*') from t pivot (sum(p) for yr in (2000)) as p
from t unpivot (v for n in (p, yr))
from t unpivot (v for n in (p, YR as 'x', id as Y))
from t unpivot include nulls ((v, w) for n in ((p, yr) as z, (id, p)))
from t unpivot (v for n in (columns('p|yr')))
from t unpivot (v for n in (p + 1))
from t unpivot (v for n in (p, yr)) unpivot (v2 for n2 in (id, q))
unpivot t on p, yr
unpivot t on p, yr as z into name nn value vv
unpivot t on (p + 1) as pp, yr
unpivot t on columns(* exclude (g, q))
unpivot t on columns(lambda c: c in ('p', 'yr'))
unpivot t on * exclude (g, q)
unpivot t on (p, yr), (id, p) as kk into name nn values v1, v2
unpivot t on p::varchar, g
unpivot (select p, yr from t) on * order by all
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
    "sql",
    [
        "pivot t on yr using sum(p)",
        "pivot t on yr in (select id from u) using sum(p)",
        "pivot t on yr, g in ('a') using sum(p) group by id",
        "from t pivot (sum(columns('p')) for yr in (2000))",
    ],
)
def test_outputs_that_depend_on_data_are_not_claimed(sql: str) -> None:
    assert analyse_sql(sql, schema=SCHEMA).outputs is None


def sources(sql: str) -> dict[str, set[str]]:
    outputs = analyse_sql(sql, schema=SCHEMA).outputs
    assert outputs is not None
    return {
        output.name: {f"{source.column} {source.transformation}" for source in output.sources} for output in outputs
    }


def test_a_pivoted_column_aggregates_under_a_condition() -> None:
    assert sources("pivot t on yr in (2000) using sum(p) group by g") == {
        "g": {"g IDENTITY"},
        "2000": {"p AGGREGATION", "yr CONDITIONAL"},
    }


def test_an_unpivoted_value_comes_from_each_column_of_its_list() -> None:
    assert sources("from t unpivot ((v, w) for n in ((p, yr), (q, id)))") == {
        "g": {"g IDENTITY"},
        "n": set(),
        "v": {"p TRANSFORMATION", "q TRANSFORMATION"},
        "w": {"yr TRANSFORMATION", "id TRANSFORMATION"},
    }


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("pivot t on yr in (1) using sum(p)", "g id p q yr"),  # what is not mentioned groups
        ("pivot t on yr in (1) using sum(p) group by g", "g p yr"),
        ("select g from (pivot t on yr in (1) using sum(p) group by g)", "g"),
        ("select count(*) from (pivot t on yr using sum(p) group by g)", "g yr"),
        ('select "2000" from (pivot t on yr using sum(p) group by g)', "g p yr"),
        ("from t unpivot (v for n in (p, yr))", "g id p q yr"),
        ("select n from t unpivot (v for n in (p, yr))", "p yr"),  # rows without a value go
        ("select n from t unpivot include nulls (v for n in (p, yr))", ""),
        ("select g from (unpivot t on columns('p|yr') into name n value v)", "g p yr"),
    ],
)
def test_reads(sql: str, expected: str) -> None:
    (read,) = analyse_sql(sql, schema=SCHEMA).reads
    assert read.columns is not None
    assert " ".join(read.columns) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "pivot n on k in (1) using sum(v)",
        "from n unpivot (v for m in (a, b))",
        "from n unpivot (v for m in (columns('a')))",
        "unpivot n on * exclude (k)",
    ],
)
def test_all_of_a_table_of_unknown_columns_is_read(sql: str) -> None:
    (read,) = analyse_sql(sql, schema=SCHEMA).reads
    assert read.columns is None


def hashed(sql: str, schema: object = None) -> str:
    return analyse_sql(sql, schema=schema or SCHEMA).definition_hash


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (
            "pivot (select a.id, a.p from t a) on id in (1) using sum(p)",
            "PIVOT (SELECT b.id, b.p FROM t b) ON id IN (1) USING sum(p)",
        ),
        ("from t as x pivot (sum(p) for yr in (1)) as y", "from t as w pivot (sum(p) for yr in (1)) as v"),
        ("with c as (from t) unpivot c on p, yr", "with d as (from t) unpivot d on P, YR"),
    ],
)
def test_local_names_are_no_definition(left: str, right: str) -> None:
    assert hashed(left) == hashed(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (
            "select count(*) from (pivot t on g in ('a') using sum(p))",
            "select count(*) from (pivot t on g in ('A') using sum(p))",
        ),
        ("select n from t unpivot (v for n in (p as a, yr))", "select n from t unpivot (v for n in (p as A, yr))"),
        ("select n from t unpivot (v for n in (p, yr))", "select n from t unpivot include nulls (v for n in (p, yr))"),
        ("pivot t on g in (a) using sum(p)", "pivot t on g in (A) using sum(p)"),
    ],
)
def test_names_that_become_data_are_definition(left: str, right: str) -> None:
    assert hashed(left) != hashed(right)


def test_a_new_column_of_the_source_groups_too() -> None:
    more = {"t": {**SCHEMA["t"], "new": "integer"}}
    sql = "select count(*) as n from (pivot t on yr in (1) using sum(p))"
    assert hashed(sql) != hashed(sql, more)
    assert hashed("select count(*) as n from (pivot t on yr in (1) using sum(p) group by g)") == hashed(
        "select count(*) as n from (pivot t on yr in (1) using sum(p) group by g)", more
    )
