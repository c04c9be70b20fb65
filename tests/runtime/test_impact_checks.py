"""A new type and the checks that look at it: what could no longer be evaluated is said before it blocks a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.runtime.impact_model import Impact, ImpactReport
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.csv("o", "id,amount 1,10 2,20")
    world.sql("stg.o", "select id, amount from raw.o")
    return world


def ask(world: World, column: str, to: str) -> dict[str, Impact]:
    """Return what a new type means for each asset, that itself among them."""
    report: ImpactReport = world.load().impact(column, "RETYPE", to)
    return {str(it.asset): it for it in (report.own, *report.impacts)}


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("{relationship: {to: raw.o, column: id, columns: id}}", "The keys are of different types: id is"),
        ('{expression: "id + 1 > 0"}', "Binder Error: No function matches"),
        ('{row_count: {min: 1, where: "id + 1 > 0"}}', "Binder Error: No function matches"),
        ('{sql: "select * from $this where id + 1 < 0"}', "Binder Error: No function matches"),
        ('{sql: "select * from mart.c where id + 1 < 0"}', "Binder Error: No function matches"),
    ],
)
def test_a_check_that_no_longer_binds_breaks_at_its_place(check: str, said: str, world: World) -> None:
    world.sql("mart.c", "select id from stg.o", f"checks:\n  - {check}")
    world.run()
    found = ask(world, "stg.o.id", "varchar")
    assert found["mart.c"].outcome == "BREAKS"
    (place,) = found["mart.c"].places
    assert (str(place.file), place.line) == ("assets/mart/c.sql", 3)
    assert said in place.message
    assert ask(world, "stg.o.id", "bigint")["mart.c"].outcome != "BREAKS"
    assert ask(world, "stg.o.id", "smallint")["mart.c"].outcome == "STALE"
    assert ask(world, "stg.o.amount", "varchar")["mart.c"].outcome == "UNTOUCHED"


def test_what_is_said_to_break_blocks_the_run_that_follows(world: World) -> None:
    world.sql("mart.c", "select id from stg.o", "checks:\n  - {relationship: {to: raw.o, column: id, columns: id}}")
    world.run()
    world.sql("stg.o", "select id::varchar as id, amount from raw.o")
    assert world.built()["mart.c"] == "BLOCKED"


def test_checks_of_the_asset_itself_and_of_who_only_checks_against_it(world: World) -> None:
    world.sql("stg.o", "select id, amount from raw.o", 'checks: [{expression: "amount % 2 = 0"}]')
    world.sql("mart.r", "select 1 as id", "checks: [{relationship: {to: stg.o, column: id, columns: id}}]")
    world.run()
    assert ask(world, "stg.o.amount", "varchar")["stg.o"].outcome == "BREAKS"
    assert ask(world, "stg.o.id", "varchar")["mart.r"].outcome == "BREAKS"
    assert ask(world, "stg.o.id", "smallint")["mart.r"].outcome == "MAY_CHANGE"


def test_keys_that_change_on_both_sides_still_fit(world: World) -> None:
    world.sql("mart.c", "select id from stg.o", "checks: [{relationship: {to: stg.o, column: id, columns: id}}]")
    world.run()
    assert ask(world, "stg.o.id", "varchar")["mart.c"].outcome == "STALE"


def test_only_the_types_of_what_a_check_looks_at_must_be_known(world: World) -> None:
    block = "checks: [{unique: [id]}, {expression: 'amount + id > 0'}]"
    world.sql("stg.o", "select id, amount from raw.o", block)
    world.sql("mart.r", "select x.id from (select 1 as id) as x", "checks: [{relationship: {to: stg.o, column: id}}]")
    found = ask(world, "stg.o.id", "varchar")
    assert found["stg.o"].outcome == "MAY_BREAK"
    assert [place.message.split(":")[0] for place in found["stg.o"].places] == [
        "the check 'expression(amount + id > 0)'"
    ]
    assert found["mart.r"].outcome == "BREAKS"
    world.sql("stg.o", "select id, amount from raw.o", "checks: [{unique: [id]}]")
    assert ask(world, "stg.o.id", "varchar")["stg.o"].outcome == "STALE"


def test_a_check_that_cannot_be_evaluated_today_is_not_broken_by_the_change(world: World) -> None:
    world.sql("mart.c", "select id from stg.o", "checks: [{expression: \"id || 'x' + 1 > 0\"}]")
    world.run()
    assert ask(world, "stg.o.id", "double")["mart.c"].outcome == "STALE"


def test_columns_that_data_decides_about_are_not_those_of_an_empty_table(world: World) -> None:
    world.sql("mart.p", "pivot stg.o on id using sum(amount)")
    world.sql("mart.one", 'select "1" from mart.p')
    world.run()
    found = ask(world, "stg.o.id", "smallint")
    assert (found["mart.p"].outcome, found["mart.one"].outcome) == ("MAY_BREAK", "MAY_CHANGE")
