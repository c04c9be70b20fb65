"""SQLMesh calls a projection that only grows non-breaking, and skips readers whose row counts change with it."""

from __future__ import annotations

import pytest

from ..world import World

EDITS = {
    "DISTINCT": ("select distinct k from raw.a", "select distinct k, g from raw.a"),
    "GROUP BY ALL": (
        "select k, count(*) as n from raw.a group by all",
        "select k, g, count(*) as n from raw.a group by all",
    ),
    "UNION": (
        "select k from raw.a union select k from raw.a",
        "select k, g from raw.a union select k, g from raw.a",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_readers_see_the_rows_that_came_with_the_column(world: World, name: str) -> None:
    before, after = EDITS[name]
    world.csv("a", "k,g 1,1 1,2 2,1")
    world.sql("s.a", before)
    world.sql("s.n", "select count(*) as n from s.a")
    world.sql("s.k", "select k from s.a")
    world.run()
    assert world.rows("s.n") == {(2,): 1}
    world.sql("s.a", after)
    assert world.built() == {"s.a": "PUBLISHED", "s.k": "PUBLISHED", "s.n": "PUBLISHED"}
    assert world.rows("s.n") == {(3,): 1}
    assert world.rows("s.k") == {(1,): 2, (2,): 1}


def test_an_added_column_that_adds_no_rows_stops_there(world: World) -> None:
    world.csv("a", "k,g 1,1 2,2")
    world.sql("s.a", "select distinct k from raw.a")
    world.sql("s.n", "select count(*) as n from s.a")
    world.run()
    world.sql("s.a", "select distinct k, g from raw.a")
    assert world.built() == {"s.a": "PUBLISHED", "s.n": "VERIFIED_EQUAL"}
