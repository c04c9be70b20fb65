"""Environments with partitioned assets: slices are shared, and freed when no kept version lists them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.assets.errors import RequestError

from ..world import World, outcomes
from .test_partitioned import DAILY, HEAD, orders

QUERY = "select day, region, amount from raw.orders where day = $partition"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three days in prod, and the same in dev, uncomputed."""
    world = World(tmp_path, datetime(2024, 1, 4, 12, tzinfo=UTC))
    world.csv("orders", HEAD + orders(3))
    world.sql("stg.daily", QUERY, DAILY)
    identity = f"{DAILY}\nmappings: {{stg.daily: identity}}"
    world.sql("mart.sums", "select day, sum(amount) as total from stg.daily group by day", identity)
    world.sql("mart.seen", "select sum(amount) as t from stg.daily", "materialization: view")
    world.run()
    done = world.load().create_environment("dev", "prod")
    assert {str(it.asset) for it in done.moved} == {"raw.orders", "stg.daily", "mart.sums", "mart.seen"}
    return world


def slices(world: World, asset: str = "stg.daily") -> dict[int, int]:
    """Return how many rows are stored of each slice of an asset."""
    stores = "select table_name from duckdb_tables() where table_name like '%rows' order by 1"
    names = [str(n) for (n,) in world.behind(stores) if str(n).startswith(asset.replace(".", "__"))]
    found: dict[int, int] = {}
    for name in names:
        (column,) = [
            c
            for (c,) in world.behind(f"select column_name from duckdb_columns() where table_name = '{name}'")
            if "slice" in str(c)
        ]
        rows = world.behind(f'select "{column}", count(*) from _headwater."{name}" group by 1')
        found.update({int(str(n)): int(str(count)) for n, count in rows})
    return found


def eu(world: World, schema: str = "stg") -> list[int]:
    rows = world.behind(f"select amount from {schema}.daily where region = 'eu' order by day")
    return [int(str(amount)) for (amount,) in rows]


def test_a_new_environment_shows_the_same_slices(world: World) -> None:
    assert world.rows("stg__dev.daily") == world.rows("stg.daily")
    assert set(world.status("dev").values()) == {"CURRENT"}
    assert world.run(env="dev").outcome == "NOTHING_TO_DO"
    assert slices(world) == {1: 2, 2: 2, 3: 2}


def test_a_day_that_was_built_in_dev_is_promoted_with_its_readers(world: World) -> None:
    world.csv("orders", HEAD + orders(3, d2=99))
    built = {str(it.asset): it.partitions for it in world.run(env="dev").steps}
    assert built["stg.daily"] == built["mart.sums"] == "2024-01-02"
    assert eu(world) == [10, 20, 30]
    done = world.load().promote("*", source="dev", target="prod")
    assert "stg.daily" in {str(it.asset) for it in done.moved}
    assert eu(world) == [10, 99, 30]
    assert set(world.status().values()) == {"CURRENT"}
    assert world.run().outcome == "NOTHING_TO_DO"
    assert slices(world) == {1: 2, 2: 2, 3: 2, 4: 2}


def test_what_would_not_be_current_there_is_refused_with_its_partitions(world: World) -> None:
    world.csv("orders", HEAD + orders(3, d2=99))
    world.run(env="dev")
    with pytest.raises(RequestError, match=r"mart\.sums@v2 would be STALE in prod .*2024-01-02"):
        world.load().promote("mart.sums", source="dev", target="prod")
    assert eu(world) == [10, 20, 30]


def test_a_promotion_takes_the_fingerprints_that_it_needs(world: World) -> None:
    """Prod makes the same day anew under another slice: only what is in it can say that the reader may move."""
    world.csv("orders", HEAD + orders(3, d2=99))
    world.run(env="dev")
    world.run("stg.daily", force=True)
    query = "select day, max(region) as last from stg.daily group by day"
    world.sql("mart.late", query, f"{DAILY}\nmappings: {{stg.daily: identity}}")
    world.run("mart.late", env="dev")
    assert world.load().promote("mart.sums mart.late", source="dev", target="prod").moved
    assert world.status()["mart.sums"] == world.status()["mart.late"] == "CURRENT"


