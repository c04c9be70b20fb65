"""Metamorphic tests of the definition hash: it stays where the meaning stays, and changes where that changes."""

from __future__ import annotations

import copy
import gc
import pickle
import re
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lineage import SqlCatalog, analyse_sql
from headwater.lineage.sql.context import Resolution

CATALOG = SqlCatalog(
    {
        "stg.orders": {"id": "integer", "amount": "integer", "cust": "integer", "day": "date", "j": "json"},
        "stg.customers": {"cust": "integer", "region": "varchar", "age": "integer"},
        "s2.orders": {"id": "integer"},
    }
)
BASE = """
with recent as (
  select o.id, o.cust, o.amount, j->'a.b' as path from stg.orders o where o.amount > 10 and day >= '2024-01-01'
)
select c.region, sum(r.amount + 1) as total, count(*) as n
from recent r left join stg.customers as c on c.cust = r.cust
group by c.region having count(*) > 1 order by total desc, 1 limit 10
"""


def digest(sql: str) -> str:
    analysis = analyse_sql(sql, schema=CATALOG)
    assert [problem for problem in analysis.problems if not problem.refused] == []
    return analysis.definition_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", " \t\n  -- a comment\n"),
        (r"sum\(r.amount \+ 1\)", "SUM( r.Amount/* no */+1 )"),
        (r"\brecent\b", "of_late"),
        (r"\br\b", "zz"),
        (r"\bc\b", '"C x"'),
        (r"\bo\b", "other"),
        ("stg.orders o ", "stg.orders as o "),
        ("as c on", "c on"),
        ("stg.orders o ", "STG.Orders O "),
        ("stg.orders", 'stg."orders"'),
        ("o.id, o.cust", "id, cust"),
        ("o.id, o.cust", "o.id, stg.orders.cust"),
        ("day >=", "o.day >="),
        ("c.region", "region"),
        ("o.amount > 10", "(o.amount > 10)"),
        ("o.amount > 10 and", "((o.amount) > 10) and"),
        ("c.cust = r.cust", "(c.cust = r.cust)"),
        ("r.amount [+] 1", "(r.amount) + 1"),
        ("count[(][*][)] > 1", "(count(*)) > 1"),
        (r"\Z", ";;"),
        ("group by", "Group   By"),
    ],
)
def test_rewrites_that_mean_the_same(old: str, new: str) -> None:
    sql = BASE
    if new == "o.id, stg.orders.cust":
        sql = BASE.replace("stg.orders o ", "stg.orders ").replace("o.", "orders.")
        old = "orders.cust"
        new = "stg.orders.cust"
    rewritten = re.sub(old, lambda _: new, sql)
    assert rewritten != sql
    assert digest(rewritten) == digest(sql)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("> 10", ">= 10"),
        ("> 10", "> 11"),
        ("o.amount > 10 and", "o.amount > 10 or"),
        ("'2024-01-01'", "'2024-01-02'"),
        ("left join", "join"),
        ("left join", "right join"),
        ("sum(", "max("),
        ("sum(", "sum(distinct "),
        ("as n\n", "as m\n"),
        ("sum(r.amount + 1) as total, count(*) as n", "count(*) as n, sum(r.amount + 1) as total"),
        ("c.region, sum", "c.age, sum"),
        ("j->'a.b'", "j->'$.a.b'"),
        ("j->'a.b'", "j->>'a.b'"),
        ("select c.region", "select distinct c.region"),
        ("limit 10", "limit 11"),
        ("limit 10", ""),
        ("total desc", "total"),
        ("total desc", "total desc nulls first"),
        ("c.cust = r.cust", "c.cust = r.id"),
        ("stg.customers as c", "stg.customers as c tablesample 10%"),
        ("count(*) as n", "count(c.age) as n"),
        ("r.amount + 1", "r.amount + (1 - r.amount)"),
        ("having count(*) > 1", ""),
        ("c.cust = r.cust", "r.cust = c.cust"),
    ],
)
def test_changes_of_meaning(old: str, new: str) -> None:
    changed = BASE.replace(old, new)
    assert changed != BASE
    assert digest(changed) != digest(BASE)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("select (amount + 1) * 2 as x from stg.orders", "select amount + 1 * 2 as x from stg.orders"),
        ("select amount - (1 - 2) as x from stg.orders", "select amount - 1 - 2 as x from stg.orders"),
        ("select (j->'a') = '1' as x from stg.orders", "select j->'a' = '1' as x from stg.orders"),
        ("select not (id = 1) = true as x from stg.orders", "select (not id = 1) = true as x from stg.orders"),
        (
            "select id from stg.orders where id between 1 and (2 = amount)",
            "select id from stg.orders where id between 1 and 2 = amount",
        ),
        ("select -(id + 1) as x from stg.orders", "select -id + 1 as x from stg.orders"),
        ("select (id + 1)::varchar as x from stg.orders", "select id + 1::varchar as x from stg.orders"),
        ("select ((id + 1)) * 2 as x from stg.orders", "select id + 1 * 2 as x from stg.orders"),
        ("select {'a': 1} as s", "select {'A': 1} as s"),
        ("select {a: 1} as s", "select {A: 1} as s"),
        ("select 'It' as x", "select 'it' as x"),
        ("select amount from stg.orders", "select amount from stg.orders, stg.customers"),
        ("select id from stg.orders", "select id from s2.orders"),
        ("select to_json(o) as x from stg.orders o", "select to_json(o) as x from (select 1 as Id) o"),
        ("select a.id from stg.orders a, s2.orders b", "select b.id from stg.orders a, s2.orders b"),
        ("select 1 as x, 2 as y", "select 1 as y, 2 as x"),
        ('select id as "Id" from s2.orders', 'select id as "ID" from s2.orders'),
        ("select $vars.a as x", "select $vars.b as x"),
        ("from range(3) r(i) select i", "from range(4) r(i) select i"),
        ("select j.foo as x from stg.orders", "select j.Foo as x from stg.orders"),
        ("select sum(o.id) from s2.orders o", "select sum(p.id) from s2.orders p"),  # the engine's own output name
    ],
)
def test_pairs_that_differ(left: str, right: str) -> None:
    assert digest(left) != digest(right)


