"""Dagster: a parent that changes its data and then raises stays FRESH, and its child too."""

from __future__ import annotations

from ..world import World

PY = """import headwater as hw


@hw.asset("py.parent", inputs={"raw": "raw.a"})
def parent(raw):
    relation = raw.select("id", "x").relation()
    if relation.aggregate("max(x)").fetchall()[0][0] > 20:
        raise ValueError("too much")
    return relation
"""


def test_nothing_of_a_failed_build_is_seen_and_nothing_is_called_fresh(world: World) -> None:
    world.csv("a", "id,x 1,10 2,20")
    world.python("py", PY)
    world.sql("s.half", "select id, cast(case when x > 20 then 'much' else x::varchar end as integer) as x from raw.a")
    world.sql("s.child", "select sum(x) as total from py.parent")
    world.sql("s.other", "select sum(x) as total from s.half")
    world.run()
    world.csv("a", "id,x 1,11 2,21")
    result = world.run()
    assert result.outcome == "FAILED"
    for parent, child in (("py.parent", "s.child"), ("s.half", "s.other")):
        assert world.codes(parent) == ["INPUT_CHANGED"]
        assert world.status()[child] == "PENDING"
        assert world.rows(parent) == {(1, 10): 1, (2, 20): 1}
        assert world.rows(child) == {(30,): 1}
    world.csv("a", "id,x 1,11 2,20")
    world.built()
    assert world.rows("s.child") == world.rows("s.other") == {(31,): 1}
    assert set(world.status().values()) == {"CURRENT"}
