"""Rollback of partitioned assets: what is kept is kept partition by partition, and all else is built as ever."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.assets.errors import RequestError

from ..world import TOML, World, outcomes
from .test_partitioned import DAILY, HEAD, built, orders, same_as_clean

QUERY = "select day, region, amount from raw.orders where day = $partition"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three days; v2 of `stg.daily` has another second day, v1 is what was before. Readers map it, sum it, show it."""
    world = World(tmp_path, at(4))
    world.write("headwater.toml", TOML + '[environments.dev]\nsuffix = "__dev"\n')
    world.csv("orders", HEAD + orders(3))
    world.sql("stg.daily", QUERY, DAILY)
    identity = f"{DAILY}\nmappings: {{stg.daily: identity}}"
    world.sql("mart.sums", "select day, sum(amount) as total from stg.daily group by day", identity)
    trailing = f"{DAILY}\nmappings: {{stg.daily: {{window: {{trailing: 3}}}}}}\nmissing_partitions: skip"
    world.sql("mart.trail", "select $partition as day, sum(amount) as total from stg.daily", trailing)
    world.sql("mart.total", "select sum(total) as t from mart.sums")
    world.sql("mart.seen", "select sum(amount) as t from stg.daily", "materialization: view")
    world.run()
    world.csv("orders", HEAD + orders(3, d2=99))
    world.run()
    return world


def at(day: int) -> datetime:
    return datetime(2024, 1, day, 12, tzinfo=UTC)


def days(world: World, table: str = "stg.daily") -> dict[int, int]:
    """Return what readers see of region eu, by day."""
    found = world.behind(f"select day(day), amount from {table} where region = 'eu'")
    return {int(str(day)): int(str(amount)) for day, amount in found}


def made(world: World, *select: str, force: bool = False) -> dict[str, tuple[str, str | None]]:
    """Run, and return the outcome of each step but those of sources, with the partitions that it built."""
    steps = world.run(*select, force=force).steps
    return {str(it.asset): (it.outcome, it.partitions) for it in steps if it.outcome != "OBSERVED"}


def test_no_run_builds_what_a_rollback_left_and_readers_follow(world: World) -> None:
    done = world.load().rollback("stg.daily", "v1", why="wrong delivery")
    assert outcomes(done) == {"stg.daily": "ROLLED_BACK", "mart.seen": "REUSED"}
    assert days(world) == {1: 10, 2: 20, 3: 30}
    assert world.rows("mart.seen") == {(63,): 1}
    item = world.load().status()["stg.daily"]
    assert item.word == "STALE"
    (reason,) = [it for it in item.reasons if it.code == "ROLLED_BACK"]
    assert reason.partitions == ("2024-01-02",)
    assert "rolled it back from v2 on" in reason.message
    assert "(wrong delivery), and a build would make 2024-01-02 of v2 again" in reason.message
    plan = world.load().plan()
    assert "stg.daily" not in {step.asset for step in plan.steps}
    assert [key for key, _ in plan.rolled_back] == ["stg.daily"]
    clauses = {it.name: it for it in world.load().why("stg.daily").clauses}
    assert clauses["rollback"].reasons == (reason,)
    assert made(world) == {
        "mart.sums": ("REUSED", None),
        "mart.trail": ("REUSED", None),
        "mart.total": ("REUSED", None),
    }
    assert world.rows("mart.total") == {(63,): 1}
    assert world.run().outcome == "NOTHING_TO_DO"
    assert {key for key, word in world.status().items() if word != "CURRENT"} == {"stg.daily"}


def test_force_builds_all_others(world: World) -> None:
    world.load().rollback("stg.daily", "v1")
    assert made(world, "stg.daily", force=True)["stg.daily"] == ("PUBLISHED", "2024-01-01,2024-01-03")
    assert days(world) == {1: 10, 2: 20, 3: 30}
    plan = world.load().plan(select="stg.daily", force=True)
    assert [step.partitions for step in plan.steps if step.asset == "stg.daily"] == ["2024-01-01,2024-01-03"]
    result = world.load().run(select="stg.daily", partitions="2024-01-02", force=True)
    assert outcomes(result).get("stg.daily", "ROLLED_BACK") == "ROLLED_BACK"
    assert days(world) == {1: 10, 2: 20, 3: 30}


