"""Renaming partitioned assets, and assets that partitioned ones read or map: nothing is rebuilt, nothing forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ..world import TOML, World, outcomes
from .test_partitioned import DAILY, HEAD, orders

PYTHON = """import headwater as hw


@hw.asset("mart.py", inputs={"rows": "KEY"}, partitions={"day": hw.Daily(start="2024-01-01")},
          mappings={"KEY": "identity"})
def py(rows: hw.Input):
    return rows.select("day", "amount").arrow()
"""
SOURCE = "select day, region, amount from raw.orders where day = $partition"


def readers(world: World, key: str) -> None:
    """Write all that reads the partitioned asset called `key`."""
    identity = f"{DAILY}\nmappings: {{{key}: identity}}"
    world.sql("mart.sums", f"select d.day, sum(d.amount) as total from {key} as d group by d.day", identity)
    # Under a condition of its own for each partition, and without a mapping.
    world.sql("mart.cut", f"select day, amount from {key} where day = $partition", DAILY)
    world.sql("mart.last", f"select sum(d.amount) as t from {key} as d", f"mappings: {{{key}: latest}}")
    world.sql("mart.total", f"select sum(d.amount) as t from {key} as d")
    world.python("py", PYTHON.replace("KEY", key))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, datetime(2024, 1, 4, 12, tzinfo=UTC))
    world.write("headwater.toml", TOML + '[environments.dev]\nsuffix = "__dev"\n')
    world.csv("orders", HEAD + orders(3))
    world.sql("stg.old", SOURCE, DAILY)
    readers(world, "stg.old")
    world.run()
    world.csv("orders", HEAD + orders(3, d2=21))
    world.run()
    return world


def rename(world: World, old: str = "stg.old", new: str = "stg.new", query: str = SOURCE) -> None:
    (world.root / f"assets/{old.replace('.', '/')}.sql").unlink()
    world.sql(new, query, f"{DAILY}\nrenamed_from: {old}")
    readers(world, new)


def parts(world: World) -> dict[str, str | None]:
    """Run, and return the partitions that were built, by asset."""
    return {str(it.asset): it.partitions for it in world.run().steps if it.outcome == "PUBLISHED"}


def versions(world: World) -> int:
    return sum(len(world.load().history(key)) for key in world.load().assets)


@pytest.mark.parametrize("runs_first", [True, False])
def test_nothing_is_rebuilt_and_what_follows_is_as_ever(world: World, runs_first: bool) -> None:
    before = versions(world)
    rename(world)
    status = world.load().status()
    assert {key: it.word for key, it in status.items() if it.word != "CURRENT"} == {"stg.new": "STALE"}
    assert [it.code for it in status["stg.new"].reasons] == ["RENAMED"]
    assert [(str(it.asset), it.action) for it in world.load().plan().steps] == [("stg.new", "REUSE")]
    if runs_first:
        assert world.built() == {"stg.new": "REUSED"}
        assert versions(world) == before
        assert world.run().outcome == "NOTHING_TO_DO"
        assert world.behind("select view_name from duckdb_views() where schema_name = 'stg'") == [("new",)]
        assert [it.number for it in world.load().history("stg.new")] == [2, 1]
    world.csv("orders", HEAD + orders(3, d2=21, d3=31))
    assert parts(world) == {
        "stg.new": "2024-01-03",
        "mart.sums": "2024-01-03",
        "mart.cut": "2024-01-03",
        "mart.py": "2024-01-03",
        "mart.last": None,
        "mart.total": None,
    }
    assert set(world.status().values()) == {"CURRENT"}


@pytest.mark.parametrize("runs_first", [True, False])
def test_equal_data_under_other_slices_is_known_by_its_fingerprints(world: World, runs_first: bool) -> None:
    """Tokens of slices and partitions were recorded under the old name, on both sides of each comparison."""
    rename(world)
    if runs_first:
        world.run()
        world.load().rebuild_ledger()
    world.csv("orders", HEAD + orders(3))  # as it was in v1, whose slices are gone from view
    built = parts(world)
    assert built.get("stg.new") in ("2024-01-02", None)
    world.csv("orders", (HEAD + orders(3, d2=21)).replace("2024-01-03,us", "2024-01-03,uk"))
    assert "mart.py" not in parts(world) or built, "no reader takes the region"
    assert set(world.status().values()) == {"CURRENT"}
    assert world.load().audit_verify().verdict == "VERIFIED"


def test_a_rebuilt_state_is_the_same(world: World) -> None:
    rename(world)
    world.run()
    world.csv("orders", HEAD + orders(3, d1=11))
    world.run()
    assert world.load().audit_verify().verdict == "VERIFIED"
    before = world.status(), world.load().history("stg.new"), tables(world)
    world.load().rebuild_ledger()
    assert (world.status(), world.load().history("stg.new"), tables(world)) == before
    assert not {row[0] for row in tables(world)["slice_held"]} & {"stg.old"}
    assert not {row[1] for row in tables(world)["slice_seen"]} & {"stg.old"}
    assert not {row[0] for row in tables(world)["part_shown"]} & {"stg.old"}
    assert world.run().outcome == "NOTHING_TO_DO"


def tables(world: World) -> dict[str, list[tuple[str, ...]]]:
    with world.load().workspace.reader() as reader:
        assert reader is not None
        names = ("slice_held", "slice_seen", "part_shown")
        return {it: sorted(reader.connection.execute(f"select * from {it}").fetchall()) for it in names}


def test_a_reader_is_renamed_and_keeps_what_each_of_its_partitions_saw(world: World) -> None:
    world.csv("orders", HEAD + orders(3, d1=12, d2=21))
    world.run("+stg.old")
    (world.root / "assets/mart/cut.sql").unlink()
    world.sql("mart.slit", "select day, amount from stg.old where day = $partition", f"{DAILY}\nrenamed_from: mart.cut")
    (line,) = [it.partitions for it in world.load().status().assets if it.asset == "mart.slit"]
    assert line is not None
    assert (line.stale, line.unknown) == (("2024-01-01",), ()), "before the rename is recorded, too"
    assert parts(world)["mart.slit"] == "2024-01-01"
    world.csv("orders", HEAD + orders(3, d1=11, d2=21))
    assert parts(world)["mart.slit"] == "2024-01-01"


def test_with_an_edit_and_a_new_day_in_one_breath(world: World) -> None:
    world.now = datetime(2024, 1, 5, 12, tzinfo=UTC)
    world.csv("orders", HEAD + orders(4, d2=21))
    rename(world)
    assert parts(world)["stg.new"] == "2024-01-04"
    assert world.behind("select view_name from duckdb_views() where schema_name = 'stg'") == [("new",)]
    assert set(world.status().values()) == {"CURRENT"}
    rename(world, "stg.new", "stg.third", SOURCE.replace("amount from", "amount + 1 as amount from"))
    assert parts(world)["stg.third"] == "2024-01-01..2024-01-04"
    assert set(world.status().values()) == {"CURRENT"}


def test_a_kept_partition_stays_kept_under_another_name(world: World) -> None:
    world.load().rollback("stg.old", "v1")
    world.run()
    rename(world)
    world.run()
    assert world.behind("select amount from stg.new where day = '2024-01-02' and region = 'eu'") == [(20,)]
    assert world.codes("stg.new")[-1] == "ROLLED_BACK"
    assert world.load().release("stg.new") == (2,)
    world.run()
    assert world.behind("select amount from stg.new where day = '2024-01-02' and region = 'eu'") == [(21,)]


def test_rollback_to_a_version_of_the_old_name_before_any_run(world: World) -> None:
    rename(world)
    assert outcomes(world.load().rollback("stg.new", "v1")) == {"stg.new": "ROLLED_BACK"}
    assert world.behind("select amount from stg.new where day = '2024-01-02' and region = 'eu'") == [(20,)]
    assert world.run("stg.new").outcome == "NOTHING_TO_DO"


def test_each_environment_moves_its_own_view(world: World) -> None:
    world.run(env="dev")
    rename(world)
    assert world.built() == {"stg.new": "REUSED"}
    assert world.built(env="dev") == {"stg.new": "REUSED"}
    assert world.rows("stg__dev.new") == world.rows("stg.new")
    world.load().promote("*", source="prod", target="dev")
    assert set(world.status("dev").values()) == {"CURRENT"}
