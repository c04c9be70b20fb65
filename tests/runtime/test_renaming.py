"""A rename keeps identity, history and readers as they are: nothing is computed, and nobody misses a view."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.assets.errors import ProjectError
from headwater.lineage import analyse_sql
from headwater.runtime.renaming import fresh_identity, rename_in_record

from ..world import TOML, World, outcomes

PYTHON = """import headwater as hw


@hw.asset("py.p", inputs={"a": "KEY"}, checks=[hw.not_null("x")])
def p(a: hw.Input):
    return a.select("x").arrow()
"""


def readers(world: World, key: str, clean: str = "") -> None:
    """Write everything that reads the asset called `key`."""
    name = key.split(".")[1]
    world.sql("mart.t", f"select sum({name}.x) as total from {key}{clean}")
    world.sql("mart.q", f"select {key}.x from {key} where {key}.x > 5")
    world.sql("mart.v", f"select x from {key}", "materialization: view")
    check = f"checks: [{{relationship: {{to: {key}, column: id}}}}]"
    world.sql("mart.c", "select 1 as id", check)
    world.python("py", PYTHON.replace("KEY", key))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.write("headwater.toml", TOML + '[environments.dev]\nsuffix = "__dev"\n')
    world.csv("a", "id,x 1,10 2,20")
    world.sql("stg.old", "select id, x from raw.a")
    readers(world, "stg.old")
    world.run()
    return world


def rename(world: World, old: str, new: str, query: str = "select id, x from raw.a", former: str = "") -> None:
    (world.root / f"assets/{old.replace('.', '/')}.sql").unlink()
    world.sql(new, query, f"renamed_from: {former or old}")
    readers(world, new)


def versions(world: World) -> int:
    return sum(len(world.load().history(key)) for key in world.load().assets)


def views(world: World, schema: str = "stg") -> set[str]:
    rows = world.behind(f"select view_name from duckdb_views() where not internal and schema_name = '{schema}'")
    return {str(name) for (name,) in rows}


def test_nothing_is_rebuilt_and_the_view_moves(world: World) -> None:
    before = versions(world)
    rename(world, "stg.old", "stg.new")
    status = world.load().status()
    assert {key: it.word for key, it in status.items() if it.word != "CURRENT"} == {"stg.new": "STALE"}
    assert [it.code for it in status["stg.new"].reasons] == ["RENAMED"]
    assert [(str(it.asset), it.action) for it in world.load().plan().steps] == [("stg.new", "REUSE")]
    assert world.built() == {"stg.new": "REUSED"}
    assert views(world) == {"new"}
    assert world.rows("stg.new") == {(1, 10): 1, (2, 20): 1}
    assert versions(world) == before
    assert world.run().outcome == "NOTHING_TO_DO"
    assert world.load().run(verify_data=True).outcome == "NOTHING_TO_DO"
    assert set(world.status().values()) == {"CURRENT"}


def test_what_follows_is_decided_as_ever(world: World) -> None:
    rename(world, "stg.old", "stg.new")
    world.run()
    world.csv("a", "id,x 1,10 2,21")
    assert world.built() == {
        "raw.a": "OBSERVED",
        "stg.new": "PUBLISHED",
        "mart.c": "RECHECKED",
        "mart.q": "PUBLISHED",
        "mart.t": "PUBLISHED",
        "mart.v": "PUBLISHED",
        "py.p": "PUBLISHED",
    } or world.rows("mart.t") == {(31,): 1}
    world.csv("a", "id,x 1,10 2,20")
    assert "PUBLISHED" not in set(world.built().values()) - {"OBSERVED"}, "old versions are found under the new name"
    assert world.rows("mart.t") == {(30,): 1}


def test_a_rename_with_an_edit_and_a_delivery_in_one_run(world: World) -> None:
    world.csv("a", "id,x 1,10 2,21")
    rename(world, "stg.old", "stg.new", "select id, x * 2 as x from raw.a")
    assert world.rows("stg.old") == {(1, 10): 1, (2, 20): 1}
    assert world.built()["stg.new"] == "PUBLISHED"
    assert views(world) == {"new"}
    assert world.rows("mart.t") == {(62,): 1}
    assert [it.number for it in world.load().history("stg.new")] == [2, 1]


def test_a_blocked_edit_leaves_readers_the_old_view(world: World) -> None:
    rename(world, "stg.old", "stg.new", "select id, -x as x from raw.a")
    world.sql("stg.new", "select id, -x as x from raw.a", "renamed_from: stg.old\nchecks: [{expression: x > 0}]")
    assert world.built()["stg.new"] == "BLOCKED"
    assert views(world) == {"old"}
    assert world.rows("stg.old") == {(1, 10): 1, (2, 20): 1}
    world.sql("stg.new", "select id, x from raw.a", "renamed_from: stg.old\nchecks: [{expression: x > 0}]")
    world.run()
    assert views(world) == {"new"}


def test_history_shows_the_versions_under_both_names(world: World) -> None:
    world.sql("stg.old", "select id, x + 0 as x from raw.a")
    world.run()
    rename(world, "stg.old", "stg.new", "select id, x + 0 as x from raw.a")
    for _ in range(2):
        for name in ("stg.new", "stg.old"):
            assert [(it.asset, it.number, it.named) for it in world.load().history(name)] == [
                ("stg.new", 2, "stg.old"),
                ("stg.new", 1, "stg.old"),
            ]
        world.run()
    world.sql("stg.new", "select id, x + 1 as x from raw.a", "renamed_from: stg.old")
    world.run()
    assert next((it.number, it.named) for it in world.load().history("stg.old")) == (3, None)
    kinds = [entry.type for entry in world.load().audit_log(asset="stg.new")]
    assert kinds.count("version.staged") == 3
    assert kinds.count("definition.changed") == 1


def test_a_chain_of_renames(world: World) -> None:
    before = versions(world)
    for old, new in (("stg.old", "stg.b"), ("stg.b", "stg.c"), ("stg.c", "stg.old"), ("stg.old", "stg.d")):
        rename(world, old, new)
        assert world.built() == {new: "REUSED"}
        assert views(world) == {new.split(".")[1]}
        assert world.run().outcome == "NOTHING_TO_DO"
    assert versions(world) == before


def test_a_chain_that_was_never_run_in_between(world: World) -> None:
    rename(world, "stg.old", "stg.b")
    rename(world, "stg.b", "stg.c", former="[stg.b, stg.old]")
    assert world.built() == {"stg.c": "REUSED"}
    assert views(world) == {"c"}


def test_the_line_may_go_once_it_was_run(world: World) -> None:
    rename(world, "stg.old", "stg.new")
    world.run()
    world.sql("stg.new", "select id, x from raw.a")
    assert world.run().outcome == "NOTHING_TO_DO"


def test_the_old_name_may_be_used_anew_and_is_another_asset(world: World) -> None:
    """A reader that swaps the two reads something else, though each name was the other's once."""
    rename(world, "stg.old", "stg.new")
    world.sql("mart.both", "select a.x as x, b.x as y from stg.new a, stg.new b")
    world.run()
    world.sql("stg.new", "select id, x from raw.a")
    world.sql("stg.old", "select 7 as id, 70 as x")
    assert world.built() == {"stg.old": "PUBLISHED"}
    world.sql("mart.t", "select sum(old.x) as total from stg.old")
    assert world.built() == {"mart.t": "PUBLISHED"}
    assert world.rows("mart.t") == {(70,): 1}
    world.sql("mart.both", "select a.x as x, b.x as y from stg.new a, stg.old b")
    assert world.built() == {"mart.both": "PUBLISHED"}
    world.sql("mart.both", "select a.x as x, b.x as y from stg.old a, stg.new b")
    assert world.built() == {"mart.both": "PUBLISHED"}
    assert world.rows("mart.both") == {(70, 10): 1, (70, 20): 1}


