"""Sums over single columns, and exclusive-or of row hashes, are equal after swaps and for pairs of duplicates."""

from __future__ import annotations

import pytest

from ..world import World

DATA = "id,x,y 1,10,20 2,30,40 3,50,60"
EDITS = {
    "values swapped between rows": "id,x,y 1,30,20 2,10,40 3,50,60",
    "values swapped between columns": "id,x,y 1,20,10 2,30,40 3,50,60",
    "values moved round": "id,x,y 1,50,20 2,10,40 3,30,60",
    "pairs of duplicates added": f"{DATA} 1,10,20 1,10,20",
    "one row for another pair": "id,x,y 1,10,20 1,10,20 3,50,60 3,50,60",
}


@pytest.mark.parametrize("name", EDITS)
def test_it_is_seen_as_a_change(world: World, name: str) -> None:
    world.csv("a", DATA)
    world.sql("s.a", "select id, x, y from raw.a")
    world.sql("s.b", "select id, x - y as d from s.a")
    world.run()
    world.csv("a", EDITS[name])
    assert world.built() == {"raw.a": "OBSERVED", "s.a": "PUBLISHED", "s.b": "PUBLISHED"}
    expected = [tuple(map(int, line.split(","))) for line in EDITS[name].split(" ")[1:]]
    assert sorted(world.rows("s.a").elements()) == sorted(expected)


def test_a_pair_exchanged_for_another_pair(world: World) -> None:
    world.csv("a", "id 1 2 2")
    world.sql("s.a", "select id from raw.a")
    world.run()
    world.csv("a", "id 1 3 3")
    assert world.built()["s.a"] == "PUBLISHED"
    assert world.rows("s.a") == {(1,): 1, (3,): 2}
