"""Partitioned assets in small projects: which partitions are built, when, and that readers see what a rebuild gives."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.assets.errors import RequestError

from ..world import World

DAILY = "partitions: {day: {daily: {start: 2024-01-01}}}"
HEAD = "day,region,amount "


@pytest.fixture
def daily(tmp_path: Path) -> World:
    """Five days of orders in two regions, taken apart by day, added up by day, over three days, and in all."""
    world = World(tmp_path, datetime(2024, 1, 6, 12, tzinfo=UTC))
    world.csv("orders", HEAD + orders())
    world.sql("stg.daily", "select day, region, amount from raw.orders where day = $partition", DAILY)
    identity = f"{DAILY}\nmappings: {{stg.daily: identity}}"
    world.sql("mart.sums", "select day, sum(amount) as total from stg.daily group by day", identity)
    trailing = f"{DAILY}\nmappings: {{stg.daily: {{window: {{trailing: 3}}}}}}\nmissing_partitions: skip"
    world.sql("mart.trail", "select $partition as day, sum(amount) as total from stg.daily", trailing)
    world.sql("mart.total", "select sum(total) as t from mart.sums")
    return world


def orders(last: int = 5, **changed: int) -> str:
    """Return the rows of the first days; `changed` maps d3 to another amount for region eu on the third day."""
    days = range(1, last + 1)
    return " ".join(f"2024-01-{d:02},{r},{changed.get(f'd{d}', d * 10) if r == 'eu' else 1}" for d in days for r in RS)


RS = ("eu", "us")


def built(world: World, partitions: str | None = None) -> dict[str, tuple[str, str | None]]:
    """Run, and return the outcome of each step with the partitions that it built."""
    steps = world.load().run(partitions=partitions, workers=2).steps
    return {step.asset: (step.outcome, step.partitions) for step in steps}


def clean(world: World, root: Path) -> World:
    """Return a project of its own with the same files, built from nothing."""
    other = World(root, world.now)
    for file in (*world.root.glob("assets/**/*.*"), *world.root.glob("data/*")):
        other.write(file.relative_to(world.root).as_posix(), file.read_text())
    other.run()
    return other


def same_as_clean(world: World, root: Path) -> None:
    other = clean(world, root)
    for table in ("stg.daily", "mart.sums", "mart.trail", "mart.total"):
        assert world.rows(table) == other.rows(table), table


def test_all_of_it_is_built_and_then_nothing(daily: World) -> None:
    five = "2024-01-01..2024-01-05"
    assert built(daily) == {
        "raw.orders": ("OBSERVED", None),
        "stg.daily": ("PUBLISHED", five),
        "mart.sums": ("PUBLISHED", five),
        "mart.trail": ("PUBLISHED", five),
        "mart.total": ("PUBLISHED", None),
    }
    assert set(daily.status().values()) == {"CURRENT"}
    assert built(daily) == {}


def test_a_corrected_row_rebuilds_its_day_and_the_days_that_look_back_on_it(daily: World, tmp_path: Path) -> None:
    daily.run()
    daily.csv("orders", HEAD + orders(d3=31))
    assert built(daily) == {
        "raw.orders": ("OBSERVED", None),
        "stg.daily": ("PUBLISHED", "2024-01-03"),
        "mart.sums": ("PUBLISHED", "2024-01-03"),
        "mart.trail": ("PUBLISHED", "2024-01-03..2024-01-05"),
        "mart.total": ("PUBLISHED", None),
    }
    assert set(daily.status().values()) == {"CURRENT"}
    same_as_clean(daily, tmp_path / "clean")


def test_a_new_day_is_missing_and_its_readers_wait_for_it(daily: World, tmp_path: Path) -> None:
    daily.run()
    daily.now = datetime(2024, 1, 7, 0, 0, 1, tzinfo=UTC)
    report = daily.load().status()
    lines = {item.asset: item.partitions for item in report.assets}
    assert report["stg.daily"].word == report["mart.sums"].word == "STALE"
    assert report["mart.total"].word == "PENDING"
    assert lines["stg.daily"] is not None
    assert (lines["stg.daily"].total, lines["stg.daily"].current) == (6, 5)
    assert lines["stg.daily"].missing == ("2024-01-06",)
    assert [r.code for r in report["stg.daily"].reasons] == ["PARTITION_ADDED"]
    assert report["stg.daily"].reasons[0].partitions == ("2024-01-06",)
    assert {key: parts for key, (_, parts) in built(daily).items() if parts} == dict.fromkeys(
        ("stg.daily", "mart.sums", "mart.trail"), "2024-01-06"
    )
    assert set(daily.status().values()) == {"CURRENT"}
    same_as_clean(daily, tmp_path / "clean")


def test_late_rows_of_a_day_that_was_empty(daily: World, tmp_path: Path) -> None:
    daily.csv("orders", HEAD + orders(3))
    daily.run()
    daily.csv("orders", HEAD + orders(4))
    assert built(daily)["stg.daily"] == ("PUBLISHED", "2024-01-04")
    same_as_clean(daily, tmp_path / "clean")


def test_only_the_partitions_that_were_asked_for(daily: World, tmp_path: Path) -> None:
    assert built(daily, "2024-01-02..2024-01-03")["stg.daily"] == ("PUBLISHED", "2024-01-02..2024-01-03")
    status = daily.load().status()
    assert status["stg.daily"].word == "STALE"
    assert built(daily)["stg.daily"] == ("PUBLISHED", "2024-01-01,2024-01-04..2024-01-05")
    assert set(daily.status().values()) == {"CURRENT"}
    same_as_clean(daily, tmp_path / "clean")


@pytest.mark.parametrize("wrong", ["2023-12-31", "2024-13-01", "eu", "2024-01-05..2024-01-01", "2024-01-06"])
def test_partitions_that_do_not_exist_are_refused_before_any_effect(daily: World, wrong: str) -> None:
    with pytest.raises(RequestError):
        daily.load().run(partitions=wrong)
    assert not (daily.root / "warehouse.duckdb").exists() or daily.load().runs() == ()


def test_another_definition_rebuilds_all_partitions_and_a_comment_none(daily: World, tmp_path: Path) -> None:
    daily.run()
    query = "select day, region, amount -- as booked\nfrom raw.orders as o where day = $partition"
    daily.sql("stg.daily", query, DAILY)
    assert built(daily) == {}
    daily.sql("stg.daily", "select day, region, amount + 1 as amount from raw.orders where day = $partition", DAILY)
    assert built(daily)["stg.daily"] == ("PUBLISHED", "2024-01-01..2024-01-05")
    same_as_clean(daily, tmp_path / "clean")


def test_other_columns_move_to_another_store(daily: World, tmp_path: Path) -> None:
    daily.run()
    daily.sql("stg.daily", "select day, amount, 'x' as mark from raw.orders where day = $partition", DAILY)
    assert built(daily)["stg.daily"] == ("PUBLISHED", "2024-01-01..2024-01-05")
    same_as_clean(daily, tmp_path / "clean")


def test_other_columns_of_some_partitions_only_are_refused(daily: World) -> None:
    daily.run()
    before = daily.rows("stg.daily")
    daily.sql("stg.daily", "select day, amount, 'x' as mark from raw.orders where day = $partition", DAILY)
    (step, *_) = daily.load().run(select="stg.daily", partitions="2024-01-02").steps
    assert step.outcome == "FAILED"
    assert "4 of its partitions would keep the old ones" in str(step.error)
    assert daily.rows("stg.daily") == before


def test_a_start_that_moves_shows_and_hides_partitions(daily: World, tmp_path: Path) -> None:
    daily.run()
    later = "partitions: {day: {daily: {start: 2024-01-03}}}"
    query = "select day, region, amount from raw.orders where day = $partition"
    daily.sql("stg.daily", query, later)
    daily.sql("mart.sums", "select day, sum(amount) as total from stg.daily group by day", later)
    assert built(daily)["stg.daily"] == ("PUBLISHED", None)
    assert {row[0].day for row in daily.rows("stg.daily")} == {3, 4, 5}  # type: ignore[attr-defined]
    daily.sql("stg.daily", query, DAILY)
    assert built(daily)["stg.daily"] == ("REUSED", None)  # the version of before is still there


def test_a_python_asset_is_called_for_each_partition(daily: World, tmp_path: Path) -> None:
    daily.python(
        "days",
        "import headwater as hw\n\n"
        '@hw.asset("mart.py", inputs={"rows": "stg.daily"}, partitions={"day": hw.Daily(start="2024-01-01")},\n'
        '          mappings={"stg.daily": "identity"})\n'
        "def py(rows: hw.Input, context: hw.Context):\n"
        '    table = rows.select("amount").arrow()\n'
        "    return f\"select date '{context.partition}' as day, {sum(table[0].to_pylist())} as total\"\n",
    )
    daily.run()
    expected = {(row[0], row[1]) for row in daily.rows("mart.sums")}
    assert {(row[0], row[1]) for row in daily.rows("mart.py")} == expected
    daily.csv("orders", HEAD + orders(d2=21))
    assert built(daily)["mart.py"] == ("PUBLISHED", "2024-01-02")
    daily.csv("orders", (HEAD + orders(d2=21)).replace("2024-01-05,us", "2024-01-05,uk"))
    assert built(daily)["mart.py"] == ("VERIFIED_EQUAL", None)


def test_another_environment_shares_the_slices(daily: World) -> None:
    daily.write("headwater.toml", '[project]\nname = "w"\n[environments.dev]\nsuffix = "__dev"\n')
    daily.run()
    steps = {step.asset: step.outcome for step in daily.run(env="dev").steps}
    assert steps["stg.daily"] == steps["mart.sums"] == steps["mart.trail"] == "REUSED"
    assert daily.rows("stg__dev.daily") == daily.rows("stg.daily")


def test_data_altered_behind_our_back_is_rebuilt(daily: World, tmp_path: Path) -> None:
    daily.run()
    (store,) = daily.behind("select table_name from duckdb_tables() where table_name like 'stg__daily%rows'")
    daily.behind(f'update _headwater."{store[0]}" set amount = 0')
    assert daily.codes("stg.daily") == ["DATA_ALTERED"]
    built(daily)
    same_as_clean(daily, tmp_path / "clean")


def test_a_failing_check_keeps_all_partitions_as_they_were(daily: World) -> None:
    daily.run()
    daily.sql(
        "stg.daily",
        "select day, region, amount from raw.orders where day = $partition",
        f"{DAILY}\nchecks: [{{expression: 'amount < 100'}}]",
    )
    built(daily)
    before = daily.rows("stg.daily")
    daily.csv("orders", HEAD + orders(d3=500))
    assert built(daily)["stg.daily"][0] == "BLOCKED"
    assert daily.rows("stg.daily") == before
    assert built(daily)["stg.daily"][0] == "BLOCKED"
    daily.csv("orders", HEAD + orders(d3=50))
    assert built(daily)["stg.daily"] == ("PUBLISHED", "2024-01-03")
