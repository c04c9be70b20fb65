"""SQLMesh calls a renamed table alias breaking and rebuilds all descendants; dbt rebuilds on any change of the text."""

from __future__ import annotations

import pytest

from ..world import World

QUERY = """with picked as (select o.id, o.x from raw.a o where o.x > 5)
select p.id, sum(p.x) as total from picked p group by p.id"""

COSMETIC = {
    "table alias": QUERY.replace("o.", "other.").replace(" o ", " other "),
    "alias with AS": QUERY.replace("raw.a o", "raw.a as o").replace("picked p", "picked as p"),
    "CTE name": QUERY.replace("picked", "chosen"),
    "comments": QUERY.replace("select p.id", "-- why\nselect /* the key */ p.id"),
    "white space": QUERY.replace(" ", "   ").replace("\n", "\n\n"),
    "case of keywords": QUERY.replace("select", "SELECT").replace("group by", "GROUP  BY"),
    "case of names": QUERY.replace("p.x", "P.X").replace("raw.a", "RAW.A"),
    "redundant parentheses": QUERY.replace("o.x > 5", "((o.x) > 5)"),
    "a literal in parentheses": QUERY.replace("o.x > 5", "o.x > (5)"),
    "no qualification": QUERY.replace("p.id, sum(p.x)", "id, sum(x)").replace("by p.id", "by id"),
}


@pytest.mark.parametrize("name", COSMETIC)
def test_a_cosmetic_edit_does_nothing(world: World, name: str) -> None:
    world.csv("a", "id,x 1,10 2,20 3,3")
    world.sql("s.a", QUERY)
    world.sql("s.b", "select count(*) as n from s.a")
    world.run()
    before = world.physical()
    assert COSMETIC[name] != QUERY
    world.sql("s.a", COSMETIC[name])
    assert set(world.status().values()) == {"CURRENT"}
    assert world.run().outcome == "NOTHING_TO_DO"
    assert world.physical() == before


@pytest.mark.parametrize(
    "query",
    [
        "select max(columns(*)) from raw.a t",
        "select t::varchar as w from raw.a t",
        "pivot (select t.id, t.x from raw.a t) on id in (1, 2) using sum(x)",
    ],
)
def test_an_alias_is_a_local_name_for_readers_of_whole_rows_too(world: World, query: str) -> None:
    """Found by the oracle, seed 227: they read all columns, and what the table is called is not one."""
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.a", query)
    world.run()
    world.sql("s.a", query.replace(" t", " u").replace("t.", "u.").replace("t::", "u::"))
    assert set(world.status().values()) == {"CURRENT"}


def test_description_owner_and_tags_are_not_data(world: World) -> None:
    world.csv("a", "id,x 1,10")
    world.sql("s.a", QUERY)
    world.run()
    world.sql("s.a", QUERY, "description: what it is\nowner: me@corp.example\ntags: [new]")
    assert world.run().outcome == "NOTHING_TO_DO"


def test_order_of_output_columns_is_data(world: World) -> None:
    world.csv("a", "id,x 1,10")
    world.sql("s.a", "select id, x from raw.a")
    world.sql("s.b", "select * from s.a")
    world.sql("s.c", "select id from s.a")
    world.run()
    world.sql("s.a", "select x, id from raw.a")
    assert world.built() == {"s.a": "PUBLISHED", "s.b": "PUBLISHED", "s.c": "VERIFIED_EQUAL"}
    assert world.behind("select * from s.b") == [(10, 1)]