def test_dropping_frees_only_slices_that_no_kept_version_lists(world: World) -> None:
    world.csv("orders", HEAD + orders(3, d2=99))
    world.run(env="dev")
    world.csv("orders", HEAD + orders(3, d2=99, d3=77))
    world.run(env="dev")
    assert slices(world) == {1: 2, 2: 2, 3: 2, 4: 2, 5: 2}
    done = world.load().drop_environment("dev", confirmed=True)
    freed = {(str(key), number) for key, number in done.freed}
    assert {("stg.daily", 2), ("stg.daily", 3), ("mart.sums", 2)} <= freed
    assert slices(world) == {1: 2, 2: 2, 3: 2}
    assert eu(world) == [10, 20, 30]
    for again in (2, 3):
        with pytest.raises(RequestError, match="was disposed of"):
            world.load().rollback("stg.daily", again)
    world.run()
    assert eu(world) == [10, 99, 77]
    assert world.load().run(verify_data=True).outcome == "NOTHING_TO_DO"


def test_what_prod_showed_once_can_be_rolled_back_to_after_a_drop(world: World) -> None:
    world.csv("orders", HEAD + orders(3, d2=99))
    world.run(env="dev")
    world.load().promote("*", source="dev", target="prod")
    world.csv("orders", HEAD + orders(3, d2=99, d3=77))
    world.run()
    world.csv("orders", HEAD + orders(3, d1=5, d2=99, d3=77))
    world.run(env="dev")
    world.load().drop_environment("dev", confirmed=True)
    assert slices(world) == {1: 2, 2: 2, 3: 2, 4: 2, 5: 2}, "the first day of dev alone is freed"
    for number, seen in ((2, [10, 99, 30]), (1, [10, 20, 30])):
        assert outcomes(world.load().rollback("stg.daily", number))["stg.daily"] == "ROLLED_BACK"
        assert eu(world) == seen
        assert world.rows("mart.seen") == {(sum(seen) + 3,): 1}


def test_a_version_that_a_rollback_left_is_not_freed(world: World) -> None:
    world.csv("orders", HEAD + orders(3, d2=99))
    world.run(env="dev")
    world.load().promote("*", source="dev", target="prod")
    world.load().rollback("stg.daily", 1)
    world.load().drop_environment("dev", confirmed=True)
    assert slices(world) == {1: 2, 2: 2, 3: 2, 4: 2}
    world.load().release("stg.daily")
    assert world.built("stg.daily")["stg.daily"] == "REUSED"
    assert eu(world) == [10, 99, 30]


def test_a_drop_lifts_the_holds_of_the_environment(world: World) -> None:
    world.csv("orders", HEAD + orders(3, d2=99))
    world.run(env="dev")
    world.load().rollback("stg.daily", 1, env="dev")
    assert world.run("stg.daily", env="dev").outcome == "NOTHING_TO_DO"
    world.load().drop_environment("dev", confirmed=True)
    world.run(env="dev")
    assert eu(world, "stg__dev") == [10, 99, 30]


def test_a_retired_asset_leaves_view_and_its_slices_stay(world: World) -> None:
    (world.root / "assets/stg/daily.sql").unlink()
    (world.root / "assets/mart/sums.sql").unlink()
    (world.root / "assets/mart/seen.sql").unlink()
    done = outcomes(world.load().run(retire=True))
    assert done["stg.daily"] == done["mart.sums"] == "RETIRED"
    assert world.behind("select view_name from duckdb_views() where schema_name = 'stg'") == []
    assert slices(world) == {1: 2, 2: 2, 3: 2}
    assert eu(world, "stg__dev") == [10, 20, 30]
    world.sql("stg.daily", QUERY, DAILY)
    assert world.built()["stg.daily"] == "REUSED"
    assert eu(world) == [10, 20, 30]
