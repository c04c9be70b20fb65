"""What the oracle of partitions found, shrunk: each was wrong once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread

import duckdb
import pytest

from headwater.lineage import analyse_sql
from headwater.runtime.engines import duckdb_slices

from ..world import World

DAILY = "partitions: {day: {daily: {start: 2024-01-01}}}"
HEAD = "day,region,amount "


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, datetime(2024, 1, 4, 12, tzinfo=UTC))


def built(world: World) -> dict[str, str | None]:
    """Run, and return the partitions that each step built."""
    return {step.asset: step.partitions for step in world.run().steps if step.outcome == "PUBLISHED"}


def test_a_partition_that_is_about_to_be_built_is_not_missing_for_good(world: World) -> None:
    """`skip` skips what is not there; what exists and was not built yet makes its readers PENDING, and one run does."""
    world.csv("orders", HEAD + "2024-01-01,eu,1 2024-01-04,eu,2")
    world.sql("stg.daily", "select day, amount from raw.orders where day = $partition", DAILY)
    skip = f"{DAILY}\nmappings: {{stg.daily: all}}\nmissing_partitions: skip"
    world.sql("mart.sums", "select sum(amount) as total from stg.daily", skip)
    world.run()
    world.tomorrow()
    assert world.status()["mart.sums"] == "STALE"
    assert world.codes("mart.sums").count("UPSTREAM_MISSING") == 1
    built(world)
    assert set(world.status().values()) == {"CURRENT"}
    assert {row[0] for row in world.rows("mart.sums")} == {3}


def test_what_stays_missing_is_skipped_by_who_runs_the_reader_alone(world: World) -> None:
    world.csv("orders", HEAD + "2024-01-01,eu,1 2024-01-02,eu,2")
    world.sql("stg.daily", "select day, amount from raw.orders where day = $partition", DAILY)
    skip = f"{DAILY}\nmappings: {{stg.daily: all}}\nmissing_partitions: skip"
    world.sql("mart.sums", "select sum(amount) as total from stg.daily", skip)
    world.load().run(select="stg.daily", partitions="2024-01-01", workers=2)
    assert [step.outcome for step in world.run("mart.sums").steps] == ["PUBLISHED"]
    assert {row[0] for row in world.rows("mart.sums")} == {1}


def test_text_that_a_function_returns_narrows_what_it_reads(world: World) -> None:
    """Of an input that the function asked nothing of, not even the number of rows decides."""
    world.csv("orders", HEAD + "2024-01-01,eu,1 2024-01-02,eu,2")
    world.python(
        "p",
        "import headwater as hw\n\n"
        '@hw.asset("mart.p", inputs={"t": "raw.orders"}, partitions={"day": hw.Daily(start="2024-01-01")})\n'
        "def p(t, context):\n"
        "    return f\"select day, amount from raw.orders where day = date '{context.partition}'\"\n",
    )
    world.run()
    world.csv("orders", HEAD + "2024-01-01,eu,1 2024-01-02,eu,2 2024-01-02,us,3")
    assert built(world) == {"mart.p": "2024-01-02"}


def test_keys_that_are_exchanged_are_published_though_the_rows_stay_the_same(world: World) -> None:
    world.csv("orders", HEAD + "2024-01-01,eu,1")
    query = "select amount from raw.orders where region = $partition and amount > 1"
    world.sql("stg.regions", query, "partitions: {region: {static: [uk, us]}}")
    world.run()
    world.sql("stg.regions", query, "partitions: {region: {static: [eu, us]}}")
    world.run()
    assert set(world.status().values()) == {"CURRENT"}


def test_rows_that_change_places_between_partitions_reach_their_readers(world: World) -> None:
    """All rows together stay the same, and those of each partition do not."""
    world.csv("orders", HEAD + "2024-01-01,eu,1 2024-01-02,eu,2")
    world.sql("stg.daily", "select amount from raw.orders where day = $partition", DAILY)
    identity = f"{DAILY}\nmappings: {{stg.daily: identity}}"
    world.sql("mart.days", "select $partition as day, sum(amount) as total from stg.daily", identity)
    world.run()
    world.csv("orders", HEAD + "2024-01-01,eu,2 2024-01-02,eu,1")
    world.run()
    assert set(world.status().values()) == {"CURRENT"}
    assert {(row[0].day, row[1]) for row in world.rows("mart.days")} == {(1, 2), (2, 1), (3, None)}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "after",
    [
        "{day: {daily: {start: 2024-01-02}}, region: {static: [eu]}}",
        "{region: {static: [eu, us]}}",
        "{region: {daily: {start: 2024-01-02}}}",
        "{month: {monthly: {start: 2023-11}}}",
    ],
)
@pytest.mark.parametrize("before", ["{day: {daily: {start: 2024-01-01}}}", "{region: {static: [eu, us]}}"])
def test_other_dimensions_are_built_anew(world: World, before: str, after: str) -> None:
    world.csv("orders", HEAD + "2024-01-01,eu,1 2024-01-02,us,2")
    query = "select sum(amount) as total from raw.orders"
    world.sql("stg.all", query, f"partitions: {before}")
    world.run()
    world.sql("stg.all", query, f"partitions: {after}")
    world.run()
    assert set(world.status().values()) == {"CURRENT"}
    world.sql("stg.all", query, f"partitions: {before}")
    world.run()
    assert set(world.status().values()) == {"CURRENT"}


@pytest.mark.parametrize("condition", ["t.a = $x", "t.a between $x and $y", "t.a = $x and (t.b = 1 or t.a = 2)"])
def test_parentheses_around_a_parameter_are_no_change(condition: str) -> None:
    def hash_of(where: str) -> str:
        return analyse_sql(
            f"select a from raw.o t where {where}", schema={"raw.o": {"a": "integer", "b": "integer"}}
        ).definition_hash

    assert hash_of(condition) == hash_of(f"({condition})") == hash_of(f"(({condition}))")


def test_an_at_sign_is_an_operator_and_its_parentheses_stay() -> None:
    def hash_of(value: str) -> str:
        return analyse_sql(f"select {value} as x from raw.o", schema={"raw.o": {"a": "integer"}}).definition_hash

    assert hash_of("(@ a) + 1") != hash_of("@ a + 1")


def test_many_workers_make_their_first_slices_at_once(tmp_path: Path) -> None:
    for attempt in range(20):
        with duckdb.connect(str(tmp_path / f"{attempt}.duckdb")) as connection:
            connection.execute("create schema _headwater")
            barrier, wrong = Barrier(6), []

            def begin(cursor: duckdb.DuckDBPyConnection, store: str, wait: Callable[[], int] = barrier.wait) -> None:
                wait()
                try:
                    duckdb_slices.begin(cursor, store, 1)
                except duckdb.Error as error:
                    wrong.append(str(error))  # noqa: B023

            threads = [Thread(target=begin, args=(connection.cursor(), f"s{n}")) for n in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert wrong == []


def test_equal_rows_of_two_builds_do_not_share_what_these_saw(tmp_path: Path) -> None:
    """Source and definition change, the rows come out equal, then the source goes back: nobody saw that with this."""
    world = World(tmp_path, datetime(2024, 1, 3, 12, tzinfo=UTC))
    first, second = "day,a 2024-01-01,5 2024-01-02,5", "day,a 2024-01-01,6 2024-01-02,6"
    daily = "partitions: {day: {daily: {start: 2024-01-01}}}"
    world.csv("o", first)
    world.sql("s.d", "select sum(a) as a from raw.o where day = $partition", daily)
    world.run()
    world.csv("o", second)
    world.sql("s.d", "select sum(a) - 1 as a from raw.o where day = $partition", daily)
    world.run()
    assert world.rows("s.d") == {(5,): 2}
    world.csv("o", first)
    assert world.built()["s.d"] == "PUBLISHED"
    assert world.rows("s.d") == {(4,): 2}
