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


def test_an_asset_without_partitions_may_read_the_latest_one(daily: World, tmp_path: Path) -> None:
    daily.sql("mart.today", "select day, amount from stg.daily", "mappings: {stg.daily: latest}")
    daily.run()
    assert {row[0].day for row in daily.rows("mart.today")} == {5}  # type: ignore[attr-defined]
    daily.csv("orders", HEAD + orders(d3=31))
    assert built(daily)["mart.today"][0] == "VERIFIED_EQUAL"
    daily.csv("orders", HEAD + orders(d3=31, d5=51))
    assert built(daily)["mart.today"][0] == "PUBLISHED"
    daily.now = datetime(2024, 1, 7, 1, tzinfo=UTC)
    assert daily.status()["mart.today"] == "PENDING"
    built(daily)
    assert daily.rows("mart.today") == clean(daily, tmp_path / "clean").rows("mart.today")
    assert set(daily.status().values()) == {"CURRENT"}


def test_months_of_days_and_the_days_of_a_month(tmp_path: Path) -> None:
    world = World(tmp_path, datetime(2024, 3, 1, 12, tzinfo=UTC))
    days = [f"2024-01-{d:02}" for d in range(1, 32)] + [f"2024-02-{d:02}" for d in range(1, 30)]
    world.csv("orders", "day,amount " + " ".join(f"{day},{n}" for n, day in enumerate(days)))
    world.sql("stg.daily", "select day, amount from raw.orders where day = $partition", DAILY)
    monthly = "partitions: {month: {monthly: {start: 2024-01}}}\nmappings: {stg.daily: identity}"
    world.sql("mart.month", "select $start as month, sum(amount) as total from stg.daily", monthly)
    world.run()
    assert world.rows("mart.month") == World.rows(clean(world, tmp_path / "clean"), "mart.month")
    assert sorted(row[1] for row in world.rows("mart.month")) == [sum(range(31)), sum(range(31, 60))]  # type: ignore[type-var]
    changed = " ".join(f"{day},{n + (day == '2024-02-03')}" for n, day in enumerate(days))
    world.csv("orders", "day,amount " + changed)
    assert {key: parts for key, (_, parts) in built(world).items() if parts} == {
        "stg.daily": "2024-02-03",
        "mart.month": "2024-02",
    }


def test_two_dimensions(tmp_path: Path) -> None:
    world = World(tmp_path, datetime(2024, 1, 4, 12, tzinfo=UTC))
    world.csv("orders", HEAD + orders(3))
    both = "partitions: {day: {daily: {start: 2024-01-01}}, region: {static: [eu, us]}}"
    where = "where day = $partition.day and region = $partition.region"
    world.sql("stg.parts", f"select day, region, amount from raw.orders {where}", both)
    region = "partitions: {region: {static: [eu, us]}}\nmappings: {stg.parts: identity}"
    world.sql("mart.region", "select $partition as region, sum(amount) as total from stg.parts", region)
    assert built(world)["stg.parts"] == ("PUBLISHED", "day=2024-01-01..2024-01-03;region=eu,us")
    assert world.rows("mart.region") == {("eu", 60): 1, ("us", 3): 1}
    world.csv("orders", HEAD + orders(3, d2=21))
    assert {key: parts for key, (_, parts) in built(world).items() if parts} == {
        "stg.parts": "day=2024-01-02;region=eu",
        "mart.region": "eu",
    }


def test_hours_over_a_clock_change(tmp_path: Path) -> None:
    """On the last Sunday of October, London has one o'clock twice: each hour is a partition of its own."""
    world = World(tmp_path, datetime(2024, 10, 27, 4, 30, tzinfo=UTC))
    times = [f"2024-10-{26 if h < 0 else 27}T{h % 24:02}:30:00Z,{h}" for h in range(-2, 4)]
    world.csv("ticks", "ts,n " + " ".join(times))
    hourly = "partitions: {hour: {hourly: {start: '2024-10-27T00+01:00', timezone: Europe/London}}}"
    query = "select ts, n, $partition as hour from raw.ticks where ts >= $start and ts < $end"
    world.sql("stg.hours", query, hourly)
    world.run()
    found = world.behind("select n, hour::varchar from stg.hours order by hour")
    assert [row[0] for row in found] == [-1, 0, 1, 2, 3]
    world.csv("ticks", "ts,n " + " ".join(times).replace(",0 ", ",9 "))
    assert built(world)["stg.hours"] == ("PUBLISHED", "2024-10-27T01+01:00")