def test_a_star_is_what_it_stands_for() -> None:
    assert digest("select * from s2.orders") != analyse_sql("select * from s2.orders").definition_hash
    wider = SqlCatalog({"s2.orders": {"id": "integer", "more": "integer"}})
    assert digest("select * from s2.orders") != analyse_sql("select * from s2.orders", schema=wider).definition_hash


def test_a_column_that_an_upstream_gained_can_capture_a_name() -> None:
    sql = "select c.cust from stg.customers c where exists (select 1 from s2.orders o where age = o.id)"
    wider = SqlCatalog({"stg.customers": {"cust": None, "age": None}, "s2.orders": {"id": None, "age": None}})
    narrow = SqlCatalog({"stg.customers": {"cust": None, "age": None}, "s2.orders": {"id": None}})
    assert analyse_sql(sql, schema=wider).definition_hash != analyse_sql(sql, schema=narrow).definition_hash


@settings(deadline=None)
@given(st.data())
def test_white_space_and_comments_never_count(data: st.DataObject) -> None:
    pieces = re.split(r"(\s+)", BASE)
    blank = st.sampled_from([" ", "\n", "\t", "  ", " /* x */ ", "\n-- y\n"])
    rewritten = "".join(data.draw(blank) if piece.isspace() else piece for piece in pieces)
    assert digest(rewritten) == digest(BASE)


@pytest.mark.parametrize(
    "sql",
    [
        "select o.day from stg.customers c join stg.orders o using (cust) join s2.orders s using (id)",
        "select o.day from stg.orders o natural join stg.customers c",
        "select columns('a.*') from stg.customers",
        "select max(age) as id, 1 as x from stg.customers having id > 1",
    ],
)
def test_what_a_name_means_counts_where_its_spelling_does_not_change(sql: str) -> None:
    wider = SqlCatalog(
        {
            "stg.orders": {"id": None, "amount": None, "cust": None, "day": None, "j": None, "region": None},
            "stg.customers": {"id": None, "cust": None, "region": None, "age": None, "about": None},
            "s2.orders": {"id": None},
        }
    )
    assert analyse_sql(sql, schema=wider).definition_hash != digest(sql)


@pytest.mark.parametrize(
    "query",
    [
        "select x - y as z from t q(x, y)",
        "select (select max(x - y) from t q(x, y)) as z",
        "select x - y as z from (t join u using (c)) q(x, y)",
        "select x - y as z from (table t) q(x, y)",
        "with q(x, y) as (table t) select x - y as z from q",
        "select q.x - q.y as z from (from t) q(x, y), (from u) r",
        "select q.x - q.y as z from (from t) q(x, y), (select * from u) r",
    ],
)
def test_columns_that_are_named_by_position_are_those_that_stand_there(query: str) -> None:
    """An upstream whose columns change places gives other values, though what is read of it is equal by name."""
    u = {"c": "int", "d": "int"}
    before = analyse_sql(query, schema={"t": {"a": "int", "b": "int", "c": "int"}, "u": u})
    after = analyse_sql(query, schema={"t": {"b": "int", "a": "int", "c": "int"}, "u": u})
    assert before.definition_hash != after.definition_hash
    same = analyse_sql(query, schema={"t": {"A": "int", "b": "int", "c": "int"}, "u": u})
    assert before.definition_hash == same.definition_hash


def test_a_hash_that_nobody_asked_for_yet_is_there_for_everyone_who_does() -> None:
    known = analyse_sql(BASE, schema=CATALOG)
    assert len(known.definition_hash) == 64
    assert analyse_sql(BASE, schema=CATALOG) == known
    assert hash(analyse_sql(BASE, schema=CATALOG)) == hash(known)
    assert repr(analyse_sql(BASE, schema=CATALOG)) == repr(known)
    assert copy.deepcopy(analyse_sql(BASE, schema=CATALOG)) == known
    assert pickle.loads(pickle.dumps(analyse_sql(BASE, schema=CATALOG))) == known
    assert replace(analyse_sql(BASE, schema=CATALOG), edits=()).definition_hash == known.definition_hash


def test_a_hash_to_be_computed_is_as_frozen_as_any_other_value() -> None:
    analysis = analyse_sql(BASE, schema=CATALOG)
    with pytest.raises(FrozenInstanceError):
        analysis.definition_hash = ""  # type: ignore[misc]
    with pytest.raises(AttributeError, match="'Analysis' object has no attribute 'definition'"):
        _ = analysis.definition  # type: ignore[attr-defined]
    assert analysis.definition_hash == digest(BASE)


def test_what_waits_for_its_hash_holds_no_tree() -> None:
    def alive() -> int:
        gc.collect()
        return sum(isinstance(thing, Resolution) for thing in gc.get_objects())

    before = alive()
    waiting = analyse_sql(BASE, schema=CATALOG)
    assert alive() == before
    assert waiting.definition_hash == digest(BASE)


def test_a_schema_with_half_a_character_does_not_fail_when_the_hash_is_asked_for() -> None:
    analysis = analyse_sql("select * from t", schema={"t": {"\ud800": "integer"}})
    assert len(analysis.definition_hash) == 64
