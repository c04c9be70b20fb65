"""Environments share versions: created, promoted and dropped by moving pointers, never by computing."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.assets.errors import ProjectError, RequestError
from headwater.runtime.model import Move

from ..world import TOML, World

DEV = TOML + '[environments.dev]\nsuffix = "__dev"\n'


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A source, two tables, a view and a file, built in prod; dev is declared and empty."""
    world = World(tmp_path)
    world.write("headwater.toml", DEV)
    world.csv("a", "id,x 1,10 2,20")
    world.sql("stg.a", "select id, x from raw.a", "checks: [{unique: [id]}]")
    world.sql("mart.v", "select sum(x) as total from stg.a", "materialization: view")
    world.sql("mart.t", "select total + 1 as more from mart.v")
    world.sql("mart.sheet", "select x from stg.a order by x", "materialization: {kind: file, path: out/sheet.csv}")
    world.run()
    return world


def promote(world: World, *select: str, source: str = "dev", target: str = "prod") -> Move:
    return world.load().promote(select, source=source, target=target, why="for a test")


def moved(done: Move) -> dict[str, int | None]:
    return {str(it.asset): it.version for it in done.moved}


def versions(world: World) -> int:
    return sum(len(world.load().history(key)) for key in world.load().assets)


def edit(world: World) -> None:
    world.sql("stg.a", "select id, x * 2 as x from raw.a", "checks: [{unique: [id]}]")


def test_list(world: World) -> None:
    world.run("+mart.t", env="dev")
    edit(world)
    world.run("stg.a", env="dev")
    found = {it.name: it for it in world.load().environments()}
    assert list(found) == ["prod", "dev"]
    assert (found["prod"].pointers, found["prod"].shared) == (5, 5)
    dev = found["dev"]
    assert (dev.suffix, dev.pointers, dev.shared) == ("__dev", 4, 3)
    assert dev.schemas == ("mart__dev", "raw__dev", "stg__dev")
    assert dev.since is not None


def test_list_names_an_environment_that_is_no_longer_declared(world: World) -> None:
    world.run(env="dev")
    world.write("headwater.toml", TOML)
    assert [(it.name, it.suffix, it.pointers) for it in world.load().environments()] == [
        ("prod", "", 5),
        ("dev", None, 5),
    ]


def test_create_declares_it(world: World) -> None:
    world.write("headwater.toml", TOML)
    project = world.load()
    assert project.create_environment("ci_7").moved == ()
    assert (world.root / "headwater.toml").read_text() == TOML + '\n[environments.ci_7]\nsuffix = "__ci_7"\n'
    assert world.load().config.environments == {"prod": "", "ci_7": "__ci_7"}
    assert set(project.run(env="ci_7").counts) == {"REUSED"}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("Dev", None), ("", None), ('x"]', None), ("x.y", None), ("ci", ""), ("ci", "A-B"), ("dev", "x")],
)
def test_an_environment_that_cannot_be_leaves_the_file_as_it_was(world: World, name: str, suffix: str | None) -> None:
    with pytest.raises((RequestError, ProjectError)):
        world.load().create_environment(name, suffix=suffix)
    assert (world.root / "headwater.toml").read_text() == DEV


def test_an_environment_whose_tables_would_be_those_of_others_is_refused(world: World) -> None:
    world.sql("mart__ci.t", "select 1 as x")
    with pytest.raises(ProjectError, match=r"would be the table mart__ci\.t"):
        world.load().create_environment("ci")
    assert (world.root / "headwater.toml").read_text() == DEV


def test_create_from_prod_shows_the_same_versions_at_once(world: World) -> None:
    before = versions(world)
    edit(world)
    world.run("stg.a")  # mart is stale in prod now: dev sees what prod's readers see all the same
    done = world.load().create_environment("dev", "prod")
    assert moved(done) == {"raw.a": 1, "stg.a": 2, "mart.v": 1, "mart.t": 1, "mart.sheet": 1}
    assert world.rows("mart__dev.t") == {(31,): 1}
    assert (world.root / "out__dev/sheet.csv").read_text() == "x\n10\n20\n"
    assert versions(world) == before + 1
    assert world.status("dev") == world.status("prod")
    with pytest.raises(RequestError, match="dev has 5 published assets already"):
        world.load().create_environment("dev", "prod")


