"""sqlglot's scopes give no columns for COUNT(*), PIVOT, whole rows and COLUMNS(): a skip built on that is wrong."""

from __future__ import annotations

import pytest

from ..world import World

READERS = {
    "COUNT(*)": ("select count(*) as n from s.a", "id,k,v 1,a,10 2,b,20 3,a,30"),
    "whole row": ("select a as whole from s.a", "id,k,v 1,a,10 2,b,21"),
    "whole row in a function": ("select to_json(a)::varchar as whole from s.a", "id,k,v 1,a,10 2,b,21"),
    "COLUMNS": ("select max(columns('^v')) from s.a", "id,k,v 1,a,10 2,b,21"),
    "COLUMNS(*)": ("select min(columns(*)) from s.a", "id,k,v 1,a,10 2,a,20 0,b,20"),
    "PIVOT": ("from (select k, v from s.a) pivot (sum(v) for k in ('a', 'b'))", "id,k,v 1,a,10 2,c,20"),
    "PIVOT by what is there": ("pivot (select k, v from s.a) on k using sum(v)", "id,k,v 1,a,10 2,c,20"),
    "UNPIVOT": (
        "select name, value from (select id, v from s.a) unpivot (value for name in (id, v))",
        "id,k,v 1,a,9 2,b,20",
    ),
    "star except": ("select * exclude (k) from s.a", "id,k,v 1,a,10 2,b,21"),
    "row in subquery": ("select (select count(*) from s.a where v > 15) as n", "id,k,v 1,a,16 2,b,20"),
    "EXISTS": ("select 1 as one where exists (select 1 from s.a where v > 25)", "id,k,v 1,a,10 2,b,26"),
    "positional join": ("select a.id, b.v from s.a a positional join s.a b", "id,k,v 1,a,20 2,b,10"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_change_that_it_sees_rebuilds_it(world: World, name: str) -> None:
    query, data = READERS[name]
    world.csv("a", "id,k,v 1,a,10 2,b,20")
    world.sql("s.a", "select id, k, v from raw.a")
    world.sql("s.reader", query)
    world.run()
    assert world.status()["s.reader"] == "CURRENT"
    world.csv("a", data)
    assert world.built()["s.reader"] == "PUBLISHED"
    clean = World(world.root / "clean")
    clean.csv("a", data)
    clean.sql("s.a", "select id, k, v from raw.a")
    clean.sql("s.reader", query)
    clean.run()
    assert world.rows("s.reader") == clean.rows("s.reader")


def test_an_added_column_widens_columns_and_stars(world: World) -> None:
    world.csv("a", "id,v 1,10")
    world.sql("s.a", "select * from raw.a")
    world.sql("s.max", "select max(columns('^v')) from s.a")
    world.sql("s.star", "select * from s.a")
    world.sql("s.count", "select count(*) as n from s.a")
    world.run()
    world.csv("a", "id,v,v2 1,10,20")
    result = world.built()
    assert result == {
        "raw.a": "OBSERVED",
        "s.a": "PUBLISHED",
        "s.max": "PUBLISHED",
        "s.star": "PUBLISHED",
        "s.count": "VERIFIED_EQUAL",
    }
    assert world.rows("s.max") == {(10, 20): 1}
    assert world.rows("s.star") == {(1, 10, 20): 1}