def test_dynamic_keys_come_and_go(tmp_path: Path) -> None:
    world = World(tmp_path, datetime(2024, 1, 4, 12, tzinfo=UTC))
    world.csv("orders", "shop,amount oslo,1 rome,2 bonn,3")
    world.sql("stg.shops", "select * from raw.orders where shop = $partition", "partitions: {shop: {dynamic: shops}}")
    assert built(world) == {"raw.orders": ("OBSERVED", None)}
    assert world.status()["stg.shops"] == "MISSING"
    world.load().add_partitions("shops", ["oslo", "rome"])
    assert built(world)["stg.shops"] == ("PUBLISHED", "oslo,rome")
    world.load().retire_partitions("shops", ["oslo"])
    assert world.status()["stg.shops"] == "STALE"
    assert built(world)["stg.shops"] == ("PUBLISHED", None)
    assert world.rows("stg.shops") == {("rome", 2): 1}


def test_a_function_of_the_project_maps_partitions(daily: World) -> None:
    daily.python(
        "mapped",
        "import headwater as hw\n\n"
        "def even_days(partition):\n"
        "    day = int(partition.keys[0][-2:])\n"
        '    return [f"2024-01-{d:02}" for d in range(1, day + 1) if d % 2 == 0]\n\n'
        '@hw.asset("mart.even", inputs={"rows": "stg.daily"}, partitions={"day": hw.Daily(start="2024-01-01")},\n'
        '          mappings={"stg.daily": even_days})\n'
        "def even(rows: hw.Input, context: hw.Context):\n"
        "    return f\"select date '{context.partition}' as day, sum(amount) as total from stg.daily\"\n",
    )
    daily.run()
    totals = {row[0].day: row[1] for row in daily.rows("mart.even")}  # type: ignore[attr-defined]
    assert totals == {1: None, 2: 21, 3: 21, 4: 62, 5: 62}
    daily.csv("orders", HEAD + orders(d4=41))
    assert built(daily)["mart.even"] == ("PUBLISHED", "2024-01-04..2024-01-05")


def test_rows_without_a_key_fail_the_step_or_are_dropped(tmp_path: Path) -> None:
    world = World(tmp_path, datetime(2024, 1, 4, 12, tzinfo=UTC))
    world.csv("orders", "shop,amount oslo,1 rome,2 ,3")
    query = "select shop, amount from raw.orders where shop = $partition or shop is null"
    shops = "partitions: {shop: {static: [oslo, rome]}}"
    world.sql("stg.shops", query, shops)
    step = next(step for step in world.run().steps if step.asset == "stg.shops")
    assert step.outcome == "FAILED"
    assert "NULL for shop" in str(step.error)
    world.sql("stg.shops", query, f"{shops}\nnull_partition: drop")
    world.run()
    assert world.rows("stg.shops") == {("oslo", 1): 1, ("rome", 2): 1}


def test_a_deleted_warehouse_is_built_anew(daily: World, tmp_path: Path) -> None:
    daily.run()
    (daily.root / "warehouse.duckdb").unlink()
    built(daily)
    same_as_clean(daily, tmp_path / "clean")


def test_a_store_that_was_dropped_is_built_anew(daily: World, tmp_path: Path) -> None:
    daily.run()
    ((store,),) = daily.behind("select table_name from duckdb_tables() where table_name like 'stg__daily%rows'")
    daily.behind(f'drop table _headwater."{store}"')
    built(daily)
    same_as_clean(daily, tmp_path / "clean")


def test_nothing_is_built_from_a_partition_that_is_not_there(daily: World) -> None:
    """A day of the upstream that its run was not asked for, or could not build, is no empty day to its readers."""
    assert built(daily, "2024-01-02..2024-01-03")["mart.total"][0] == "HELD"
    assert {row[0].day for row in daily.rows("mart.sums")} == {2, 3}  # type: ignore[attr-defined]
    steps = {step.asset: step for step in daily.load().run(select="mart.sums").steps}
    assert steps["mart.sums"].outcome == "HELD"
    assert "2024-01-01, 2024-01-04..2024-01-05 of stg.daily was never built" in steps["mart.sums"].message
    assert daily.load().run(select="mart.total").steps[0].outcome == "HELD"
    line = next(item for item in daily.load().status().assets if item.asset == "mart.sums")
    assert line.partitions is not None
    assert line.partitions.missing == ("2024-01-01", "2024-01-04..2024-01-05")


