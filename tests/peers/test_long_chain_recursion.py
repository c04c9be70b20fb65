"""A chain of some 1,000 assets raises RecursionError in Dagster's graph and in SQLMesh's plan."""

from __future__ import annotations

import pytest

from ..world import World


def chain(world: World, length: int) -> None:
    world.csv("a", "id,x 1,10")
    world.sql("c.n0", "select id, x from raw.a")
    for n in range(1, length):
        world.sql(f"c.n{n}", f"select id, x from c.n{n - 1}")


def test_deciding_a_chain_of_1200(world: World) -> None:
    chain(world, 1_200)
    report = world.load().status()
    assert report.counts["MISSING"] == 1_201
    plan = world.load().plan()
    assert [step.asset for step in plan.steps[:3]] == ["raw.a", "c.n0", "c.n1"]
    assert len(world.load().graph.descendants(["raw.a"])) == 1_201
    assert len(world.load().why("c.n1199").causes) > 0


@pytest.mark.slow
def test_building_a_chain_of_5000(world: World) -> None:
    chain(world, 5_000)
    assert world.run().outcome == "SUCCEEDED"
    world.csv("a", "id,x 1,11")
    result = world.run("+c.n3")
    assert result.outcome == "SUCCEEDED"
    assert world.status()["c.n4999"] == "PENDING"
    assert len(world.load().why("c.n4999").causes) > 0
    assert world.run().counts == {"PUBLISHED": 4_996}
    assert world.rows("c.n4999") == {(1, 11): 1}