def test_promote_moves_a_whole_selection_in_one_publication(world: World) -> None:
    world.run(env="dev")
    edit(world)
    world.run(env="dev")
    built = versions(world)
    done = promote(world, "stg.a+")
    assert moved(done) == {"stg.a": 2, "mart.v": 2, "mart.t": 2, "mart.sheet": 2}
    assert [it.before for it in done.moved] == [1, 1, 1, 1]
    assert world.rows("mart.t") == world.rows("mart__dev.t") == {(61,): 1}
    assert (world.root / "out/sheet.csv").read_text() == "x\n20\n40\n"
    assert set(world.status().values()) == {"CURRENT"}
    assert world.run().outcome == "NOTHING_TO_DO"
    assert versions(world) == built
    entries = [e for e in world.load().audit_log() if e.subject == done.publication]
    assert [(e.type, e.why) for e in entries[1:]] == [("publish.intended", "Promoted from dev: for a test")]
    assert world.load().audit_verify().verdict == "VERIFIED"
    again = promote(world, "stg.a+")
    assert (again.publication, again.moved, again.unchanged) == (None, (), 4)


def test_what_is_promoted_without_a_selection_is_what_was_published_there(world: World) -> None:
    edit(world)
    world.run("+stg.a", env="dev")
    world.run("mart.sheet")
    done = promote(world)
    assert moved(done) == {"stg.a": 2}
    assert done.unchanged == 1


def refused(world: World, *select: str, said: str) -> None:
    before = world.rows("mart.t"), world.status(), len(world.load().audit_log())
    with pytest.raises(RequestError, match=said) as error:
        promote(world, *select)
    assert error.value.exit_code == 2
    assert (world.rows("mart.t"), world.status(), len(world.load().audit_log())) == before


def test_a_version_of_another_definition_is_refused(world: World) -> None:
    world.run(env="dev")
    edit(world)
    world.run("stg.a", env="dev")
    world.sql("stg.a", "select id, x * 3 as x from raw.a", "checks: [{unique: [id]}]")
    refused(world, "stg.a", said=r"stg\.a@v2 would be STALE in prod \(its code changed\)")


def test_a_version_judged_by_other_checks_is_refused(world: World) -> None:
    world.run(env="dev")
    edit(world)
    world.run("stg.a", env="dev")
    world.sql("stg.a", "select id, x * 2 as x from raw.a", "checks: [{unique: [x]}]")
    refused(world, "stg.a", said=r"stg\.a@v2 would be STALE in prod \(its checks changed")


def test_a_version_made_from_what_prod_does_not_see_is_refused(world: World) -> None:
    world.run(env="dev")
    edit(world)
    world.run(env="dev")
    refused(world, "mart.t", said=r"mart\.t@v2 would be STALE in prod \(total of mart\.v changed between v2 and v1")
    assert moved(promote(world, "+mart.t")) == {"stg.a": 2, "mart.v": 2, "mart.t": 2}


def test_a_delivery_that_came_since_is_refused(world: World) -> None:
    world.run(env="dev")
    edit(world)
    world.run(env="dev")
    world.csv("a", "id,x 1,10 2,21")
    refused(world, said=r"stg\.a@v2 would be PENDING in prod")


def test_what_was_never_published_there_is_refused(world: World) -> None:
    world.run("+stg.a", env="dev")
    refused(world, "+mart.t", said=r"mart\.v was never published in dev; mart\.t was never published in dev")


def test_altered_data_is_refused(world: World) -> None:
    world.run(env="dev")
    edit(world)
    world.run(env="dev")
    with world.load().workspace.hold("test", environment="dev") as held:
        name = held.state.published["stg.a"].physical  # type: ignore[index]
    world.behind(f'update _headwater."{name}" set x = 0')
    refused(world, said=r"stg\.a@v2 would be STALE in prod \(the stored data of stg\.a@v2 was altered")


def test_a_name_that_a_foreign_table_has_is_refused(world: World) -> None:
    world.sql("mart.n", "select 1 as one")
    world.run("+mart.n", env="dev")
    world.behind("create table mart.n as select 7 as mine")
    with pytest.raises(RequestError, match=r"Nothing was moved: mart\.n is a table that Headwater did not make"):
        promote(world, "mart.n")
    assert world.behind("select mine from mart.n") == [(7,)]
    assert world.status()["mart.n"] == "MISSING"


