"""A second environment that computes all again, or that makes the first one stale."""

from __future__ import annotations

import pytest

from ..world import TOML, World


@pytest.fixture
def two(world: World) -> World:
    world.write("headwater.toml", TOML + '[environments.dev]\nsuffix = "__dev"\n')
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.a", "select id, x from raw.a")
    world.sql("s.v", "select sum(x) as total from s.a", "materialization: view")
    world.sql("s.b", "select total + 1 as more from s.v")
    world.run()
    return world


def test_dev_shares_the_versions_of_prod(two: World) -> None:
    numbers = {key: len(two.load().history(key)) for key in two.load().assets}
    assert set(two.built(env="dev").values()) == {"REUSED"}
    assert {key: len(two.load().history(key)) for key in two.load().assets} == numbers
    assert two.rows("s__dev.b") == two.rows("s.b") == {(31,): 1}
    for env in ("prod", "dev"):
        assert set(two.status(env).values()) == {"CURRENT"}
        assert two.run(env=env).outcome == "NOTHING_TO_DO"


def test_an_edit_tried_in_dev_is_reused_in_prod(two: World) -> None:
    two.run(env="dev")
    two.sql("s.a", "select id, x * 2 as x from raw.a")
    assert two.built(env="dev") == {"s.a": "PUBLISHED", "s.v": "PUBLISHED", "s.b": "PUBLISHED"}
    assert two.rows("s.b") == {(31,): 1}
    assert two.rows("s__dev.b") == {(61,): 1}
    assert set(two.built().values()) == {"REUSED"}
    assert two.rows("s.b") == {(61,): 1}


def test_a_new_delivery_taken_in_for_dev_is_not_taken_in_twice(two: World) -> None:
    two.run(env="dev")
    two.csv("a", "id,x 1,10 2,21")
    two.run(env="dev")
    assert two.rows("s.b") == {(31,): 1}
    assert two.codes("raw.a") == ["INPUT_CHANGED"]
    assert set(two.built().values()) == {"REUSED"}
    assert set(two.status().values()) == set(two.status("dev").values()) == {"CURRENT"}
    assert len(two.load().history("raw.a")) == 2


def test_a_first_run_in_dev_leaves_prod_current(two: World) -> None:
    two.run("raw.a", env="dev")
    assert set(two.status().values()) == {"CURRENT"}
