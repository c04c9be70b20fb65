"""Sources with a file for each partition: each file is a slice, and its readers see which of them changed."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.runtime.model import PartitionLine

from ..world import World, outcomes

DAYS = "{day: {daily: {start: 2024-01-01, end: 2024-01-04}}}"
COLUMNS = "    columns: {id: integer, delay: integer}\n"
SLICED = "partitions: {day: {daily: {start: 2024-01-01, end: 2024-01-04}}}\nmappings: {raw.flights: identity}\n"


@pytest.fixture
def flights(world: World) -> World:
    """Return a project with three of four files, a reader of each day, and one of all."""
    declare(world)
    for day in (1, 2, 3):
        deliver(world, day, f"{day},10")
    world.sql("stg.days", "select id, delay * 2 as twice from raw.flights", SLICED)
    world.sql("mart.sum", "select sum(delay) as total from raw.flights")
    return world


def declare(world: World, form: str = "data/flights_{day}.csv", partitions: str = DAYS, more: str = COLUMNS) -> None:
    """Declare `raw.flights`."""
    text = f"external:\n  raw.flights:\n    file: '{form}'\n    partitions: {partitions}\n{more}"
    world.write("assets/raw.yaml", text)


def deliver(world: World, day: int, rows: str) -> None:
    """Deliver the file of one day; rows are separated by spaces."""
    world.write(f"data/flights_2024-01-0{day}.csv", "id,delay\n" + rows.replace(" ", "\n") + "\n")


def line(world: World, asset: str = "raw.flights") -> PartitionLine:
    """Return how the partitions of an asset divide."""
    found = next(it.partitions for it in world.load().status().assets if it.asset == asset)
    assert found is not None
    return found


def ran(world: World, **options: str) -> dict[str, tuple[str, str | None]]:
    """Run, and return outcome and partitions of each step."""
    result = world.load().run(workers=2, **options)  # type: ignore[arg-type]
    assert not [step.error for step in result.steps if step.error]
    return {str(step.asset): (step.outcome, step.partitions) for step in result.steps}


def test_a_file_that_is_there_is_a_partition_and_one_that_is_not_is_missing_with_its_reason(flights: World) -> None:
    assert ran(flights) == {
        "raw.flights": ("OBSERVED", "2024-01-01..2024-01-03"),
        "stg.days": ("PUBLISHED", "2024-01-01..2024-01-03"),
        "mart.sum": ("PUBLISHED", None),
    }
    assert flights.rows("mart.sum") == {(30,): 1}
    assert flights.rows("stg.days") == {(day, 20): 1 for day in (1, 2, 3)}
    assert line(flights) == PartitionLine(4, 3, (), ("2024-01-04",), (), ())
    status = flights.load().status()
    assert status["raw.flights"].word == status["mart.sum"].word == "CURRENT"
    (reason,) = status["raw.flights"].reasons
    assert (reason.code, reason.message) == (
        "UPSTREAM_MISSING",
        "data/flights_2024-01-04.csv was not delivered.",
    )


def test_nothing_is_done_while_nothing_comes(flights: World) -> None:
    flights.run()
    assert flights.load().plan().steps == ()
    assert flights.load().run().outcome == "NOTHING_TO_DO"
    flights.sql("mart.weeks", "select twice from stg.days", SLICED.replace("raw.flights", "stg.days"))
    assert ran(flights) == {"mart.weeks": ("PUBLISHED", "2024-01-01..2024-01-03")}
    assert flights.load().run().outcome == "NOTHING_TO_DO"
    assert line(flights, "mart.weeks") == PartitionLine(4, 3, (), ("2024-01-04",), (), ())
    assert ran(flights, select="stg.days", partitions="2024-01-03") == {}


def test_who_does_not_wait_for_files_is_built_without_them(flights: World) -> None:
    flights.sql("stg.days", "select id, delay * 2 as twice from raw.flights", SLICED + "missing_partitions: skip\n")
    assert ran(flights)["stg.days"] == ("PUBLISHED", "2024-01-01..2024-01-04")
    assert set(flights.status().values()) == {"CURRENT"}
    deliver(flights, 4, "4,1")
    assert ran(flights)["stg.days"] == ("PUBLISHED", "2024-01-04")
    (flights.root / "data/flights_2024-01-01.csv").unlink()
    assert ran(flights)["stg.days"] == ("PUBLISHED", "2024-01-01")
    assert flights.rows("stg.days") == {(2, 20): 1, (3, 20): 1, (4, 2): 1}


def test_a_file_that_comes_is_one_more_slice(flights: World) -> None:
    flights.run()
    deliver(flights, 4, "4,12")
    status = flights.load().status()["raw.flights"]
    assert (status.word, [reason.code for reason in status.reasons]) == ("STALE", ["PARTITION_ADDED"])
    assert status.reasons[0].message == "data/flights_2024-01-04.csv came."
    assert ran(flights) == {
        "raw.flights": ("OBSERVED", "2024-01-04"),
        "stg.days": ("PUBLISHED", "2024-01-04"),
        "mart.sum": ("PUBLISHED", None),
    }
    assert flights.rows("mart.sum") == {(42,): 1}
    assert set(flights.status().values()) == {"CURRENT"}


def test_a_changed_file_is_taken_in_alone_and_its_readers_see_that_alone(flights: World) -> None:
    flights.run()
    deliver(flights, 2, "2,11")
    assert line(flights).pending == ("2024-01-02",)
    assert line(flights, "stg.days") == PartitionLine(4, 2, (), ("2024-01-04",), ("2024-01-02",), ())
    (reason, _) = flights.load().status()["raw.flights"].reasons
    assert reason.message.startswith("data/flights_2024-01-02.csv changed since it was last taken in")
    assert ran(flights) == {
        "raw.flights": ("OBSERVED", "2024-01-02"),
        "stg.days": ("PUBLISHED", "2024-01-02"),
        "mart.sum": ("PUBLISHED", None),
    }
    assert flights.rows("stg.days") == {(1, 20): 1, (2, 22): 1, (3, 20): 1}


def test_a_file_that_was_touched_or_written_in_another_order_rebuilds_no_reader(flights: World) -> None:
    deliver(flights, 2, "2,10 5,1")
    flights.run()
    os.utime(flights.root / "data/flights_2024-01-02.csv", ns=(1, 1))
    assert flights.load().status()["raw.flights"].word == "CURRENT"
    deliver(flights, 2, "5,1 2,10")
    assert flights.load().status()["raw.flights"].word == "PENDING"
    found = ran(flights)
    assert found["raw.flights"] == ("OBSERVED", "2024-01-02")
    assert found["mart.sum"] == ("VERIFIED_EQUAL", None)
    assert found["stg.days"] == ("VERIFIED_EQUAL", None)
    assert flights.load().status()["raw.flights"].word == "CURRENT"


def test_a_removed_file_takes_its_rows_along(flights: World) -> None:
    flights.run()
    (flights.root / "data/flights_2024-01-02.csv").unlink()
    status = flights.load().status()["raw.flights"]
    assert (status.word, status.reasons[0].code) == ("STALE", "INPUT_REMOVED")
    assert status.reasons[0].message == "data/flights_2024-01-02.csv was removed."
    found = ran(flights)
    assert found["raw.flights"] == ("OBSERVED", None)
    assert found["mart.sum"] == ("PUBLISHED", None)
    assert flights.rows("mart.sum") == {(20,): 1}
    assert line(flights).missing == ("2024-01-02", "2024-01-04")
    assert flights.load().status()["raw.flights"].word == "CURRENT"
    deliver(flights, 2, "2,10")
    assert ran(flights)["raw.flights"] == ("OBSERVED", "2024-01-02")
    assert flights.rows("mart.sum") == {(30,): 1}


def test_no_file_at_all_is_unknown_and_takes_nothing_away(flights: World) -> None:
    flights.run()
    (flights.root / "data").rename(flights.root / "away")
    status = flights.load().status()
    assert status["raw.flights"].word == status["mart.sum"].word == "UNKNOWN"
    assert "No file matches" in status["raw.flights"].reasons[0].message
    assert outcomes(flights.run())["raw.flights"] == "FAILED"
    assert flights.rows("mart.sum") == {(30,): 1}
    (flights.root / "away").rename(flights.root / "data")
    assert flights.load().status()["raw.flights"].word == "CURRENT"


def test_before_the_first_file_it_is_missing_and_a_run_says_what_it_waits_for(world: World) -> None:
    declare(world)
    assert world.status() == {"raw.flights": "MISSING"}
    (step,) = world.run().steps
    assert (step.outcome, "No file matches" in f"{step.error}{step.message}") == ("FAILED", True)


def test_a_plan_takes_in_what_came_went_or_changed_first_so_that_it_is_exact(flights: World) -> None:
    flights.run()
    deliver(flights, 4, "4,10")
    plan = flights.load().plan(select="mart.sum")
    assert [(step.asset, step.certainty) for step in plan.steps] == [("mart.sum", "CERTAIN")]
    assert flights.load().status(observe=True)["raw.flights"].word == "CURRENT"


def test_some_partitions_are_asked_for_and_the_others_stay_as_they_are(flights: World) -> None:
    flights.run("raw.flights")
    for day in (1, 2):
        deliver(flights, day, f"{day},7")
    found = ran(flights, select="raw.flights", partitions="2024-01-01")
    assert found == {"raw.flights": ("OBSERVED", "2024-01-01")}
    assert flights.rows("raw.flights") == {(1, 7): 1, (2, 10): 1, (3, 10): 1}
    assert line(flights).pending == ("2024-01-02",)
    assert ran(flights, select="raw.flights") == {"raw.flights": ("OBSERVED", "2024-01-02")}


def test_force_takes_in_every_file_that_is_there(flights: World) -> None:
    flights.run("raw.flights")
    result = flights.load().run(select="raw.flights", force=True)
    assert [(step.outcome, step.partitions) for step in result.steps] == [("OBSERVED", "2024-01-01..2024-01-03")]
    assert flights.load().status()["raw.flights"].word == "CURRENT"


def test_a_delivery_that_its_checks_reject_keeps_readers_on_what_they_had(flights: World) -> None:
    flights.write(
        "assets/raw.yaml",
        f"external:\n  raw.flights:\n    file: 'data/flights_{{day}}.csv'\n    partitions: {DAYS}\n"
        "    columns: {id: integer, delay: {type: integer, checks: [{between: {min: 0, max: 99}}]}}\n",
    )
    flights.run()
    deliver(flights, 2, "2,-1")
    assert outcomes(flights.run())["raw.flights"] == "BLOCKED"
    assert flights.rows("mart.sum") == {(30,): 1}
    assert outcomes(flights.run())["raw.flights"] == "BLOCKED"
    deliver(flights, 2, "2,5")
    assert ran(flights)["raw.flights"] == ("OBSERVED", "2024-01-02")
    assert flights.rows("mart.sum") == {(25,): 1}


def test_another_definition_takes_every_file_in_again(flights: World) -> None:
    flights.run("raw.flights")
    declare(flights, more="    columns: {id: bigint, delay: integer}\n")
    assert flights.load().status()["raw.flights"].word == "STALE"
    assert ran(flights, select="raw.flights") == {"raw.flights": ("OBSERVED", "2024-01-01..2024-01-03")}
    assert flights.load().status()["raw.flights"].word == "CURRENT"


def test_partitions_that_are_no_more_go_with_their_declaration(flights: World) -> None:
    (flights.root / "assets/stg/days.sql").unlink()
    flights.run("raw.flights")
    declare(flights, partitions="{day: {daily: {start: 2024-01-02, end: 2024-01-03}}}")
    assert flights.load().status()["raw.flights"].word == "STALE"
    assert flights.load().run(select="raw.flights").outcome == "SUCCEEDED"
    assert flights.rows("raw.flights") == {(2, 10): 1, (3, 10): 1}
    assert flights.load().status()["raw.flights"].word == "CURRENT"


def test_each_environment_knows_which_of_its_slices_are_todays(flights: World) -> None:
    flights.write("headwater.toml", '[environments.dev]\nsuffix = "__dev"\n')
    flights.run("raw.flights")
    flights.run("raw.flights", env="dev")
    deliver(flights, 1, "1,99")
    flights.run("raw.flights")
    assert flights.load().status(env="dev")["raw.flights"].word == "PENDING"
    assert flights.load().status()["raw.flights"].word == "CURRENT"
    flights.run("raw.flights", env="dev")
    assert flights.load().status(env="dev")["raw.flights"].word == "CURRENT"
    assert flights.rows("raw__dev.flights") == {(1, 99): 1, (2, 10): 1, (3, 10): 1}


def test_windows_that_come_with_time_are_missing_until_their_file_is_there(world: World) -> None:
    world.now = datetime(2024, 1, 3, 12, tzinfo=UTC)
    declare(world, partitions="{day: {daily: {start: 2024-01-01}}}")
    for day in (1, 2, 3):
        deliver(world, day, f"{day},10")
    assert ran(world) == {"raw.flights": ("OBSERVED", "2024-01-01..2024-01-02")}
    world.tomorrow()
    assert world.load().status()["raw.flights"].word == "STALE"
    assert ran(world) == {"raw.flights": ("OBSERVED", "2024-01-03")}
    world.tomorrow()
    assert world.load().status()["raw.flights"].word == "CURRENT"
    assert line(world).missing == ("2024-01-04",)


def test_two_dimensions_and_keys_that_grow(world: World) -> None:
    declare(world, "in/{region}/{shop}.csv", "{region: {static: [eu, us]}, shop: {dynamic: shops}}")
    world.load().add_partitions("shops", ["oslo", "rome"])
    world.write("in/eu/oslo.csv", "id,delay\n1,1\n")
    world.write("in/us/rome.csv", "id,delay\n2,2\n")
    assert ran(world) == {"raw.flights": ("OBSERVED", "region=eu;shop=oslo | region=us;shop=rome")}
    world.load().add_partitions("shops", ["../x"])
    status = world.load().status()["raw.flights"]
    assert (status.word, "cannot be part of the name of a file" in status.reasons[0].message) == ("UNKNOWN", True)
    world.load().retire_partitions("shops", ["../x"])
    assert world.load().status()["raw.flights"].word == "CURRENT"


def test_two_partitions_never_share_a_file(world: World) -> None:
    declare(world, "in/{a}_{b}.csv", "{a: {static: [x, x_y]}, b: {static: [z, y_z]}}")
    world.write("in/x_y_z.csv", "id,delay\n1,1\n")
    (reason, *_) = [r for r in world.load().status()["raw.flights"].reasons if r.code == "UNDECIDABLE"]
    assert "would be the file of two partitions" in reason.message
    assert outcomes(world.run()) == {"raw.flights": "FAILED"}


EDITS = st.lists(st.tuples(st.integers(1, 4), st.sampled_from([None, "1,1", "1,2", "1,2 2,3", "2,3 1,2"])), max_size=4)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.tuples(EDITS, st.booleans()), min_size=2, max_size=3))
def test_readers_see_what_the_files_hold_and_no_slice_is_called_current_that_does_not(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[tuple[list[tuple[int, str | None]], bool]]
) -> None:
    world = World(tmp_path_factory.mktemp("files"))
    declare(world)
    world.sql("stg.days", "select id, delay * 2 as twice from raw.flights", SLICED + "missing_partitions: skip\n")
    world.sql("mart.sum", "select count(*) as n, sum(delay) as total from raw.flights")
    files: dict[int, str] = {1: "1,9"}
    deliver(world, 1, "1,9")
    taken_in: dict[int, str] = {}
    for edits, run_it in rounds:
        for day, rows in edits:
            if rows is not None:
                files[day] = rows
                deliver(world, day, rows)
            elif len(files) > 1 and day in files:
                del files[day]
                (world.root / f"data/flights_2024-01-0{day}.csv").unlink()
        if taken_in:
            found = line(world)
            same = [day for day, rows in files.items() if taken_in.get(day) == rows]
            assert found.current == len(same)
            assert set(world.status().values()) == {"CURRENT"} or files != taken_in
        if run_it:
            assert world.run().outcome in ("SUCCEEDED", "NOTHING_TO_DO")
            taken_in = dict(files)
            rows_now = [tuple(map(int, row.split(","))) for rows in files.values() for row in rows.split()]
            assert world.rows("mart.sum") == {(len(rows_now), sum(delay for _, delay in rows_now)): 1}
            assert world.rows("stg.days") == Counter((id_, delay * 2) for id_, delay in rows_now)
            assert world.load().run().outcome == "NOTHING_TO_DO"


def test_files_whose_columns_differ_fail_with_the_partition_and_the_remedy(world: World) -> None:
    declare(world, more="")
    deliver(world, 1, "1,1")
    world.write("data/flights_2024-01-02.csv", "id,delay\n1,much\n")
    (step,) = world.run().steps
    assert step.outcome == "FAILED"
    assert "2024-01-02: A partition has the columns" in str(step.error)


@pytest.mark.parametrize(
    ("form", "partitions", "said"),
    [
        ("data/x.csv", DAYS, "'data/x.csv' has no place for the dimension day. Write {day} where its key stands."),
        ("data/{dai}_{day}.csv", DAYS, "has a place for 'dai', which is no dimension. There is day."),
        ("data/*_{day}.csv", DAYS, "is a glob, and each partition has one file."),
        ("{r}.csv", "{r: {static: [eu, a/b]}}", "the key 'a/b' of r cannot be part of the name of a file."),
        ("{r}.csv", "{r: {static: ['..']}}", "the key '..' of r cannot be part of the name of a file."),
        ("{d}.csv", "{d: {dayly: {start: 2024-01-01}}}", "dayly"),
    ],
)
def test_what_is_declared_wrongly_is_said(world: World, form: str, partitions: str, said: str) -> None:
    declare(world, form, partitions)
    assert any(said in str(problem) for problem in world.load().errors), world.load().errors


def test_no_asset_writes_among_the_files_of_a_source(world: World) -> None:
    declare(world)
    world.sql("mart.out", "select 1 as x", "materialization: {kind: file, path: data/flights_x.csv}")
    assert "it would write data/flights_x.csv into what raw.flights takes in" in str(world.load().errors[0])


def test_why_answers_for_a_source_with_files(flights: World) -> None:
    flights.run()
    deliver(flights, 2, "2,11")
    clauses = {it.name: it for it in flights.load().why("raw.flights").clauses}
    assert [reason.code for reason in clauses["source"].reasons] == ["INPUT_CHANGED"]
    (flights.root / "data/flights_2024-01-01.csv").unlink()
    clauses = {it.name: it for it in flights.load().why("raw.flights").clauses}
    assert [reason.code for reason in clauses["source"].reasons] == ["INPUT_REMOVED", "INPUT_CHANGED"]
    flights.run()
    assert {it.name: it for it in flights.load().why("raw.flights").clauses}["source"].holds


def test_a_table_of_something_else_has_no_partitions(world: World) -> None:
    world.write("assets/raw.yaml", f"external:\n  raw.x:\n    table: a.b\n    partitions: {DAYS}\n")
    assert "go with `file`" in str(world.load().errors[0])
