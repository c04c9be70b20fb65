"""Checksums joined by an exclusive or cancel out where rows come in pairs; sums of row hashes do not."""

from __future__ import annotations

import pytest

from ..world import World


@pytest.mark.parametrize("rows", ["1,1 1,1", "2,2 2,2", "1,1 1,1 2,2 2,2", "1,1 1,1 1,1 1,1"])
def test_pairs_of_rows_count(world: World, rows: str) -> None:
    world.csv("a", "id,x 3,3 3,3")
    world.sql("s.pairs", "select id, x from raw.a")
    world.sql("s.count", "select count(*) as n, sum(id) as total from s.pairs")
    world.run()
    world.csv("a", f"id,x {rows}".strip())
    outcomes = world.built()
    assert outcomes["s.pairs"] == outcomes["s.count"] == "PUBLISHED"
    numbers = [int(row.split(",")[0]) for row in rows.split()]
    assert world.rows("s.count") == {(len(numbers), sum(numbers)): 1}
