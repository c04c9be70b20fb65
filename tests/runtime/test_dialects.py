"""Assets in several dialects are one project: names meet, lineage goes across; only building needs the engine's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world import TOML, World

SNOWFLAKE = """select "id" as ID, iff(AMOUNT > 0, AMOUNT, 0) as Paid, RAW_JSON:city::varchar as CITY
from RAW.O
qualify row_number() over (partition by "id" order by AMOUNT desc) = 1"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.csv("o", "id,amount,raw_json 1,5,{}", "    columns: {id: integer, amount: integer, raw_json: varchar}\n")
    world.sql("stg.o", SNOWFLAKE, "dialect: snowflake")
    world.sql("mart.paid", "select city, sum(paid) as total from stg.o group by all")
    return world


def edges(world: World, asked: str) -> set[str]:
    found = world.load().lineage(asked).column_edges
    return {f"{it.source.asset}.{it.source.column} > {it.target.asset}.{it.target.column}" for it in found}


def test_lineage_goes_across_dialects_whatever_the_case(world: World) -> None:
    assert world.load().errors == ()
    assert {"stg.o.Paid > mart.paid.total", "raw.o.amount > stg.o.Paid", "raw.o.amount > stg.o.*"} <= edges(
        world, "mart.paid.TOTAL"
    )
    assert "raw.o.raw_json > stg.o.CITY" in edges(world, "mart.paid.city")
    assert {"stg.o.Paid > mart.paid.total"} <= edges(world, "RAW.O.AMOUNT")


def test_errors_in_either_dialect_are_found_at_their_lines(world: World) -> None:
    world.sql("mart.paid", "select town, sum(paid) as total from stg.o group by all")
    world.sql("stg.p", "select iff(amount > 0, 1, 0) as a from\nraw.nowhere", "dialect: snowflake")
    said = [(it.file, it.line) for it in world.load().errors]
    assert said == [("assets/mart/paid.sql", 1), ("assets/stg/p.sql", 5)]


def test_impact_goes_across_dialects(world: World) -> None:
    found = {str(it.asset): it.outcome for it in world.load().impact("stg.o.PAID", "DROP").impacts}
    assert found == {"mart.paid": "BREAKS"}
    assert [it.columns for it in world.load().impact("raw.o.raw_json").impacts] == [None, None]  # it may be anything
    world.run("raw.o")
    assert [it.columns for it in world.load().impact("raw.o.raw_json").impacts] == [("CITY",), None]
    assert world.load().impact("raw.o.raw_json", "RETYPE", "json").impacts[0].outcome == "MAY_BREAK"


def test_a_dialect_of_the_project_is_that_of_its_assets(world: World) -> None:
    world.write("headwater.toml", TOML + 'dialect = "snowflake"\n')
    world.sql("stg.o", SNOWFLAKE)
    world.sql("mart.paid", "select city, sum(paid) as total from stg.o group by all", "dialect: duckdb")
    assert world.load().errors == ()
    assert "stg.o.Paid > mart.paid.total" in edges(world, "mart.paid.total")


def test_what_the_engine_cannot_take_fails_with_its_place_and_stops_only_its_readers(world: World) -> None:
    world.sql("mart.other", "select amount from raw.o")
    result = world.run()
    by = {str(it.asset): it for it in result.steps}
    assert {key: it.outcome for key, it in by.items()} == {
        "raw.o": "OBSERVED",
        "mart.other": "PUBLISHED",
        "stg.o": "FAILED",
        "mart.paid": "SKIPPED",
    }
    assert by["stg.o"].error == (
        "stg.o is written in the snowflake dialect, and the engine here runs duckdb only (assets/stg/o.sql:2). "
        "Write it for duckdb, or leave it out of the run."
    )


def test_sql_that_a_function_returns_is_of_the_engines_dialect_too(world: World) -> None:
    declared = "import headwater as hw\n@hw.asset('py.p', inputs={'o': 'raw.o'}, dialect='snowflake')\n"
    world.python("p", declared + "def p(o):\n    return 'select iff(amount > 0, 1, 0) as a from raw.o'\n")
    step = next(it for it in world.run().steps if it.asset == "py.p")
    assert step.outcome == "FAILED"
    assert "py.p is written in the snowflake dialect" in str(step.error)


def test_an_unknown_dialect_is_a_declaration_error(world: World) -> None:
    world.sql("stg.o", SNOWFLAKE, "dialect: snowfall")
    (problem,) = world.load().errors
    assert (problem.line, problem.message) == (2, "Unknown SQL dialect 'snowfall'.")
