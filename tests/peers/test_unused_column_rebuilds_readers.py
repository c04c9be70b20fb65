"""dbt, Dagster and SQLMesh rebuild every descendant where a column that nobody reads is changed, added or dropped."""

from __future__ import annotations

import pytest

from ..world import World


def layered(world: World) -> None:
    world.csv("a", "id,x,y 1,10,5 2,20,6")
    world.sql("s.a", "select id, x, y from raw.a")
    world.sql("s.b", "select id, x + 1 as x from s.a")
    world.sql("s.view", "select id, x from s.a", "materialization: view")
    world.sql("s.c", "select sum(b.x + v.x) as total from s.b b join s.view v using (id)")
    world.run()


@pytest.mark.parametrize(
    "query",
    [
        "select id, x, y * 2 as y from raw.a",
        "select id, x from raw.a",
        "select id, x, y, x + y as z from raw.a",
        "select y, x, id from raw.a",
        "select id, x, cast(y as varchar) as y from raw.a",
    ],
)
def test_one_rebuild_and_untouched_readers(world: World, query: str) -> None:
    layered(world)
    before = world.physical()
    world.sql("s.a", query)
    result = world.built()
    assert result.pop("s.a") == "PUBLISHED"
    assert set(result.values()) == {"VERIFIED_EQUAL"}
    after = world.physical()
    assert {key for key in before if before[key] != after[key]} == {"s.a"}
    assert set(world.status().values()) == {"CURRENT"}


@pytest.mark.parametrize("data", ["id,x,y 1,10,7 2,20,8", "id,x 1,10 2,20", "id,x,y,z 1,10,5,0 2,20,6,0"])
def test_a_source_column_that_nobody_else_reads(world: World, data: str) -> None:
    layered(world)
    world.sql("s.a", "select id, x from raw.a")
    world.run()
    before = world.physical()
    world.csv("a", data)
    result = world.built()
    assert result.pop("raw.a") == "OBSERVED"
    assert set(result.values()) == {"VERIFIED_EQUAL"}
    assert {key for key, physical in world.physical().items() if physical != before[key]} == {"raw.a"}


def test_an_equal_rebuild_keeps_readers_current(world: World) -> None:
    layered(world)
    before = world.physical()
    world.sql("s.a", "select id, x + 0 as x, y from raw.a")
    result = world.run("s.a")
    assert [(step.outcome, step.changed) for step in result.steps] == [("PUBLISHED", False)]
    assert set(world.status().values()) == {"CURRENT"}
    assert world.physical() == before


def test_rows_in_another_order_are_the_same_data(world: World) -> None:
    layered(world)
    world.csv("a", "id,x,y 2,20,6 1,10,5")
    result = world.built()
    assert result.pop("raw.a") == "OBSERVED"
    assert set(result.values()) == {"VERIFIED_EQUAL"}


def test_a_reverted_edit_is_reused_without_building(world: World) -> None:
    layered(world)
    before = world.physical()
    world.sql("s.a", "select id, x * 2 as x, y from raw.a")
    world.run()
    versions = len(world.load().history("s.a"))
    world.sql("s.a", "select id, x, y from raw.a")
    result = world.built()
    assert set(result.values()) == {"REUSED"}
    assert world.physical() == before
    assert len(world.load().history("s.a")) == versions
    assert world.rows("s.c") == {(62,): 1}
    assert set(world.status().values()) == {"CURRENT"}


def test_an_edit_reverted_to_what_only_a_stored_version_read_is_reused(world: World) -> None:
    """The fingerprint that it saw was never one of a published reader's."""
    layered(world)
    for query in (
        "select id, x, 0 as y from raw.a",
        "select id, y as x, y from raw.a",
        "select id, 1 as x, y from raw.a",
    ):
        world.sql("s.a", query)
        world.run()
    world.sql("s.a", "select id, y as x, y from raw.a")
    assert world.built()["s.a"] == "REUSED"
    assert world.rows("s.a") == {(1, 5, 5): 1, (2, 6, 6): 1}


def test_a_reverted_source_leaves_its_readers_alone(world: World) -> None:
    layered(world)
    world.csv("a", "id,x,y 1,11,5 2,20,6")
    world.run("raw.a")
    world.csv("a", "id,x,y 1,10,5 2,20,6")
    result = world.built()
    assert result.pop("raw.a") == "OBSERVED"
    assert set(result.values()) == {"VERIFIED_EQUAL"}
