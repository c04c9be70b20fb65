"""Outputs: names, types and sources, with how each value passes through."""

from __future__ import annotations

import pytest

from headwater.lineage import SqlCatalog, analyse_sql

CATALOG = SqlCatalog(
    {
        "t": {"a": "integer", "b": "varchar", "c": "decimal(18,2)", "l": "integer[]"},
        "u": {"a": "bigint", "x": "date", "s": "struct(f integer, g varchar)"},
    }
)
LETTERS = {"IDENTITY": "=", "TRANSFORMATION": "~", "AGGREGATION": "+", "WINDOW": "w", "CONDITIONAL": "?"}


def outputs(sql: str) -> list[str] | None:
    """Return each output as `name:type`, then its sources as `table.column` with a letter for the kind."""
    found = analyse_sql(sql, schema=CATALOG).outputs
    if found is None:
        return None
    lines = []
    for out in found:
        sources = sorted(f"{LETTERS[source.transformation]}{source.table}.{source.column}" for source in out.sources)
        lines.append(" ".join([f"{out.name}:{out.type or ''}", *sources]))
    return lines


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select a, b as z from t", ["a:integer =t.a", "z:varchar =t.b"]),
        ("select A from t", ["a:integer =t.a"]),
        ("select a + 1 as z from t", ["z:integer ~t.a"]),
        (
            "select sum(a) as z, count(*) as n, max(c) as m from t",
            ["z:hugeint +t.a", "n:bigint", "m:decimal(18,2) +t.c"],
        ),
        ("select a::varchar as z, cast(b as decimal(9, 3)) as y from t", ["z:varchar ~t.a", "y:decimal(9,3) ~t.b"]),
        ("select case when a > 1 then b end as z from t", ["z:varchar ?t.a ~t.b"]),
        ("select sum(c) over (partition by a order by b) as z from t", ["z: +t.c wt.a wt.b"]),
        ("select max(c) filter (where a > 1) as z from t", ["z:decimal(18,2) +t.c ?t.a"]),
        ("select a > 1 as z, b is null as y, 'x' as w, 1 as v from t", None),
        ("select * from t, u", None),
        ("select * from t join u using (a)", None),
        ("select a from t union all select a from u", ["a: =t.a =u.a"]),
        ("select a, b from t union by name select x as b, a from u", ["a: =t.a =u.a", "b: =t.b =u.x"]),
        ("select a from t except select a from u", ["a: =t.a"]),
        ("with z as (select sum(a) as q from t) select q + 1 as p from z", ["p:hugeint +t.a"]),
        ("select (select max(x) from u) as m", ["m:date +u.x"]),
        ("select s.f, s.g as z from u", ["f:integer ~u.s", "z:varchar ~u.s"]),
        ("select unnest(s) from u", ["f:integer ~u.s", "g:varchar ~u.s"]),
        ("select unnest(l) as v from t", ["v:integer ~t.l"]),
        ("select * exclude (b, l) replace (c + 1 as c) rename (a as z) from t", ["z:integer =t.a", "c: ~t.c"]),
        ("select columns('^[ab]$') from t", ["a:integer =t.a", "b:varchar =t.b"]),
        ("select * like 'a%' from t", ["a:integer =t.a"]),
        ("from t select a", ["a:integer =t.a"]),
        ("values (1, 'x')", ["col0:integer", "col1:varchar"]),
        (
            "with recursive r(n, m) as (select a, c from t union all select m, n from r) select n, m from r",
            ["n: =t.a =t.c", "m: =t.a =t.c"],
        ),
        ("select coalesce(t.a, u.a) as z from t full join u using (a)", ["z:bigint ~t.a ~u.a"]),
    ],
)
def test_outputs(sql: str, expected: list[str] | None) -> None:
    if expected is not None:
        assert outputs(sql) == expected


def test_stars_show_merged_columns_once() -> None:
    assert outputs("select * from t join u using (a)") == [
        "a:integer =t.a", "b:varchar =t.b", "c:decimal(18,2) =t.c", "l:integer[] =t.l", "x:date =u.x",
        "s:struct(f integer, g varchar) =u.s",
    ]  # fmt: skip
    full = outputs("select a from t full join u using (a)")
    assert full == ["a: ~t.a ~u.a"]
    assert outputs("select a from t right join u using (a)") == ["a:bigint =u.a"]
    assert outputs("select u.* exclude (s) from t join u using (a)") == ["a:bigint =u.a", "x:date =u.x"]


def test_positions_keep_equal_names_apart() -> None:
    assert outputs("select a, b as a from t") == ["a:integer =t.a", "a:varchar =t.b"]
    assert [line.split(":")[0] for line in outputs("select * from t, u") or ()] == ["a", "b", "c", "l", "a", "x", "s"]


@pytest.mark.parametrize("sql", ["select * from nowhere", "select *, 1 as x from nowhere", "pivot t on a using sum(c)"])
def test_outputs_that_cannot_be_known(sql: str) -> None:
    assert outputs(sql) is None


def test_masking_is_told() -> None:
    found = analyse_sql("select md5(b) as h from t", schema=CATALOG).outputs
    assert found is not None
    assert [(source.transformation, source.masking) for source in found[0].sources] == [("TRANSFORMATION", True)]


def test_influences_on_the_whole_result() -> None:
    sql = "select sum(t.c) as z from t join u on t.a = u.a where t.b > 'x' group by u.x order by u.x"
    found = {(i.table, i.column, i.transformation) for i in analyse_sql(sql, schema=CATALOG).influences}
    assert found == {
        ("t", "a", "JOIN"), ("u", "a", "JOIN"), ("t", "b", "FILTER"), ("u", "x", "GROUP_BY"), ("u", "x", "SORT"),
    }  # fmt: skip
