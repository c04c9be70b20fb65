"""Warm loads: what is kept of the project as a whole is used while nothing changed, and never after."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.runtime import loading
from headwater.runtime.definer import Definer
from headwater.runtime.freshness_view import survey_freshness
from headwater.runtime.later import Later
from headwater.runtime.state_reader import SqlStateReader

from ..world import World

NOW = datetime(2024, 1, 6, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A source, a chain of two, a Python asset, and a contract and a check that YAML files add; built and looked at."""
    world = World(tmp_path, NOW)
    world.csv("orders", "id,amount 1,10 2,20")
    world.sql("stg.orders", "select id, amount from raw.orders", "checks: [{unique: [id]}]")
    world.sql("mart.total", "select sum(amount) as total from stg.orders")
    world.python(
        "p", 'import headwater as hw\n@hw.asset("mart.p", inputs={"t": "stg.orders"})\ndef p(t):\n  return t.arrow()\n'
    )
    world.write("assets/a.yaml", "assets:\n  mart.total:\n    columns:\n      total: {checks: [not_null]}\n")
    world.run()
    assert set(world.status().values()) == {"CURRENT"}
    return world


def whole(world: World) -> tuple[object, ...]:
    """Return all that a project comes to, however it was loaded."""
    project = world.load()
    loaded, survey = project.workspace.loaded, project.workspace.survey("prod")
    known = dict(loaded.assets), dict(loaded.references), loaded.graph, dict(survey.resolved), survey.resolved.outlines
    return (*known, survey.decisions, loaded.notable(), survey_freshness(project.workspace, survey))


def cold(world: World) -> tuple[object, ...]:
    """Return the same without anything kept."""
    for file in (world.root / ".headwater" / "cache").iterdir():
        file.unlink()
    return whole(world)


def test_a_warm_project_is_the_cold_one(world: World) -> None:
    warm = whole(world)
    assert isinstance(world.load().assets, Later), "it was kept"
    assert warm == cold(world)


def test_a_warm_answer_resolves_and_declares_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError("it is known")

    monkeypatch.setattr(loading, "_load_all", never)
    monkeypatch.setattr(Definer, "_resolve_each", never)
    assert set(world.status().values()) == {"CURRENT"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("assets/stg/orders.sql", "select id, amount + 1 as amount from raw.orders"),
        ("assets/stg/orders.sql", "select id, amount, 1 as more from raw.orders"),
        ("assets/mart/new.sql", "select id from stg.orders"),
        ("assets/a.yaml", "assets:\n  mart.total:\n    columns:\n      total: {checks: [unique]}\n"),
        ("headwater.toml", "[vars]\nx = 1\n"),
        ("headwater.toml", "[defaults]\nowner = 'me'\n"),
        ("headwater.toml", "[project]\ntimezone = 'Europe/London'\n"),
        ("helper.py", "X = 1\n"),
        ("data/orders.csv", "id,amount\n1,10\n2,21\n"),
        ("data/orders.csv", "id,amount,total\n1,10,1\n2,20,1\n"),
    ],
)
def test_after_an_edit_it_is_as_if_nothing_was_kept(world: World, path: str, text: str) -> None:
    world.write(path, text)
    assert whole(world) == cold(world)
    world.run()
    after = whole(world)
    assert whole(world) == after == cold(world)


def test_an_environment_has_what_was_published_in_it(world: World) -> None:
    world.write("headwater.toml", "[environments.dev]\nsuffix = '_dev'\n")
    world.sql("stg.orders", "select id, amount, 'x' as x from raw.orders", "checks: [{unique: [id]}]")
    world.run(env="dev")
    for _ in range(2):
        assert set(world.status(env="dev").values()) == {"CURRENT"}
        assert world.status()["stg.orders"] == "STALE"


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_rows_that_the_cache_lost_are_made_again(world: World, keep: int) -> None:
    """Whatever is left of it, the answer is the same."""
    warm = whole(world)
    with sqlite3.connect(world.root / ".headwater" / "cache" / "analysis.db") as cache:
        # The rows of the whole are larger than those of one asset here, and stay.
        cache.execute(
            "delete from packed where key not in (select key from packed order by length(value) desc limit ?)", (keep,)
        )
    cache.close()
    assert whole(world) == warm


def test_code_that_reads_the_world_when_it_is_imported_is_never_kept(world: World) -> None:
    world.write("names.txt", "one")
    world.python(
        "made",
        "import pathlib\nimport headwater as hw\n"
        "for name in (pathlib.Path(__file__).parent.parent / 'names.txt').read_text().split():\n"
        "    @hw.asset('made.' + name, inputs={'t': 'stg.orders'}, version='1')\n"
        "    def made(t):\n        return t.arrow()\n",
    )
    assert "made.one" in world.status()
    world.write("names.txt", "one two")
    assert "made.two" in world.status()


def test_versions_in_short_are_those_of_their_records(world: World) -> None:
    """The projections say in short what the records say at length: also of blocked, rechecked and file versions."""
    world.sql("mart.out", "select id from stg.orders order by id", "materialization: {kind: file, path: out/x.csv}")
    world.sql("mart.total", "select sum(amount) as total from stg.orders", "checks: [{row_count: {min: 1}}]")
    world.run()
    world.csv("orders", "id,amount 1,10 1,20")
    assert "BLOCKED" in world.built().values()
    with world.load().workspace.reader() as reader:
        assert reader is not None
        states = SqlStateReader(reader.connection)
        short, long = states.snapshot("prod", in_short=True), states.snapshot("prod")
        assert short.published.standings == long.published.standings
        assert {standing.kind for standing in short.published.standings.values()} >= {"external", "table", "file"}
        assert dict(short.published) == dict(long.published)


def test_what_was_renamed_is_known_in_short_by_its_new_name(world: World) -> None:
    """Before the rename is recorded, when it is, and when the projections are made again from the entries."""
    (world.root / "assets" / "stg" / "orders.sql").rename(world.root / "assets" / "stg" / "sold.sql")
    text = (world.root / "assets" / "stg" / "sold.sql").read_text()
    world.write("assets/stg/sold.sql", text.replace("checks:", "renamed_from: stg.orders\nchecks:"))
    world.sql("mart.total", "select sum(amount) as total from stg.sold")
    world.python("p", (world.root / "assets" / "p.py").read_text().replace("stg.orders", "stg.sold"))
    for after in (world.load, world.run, lambda: world.load().rebuild_ledger()):
        after()
        project = world.load()
        with project.workspace.reader() as reader:
            assert reader is not None
            states = project.workspace.states(reader.connection)
            short, long = states.snapshot("prod", in_short=True), states.snapshot("prod")
            assert short.published.standings == long.published.standings
            assert "stg.sold" in short.published.standings
    assert set(world.status().values()) == {"CURRENT"}