def test_a_new_day_and_corrections_of_other_days_are_built(world: World, tmp_path: Path) -> None:
    world.load().rollback("stg.daily", "v1")
    world.now = at(5)
    world.csv("orders", HEAD + orders(4, d2=99, d3=33))
    plan = {step.asset: step for step in world.load().plan().steps}
    assert plan["stg.daily"].action == "BUILD"
    assert "ROLLED_BACK" not in {reason.code for reason in plan["stg.daily"].reasons}
    assert made(world)["stg.daily"] == ("PUBLISHED", "2024-01-03..2024-01-04")
    assert days(world) == {1: 10, 2: 20, 3: 33, 4: 40}
    assert world.run().outcome == "NOTHING_TO_DO"
    (reason,) = world.load().status()["stg.daily"].reasons[-1:]
    assert (reason.code, reason.partitions) == ("ROLLED_BACK", ("2024-01-02",))
    assert world.load().release("stg.daily") == (2,)
    assert made(world)["stg.daily"] == ("PUBLISHED", "2024-01-02")
    same_as_clean(world, tmp_path / "clean")
    assert set(world.status().values()) == {"CURRENT"}


def test_a_corrected_source_of_a_kept_day_is_something_else(world: World, tmp_path: Path) -> None:
    world.load().rollback("stg.daily", "v1")
    world.csv("orders", HEAD + orders(3, d2=21))
    assert made(world)["stg.daily"] == ("PUBLISHED", "2024-01-02")
    assert set(world.status().values()) == {"CURRENT"}
    same_as_clean(world, tmp_path / "clean")
    world.csv("orders", HEAD + orders(3, d2=99))
    assert made(world)["stg.daily"][0] == "ROLLED_BACK", "the delivery that was rolled back is held as ever"
    assert days(world)[2] == 21


def test_an_edited_definition_is_built_and_its_rollback_keeps_all_that_it_made(world: World) -> None:
    world.sql("stg.daily", QUERY.replace("amount from", "amount * 2 as amount from"), DAILY)
    world.run()
    assert days(world) == {1: 20, 2: 198, 3: 60}
    world.load().rollback("stg.daily", "v2")
    world.now = at(5)
    world.csv("orders", HEAD + orders(4, d2=99))
    assert made(world)["stg.daily"] == ("PUBLISHED", "2024-01-04")
    assert days(world) == {1: 10, 2: 99, 3: 30, 4: 80}, "a new day is made by today's definition"
    world.sql("stg.daily", QUERY.replace("amount from", "amount * 3 as amount from"), DAILY)
    assert made(world)["stg.daily"][0] == "PUBLISHED"
    assert days(world) == {1: 30, 2: 297, 3: 90, 4: 120}


def test_a_day_that_was_rolled_away_is_not_built_again_and_mapped_readers_wait(world: World) -> None:
    world.now = at(5)
    world.csv("orders", HEAD + orders(4, d2=99))
    world.run()
    before = world.rows("mart.sums")
    assert outcomes(world.load().rollback("stg.daily", "v2"))["mart.seen"] == "REUSED", "a view shows what there is"
    assert world.rows("mart.seen") == {(142,): 1}
    assert days(world) == {1: 10, 2: 99, 3: 30}
    report = world.load().status()
    assert report["mart.sums"].word == "PENDING"
    (waiting,) = report["mart.sums"].reasons
    assert (waiting.code, waiting.partitions) == ("UPSTREAM_MISSING", ("2024-01-04",))
    assert "2024-01-04 of stg.daily is not in the version that stg.daily was rolled back to" in waiting.message
    assert made(world)["mart.trail"] == ("PUBLISHED", "2024-01-04")
    assert world.rows("mart.sums") == before, "what waits for a partition is not built from nothing"
    assert days(world) == {1: 10, 2: 99, 3: 30}
    world.csv("orders", HEAD + orders(4, d2=99, d4=44))
    built(world)
    assert days(world) == {1: 10, 2: 99, 3: 30, 4: 44}
    assert set(world.status().values()) == {"CURRENT"}


