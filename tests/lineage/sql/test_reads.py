"""What a query reads, clause by clause; None stands for ALL."""

from __future__ import annotations

import pytest

from headwater.lineage import SqlCatalog, analyse_sql

CATALOG = SqlCatalog(
    {
        "t": {"a": "integer", "b": "integer", "c": "integer", "d": "integer", "l": "integer[]"},
        "u": {"a": "integer", "x": "integer", "y": "integer", "s": "struct(f integer, g integer)"},
    }
)
Reads = list[tuple[str, str | None]]


def reads(sql: str) -> Reads:
    found = analyse_sql(sql, schema=CATALOG).reads
    return [(read.table, None if read.columns is None else " ".join(read.columns)) for read in found]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        # every clause
        ("select a from t where b = 1", [("t", "a b")]),
        ("select a from t group by a having max(b) > 1", [("t", "a b")]),
        ("select a from t order by b", [("t", "a b")]),
        ("select a from t qualify row_number() over (partition by b order by c) = 1", [("t", "a b c")]),
        ("select sum(a) over w as x from t window w as (partition by b order by c)", [("t", "a b c")]),
        ("select max(a) filter (where b > 1) as x from t", [("t", "a b")]),
        ("select list(a order by b) as x from t", [("t", "a b")]),
        ("select distinct on (b) a from t", [("t", "a b")]),
        ("select case when a then b else c end as x from t", [("t", "a b c")]),
        ("select a from t limit (select max(x) from u)", [("t", "a"), ("u", "x")]),
        # joins
        ("select t.b from t join u on t.a = u.x", [("t", "a b"), ("u", "x")]),
        ("select t.b from t join u using (a)", [("t", "a b"), ("u", "a")]),
        ("select t.b from t semi join u using (a)", [("t", "a b"), ("u", "a")]),
        ("select t.b from t, u", [("t", "b"), ("u", "")]),
        ("select t.b from t natural join u", [("t", None), ("u", None)]),
        ("select t.b from t positional join u", [("t", None), ("u", None)]),
        ("select t.b from t asof join u on t.a >= u.y", [("t", "a b"), ("u", "y")]),
        ("select j.x from (t join u on t.b = u.y) as j", [("t", "b"), ("u", "x y")]),
        # pushed down
        ("select a from (select * from t)", [("t", "a")]),
        ("select a from (select a, b from t where c = 1)", [("t", "a c")]),
        ("select count(*) from (select a, b from t)", [("t", "")]),
        ("with z as (select * from t) select z.a, y.b from z, z y", [("t", "a b")]),
        ("with z as (select *, a + b as ab from t) select c from z", [("t", "c")]),
        ("select k from (select a as k, b from t union all select x, y from u)", [("t", "a"), ("u", "x")]),
        ("select k from (select a as k, b from t union select x, y from u)", [("t", "a b"), ("u", "x y")]),
        ("select k from (select a as k, b from t except all select x, y from u)", [("t", "a b"), ("u", "x y")]),
        ("select b from (select a, b from t union all by name select y as b from u)", [("t", "b"), ("u", "y")]),
        ("select a from (select a, unnest(l) from t)", [("t", "a l")]),
        ("select a from (select a, sum(b) over () from t)", [("t", "a")]),
        ("select a from (select a, b from t order by c)", [("t", "a c")]),
        ("with z as (select b from t) select x from u", [("t", ""), ("u", "x")]),
        # subqueries
        ("select a from t where exists (select 1 from u where u.x = t.b)", [("t", "a b"), ("u", "x")]),
        ("select a from t where b in (select x from u where y = c)", [("t", "a b c"), ("u", "x y")]),
        ("select (select max(x) from u where y = t.b) as m from t", [("u", "x y"), ("t", "b")]),
        ("select a, m from t, lateral (select max(x) as m from u where y = t.b)", [("t", "a b"), ("u", "x y")]),
        ("select v from t, unnest(t.l) z(v)", [("t", "l")]),
        # whole rows and stars
        ("select t from t", [("t", None)]),
        ("select count(t.*) as n from t", [("t", None)]),
        ("select to_json(t) as j from t", [("t", None)]),
        ("select * exclude (a, l) from t", [("t", "b c d")]),
        ("select * exclude (a, l) replace (a + 1 as b) from t", [("t", "a c d")]),
        ("select columns('a|b') from t", [("t", "a b")]),
        ("pivot t on a using sum(b)", [("t", "a b c d l")]),
        ("select * from (unpivot t on a, b)", [("t", "a b c d l")]),
        # values with structure
        ("select s.f from u", [("u", "s")]),
        ("select u.s.f, s['g'] from u", [("u", "s")]),
        ("select list_transform(l, lambda a: a + 1) as x from t", [("t", "l")]),
        ("select [a + b for a in l] as x from t", [("t", "b l")]),
        ("select l.list_sort().list_first() as x from t", [("t", "l")]),
        # names
        ("select a as b from t order by b", [("t", "a")]),
        ("select a + 1 as z, z * 2 as zz from t where z > 1", [("t", "a")]),
        ("select a as b from t where b > 1", [("t", "a b")]),
        ("select a as k, count(*) from t group by k", [("t", "a")]),
        ("select max(a) as b from t having max(b) > 1", [("t", "a b")]),
        ("select z.p from t as z(p, q) where z.q > 1", [("t", "a b")]),
        ("select T.A from T", [("t", "a")]),
        # recursion
        (
            "with recursive r(n, m) as (select a, b from t union all select n+1, m from r where n < 5) from r select n",
            [("t", "a")],
        ),
        (
            "with recursive r(n, m) as (select a, b from t union all select m, n from r where n < 5) select n from r",
            [("t", "a b")],
        ),
        ("with t as (select * from t) select b from t", [("t", "b")]),
        # unknown tables
        ("select n.a, b from n join t using (a)", [("n", "a"), ("t", "a b")]),
        ("select zz from n join m on n.k = m.k", [("n", None), ("m", None)]),
        ("select q from (select * from n)", [("n", "q")]),
        ("select a from t where exists (select 1 from n where n.k = d)", [("t", "a d"), ("n", None)]),
        ("select q from (select a as q, * from n)", [("n", "a")]),
    ],
)
def test_reads(sql: str, expected: Reads) -> None:
    assert reads(sql) == expected


def test_each_reference_is_a_read_of_its_own_in_text_order() -> None:
    sql = "with z as (select b from t where c = 1) select (select max(t.d) from t) as m from z, t y where y.a = 1"
    assert reads(sql) == [("t", "b c"), ("t", "d"), ("t", "a")] or reads(sql) == [("t", "c"), ("t", "d"), ("t", "a")]


def test_all_has_a_reason() -> None:
    (read,) = analyse_sql("select t from t", schema=CATALOG).reads
    assert read.reason == "t is used as a whole row"


def test_default_names_complete_the_unqualified() -> None:
    analysis = analyse_sql("select a from t", default_catalog="Db", default_schema="Main")
    assert [read.table for read in analysis.reads] == ["db.main.t"]
    analysis = analyse_sql("select a, zz from t", schema={"main.t": {"a": None}}, default_schema="main")
    assert [problem.message for problem in analysis.problems] == ["main.t has no column 'zz'."]
