"""Data times as runs record them, and what plan and validate say about durations and promises, in whole projects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headwater.assets.key import AssetKey
from headwater.runtime.durations import PRIOR_SECONDS
from headwater.runtime.model import AssetStatus
from headwater.runtime.state_reader import SqlStateReader
from tests.world import World

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
ROWS = "id,at 1,2026-11-19 2,2026-11-18"
LAG = "freshness: {max_lag: 1h}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, START)


def later(world: World, hours: float) -> None:
    assert world.now is not None
    world.now += timedelta(hours=hours)


def line(world: World, asset: str) -> AssetStatus:
    return next(it for it in world.load().status().assets if it.asset == asset)


def lag_hours(world: World, asset: str) -> float | None:
    seconds = line(world, asset).lag_seconds
    return None if seconds is None else seconds / 3600


def recorded(world: World, asset: str) -> dict[str, str]:
    """Return the data times of the published version, by source, as they are in the state."""
    with world.load().workspace.reader() as reader:
        assert reader is not None
        state = SqlStateReader(reader.connection).snapshot("prod")
        return {source: at[:16] for source, at in state.published[AssetKey(asset)].data_times.items()}


def test_views_and_python_assets_carry_the_times_of_their_sources(world: World) -> None:
    world.csv("plain", ROWS)
    world.csv("dated", ROWS, "    data_time: at\n")
    world.sql("stg.both", "select p.id from raw.plain p join raw.dated d using (id)", "materialization: view")
    world.python("py", "import headwater as hw\n\n@hw.asset('mart.py', inputs={'b': 'stg.both'})\n"
                       "def py(b):\n    return b.select('id').arrow()\n")  # fmt: skip
    world.run()
    expected = {"raw.dated": "2026-11-19T00:00", "raw.plain": "2026-11-20T06:00"}
    assert recorded(world, "stg.both") == recorded(world, "mart.py") == expected
    assert lag_hours(world, "mart.py") == 30


def test_checks_take_no_data_in(world: World) -> None:
    world.csv("a", ROWS)
    world.csv("b", ROWS, "    data_time: at\n")
    world.sql("mart.a", "select id from raw.a", "columns: {id: {checks: [{relationship: {to: raw.b, column: id}}]}}")
    world.run()
    assert recorded(world, "mart.a") == {"raw.a": "2026-11-20T06:00"}


def test_a_run_that_finds_a_source_unchanged_renews_it_and_a_later_build_records_that(world: World) -> None:
    world.csv("a", ROWS)
    world.sql("stg.a", "select id from raw.a")
    world.sql("mart.a", "select count(*) as n from stg.a", LAG)
    world.run()
    later(world, 2)
    assert (line(world, "mart.a").freshness, lag_hours(world, "mart.a")) == ("LATE", 2)
    assert world.built() == {}  # nothing to do, but the source was looked at
    assert (line(world, "mart.a").freshness, lag_hours(world, "mart.a")) == ("OK", 0)
    later(world, 2)
    world.sql("mart.a", "select count(*) + 1 as n from stg.a", LAG)
    assert line(world, "mart.a").status.word == "STALE"
    assert lag_hours(world, "mart.a") == 2  # its code changed, what it holds did not
    assert world.built() == {"mart.a": "PUBLISHED"}
    assert recorded(world, "mart.a") == {"raw.a": "2026-11-20T10:00"}


def test_a_version_that_is_verified_equal_or_reused_holds_what_it_was_compared_with(world: World) -> None:
    world.csv("a", "id,note 1,x 2,y")
    world.sql("stg.a", "select id, note from raw.a")
    world.sql("mart.a", "select sum(id) as n from stg.a", LAG)
    world.run()
    later(world, 3)
    world.csv("a", "id,note 1,x 2,z")
    assert world.built()["mart.a"] == "VERIFIED_EQUAL"
    assert lag_hours(world, "mart.a") == 0
    later(world, 3)
    world.sql("mart.a", "select sum(id) + 1 as n from stg.a", LAG)
    world.run()
    world.sql("mart.a", "select sum(id) as n from stg.a", LAG)
    assert world.built() == {"mart.a": "REUSED"}
    assert (line(world, "mart.a").freshness, lag_hours(world, "mart.a")) == ("OK", 0)


def test_an_asset_is_current_and_late_where_its_source_is(world: World) -> None:
    world.csv("a", ROWS, "    data_time: at\n")
    world.sql("mart.a", "select id from raw.a", "freshness: {max_lag: 1d}")
    world.run()
    found = line(world, "mart.a")
    assert (found.status.word, found.freshness, lag_hours(world, "mart.a")) == ("CURRENT", "LATE", 30)
    assert (line(world, "raw.a").freshness, line(world, "raw.a").promised_by) == ("LATE", "mart.a")
    world.csv("a", "id,at 1,2026-11-20", "    data_time: at\n")
    found = line(world, "mart.a")
    assert (found.status.word, found.freshness) == ("PENDING", "LATE")  # delivered, not taken in
    world.run()
    assert (line(world, "mart.a").freshness, lag_hours(world, "mart.a")) == ("OK", 6)


def test_a_delivery_that_is_blocked_leaves_its_readers_with_the_age_of_the_last_good_one(world: World) -> None:
    block = "    checks: [{unique: [id]}]\n"
    world.csv("a", ROWS, block)
    world.sql("mart.a", "select id from raw.a", LAG)
    world.run()
    later(world, 5)
    world.csv("a", ROWS + " 2,2026-11-20", block)
    assert world.run().outcome == "BLOCKED"
    assert lag_hours(world, "raw.a") == lag_hours(world, "mart.a") == 5


@pytest.mark.parametrize(
    ("rows", "hours"),
    [
        ("id,at 1,2026-11-20T05:00:00Z 2,2026-11-20T04:00:00Z", 1),
        ("id,at 1,2999-01-01T00:00:00Z", 0),  # nothing is known before it happens
        ("id,at 1,infinity", 0),
        ("id,at 1,-infinity", None),
        ("id,at 1,", None),
        ("id,at", None),
    ],
)
def test_dates_that_say_nothing_do_not_make_a_source_fresh(world: World, rows: str, hours: float | None) -> None:
    world.csv("a", rows, "    data_time: at\n    columns: {at: timestamptz}\n")
    world.sql("mart.a", "select count(*) as n from raw.a", LAG)
    assert world.built()["mart.a"] == "PUBLISHED"
    assert lag_hours(world, "mart.a") == hours
    assert (line(world, "mart.a").freshness == "LATE") == (hours is None)
    later(world, 2)
    world.run()
    assert line(world, "mart.a").freshness == "LATE"  # looking at it again makes it no younger


def test_a_volatile_asset_is_as_old_as_its_build(world: World) -> None:
    world.python("py", "import headwater as hw\nimport random\n\n@hw.asset('raw.api', freshness={'max_lag': '1h'})\n"
                       "def api():\n    return f'select {random.random()} as x'\n")  # fmt: skip
    world.sql("mart.api", "select x from raw.api")
    world.run()
    assert recorded(world, "mart.api") == {"raw.api": "2026-11-20T06:00"}
    later(world, 3)
    assert (lag_hours(world, "mart.api"), line(world, "raw.api").freshness) == (3, "LATE")


def test_a_plan_expects_what_history_says_and_sums_it_along_its_longest_path(world: World) -> None:
    world.csv("a", ROWS)
    world.sql("stg.a", "select id from raw.a")
    world.sql("mart.a", "select id from stg.a")
    first = world.load().plan()
    assert ({step.expected_seconds for step in first.steps}, first.expected_seconds) == ({None}, None)
    world.run()
    plan = world.load().plan(force=True)
    seconds = {step.asset: step.expected_seconds for step in plan.steps}
    assert plan.critical_path == ("raw.a", "stg.a", "mart.a")
    assert plan.expected_seconds == pytest.approx(sum(seconds.values()))  # type: ignore[arg-type]
    view = world.load().freshness("mart.a")
    assert [(it.asset, it.builds) for it in view.work] == [("raw.a", 1), ("stg.a", 1), ("mart.a", 1)]
    world.sql("mart.b", "select id from mart.a")
    assert world.load().freshness("mart.b").work[-1].seconds == PRIOR_SECONDS


def test_a_source_that_is_delivered_too_seldom_is_a_warning_with_the_arithmetic(world: World) -> None:
    world.sql("mart.a", "select id from raw.a", "freshness: {max_lag: 20h}")
    world.sql("mart.by", "select id from raw.a", 'freshness: {by: "0 5 * * *"}')
    world.sql("mart.fine", "select id from raw.a", "freshness: {max_lag: 3d}")
    for day in (19, 20, 21, 22):
        world.csv("a", f"id,at 1,2026-11-{day}", "    data_time: at\n")
        world.run()
        world.tomorrow()
    plan = world.load().plan()
    assert world.load().errors == ()
    assert plan.warnings == world.load().warnings
    lag, line_ = plan.warnings
    assert (lag.promise.asset, lag.reason, lag.source) == ("mart.a", "DELIVERY", "raw.a")
    assert (lag.late, lag.deliveries) == (3, 3)
    assert lag.terms[0] == ("raw.a", 54 * 3600)
    assert lag.needed_seconds == pytest.approx(sum(seconds for _, seconds in lag.terms))
    assert (line_.promise.asset, line_.allowed_seconds, line_.late) == ("mart.by", None, 3)
    assert world.load().plan(select=["mart.fine"]).warnings == ()


def test_freshness_agrees_with_what_stale_says(world: World) -> None:
    world.csv("a", ROWS)
    world.csv("b", ROWS, "    data_time: at\n")
    world.sql("stg.ab", "select a.id from raw.a a join raw.b b using (id)", "freshness: {max_lag: 9d}")
    world.sql("mart.one", "select id from stg.ab", 'freshness: {by: "0 8 * * mon-fri", timezone: Europe/London}')
    world.sql("mart.two", "select id from stg.ab", "freshness: {max_lag: 2h, by: '30 9 * * *'}")
    world.run()
    later(world, 0.5)
    project = world.load()
    for it in project.status().assets:
        view = project.freshness(it.asset)
        found = (view.freshness.word, view.freshness.lag_seconds, view.freshness.deadline, view.freshness.latest_start)
        assert found == (it.freshness, it.lag_seconds, it.deadline, it.latest_start)
        assert view.freshness.promised_by == it.promised_by
    required = project.freshness("raw.a").requirements
    assert [(str(it.promise.asset), it.promise.by) for it in required] == [
        ("mart.two", None),
        ("mart.two", "30 9 * * *"),
        ("mart.one", "0 8 * * mon-fri"),
        ("stg.ab", None),
    ]
    assert [str(it.asset) for it in required[0].taken_off] == ["stg.ab", "mart.two"]


def test_slices_that_stay_behind_keep_the_age_of_the_whole(world: World) -> None:
    world.csv("a", "day,n 2026-11-18,1 2026-11-19,2", "    columns: {day: date}\n")
    block = "materialization: partitioned\npartitions: {day: {daily: {start: 2026-11-18, end: 2026-11-19}}}\n" + LAG
    world.sql("mart.a", "select day, n from raw.a where day = $partition", block)
    world.run()
    assert recorded(world, "mart.a") == {"raw.a": "2026-11-20T06:00"}
    later(world, 3)
    world.csv("a", "day,n 2026-11-18,9 2026-11-19,9", "    columns: {day: date}\n")
    project = world.load()
    project.run(project.plan(partitions="2026-11-19"))
    assert recorded(world, "mart.a") == {"raw.a": "2026-11-20T06:00"}  # the 18th is still of then
    assert line(world, "mart.a").freshness == "LATE"
    world.run()
    assert recorded(world, "mart.a") == {"raw.a": "2026-11-20T09:00"}
    assert line(world, "mart.a").freshness in ("OK", "DUE")