def test_each_environment_moves_its_own_view(world: World) -> None:
    world.run(env="dev")
    rename(world, "stg.old", "stg.new")
    world.run()
    assert (views(world), views(world, "stg__dev")) == ({"new"}, {"old"})
    assert world.status("dev")["stg.new"] == "STALE"
    assert world.built(env="dev") == {"stg.new": "REUSED"}
    assert views(world, "stg__dev") == {"new"}
    assert world.load().run(env="dev", verify_data=True).outcome == "NOTHING_TO_DO"


def test_promotion_over_a_name_that_did_not_move_yet(world: World) -> None:
    world.run(env="dev")
    rename(world, "stg.old", "stg.new", "select id, x * 2 as x from raw.a")
    world.run(env="dev")
    world.load().promote("+mart.t", source="dev")
    assert views(world) == {"new"}
    assert world.rows("stg.new") == {(1, 20): 1, (2, 40): 1}


def test_rollback_to_a_version_of_the_old_name(world: World) -> None:
    rename(world, "stg.old", "stg.new", "select id, x * 2 as x from raw.a")
    world.run()
    done = outcomes(world.load().rollback("stg.new", "v1"))
    assert done["stg.new"] == "ROLLED_BACK"
    assert world.rows("stg.new") == {(1, 10): 1, (2, 20): 1}


def test_a_rolled_back_asset_is_renamed_and_stays_rolled_back(world: World) -> None:
    world.sql("stg.old", "select id, x * 2 as x from raw.a")
    world.run()
    world.load().rollback("stg.old", "v1")
    world.run()
    rename(world, "stg.old", "stg.new", "select id, x * 2 as x from raw.a")
    assert world.built() == {"stg.new": "REUSED"}
    assert views(world) == {"new"}
    assert world.rows("stg.new") == {(1, 10): 1, (2, 20): 1}
    assert world.run().outcome == "NOTHING_TO_DO"
    assert "ROLLED_BACK" in world.codes("stg.new")


def test_dropping_an_environment_whose_view_did_not_move(world: World) -> None:
    world.run(env="dev")
    rename(world, "stg.old", "stg.new")
    world.load().drop_environment("dev", confirmed=True)
    assert views(world, "stg__dev") == set()
    world.run()
    assert views(world) == {"new"}