def test_a_failed_day_is_not_an_empty_day(daily: World, tmp_path: Path) -> None:
    daily.run()
    daily.now = datetime(2024, 1, 7, 1, tzinfo=UTC)
    daily.csv("orders", HEAD + orders(5) + " 2024-01-06,eu,oops")
    daily.sql(
        "stg.daily", "select day, region, amount::integer as amount from raw.orders where day = $partition", DAILY
    )
    outcomes = {key: outcome for key, (outcome, _) in built(daily).items()}
    assert outcomes["stg.daily"] == "FAILED"
    assert outcomes["mart.sums"] == outcomes["mart.trail"] == "SKIPPED"
    steps = {step.asset: step.outcome for step in daily.run("mart.sums", "mart.trail").steps}
    assert steps == {"mart.sums": "HELD", "mart.trail": "PUBLISHED"}  # one waits, the other skips what is not there


def test_a_reader_that_skips_waits_while_the_day_may_still_come(daily: World, tmp_path: Path) -> None:
    daily.sql("mart.skip", "select sum(total) as t from mart.sums", "missing_partitions: skip")
    daily.run()
    daily.now = datetime(2024, 1, 7, 1, tzinfo=UTC)
    daily.csv("orders", HEAD + orders(6))
    daily.run("raw.orders")
    assert daily.status()["mart.skip"] == "PENDING"
    built(daily)
    assert daily.rows("mart.skip") == clean(daily, tmp_path / "clean").rows("mart.skip")
    assert set(daily.status().values()) == {"CURRENT"}


ZONED = "partitions: {day: {daily: {start: 2024-03-31, end: 2024-04-01, timezone: Europe/London}}}"


@pytest.fixture
def london(tmp_path: Path) -> World:
    """One instant that is in March by UTC and in April in London."""
    world = World(tmp_path, datetime(2024, 4, 3, 12, tzinfo=UTC))
    columns = "    columns: {id: integer, ts: timestamptz}\n"
    world.csv("a", "id,ts 1,2024-03-31T23:30:00Z 2,2024-03-31T22:30:00Z", columns)
    return world


@pytest.mark.parametrize("where", ["ts >= $start and ts < $end", "$start.day <= ts", "ts between $start and $end"])
def test_days_of_another_zone_compared_with_instants_are_refused(london: World, where: str) -> None:
    london.sql("s.days", f"select $partition as day, id from raw.a where {where}", ZONED)
    assert london.built()["s.days"] == "FAILED"  # the types of a source are known once it was taken in
    (problem,) = london.load().errors
    assert "takes to begin in UTC" in problem.message
    assert "$start_at" in problem.remedy


def test_days_of_another_zone_by_their_instants(london: World) -> None:
    query = "select $partition as day, id from raw.a where ts >= $start_at and ts < $end_at"
    london.sql("s.days", query, ZONED)
    london.run()
    assert {(row[0].isoformat(), row[1]) for row in london.rows("s.days")} == {  # type: ignore[attr-defined]
        ("2024-04-01", 1),
        ("2024-03-31", 2),
    }
    london.csv(
        "a", "id,ts 1,2024-03-31T23:30:00Z 3,2024-03-31T22:30:00Z", "    columns: {id: integer, ts: timestamptz}\n"
    )
    assert built(london)["s.days"] == ("PUBLISHED", "2024-03-31")


def test_days_of_another_zone_compared_with_dates_are_fine(london: World) -> None:
    london.sql("s.days", "select id, ts::date as day from raw.a where cast(ts as date) = $partition", ZONED)
    assert london.load().errors == ()


@pytest.mark.parametrize(
    ("block", "query", "remedy"),
    [
        ("", "select $start as s", "Declare `partitions`."),
        ("partitions: {shop: {static: [a]}}", "select $start as s", "Its partitions have $partition, $partition.shop."),
        ("partitions: {shop: {static: [1]}}", "select $partition as s", "Put"),
    ],
)
def test_a_parameter_that_partitions_do_not_have(tmp_path: Path, block: str, query: str, remedy: str) -> None:
    world = World(tmp_path)
    world.sql("s.a", query, block)
    (problem,) = world.load().errors
    assert remedy in problem.remedy or "partitions" in problem.message
