"""What an edit changed: part by part, in its author's names, and nothing where the definition hash says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.lineage.definition_change import DefinitionChange
from headwater.lineage.sql import analyse_sql, sql_difference

ORDERS = {"day": "date", "amount": "integer", "city": "varchar", "cost": "integer"}
SCHEMA = {"raw.orders": ORDERS, "raw.cities": {"city": "varchar", "zone": "integer"}}
BASE = "select o.day, sum(amount) as total from raw.orders o where amount > 3 and city is not null group by o.day"


def said(before: str, after: str) -> list[str]:
    """Return the changes in words."""
    return [change.sentence for change in sql_difference(before, after, "duckdb", SCHEMA, SCHEMA)]


@pytest.mark.parametrize(
    "cosmetic",
    [
        BASE,
        "SELECT x.day, (sum(x.amount)) AS TOTAL -- in euros\nFROM raw.orders AS x\n"
        "WHERE (amount > 3 AND city IS NOT NULL) GROUP BY x.day;",
    ],
)
def test_what_is_only_written_differently_is_nothing(cosmetic: str) -> None:
    assert said(BASE, cosmetic) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (BASE, BASE.replace("sum(amount)", "sum(cost)"), ["column total computed differently: sum(amount) as total"]),
        (BASE, BASE.replace(" as total", " as total, count(*) n"), ["column n added: count(*) n"]),
        (BASE, BASE.replace("o.day, ", ""), ["column day removed: o.day"]),
        (BASE, BASE.replace("> 3", "> 5"), ["filter changed: amount > 3 became amount > 5"]),
        (BASE, BASE.replace("and city", "and day is distinct from null and city"), ["filter added: day is distinct"]),
        (BASE, BASE.replace(" and city is not null", ""), ["filter removed: city is not null"]),
        (BASE, BASE.replace("amount > 3 and", "amount > 3 or"), ["filter added: amount > 3 or city is not null"]),
        (BASE, BASE.replace("select o", "select distinct o"), ["distinct added: distinct"]),
        (BASE, BASE + ", city", ["group key added: city"]),
        (BASE, BASE + " having sum(amount) > 1", ["filter on groups added: sum(amount) > 1"]),
        (BASE, BASE + " order by total desc limit 3", ["sort added: total desc", "limit added: limit 3"]),
        (BASE, BASE.replace("orders o", "orders o join raw.cities using (city)"), ["join raw.cities added: join raw"]),
        ("select 1 as a from raw.orders", "select 1 as a from raw.cities", ["table raw.cities added: raw.cities"]),
        ("select day, city from raw.orders", "select city, day from raw.orders", ["column moved: day, city became"]),
        ("select 1 union all select 2", "select 1 union select 2", ["set operation in query 2 changed: union all bec"]),
        ("select j->'a.b' x from raw.orders", "select j->'$.a.b' x from raw.orders", ["column x computed differently"]),
        ("with f as (select * from raw.orders) select day from f", "with g as (select day from raw.orders where amount"
         " > 1) select g.day from g", ["column day in with g added: day", "filter in with g added: amount > 1"]),
        ("select a from (select cost a from raw.orders) q", "select a from (select cost + 1 a from raw.orders) r",
         ["column a in r computed differently: cost a became cost + 1 a"]),
        ("select day from raw.orders where cost > $vars.a", "select day from raw.orders where cost > $vars.b",
         ["filter changed: cost > $vars.a became cost > $vars.b", "parameter $vars.b added"]),
        ("select left(city, 2) l from raw.orders left join raw.cities using (city)",
         "select left(city, 2) l from raw.orders join raw.cities using (city)", ["join raw.cities changed: left join"]),
        ("from raw.orders select day", "from raw.orders select day, case when cost > 1 then 2 end as q",
         ["column q added: case when cost > 1 then 2 end as q"]),
        ("select 1 as a", "select sum(", ["code changed"]),
    ],
)  # fmt: skip
def test_each_part_is_named_as_it_is_written(before: str, after: str, expected: list[str]) -> None:
    found = said(before, after)
    for start in expected:
        assert any(sentence.startswith(start) for sentence in found), found


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "with c as (from t) unpivot c on p, q",
            "with c as (from t) unpivot c on p, r",
            "code changed: unpivot c on p",
        ),
        ("with q(x, y) as (table t) select x from q", "with q(x, y) as (table u) select x from q", "code in with q"),
        (
            "with a as (select 1), b as (select 2) (select 3)",
            "with a as (select 1), b as (select 2) (select 4)",
            "column 4 added",
        ),
        ("values (1)", "values (2)", "code changed: values (1) became values (2)"),
    ],
)
def test_unusual_forms_are_told_too(before: str, after: str, expected: str) -> None:
    (found, *_) = said(before, after)
    assert found.startswith(expected)


def test_one_edit_is_one_change() -> None:
    assert len(said(BASE, BASE.replace("> 3", "> 5"))) == 1
    assert len(said(BASE, BASE.replace(" as total", " as total, count(*) n"))) == 1


def test_a_star_that_stands_for_more_is_the_columns_that_came() -> None:
    wider = {**SCHEMA, "raw.orders": {**ORDERS, "amount": "double", "note": "varchar"}}
    query = "select * from raw.orders"
    assert sql_difference(query, query, "duckdb", SCHEMA, wider) == (
        DefinitionChange("ADDED", "COLUMN", "note"),
        DefinitionChange("ALTERED", "TYPE", "amount", "integer", "double"),
    )


@dataclass(frozen=True)
class Query:
    """A query by its parts, from which texts are written: the oracle compares these, and never looks at a text."""

    columns: tuple[tuple[str, str], ...]
    filters: frozenset[str]
    keys: frozenset[str]
    joined: str | None
    distinct: bool
    limit: int | None

    def text(self, loud: bool, alias: str, brackets: bool) -> str:
        """Return it as one of many texts that mean the same."""
        columns = ", ".join(f"({e}) as {n}" if brackets else f"{e} as {n}" for n, e in self.columns)
        filters = " and ".join(sorted(self.filters))
        clauses = [
            f"select {'distinct ' if self.distinct else ''}{columns}",
            f"from raw.orders {alias}"
            + (f" {self.joined} raw.cities z on z.zone = {alias}.cost" if self.joined else ""),
            f"where {f'({filters})' if brackets else filters}" if self.filters else "",
            f"group by {', '.join(sorted(self.keys))}" if self.keys else "",
            "" if self.limit is None else f"limit {self.limit}",
        ]
        text = ("\n  " if brackets else " ").join(clause for clause in clauses if clause)
        return (text.upper() if loud else text).replace("$A", alias).replace("$a", alias)


expressions = st.sampled_from(["$a.day", "$a.amount", "$a.cost + 1", "$a.cost * 2", "count(*)"])
queries = st.builds(
    Query,
    st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), expressions, min_size=1).map(
        lambda found: tuple(sorted(found.items()))
    ),
    st.frozensets(st.sampled_from(["$a.cost > 1", "$a.amount < 5", "$a.day is not null"])),
    st.frozensets(st.sampled_from(["$a.day", "$a.cost", "$a.amount"])),
    st.sampled_from([None, "join", "left join"]),
    st.booleans(),
    st.sampled_from([None, 1, 2]),
)
writings = st.tuples(st.booleans(), st.sampled_from(["o", "x"]), st.booleans())


def expected(old: Query, new: Query) -> set[tuple[str, str, str]]:
    """Return what changed from one to the other, as (action, kind, name)."""
    then, now = dict(old.columns), dict(new.columns)
    found = {("ADDED", "COLUMN", name) for name in now.keys() - then.keys()}
    found |= {("REMOVED", "COLUMN", name) for name in then.keys() - now.keys()}
    found |= {("ALTERED", "COLUMN", name) for name in then.keys() & now.keys() if then[name] != now[name]}
    for kind, was, be in (("FILTER", old.filters, new.filters), ("GROUP_KEY", old.keys, new.keys)):
        found |= {("ADDED", kind, "")} if be - was else set()
        found |= {("REMOVED", kind, "")} if was - be else set()
    pairs = (("JOIN", "raw.cities", old.joined, new.joined), ("LIMIT", "", old.limit, new.limit))
    for kind, name, one, other in (*pairs, ("DISTINCT", "", old.distinct or None, new.distinct or None)):
        if one != other:
            found.add(("ADDED" if one is None else "REMOVED" if other is None else "ALTERED", kind, name))
    return found


@given(queries, queries, writings, writings)
def test_the_changes_are_those_of_the_parts(old: Query, new: Query, one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    before, after = old.text(*one), new.text(*other)
    changes = sql_difference(before, after, "duckdb", SCHEMA, SCHEMA)
    found = {(change.action, change.kind, change.name) for change in changes}
    types = {kind for kind in found if kind[1] == "TYPE"}  # of a column that became another one: said already
    same = analyse_sql(before, "duckdb", SCHEMA).definition_hash == analyse_sql(after, "duckdb", SCHEMA).definition_hash
    assert (changes == ()) == same
    # Parentheses that the hash keeps, because it cannot be sure of them, are a change that no part shows.
    unnamed = {("ALTERED", "OTHER", "")} if not same and not expected(old, new) else set()
    assert found - types == expected(old, new) | unnamed


@given(queries, writings, writings)
def test_in_a_cte_too(query: Query, one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    edited = replace(query, limit=7)
    first, second = (f"with {name} as (\n{it.text(*how)}) select * from {name}" for name, it, how in
                     (("f", query, one), ("g", edited, other)))  # fmt: skip
    changes = sql_difference(first, second, "duckdb", SCHEMA, SCHEMA)
    assert [(it.kind, it.where) for it in changes] == [("LIMIT", "with g")]


def test_a_number_that_was_changed_in_any_query_is_shown_where_it_stands(make_query: Callable[[int], Any]) -> None:
    shown = 0
    for seed in range(80):
        maker = make_query(seed)
        before = maker.query()
        found = re.search(r"(?<![\w.])\d+(?![\w.])", before)
        assert sql_difference(before, before, "duckdb", maker.tables, maker.tables) == ()
        if found is None:
            continue
        after = f"{before[: found.start()]}987{before[found.end() :]}"
        changes = sql_difference(before, after, "duckdb", maker.tables, maker.tables)
        assert any("987" in (change.after or "") for change in changes), (before, after)
        shown += 1
    assert shown > 40