def test_a_day_whose_upstream_is_not_there_is_not_built_from_nothing(world: World) -> None:
    world.now = at(5)
    world.csv("orders", HEAD + orders(4, d2=99))
    before = world.rows("mart.sums")
    for force in (False, True):
        assert made(world, "mart.sums", force=force)["mart.sums"][1] != "2024-01-04"
        assert world.rows("mart.sums") == before
    world.sql(
        "mart.sums",
        "select day, sum(amount) as total from stg.daily group by 1",
        f"{DAILY}\nmappings: {{stg.daily: identity}}",
    )
    assert made(world)["mart.sums"] == ("PUBLISHED", "2024-01-01..2024-01-04")


def test_what_another_environment_built_is_not_found_among_the_stored_ones(world: World) -> None:
    world.run(env="dev")
    world.load().rollback("stg.daily", "v1")
    world.run(env="dev")
    assert days(world, "stg__dev.daily")[2] == 99, "a hold is a matter of one environment"
    assert world.run("stg.daily").outcome == "NOTHING_TO_DO"
    assert days(world)[2] == 20
    with pytest.raises(RequestError, match=r"stg\.daily@v2.*rolled it back from v2.*2024-01-02 of v2 again"):
        world.load().promote("+mart.total", source="dev", target="prod")
    assert days(world)[2] == 20
    world.load().release("stg.daily")
    world.load().promote("+mart.total", source="dev", target="prod")
    assert days(world)[2] == 99


def test_a_version_with_more_is_not_promoted_either(world: World) -> None:
    world.run(env="dev")
    world.load().rollback("stg.daily", "v1")
    world.now = at(5)
    world.csv("orders", HEAD + orders(4, d2=99))
    world.run(env="dev")
    with pytest.raises(RequestError, match="2024-01-02 of v2 again"):
        world.load().promote("+stg.daily", source="dev", target="prod")
    assert days(world) == {1: 10, 2: 20, 3: 30}
    assert made(world, "+stg.daily")["stg.daily"] == ("PUBLISHED", "2024-01-04"), "nor is it reused"
    assert days(world) == {1: 10, 2: 20, 3: 30, 4: 40}


def test_a_blocked_day_beside_a_kept_one_is_not_built_twice(world: World) -> None:
    world.load().rollback("stg.daily", "v1")
    world.run()
    world.sql("stg.daily", QUERY, f"{DAILY}\nchecks: [{{expression: 'amount < 500'}}]")
    world.run()
    world.csv("orders", HEAD + orders(3, d2=99, d3=700))
    assert made(world)["stg.daily"] == ("BLOCKED", "2024-01-03")
    count = len(world.load().history("stg.daily"))
    assert made(world)["stg.daily"][0] == "BLOCKED"
    assert len(world.load().history("stg.daily")) == count
    assert days(world) == {1: 10, 2: 20, 3: 30}


def test_a_kept_day_whose_data_was_altered_is_not_taken_over(world: World) -> None:
    world.load().rollback("stg.daily", "v1")
    (store,) = world.behind("select table_name from duckdb_tables() where table_name like 'stg__daily%rows'")
    world.behind(f'update _headwater."{store[0]}" set amount = 0')
    assert made(world, "stg.daily")["stg.daily"][0] == "ROLLED_BACK"
    assert "DATA_ALTERED" in world.codes("stg.daily")
    waits = next(it for it in world.load().status()["mart.sums"].reasons if it.code == "UPSTREAM_PENDING")
    assert waits.partitions == ("2024-01-01..2024-01-03",), "nobody may stand on altered data, kept or not"
    world.load().release("stg.daily")
    world.run()
    assert days(world) == {1: 10, 2: 99, 3: 30}


def test_altered_data_is_not_kept_beside_the_partitions_that_were_asked_for(world: World) -> None:
    (store,) = world.behind("select table_name from duckdb_tables() where table_name like 'stg__daily%rows'")
    world.behind(f'update _headwater."{store[0]}" set amount = 0')
    (step, *_) = [
        it for it in world.load().run(select="stg.daily", partitions="2024-01-01").steps if it.asset == "stg.daily"
    ]
    assert step.outcome == "FAILED"
    assert "Run it without --partitions" in str(step.error)
    assert "DATA_ALTERED" in world.codes("stg.daily")
    world.run()
    assert days(world) == {1: 10, 2: 99, 3: 30}


