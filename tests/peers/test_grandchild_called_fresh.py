"""Dagster: after `a` alone is materialised, `b` is stale and `c` is FRESH, though it stands on the old `b`."""

from __future__ import annotations

from ..world import World


def chain(world: World) -> None:
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.a", "select id, x from raw.a")
    world.sql("s.b", "select id, x + 1 as x from s.a")
    world.sql("s.c", "select sum(x) as total from s.b")
    world.run()


def test_a_rebuilt_grandparent_leaves_the_grandchild_pending(world: World) -> None:
    chain(world)
    world.csv("a", "id,x 1,10 2,21")
    assert world.built("s.a") == {"raw.a": "OBSERVED", "s.a": "PUBLISHED"}
    assert world.status() == {"raw.a": "CURRENT", "s.a": "CURRENT", "s.b": "STALE", "s.c": "PENDING"}
    assert world.codes("s.b") == ["INPUT_CHANGED"]
    assert world.codes("s.c") == ["UPSTREAM_PENDING"]
    assert world.built() == {"s.b": "PUBLISHED", "s.c": "PUBLISHED"}
    assert list(world.rows("s.c")) == [(33,)]


def test_a_child_built_on_an_old_parent_on_purpose_is_not_current(world: World) -> None:
    chain(world)
    world.csv("a", "id,x 1,10 2,21")
    world.run("s.a")
    world.sql("s.c", "select sum(x) as total, count(*) as n from s.b")
    world.run("s.c")
    assert list(world.rows("s.c")) == [(32, 2)]
    assert world.status()["s.c"] == "PENDING"
    world.run()
    assert list(world.rows("s.c")) == [(33, 2)]
