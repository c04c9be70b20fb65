"""Rollback: what can be shown again, how it is recorded, and what it does to what is defined over it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headwater.assets.errors import RequestError

from ..world import World, outcomes


@pytest.fixture
def world(tmp_path: Path) -> World:
    """`stg.a` has v1, v2 and v3; its view has a check that v1 does not pass; a file is made from it."""
    world = World(tmp_path)
    world.csv("a", "id,x 1,10 2,20")
    world.sql("mart.v", "select sum(x) as total from stg.a", "materialization: view")
    world.sql("mart.w", "select total as twice from mart.v", "materialization: view")
    world.sql("mart.sheet", "select x from raw.a order by x", "materialization: {kind: file, path: out/sheet.csv}")
    for factor in (1, 2, 3):
        world.sql("stg.a", f"select id, x * {factor} as x from raw.a")
        world.run()
    return world


def test_views_over_it_are_redefined_through_views(world: World) -> None:
    done = world.load().rollback("stg.a", "stg.a@v2")
    assert outcomes(done) == {"stg.a": "ROLLED_BACK", "mart.v": "REUSED", "mart.w": "REUSED"}
    assert world.rows("mart.v") == world.rows("mart.w") == {(60,): 1}
    run, steps = world.load().show("last")
    assert run.outcome == "SUCCEEDED"
    assert {step.asset: step.outcome for step in steps} == {
        "stg.a": "ROLLED_BACK",
        "mart.v": "REUSED",
        "mart.w": "REUSED",
    }


def test_a_view_that_does_not_pass_its_gate_stays_as_it_was(world: World) -> None:
    world.sql(
        "mart.v", "select sum(x) as total from stg.a", "materialization: view\nchecks: [{expression: total > 50}]"
    )
    world.run()
    done = world.load().rollback("stg.a", "v1")
    assert outcomes(done) == {"stg.a": "ROLLED_BACK", "mart.v": "BLOCKED", "mart.w": "HELD"}
    assert world.rows("stg.a") == {(1, 10): 1, (2, 20): 1}
    assert world.rows("mart.v") == world.rows("mart.w") == {(90,): 1}


def test_a_view_that_was_edited_meanwhile_is_not_published_with_it(world: World) -> None:
    world.sql("mart.v", "select max(x) as total from stg.a", "materialization: view")
    assert outcomes(world.load().rollback("stg.a", "v1")) == {"stg.a": "ROLLED_BACK"}
    assert world.rows("mart.v") == {(90,): 1}


def test_back_and_back_again_holds_both(world: World) -> None:
    world.load().rollback("stg.a", "v2")
    world.load().rollback("stg.a", "v1")
    assert [it.held_in for it in world.load().history("stg.a")] == [("prod",), ("prod",), ()]
    assert world.run().outcome == "NOTHING_TO_DO"
    with pytest.raises(RequestError, match=r"stg\.a@v3 is held: prod was rolled back from it"):
        world.load().rollback("stg.a", "v3")
    assert sorted(world.load().release("stg.a")) == [2, 3]
    world.run()
    assert world.rows("stg.a") == {(1, 30): 1, (2, 60): 1}


def test_a_file_is_put_back(world: World) -> None:
    world.csv("a", "id,x 1,11 2,20")
    world.run()
    assert (world.root / "out/sheet.csv").read_text() == "x\n11\n20\n"
    world.load().rollback("mart.sheet", "v1")
    assert (world.root / "out/sheet.csv").read_text() == "x\n10\n20\n"
    world.run()
    assert (world.root / "out/sheet.csv").read_text() == "x\n10\n20\n"


@pytest.mark.parametrize(
    ("asset", "version", "said"),
    [
        ("stg.a", "v3", "prod shows stg.a@v3 already."),
        ("stg.a", "v9", "There is no version 9 of stg.a."),
        ("stg.a", "latest", "'latest' is no version of stg.a. Write it as v3."),
        ("stg.a", "mart.v@v1", "'mart.v@v1' is no version of stg.a."),
        ("stg.a", "v" + "9" * 40, "is no version of stg.a."),
        ("stg.b", "v1", "No asset is called 'stg.b'."),
        ("mart.never", "v1", "mart.never is not published in prod."),
        ("mart.bad", "v2", "mart.bad@v2 was rejected by expression"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_any_effect(world: World, asset: str, version: str, said: str) -> None:
    world.sql("mart.bad", "select 1 as n", "checks: [{expression: n < 2}]")
    world.run()
    world.sql("mart.bad", "select 2 as n", "checks: [{expression: n < 2}]")
    world.run()
    world.sql("mart.never", "select 1 as n")
    before = len(world.load().audit_log())
    with pytest.raises(RequestError, match=re.escape(said)) as error:
        world.load().rollback(asset, version)
    assert error.value.exit_code == 2
    assert len(world.load().audit_log()) == before


def test_altered_data_is_not_shown(world: World) -> None:
    with world.load().workspace.hold("test", environment="prod") as held:
        name = next(v.physical for v in held.reader.versions("stg.a") if v.number == 1)  # type: ignore[arg-type]
    world.behind(f'update _headwater."{name}" set x = 0')
    done = world.load().rollback("stg.a", "v1")
    assert outcomes(done)["stg.a"] == "FAILED"
    assert "The stored data of stg.a@v1 was altered or is gone." in str(done.steps[0].error)
    assert world.rows("stg.a") == {(1, 30): 1, (2, 60): 1}
    assert world.load().history("stg.a")[0].held_in == ()


def test_a_freed_version_is_not_shown(world: World) -> None:
    world.load().create_environment("dev", "prod")
    world.sql("stg.a", "select id, x * 4 as x from raw.a")
    world.run(env="dev")
    world.load().drop_environment("dev", confirmed=True)
    with pytest.raises(RequestError, match=r"The data of stg\.a@v4 was disposed of"):
        world.load().rollback("stg.a", "v4")


def test_who_when_and_why_are_in_the_ledger_and_in_why(world: World) -> None:
    world.load().rollback("stg.a", "v2", why="tripled by mistake")
    entries = {e.type: e for e in world.load().audit_log(asset="stg.a")}
    rolled, placed = entries["version.rolled_back"], entries["hold.placed"]
    assert (rolled.subject, rolled.why) == ("stg.a@v2", "tripled by mistake")
    assert rolled.payload == {"environment": "prod", "from": 3, "to": 2}
    assert (placed.subject, placed.payload["number"]) == ("stg.a@v3", 3)
    clauses = {it.name: it for it in world.load().why("stg.a").clauses}
    assert clauses["rollback"].holds is False
    assert "tripled by mistake" in clauses["rollback"].reasons[0].message
    world.load().release("stg.a", why="it was right")
    lifted = next(e for e in world.load().audit_log(asset="stg.a") if e.type == "hold.lifted")
    assert (lifted.subject, lifted.why) == ("stg.a@v3", "it was right")


def test_a_rebuilt_state_knows_the_same(world: World) -> None:
    world.load().rollback("stg.a", "v2")
    world.load().rollback("stg.a", "v1")
    assert world.load().audit_verify().verdict == "VERIFIED"
    before = world.load().plan().rolled_back, world.load().history("stg.a")
    world.load().rebuild_ledger()
    assert (world.load().plan().rolled_back, world.load().history("stg.a")) == before


def test_a_reason_that_is_a_novel_is_refused(world: World) -> None:
    with pytest.raises(RequestError, match="The reason has 5000 characters"):
        world.load().rollback("stg.a", "v1", why="x" * 5000)


def test_an_asset_whose_result_differs_each_time_is_held_too(world: World) -> None:
    world.sql("mart.dice", "select random() as n")
    world.run()
    world.run()
    shown = world.rows("mart.dice")
    world.load().rollback("mart.dice", "v1")
    first = world.rows("mart.dice")
    assert first != shown
    world.run()
    assert world.rows("mart.dice") == first