def test_only_what_readers_see_decides_so_equal_inputs_do(world: World) -> None:
    """prod has another version of stg.a, whose column x is equal: what reads only x may be promoted over it."""
    world.run(env="dev")
    world.sql("stg.a", "select id + 100 as id, x from raw.a", "checks: [{unique: [id]}]")
    world.run("stg.a")
    world.sql("mart.t", "select total + 2 as more from mart.v")
    world.sql("stg.a", "select id, x from raw.a", "checks: [{unique: [id]}]")
    world.run(env="dev")
    world.sql("stg.a", "select id + 100 as id, x from raw.a", "checks: [{unique: [id]}]")
    assert moved(promote(world, "mart.t")) == {"mart.t": 2}
    assert set(world.status().values()) == {"CURRENT"}


def test_a_reverted_edit_is_reused_from_history_in_any_environment(world: World) -> None:
    edit(world)
    world.run()
    world.sql("stg.a", "select id, x from raw.a", "checks: [{unique: [id]}]")
    built = versions(world)
    assert set(world.built(env="dev").values()) == {"REUSED"}
    assert set(world.built().values()) == {"REUSED"}
    assert versions(world) == built
    assert world.rows("mart.t") == world.rows("mart__dev.t") == {(31,): 1}


def test_promote_to_itself_or_to_nowhere(world: World) -> None:
    with pytest.raises(RequestError, match="cannot be promoted to itself"):
        promote(world, source="prod")
    with pytest.raises(RequestError, match="There is no environment 'qa'"):
        promote(world, source="qa")
    with pytest.raises(RequestError, match="There is no environment 'qa'"):
        promote(world, target="qa")


def stored(world: World) -> set[str]:
    rows = world.behind(
        "select table_name from information_schema.tables where table_schema = '_headwater'"
        " and table_name not in ('identity', 'publications')"
    )
    return {str(name) for (name,) in rows}


def test_drop_frees_what_nobody_else_uses(world: World) -> None:
    world.run(env="dev")
    before = stored(world)
    edit(world)
    world.run(env="dev")
    assert stored(world) > before
    with pytest.raises(RequestError, match="dev has 5 published assets"):
        world.load().drop_environment("dev")
    done = world.load().drop_environment("dev", confirmed=True)
    assert len(done.moved) == 5
    assert {str(asset) for asset, _ in done.freed} == {"stg.a", "mart.v", "mart.t", "mart.sheet"}
    assert stored(world) == before
    assert world.behind("select count(*) from duckdb_views() where schema_name like '%\\_\\_dev' escape '\\'") == [(0,)]
    assert not (world.root / "out__dev/sheet.csv").exists()
    assert (world.root / "out/sheet.csv").exists()
    assert len(list((world.root / ".headwater/files").iterdir())) == 1
    assert world.rows("mart.t") == {(31,): 1}
    assert world.load().audit_verify().verdict == "VERIFIED"
    world.load().rebuild_ledger()
    assert {it.name: it.pointers for it in world.load().environments()} == {"prod": 5, "dev": 0}
    assert set(world.built(env="dev").values()) == {"REUSED", "PUBLISHED"}, "what was freed is built again"
    assert world.rows("mart__dev.t") == {(61,): 1}


def test_drop_keeps_what_prod_once_showed(world: World) -> None:
    """Whoever rolls prod back finds the versions that it showed."""
    edit(world)
    world.run(env="dev")
    world.run()
    edited = stored(world)
    world.sql("stg.a", "select id, x from raw.a", "checks: [{unique: [id]}]")
    world.run()
    world.load().drop_environment("dev", confirmed=True)
    assert stored(world) == edited


def test_drop_keeps_what_a_kept_view_is_defined_over(world: World) -> None:
    world.run(env="dev")
    edit(world)
    world.run(env="dev")
    assert moved(promote(world, "stg.a+"))["mart.v"] == 2
    world.load().drop_environment("dev", confirmed=True)
    assert world.rows("mart.v") == {(60,): 1}
    assert world.load().run(verify_data=True).outcome == "NOTHING_TO_DO"


def test_prod_is_not_dropped(world: World) -> None:
    with pytest.raises(RequestError, match="prod is what readers see"):
        world.load().drop_environment("prod", confirmed=True)


def test_an_empty_environment_is_dropped_without_a_word(world: World) -> None:
    assert world.load().drop_environment("dev").publication is None