def test_a_source_can_be_renamed(world: World) -> None:
    (world.root / "assets/raw/a.yaml").unlink()
    world.write("assets/raw/b.yaml", "external:\n  raw.b: {file: data/a.csv, renamed_from: raw.a}\n")
    world.sql("stg.old", "select id, x from raw.b")
    assert world.built() == {"raw.b": "REUSED"}
    assert set(world.status().values()) == {"CURRENT"}
    world.csv("a", "id,x 1,10 2,21")
    (world.root / "assets/raw/a.yaml").unlink()
    assert world.built()["raw.b"] == "OBSERVED"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"stg.new": "stg.new"}, "assets/stg/new.sql:2: it is renamed from itself."),
        ({"stg.new": "mart.t"}, "assets/stg/new.sql:2: it is renamed from mart.t, which is still declared in"),
        ({"stg.new": "stg.old", "stg.other": "stg.old"}, "it is renamed from stg.old, and so is stg.new."),
        ({"stg.new": "stg.o-l-d"}, "assets/stg/new.sql:2: "),
        ({"stg.new": "{a: b}"}, "assets/stg/new.sql:2: "),
    ],
)
def test_a_rename_that_cannot_be_is_refused_before_any_effect(world: World, files: dict[str, str], said: str) -> None:
    before = len(world.load().audit_log())
    (world.root / "assets/stg/old.sql").unlink()
    for key, old in files.items():
        world.sql(key, "select id, x from raw.a", f"renamed_from: {old}")
    readers(world, "stg.new")
    with pytest.raises(ProjectError, match=re.escape(said)):
        world.run()
    assert views(world) == {"old"}
    assert len(world.load().audit_log()) == before


def test_a_rename_onto_an_asset_with_a_history_is_refused(world: World) -> None:
    world.sql("stg.new", "select 1 as id, 2 as x")
    world.run()
    before = len(world.load().audit_log())
    rename(world, "stg.old", "stg.new")
    for attempt in (world.run, world.status):
        with pytest.raises(ProjectError, match=r"assets/stg/new\.sql:2: it is renamed from stg\.old, and has versions"):
            attempt()
    assert len(world.load().audit_log()) == before


def test_a_reader_of_the_old_name_is_told_the_new_one(world: World) -> None:
    rename(world, "stg.old", "stg.new")
    world.sql("mart.t", "select sum(x) as total from stg.old")
    with pytest.raises(
        ProjectError, match=r"it reads stg\.old, and no asset is called that\. It is called stg\.new now"
    ):
        world.run()


def test_a_rebuilt_state_is_the_same(world: World) -> None:
    world.run(env="dev")
    rename(world, "stg.old", "stg.b")
    world.run()
    rename(world, "stg.b", "stg.c")
    world.run()
    assert world.load().audit_verify().verdict == "VERIFIED"
    before = world.status(), world.status("dev"), world.load().history("stg.c")
    world.load().rebuild_ledger()
    assert (world.status(), world.status("dev"), world.load().history("stg.c")) == before


QUERIES = (
    "select x from {t}",
    "select {t}.x, {n}.id from {t}",
    "select a.x, b.x from {t} a join {t} b on a.id = b.id",
    "with c as (select * from {t}) select * from c",
    "select * from {t} where x in (select x from {t} where {n}.id = 1)",
    "select count(*) from {t} asof join other.z on {n}.x >= z.x",
    'select "{n}".x from {t} order by {n}.x',
    "from {t}",
    "select {n}.* exclude (x) from {t}",
    "select sum(x) over (partition by {n}.id) as s from {t} union all select x from {t}",
)


@given(
    query=st.sampled_from(QUERIES),
    old=st.sampled_from(["stg.old", "old", "a.b"]),
    new=st.sampled_from(["stg.new", "x.y", "zz"]),
)
def test_the_hash_of_a_reader_does_not_hold_the_name(query: str, old: str, new: str) -> None:
    columns = {"id": "integer", "x": "integer"}

    def hashed(name: str, identity: str | None = None) -> str:
        text = query.format(t=name, n=name.split(".")[-1])
        identities = {name: identity} if identity is not None else {}
        return analyse_sql(
            text, schema={name: columns, "other.z": {"x": "integer"}}, identities=identities
        ).definition_hash

    assert hashed(new, old) == hashed(old)
    assert hashed(new) != hashed(old)
    assert hashed(new, "third") != hashed(old)


@given(st.lists(st.sampled_from(["a", "a#2", "b"]), max_size=4))
def test_no_two_assets_have_one_identity(taken: list[str]) -> None:
    assert fresh_identity("a", taken) not in taken
    assert fresh_identity("c", taken) == "c"


def test_only_what_names_an_asset_is_renamed_in_a_record() -> None:
    text = '{"kind": "stg.old", "reads": [["stg.old", 1, "stg.old", "t"]], "trace": [["b", 1, "*", "stg.old"]]}'
    assert rename_in_record(text, "stg.old", "stg.new") == (
        '{"kind": "stg.old", "reads": [["stg.new", 1, "stg.old", "t"]], "trace": [["b", 1, "*", "stg.old"]]}'
    )
