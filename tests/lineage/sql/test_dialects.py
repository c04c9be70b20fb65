"""What single dialects have, as their manuals describe it."""

from __future__ import annotations

import pytest

from headwater.lineage import analyse_sql
from headwater.lineage.sql.catalog import Schema
from tests.lineage.sql.flows import flows, reads

KNOWN: Schema = {
    "t": {"a": "int", "b": "int", "xs": "array", "j": "variant"},
    "s": {"i": "int", "k": "int", "v": "int"},
}


@pytest.mark.parametrize(
    ("dialect", "sql", "expected", "also_read"),
    [
        ("snowflake", "select f.value:a.b::int as v, t.a from t, lateral flatten(input => t.xs) f",
         {"v": ["t.xs"], "a": ["t.a"]}, set()),
        ("snowflake", "select f.value:x as x from t join table(flatten(xs)) as f", {"x": ["t.xs"]}, set()),
        ("snowflake", "select g.value as x from t, lateral flatten(t.xs) f, lateral flatten(f.value:i) g",
         {"x": ["t.xs"]}, set()),
        ("snowflake", "select j:a.b[0].c::string as x, j['q'] as y from t", {"x": ["t.j"], "y": ["t.j"]}, set()),
        ("snowflake", "select filter(xs, i int -> i > a) as x from t", {"x": ["t.a", "t.xs"]}, set()),
        ("snowflake", "select b, e from t match_recognize (partition by b order by a measures first(j) as e "
         "pattern (p q+) define q as q.xs > 1)", {"b": ["t.b"], "e": ["t.j"]}, {"t.a", "t.xs"}),
        ("hive", "select a, x from t lateral view outer explode(xs) q as x", {"a": ["t.a"], "x": ["t.xs"]}, set()),
        ("spark", "select a, p, x from t lateral view posexplode(xs) q as p, x",
         {"a": ["t.a"], "p": ["t.xs"], "x": ["t.xs"]}, set()),
        ("spark", "select a, explode(j) as (k, v) from t", {"a": ["t.a"], "k": ["t.j"], "v": ["t.j"]}, set()),
        ("spark", "select transform(xs, x -> x + a) as y from t", {"y": ["t.a", "t.xs"]}, set()),
        ("hive", "select transform (a, b) using 'script' as (c, d) from t where j > 1",
         {"c": ["t.a", "t.b"], "d": ["t.a", "t.b"]}, {"t.j"}),
        ("hive", "from (from t map a, b using 'script' as c, d) m select m.c", {"c": ["t.a", "t.b"]}, set()),
        ("hive", "select a from t distribute by b sort by j", {"a": ["t.a"]}, {"t.b", "t.j"}),
        ("clickhouse", "select a, x, n from t left array join xs as x, arrayEnumerate(xs) as n",
         {"a": ["t.a"], "x": ["t.xs"], "n": ["t.xs"]}, set()),
        ("clickhouse", "select a from t final prewhere b = 1 limit 1 by j", {"a": ["t.a"]}, {"t.b", "t.j"}),
        ("clickhouse", "with a + b as q select q from t", {"q": ["t.a", "t.b"]}, set()),
        ("clickhouse", "select arrayMap(x -> x + a, xs) as m from t", {"m": ["t.a", "t.xs"]}, set()),
        ("bigquery", "select a, x, o from t, unnest(xs) as x with offset as o",
         {"a": ["t.a"], "x": ["t.xs"], "o": ["t.xs"]}, set()),
        ("bigquery", "select x.f from t, t.xs as x", {"f": ["t.xs"]}, set()),
        ("bigquery", "select x from `d.t_*` where _table_suffix = '1'", {"x": ["d.t_*.x"]}, {"d.t_*._table_suffix"}),
        ("bigquery", "from t |> where a = 1 |> aggregate sum(b) as n group by j", {"j": ["t.j"], "n": ["t.b"]},
         {"t.a"}),
        ("trino", "select a, v, n from t cross join unnest(xs) with ordinality as u(v, n)",
         {"a": ["t.a"], "v": ["t.xs"], "n": ["t.xs"]}, set()),
        ("postgres", "select a, e->>'x' as x from t, jsonb_array_elements(j) e", {"a": ["t.a"], "x": ["t.j"]}, set()),
        ("postgres", "select r.x from t, jsonb_to_recordset(j) as r(x int, y text)", {"x": ["t.j"]}, set()),
        ("tsql", "select t.a, x.v from t outer apply (select top 1 v from s where s.i = t.b order by k) x",
         {"a": ["t.a"], "v": ["s.v"]}, {"s.i", "s.k", "t.b"}),
        ("tsql", "select o.p from t cross apply openjson(t.j) with (p int '$.p', q int '$.q') as o", {"p": ["t.j"]},
         set()),
        ("tsql", "select x = a, y = b + 1 from t", {"x": ["t.a"], "y": ["t.b"]}, set()),
        ("tsql", "select dbo.f(a) as x from t", {"x": ["t.a"]}, set()),
        ("mysql", "select jt.x from t, json_table(t.j, '$[*]' columns (x int path '$.x', nested path '$.y' "
         "columns (y int path '$.z'))) jt", {"x": ["t.j"]}, set()),
        ("oracle", "select level as l, prior b as p from t start with xs is null connect by prior a = j",
         {"l": [], "p": ["t.b"]}, {"t.a", "t.j", "t.xs"}),
        ("oracle", "select t.a, s.v from t, s where t.a = s.i(+)", {"a": ["t.a"], "v": ["s.v"]}, {"s.i"}),
        ("oracle", "select sysdate as d from dual", {"d": []}, set()),
        ("teradata", "sel a (title 'A'), b (format '9') from t", {"a": ["t.a"], "b": ["t.b"]}, set()),
        ("snowflake", "select a from {{ ref('t') }} where b = {{ var('x') }}", {"a": ["t.a"]}, {"t.b"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("schema", [KNOWN, None], ids=["schema", "no schema"])
def test_followed(
    dialect: str,
    sql: str,
    expected: dict[str, list[str]],
    also_read: set[str],
    schema: dict[str, dict[str, str]] | None,
) -> None:
    analysis = analyse_sql(sql, dialect, schema)
    assert flows(analysis) == expected
    wanted = also_read | {source for found in expected.values() for source in found}
    found = reads(analysis)
    assert {name for name in wanted if name not in found and f"{name.rsplit('.', 1)[0]}.*" not in found} == set()


def test_a_place_names_a_column_in_snowflake() -> None:
    assert flows(analyse_sql("select $2 as x from t", "snowflake", KNOWN)) == {"x": ["t.b"]}
    assert reads(analyse_sql("select $2 as x from t", "snowflake")) == {"t.*"}


def test_dual_is_no_table() -> None:
    assert analyse_sql("select 1 as x from dual", "oracle").reads == ()
    assert [read.table for read in analyse_sql("select x from dual", "postgres").reads] == ["dual"]


def test_a_template_is_refused() -> None:
    problems = analyse_sql("select a from {{ ref('t') }}", "snowflake").problems
    assert [problem.refused for problem in problems] == [True]


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("", "select (select max(x) from s where k = q) as m from t", {"m": ["s.x"]}),
        ("", "select x from a left join b using (x)", {"x": ["a.x", "b.x"]}),
        ("postgres", "select x from a left join b using (x)", {"x": ["a.x"]}),
        ("postgres", "select d.t.x as x, t1.y from d.t as t1", {"x": ["d.t.x"], "y": ["d.t.y"]}),
    ],
)
def test_the_likeliest_owner_of_a_name(dialect: str, sql: str, expected: dict[str, list[str]]) -> None:
    schema = {"a": {"x": "int"}, "b": {"x": "int"}}
    assert flows(analyse_sql(sql, dialect, schema)) == expected
