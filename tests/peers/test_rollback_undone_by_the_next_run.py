"""A rollback that the next scheduled run undoes: it builds, or finds in its cache, just what was rolled back."""

from __future__ import annotations

import pytest

from headwater.assets.errors import RequestError

from ..world import TOML, World, outcomes


@pytest.fixture
def world(world: World) -> World:
    """v2 of `stg.a` was wrong, and so is all that was made from it."""
    world.write("headwater.toml", TOML + '[environments.dev]\nsuffix = "__dev"\n')
    world.csv("a", "id,x 1,10 2,20")
    world.sql("stg.a", "select id, x from raw.a")
    world.sql("mart.v", "select sum(x) as total from stg.a", "materialization: view")
    world.sql("mart.t", "select total + 1 as more from mart.v")
    world.run()
    world.sql("stg.a", "select id, x * 100 as x from raw.a")
    world.run()
    return world


def test_a_scheduled_run_leaves_it_rolled_back(world: World) -> None:
    done = world.load().rollback("stg.a", "v1", why="cents are not euros")
    assert outcomes(done) == {"stg.a": "ROLLED_BACK", "mart.v": "REUSED"}
    assert done.outcome == "SUCCEEDED"
    assert world.rows("stg.a") == {(1, 10): 1, (2, 20): 1}
    assert world.rows("mart.v") == {(30,): 1}
    assert world.built() == {"mart.t": "REUSED"}, "downstream follows the data that readers see"
    assert world.rows("mart.t") == {(31,): 1}
    for _ in range(2):
        assert world.run().outcome == "NOTHING_TO_DO"
        assert world.rows("stg.a") == {(1, 10): 1, (2, 20): 1}
    assert world.status() == {"raw.a": "CURRENT", "stg.a": "STALE", "mart.v": "CURRENT", "mart.t": "CURRENT"}
    assert "ROLLED_BACK" in world.codes("stg.a")


def test_the_next_plan_knows_and_says_so(world: World) -> None:
    world.load().rollback("stg.a", "v1", why="cents are not euros")
    plan = world.load().plan()
    assert [step.asset for step in plan.steps] == ["mart.t"]
    [(asset, message)] = plan.rolled_back
    assert asset == "stg.a"
    assert "from v2 to v1" in message
    assert "(cents are not euros)" in message
    assert "`headwater rollback stg.a --release`" in message


def test_force_and_a_selection_do_not_undo_it_either(world: World) -> None:
    world.load().rollback("stg.a", 1)
    for force in (False, True):
        assert set(outcomes(world.run("stg.a", force=force)).values()) <= {"ROLLED_BACK"}
        assert world.rows("stg.a") == {(1, 10): 1, (2, 20): 1}
    assert world.run("stg.a+", force=True).outcome == "SUCCEEDED"
    assert world.rows("stg.a") == {(1, 10): 1, (2, 20): 1}


def test_nor_does_a_run_with_a_delivery_that_it_does_not_see(world: World) -> None:
    """A column that nobody reads changes: while `raw.a` is taken in the trace is open, and then it is the held one."""
    world.csv("a", "id,x,z 1,10,1 2,20,2")
    world.run()
    world.load().rollback("stg.a", "v1")
    world.csv("a", "id,x,z 1,10,3 2,20,4")
    result = world.run()
    assert outcomes(result)["stg.a"] == "ROLLED_BACK"
    assert result.outcome == "SUCCEEDED"
    assert world.rows("stg.a") == {(1, 10): 1, (2, 20): 1}


def test_another_definition_is_built(world: World) -> None:
    world.load().rollback("stg.a", "v1")
    world.sql("stg.a", "select id, x * 10 as x from raw.a")
    assert world.built()["stg.a"] == "PUBLISHED"
    assert world.rows("stg.a") == {(1, 100): 1, (2, 200): 1}
    assert set(world.status().values()) == {"CURRENT"}
    world.sql("stg.a", "select id, x * 100 as x from raw.a")
    assert world.status()["stg.a"] == "STALE", "the edit that was rolled back is still held"
    world.built()
    assert world.rows("stg.a") == {(1, 100): 1, (2, 200): 1}


def test_another_delivery_is_built(world: World) -> None:
    world.load().rollback("stg.a", "v1")
    world.csv("a", "id,x 1,11 2,20")
    assert world.built()["stg.a"] == "PUBLISHED"
    assert world.rows("stg.a") == {(1, 1100): 1, (2, 2000): 1}


def test_a_source_can_be_rolled_back(world: World) -> None:
    world.csv("a", "id,x 1,0 2,0")
    world.run()
    world.load().rollback("raw.a", "v1", why="a broken delivery")
    assert world.built() == {"stg.a": "REUSED", "mart.v": "REUSED", "mart.t": "REUSED"}
    assert world.rows("mart.t") == {(3001,): 1}
    assert world.run().outcome == "NOTHING_TO_DO"
    world.csv("a", "id,x 1,1 2,1")
    world.run()
    assert world.rows("mart.t") == {(201,): 1}


def test_released_it_is_shown_again_without_computing(world: World) -> None:
    world.load().rollback("stg.a", "v1")
    world.run()
    assert world.load().release("stg.a", why="euros after all") == (2,)
    assert set(world.built().values()) == {"REUSED"}
    assert world.rows("mart.t") == {(3001,): 1}
    assert set(world.status().values()) == {"CURRENT"}
    with pytest.raises(RequestError, match=r"No version of stg\.a is held in prod"):
        world.load().release("stg.a")


def test_it_counts_in_its_own_environment_only(world: World) -> None:
    world.run(env="dev")
    world.load().rollback("stg.a", "v1")
    world.run()
    assert set(world.status("dev").values()) == {"CURRENT"}
    assert world.rows("stg__dev.a") == {(1, 1000): 1, (2, 2000): 1}
    with pytest.raises(RequestError, match=r"stg\.a@v2 would be STALE in prod"):
        world.load().promote("stg.a", source="dev")
    world.load().rollback("stg.a", "v1", env="dev")
    world.load().drop_environment("dev", confirmed=True)
    assert set(world.run(env="dev").counts) == {"REUSED"}, "dropping an environment lifts its holds"
    assert world.rows("stg__dev.a") == {(1, 1000): 1, (2, 2000): 1}