def test_of_two_dimensions_the_boxes_that_were_left_are_kept(world: World) -> None:
    both = "partitions: {day: {daily: {start: 2024-01-01}}, region: {static: [eu, us]}}"
    where = "where day = $partition.day and region = $partition.region"
    world.sql("stg.parts", f"select day, region, amount from raw.orders {where}", both)
    world.run()
    world.csv("orders", HEAD + orders(3, d1=11, d2=98))
    world.run()
    world.load().rollback("stg.parts", "v1")
    world.now = at(5)
    world.csv("orders", (HEAD + orders(4, d1=11, d2=98)).replace("2024-01-02,us,1", "2024-01-02,us,7"))
    (step,) = [it for it in world.load().plan(select="stg.parts").steps if it.asset == "stg.parts"]
    assert not {reason.code for reason in step.reasons} & {"ROLLED_BACK"}
    assert made(world, "stg.parts")["stg.parts"][1] == "day=2024-01-02;region=us | day=2024-01-04;region=eu,us"
    (reason,) = [it for it in world.load().status()["stg.parts"].reasons if it.code == "ROLLED_BACK"]
    assert reason.partitions == ("day=2024-01-01..2024-01-02;region=eu",)


def test_slices_in_two_stores_are_compared_by_what_is_in_them(world: World) -> None:
    """Other columns make another store: what a reader saw there is not looked for in the one that is shown again."""
    world.sql("stg.daily", QUERY.replace("amount from", "amount, 'x' as mark from"), DAILY)
    world.run()
    query = "select day, max(region) as last from stg.daily group by day"
    world.sql("mart.late", query, f"{DAILY}\nmappings: {{stg.daily: identity}}")
    assert made(world)["mart.late"][0] == "PUBLISHED"
    world.load().rollback("stg.daily", "v2")
    assert made(world).get("mart.late", ("VERIFIED_EQUAL", None))[0] == "VERIFIED_EQUAL"
    world.load().release("stg.daily")
    assert made(world).get("mart.late", ("VERIFIED_EQUAL", None))[0] == "VERIFIED_EQUAL"
    assert set(world.status().values()) == {"CURRENT"}


def test_an_asset_without_partitions_that_maps_some_is_kept_too(world: World) -> None:
    world.sql("mart.last", "select sum(amount) as t from stg.daily", "mappings: {stg.daily: latest}")
    world.run()
    world.csv("orders", HEAD + orders(3, d2=99, d3=31))
    world.run()
    assert world.rows("mart.last") == {(32,): 1}
    world.load().rollback("mart.last", "v1")
    assert world.run("mart.last", force=True).outcome in ("NOTHING_TO_DO", "SUCCEEDED")
    assert world.rows("mart.last") == {(31,): 1}
    world.csv("orders", HEAD + orders(3, d2=99, d3=32))
    world.run()
    assert world.rows("mart.last") == {(33,): 1}


def test_a_result_that_differs_each_time_is_kept(world: World) -> None:
    world.sql("mart.dice", "select $partition as day, random() as n", DAILY)
    world.run()
    world.run()
    world.load().rollback("mart.dice", "v1")
    first = world.rows("mart.dice")
    world.run()
    assert world.rows("mart.dice") == first
    world.now = at(5)
    assert made(world, "mart.dice")["mart.dice"] == ("PUBLISHED", "2024-01-04")
    assert not first - world.rows("mart.dice")


def test_a_partition_that_a_rollback_did_not_change_is_not_kept(world: World) -> None:
    world.sql("mart.dice", "select $partition as day, random() as n", DAILY)
    world.run()
    world.load().run(select="mart.dice", partitions="2024-01-03")
    world.load().rollback("mart.dice", "v1")
    assert made(world, "mart.dice")["mart.dice"] == ("PUBLISHED", "2024-01-01..2024-01-02")


def test_a_rebuilt_state_says_the_same(world: World) -> None:
    world.load().rollback("stg.daily", "v1")
    world.run()
    before = world.load().plan().rolled_back, world.status(), world.load().history("stg.daily")
    assert world.load().audit_verify().verdict == "VERIFIED"
    world.load().rebuild_ledger()
    assert (world.load().plan().rolled_back, world.status(), world.load().history("stg.daily")) == before
