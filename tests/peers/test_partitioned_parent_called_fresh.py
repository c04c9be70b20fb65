"""Dagster calls a daily parent's unpartitioned child fresh for ever, and stops looking at 100 upstream partitions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from headwater.assets.errors import RequestError

from ..world import World

START = date(2024, 1, 1)
DAILY = "partitions: {day: {daily: {start: 2024-01-01}}}"


def days(root: Path, count: int) -> World:
    """Return a project with `count` days that are complete, and a child that reads all of them."""
    world = World(root, datetime(2024, 1, 1, 1, tzinfo=UTC) + timedelta(days=count))
    deliver(world, count)
    world.sql("stg.daily", "select day, amount from raw.orders where day = $partition", DAILY)
    world.sql("mart.total", "select sum(amount) as total from stg.daily")
    return world


def deliver(world: World, count: int, **changed: int) -> None:
    rows = [f"{START + timedelta(days=n)},{changed.get(f'd{n}', n)}" for n in range(count)]
    world.csv("orders", "day,amount " + " ".join(rows))


def test_a_child_without_partitions_of_a_daily_parent_waits_for_the_new_day(tmp_path: Path) -> None:
    world = days(tmp_path, 3)
    world.run()
    assert world.status()["mart.total"] == "CURRENT"
    world.now = datetime(2024, 1, 5, 1, tzinfo=UTC)
    assert world.status() == {"raw.orders": "CURRENT", "stg.daily": "STALE", "mart.total": "PENDING"}
    deliver(world, 4)
    world.run()
    assert world.rows("mart.total") == {(6,): 1}


@pytest.mark.parametrize("count", [99, 100, 101, pytest.param(10_000, marks=pytest.mark.slow)])
def test_one_partition_of_many_is_noticed(tmp_path: Path, count: int) -> None:
    world = days(tmp_path, count)
    world.run()
    for place in (0, count // 2, count - 1):
        deliver(world, count, **{f"d{place}": 7_000_000})
        world.run("raw.orders")
        report = {item.asset: item for item in world.load().status().assets}
        changed = (START + timedelta(days=place)).isoformat()
        assert report["stg.daily"].partitions is not None
        assert changed in ",".join(report["stg.daily"].partitions.stale)
        assert report["mart.total"].status.word == "PENDING"
        world.run()
        assert world.rows("mart.total") == {(sum(range(count)) - place + 7_000_000,): 1}
        assert set(world.status().values()) == {"CURRENT"}


def test_a_partitioned_asset_is_asked_about_without_a_key(tmp_path: Path) -> None:
    """Elsewhere that is an error, or an answer about the newest partition only; here it is about all, in ranges."""
    world = days(tmp_path, 5)
    world.load().run(partitions="2024-01-02..2024-01-03", select="+stg.daily")
    (line,) = [item for item in world.load().status("stg.daily").assets if item.asset == "stg.daily"]
    assert line.status.word == "STALE"
    assert line.partitions is not None
    assert (line.partitions.total, line.partitions.current) == (5, 2)
    assert line.partitions.missing == ("2024-01-01", "2024-01-04..2024-01-05")
    assert [reason.partitions for reason in line.status.reasons] == [("2024-01-01", "2024-01-04..2024-01-05")]
    with pytest.raises(RequestError, match="after the last partition"):
        world.load().run(partitions="2024-01-06", select="stg.daily")


def test_a_read_of_a_day_that_failed_its_checks_is_not_called_fresh(tmp_path: Path) -> None:
    """A separate run of the child, after the parent's gate refused a day, is held and not built from half the days."""
    world = days(tmp_path, 3)
    world.sql(
        "stg.daily",
        "select day, amount from raw.orders where day = $partition",
        f"{DAILY}\nchecks: [{{expression: 'amount < 100'}}]",
    )
    world.run()
    before = world.rows("mart.total")
    deliver(world, 3, d1=500)
    world.run("+stg.daily")
    assert world.built("mart.total") == {"mart.total": "HELD"}
    assert world.rows("mart.total") == before
