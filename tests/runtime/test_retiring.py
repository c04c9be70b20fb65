"""What is no longer declared stays in view until it is retired; then it leaves, and its versions stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater import load_plan, save_plan
from headwater.assets.errors import RequestError

from ..world import TOML, World, outcomes


@pytest.fixture
def world(tmp_path: Path) -> World:
    """`mart.old`, `mart.older` and a file `mart.sheet` were published, and their declarations are gone."""
    world = World(tmp_path)
    world.csv("a", "id,x 1,10 2,20")
    world.sql("stg.a", "select id, x from raw.a")
    world.sql("mart.old", "select sum(x) as total from stg.a")
    world.sql("mart.older", "select max(x) as most from stg.a")
    world.sql("mart.sheet", "select x from stg.a order by x", "materialization: {kind: file, path: out/sheet.csv}")
    world.run()
    for name in ("old", "older", "sheet"):
        (tmp_path / f"assets/mart/{name}.sql").unlink()
    return world


def retire(world: World, *select: str, env: str = "prod") -> dict[str, str]:
    return outcomes(world.load().run(select=select, env=env, retire=True, workers=1))


def test_it_stays_in_view_and_is_listed(world: World) -> None:
    assert world.built() == {}
    assert world.rows("mart.old") == {(30,): 1}
    assert world.status()["mart.old"] == "RETIRED"
    plan = world.load().plan()
    assert plan.steps == ()
    assert plan.retired == ("mart.old", "mart.older", "mart.sheet")


def test_it_leaves_and_its_versions_stay(world: World) -> None:
    stored = world.physical()["mart.old"]
    assert [step.action for step in world.load().plan(retire=True).steps] == ["RETIRE"] * 3
    assert retire(world) == dict.fromkeys(("mart.old", "mart.older", "mart.sheet"), "RETIRED")
    assert world.behind("select view_name from duckdb_views() where not internal and schema_name = 'mart'") == []
    assert world.behind(f'select * from _headwater."{stored}"') == [(30,)]
    assert set(world.status()) == {"raw.a", "stg.a"}
    assert [it.number for it in world.load().history("mart.old")] == [1]
    assert not (world.root / "out/sheet.csv").exists()
    assert len(list((world.root / ".headwater/files").iterdir())) == 1
    assert retire(world) == {}
    run, steps = world.load().show("last")
    assert run.outcome == "NOTHING_TO_DO"
    assert steps == ()


def test_only_what_is_named_leaves(world: World) -> None:
    assert retire(world, "mart.old") == {"mart.old": "RETIRED"}
    assert retire(world, "mart.*", "stg.a") == {"mart.older": "RETIRED", "mart.sheet": "RETIRED"}


def test_a_name_that_nothing_has_is_refused(world: World) -> None:
    with pytest.raises(RequestError, match="No asset matches"):
        retire(world, "mart.olden")
    with pytest.raises(RequestError, match="No asset matches"):
        world.run("mart.old")


def test_what_is_excluded_stays(world: World) -> None:
    done = world.load().run(exclude=["mart.old*"], retire=True)
    assert outcomes(done) == {"mart.sheet": "RETIRED"}


def test_declared_again_it_is_reused(world: World) -> None:
    retire(world)
    world.sql("mart.old", "select sum(x) as total from stg.a")
    assert world.status()["mart.old"] == "MISSING"
    assert world.built() == {"mart.old": "REUSED"}
    assert world.rows("mart.old") == {(30,): 1}


def test_the_name_taken_by_a_foreign_table(world: World) -> None:
    world.behind("drop view mart.old")
    world.behind("create table mart.old as select 7 as mine")
    result = world.load().run(select="mart.old", retire=True)
    assert [(step.outcome, step.message) for step in result.steps] == [
        ("RETIRED", "mart.old is a table that Headwater did not make; it stays.")
    ]
    assert world.behind("select mine from mart.old") == [(7,)]
    assert "mart.old" not in world.status()


def test_a_file_that_someone_replaced_stays(world: World) -> None:
    (world.root / "out/sheet.csv").write_text("mine")
    retire(world)
    assert (world.root / "out/sheet.csv").read_text() == "mine"


def test_a_file_whose_path_another_asset_writes_now_stays(world: World) -> None:
    world.sql("mart.page", "select x from stg.a order by x", "materialization: {kind: file, path: out/sheet.csv}")
    world.run()
    retire(world)
    assert (world.root / "out/sheet.csv").read_text() == "x\n10\n20\n"


def test_one_environment_keeps_what_another_drops(world: World) -> None:
    for name, query in (("old", "select sum(x) as total from stg.a"),):
        world.sql(f"mart.{name}", query)
    world.write("headwater.toml", TOML + '[environments.dev]\nsuffix = "__dev"\n')
    world.run(env="dev")
    (world.root / "assets/mart/old.sql").unlink()
    assert retire(world, env="dev") == {"mart.old": "RETIRED"}
    assert world.rows("mart.old") == {(30,): 1}
    assert world.status("prod")["mart.old"] == "RETIRED"
    assert "mart.old" not in world.status("dev")


def test_a_view_of_that_name_in_another_environment_stays(world: World) -> None:
    """`mart__dev.x`, retired in prod, has the name that `mart.x` has in dev."""
    world.sql("mart__dev.x", "select 1 as x")
    world.run()
    (world.root / "assets/mart__dev/x.sql").unlink()
    world.sql("mart.x", "select 2 as x")
    world.write("headwater.toml", TOML + '[environments.dev]\nsuffix = "__dev"\n')
    world.run(env="dev")
    retire(world)
    assert world.rows("mart__dev.x") == {(2,): 1}


def test_a_saved_plan_that_retires(world: World) -> None:
    path = world.root / "plan.json"
    save_plan(world.load().plan(retire=True), path)
    assert set(outcomes(world.load().run(load_plan(path))).values()) == {"RETIRED"}
    with pytest.raises(RequestError, match=r"the published version of mart\.old \(v1 then, none now\)"):
        world.load().run(load_plan(path))
    world.sql("mart.old", "select sum(x) as total from stg.a")
    with pytest.raises(RequestError, match=r"mart\.old is declared again"):
        world.load().run(load_plan(path))


def test_the_projections_follow_from_the_ledger(world: World) -> None:
    retire(world)
    assert world.load().audit_verify().verdict == "VERIFIED"
    before = world.status()
    world.load().rebuild_ledger()
    assert world.status() == before
