"""`why`: the change itself, the root cause through several layers, and the proof where there is no change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headwater.runtime.explanation import Cause
from headwater.runtime.model import Explanation
from headwater.runtime.version_history import parameters_of_text

from ..world import World

ROWS = "k,a,b 1,2,3 2,3,4"
MORE = "k,a,b 1,2,3 2,3,4 5,6,7"
NOW = datetime(2024, 1, 6, 12, tzinfo=UTC)


@pytest.fixture
def layers(tmp_path: Path) -> World:
    """A source, read through two layers."""
    world = World(tmp_path, NOW)
    world.csv("z", ROWS)
    world.sql("stg.y", "select k, a from raw.z where a > 0")
    world.sql("mart.x", "select k, sum(a) as total from stg.y group by k")
    world.run()
    return world


def why(world: World, asset: str) -> Explanation:
    return world.load().why(asset)


def roots(explanation: Explanation) -> list[Cause]:
    return [cause for cause in explanation.because if cause.root]


def changes(explanation: Explanation) -> list[str]:
    return [change.sentence for move in explanation.definition for change in move.changes]


def failing(explanation: Explanation) -> dict[str, list[str]]:
    return {it.name: [r.code for r in it.reasons] for it in explanation.clauses if it.holds is False}


def test_a_current_asset_is_proven_read_by_read(layers: World) -> None:
    found = why(layers, "mart.x")
    assert (found.status.word, found.because, found.definition) == ("CURRENT", (), ())
    assert [(it.name, it.holds) for it in found.clauses if it.holds is not True] == []
    (read,) = found.reads
    assert (read.upstream, read.columns, read.version, read.now, read.equal) == ("stg.y", ("a", "k"), 1, 1, True)
    assert (read.rows, read.since_version, read.since) == (2, 1, "2024-01-06T12:00:00.000000Z")
    assert read.fingerprint


def test_an_input_that_was_rebuilt_equal_is_the_same_since_it_came_to_be_so(layers: World) -> None:
    layers.tomorrow()
    layers.csv("z", "k,a,b 1,2,30 2,3,40")  # a column that nobody reads
    layers.run()
    (read,) = why(layers, "stg.y").reads
    assert (read.now, read.equal, read.since_version) == (2, True, 1)
    assert (read.since or "")[:10] == "2024-01-06"
    assert read.condition == '"a" > 0'


def test_an_edit_is_told_in_the_users_own_names(layers: World) -> None:
    layers.sql("mart.x", "select k, sum(a) * 2 as total, count(*) as n from stg.y group by k")
    found = why(layers, "mart.x")
    assert changes(found) == [
        "column total computed differently: sum(a) as total became sum(a) * 2 as total",
        "column n added: count(*) as n",
    ]
    assert found.columns is not None
    assert (found.columns.added, found.columns.removed, found.rows) == (("n",), (), 2)
    assert found.diff is not None
    assert "+select k, sum(a) * 2" in found.diff


def test_an_edit_that_counts_for_nothing_is_told_as_such(layers: World) -> None:
    layers.sql("mart.x", "SELECT s.k, (sum(a)) AS total -- per key\nFROM stg.y AS s GROUP BY k")
    found = why(layers, "mart.x")
    assert (found.status.word, found.diff) == ("CURRENT", None)
    assert [(move.version, move.changes) for move in found.definition] == [(1, ())]


def test_other_parts_of_a_definition(layers: World) -> None:
    layers.write("headwater.toml", '[project]\nname = "world"\n[vars]\nleast = 1\n')
    layers.sql("mart.v", "select k from raw.z where a > $vars.least")
    layers.run()
    layers.write("headwater.toml", '[project]\nname = "world"\n[vars]\nleast = 2\n')
    layers.sql("mart.x", "select k, sum(a) as total from stg.y group by k", "materialization: view")
    assert changes(why(layers, "mart.v")) == ["parameter vars.least changed: 1 became 2"]
    assert changes(why(layers, "mart.x")) == ["how it is stored changed: table became view"]


def test_an_upstream_that_was_rebuilt_because_its_sql_changed(layers: World) -> None:
    layers.sql("stg.y", "select k, a * 2 as a from raw.z where a > 0")
    run = layers.run("stg.y")
    found = why(layers, "mart.x")
    (cause,) = found.because
    assert failing(found) == {"inputs": ["INPUT_CHANGED"]}
    assert (cause.asset, cause.version, cause.run, cause.root) == ("stg.y", 2, run.run, True)
    assert cause.message == "stg.y v2 was built because its definition changed"
    assert [change.sentence for change in cause.changes] == ["column a computed differently: a became a * 2 as a"]


def test_a_delivery_is_found_behind_two_layers_with_its_rows(layers: World) -> None:
    layers.csv("z", MORE)
    run = layers.run("+stg.y")
    found = why(layers, "mart.x")
    middle, root = found.because
    assert (middle.asset, middle.depth, middle.root) == ("stg.y", 0, False)
    assert (root.asset, root.depth, root.root) == ("raw.z", 1, True)
    assert (root.version, root.run, root.rows_before, root.rows_after) == (2, run.run, 2, 3)
    assert "delivered anew" in root.message
    assert found.causes == (f"raw.z: {root.message}",)


def test_the_version_that_brought_the_data_is_named_and_not_the_last_one(layers: World) -> None:
    layers.csv("z", MORE)
    run = layers.run("raw.z")
    layers.csv("z", "k,a,b 1,2,30 2,3,40 5,6,70")  # stg.y sees nothing of it
    layers.run("raw.z")
    (cause,) = why(layers, "stg.y").because
    assert (cause.version, cause.run) == (2, run.run)
    layers.run()
    (read,) = why(layers, "stg.y").reads
    assert (read.now, read.since_version, read.since_run) == (3, 2, run.run)


def test_a_pending_asset_is_followed_to_what_it_waits_for(layers: World) -> None:
    layers.sql("mart.end", "select k from mart.x")
    layers.run()
    layers.sql("stg.y", "select k, a from raw.z where a > 2")
    found = why(layers, "mart.end")
    (root,) = roots(found)
    assert (found.status.word, root.asset, root.path) == ("PENDING", "stg.y", ("mart.x",))
    assert [change.sentence for change in root.changes] == ["filter changed: a > 0 became a > 2"]


def test_a_blocked_asset_says_what_its_checks_found_and_what_made_it_different(layers: World) -> None:
    query = "select k, sum(a) as total from stg.y group by k"
    layers.sql("mart.x", query, "checks: [{row_count: {max: 2}}]")
    layers.run()
    layers.csv("z", MORE)
    run = layers.run()
    layers.sql("mart.end", "select k from mart.x")
    for asset, path in (("mart.x", ()), ("mart.end", ())):
        found = why(layers, asset)
        block = next(cause for cause in found.because if cause.version is not None and cause.asset == "mart.x")
        assert (block.run, block.path) == (run.run, path)
        assert "found 3 rows" in block.message
        assert [cause.asset for cause in roots(found)][-1] == "raw.z"
    assert failing(why(layers, "mart.x"))["checks"] == ["BLOCKED"]
    assert failing(why(layers, "mart.end"))["upstream"] == ["HELD"]


def test_an_unknown_source_is_found_behind_its_readers(layers: World) -> None:
    (layers.root / "data/z.csv").unlink()
    found = why(layers, "mart.x")
    (root,) = roots(found)
    assert (found.status.word, root.asset, root.path) == ("UNKNOWN", "raw.z", ("stg.y",))


def test_what_was_never_built_says_what_has_to_be_there_first(tmp_path: Path) -> None:
    world = World(tmp_path, NOW)
    world.csv("z", ROWS)
    world.sql("stg.y", "select k from raw.z")
    found = why(world, "stg.y")
    assert (found.status.word, found.reads, found.version) == ("MISSING", (), None)
    assert {it.name: it.holds for it in found.clauses}["inputs"] is None
    assert [cause.asset for cause in roots(found)] == ["raw.z"]


PYTHON = """import headwater as hw
from helper import RATE, scale


@hw.asset("mart.p", inputs={"z": "raw.z"})
def p(z):
    return scale(z.select("k").arrow(), RATE)
"""
HELPER = "RATE = 2\nOTHER = 1\n\n\ndef scale(table, rate):\n    return table\n"


RATE = "constant RATE in helper.py"
UNUSED = [
    "function p in assets/p.py changed",
    f"{RATE} removed: RATE = 2",
    "import RATE in assets/p.py removed: helper.RATE",
]


@pytest.mark.parametrize(
    ("helper", "asset", "expected"),
    [
        (HELPER, PYTHON, []),
        (HELPER.replace("OTHER = 1", "OTHER = 2"), PYTHON, []),
        (HELPER.replace("    return", '    """Doc."""\n    return'), PYTHON, []),
        (HELPER.replace("RATE = 2", "RATE = 3"), PYTHON, [f"{RATE} changed: RATE = 2 became RATE = 3"]),
        (HELPER.replace("return table", "return table.slice(0)"), PYTHON, ["function scale in helper.py changed"]),
        (HELPER, PYTHON.replace(", RATE)", ", 2)"), UNUSED),
    ],
)
def test_of_python_code_the_function_or_constant_is_named(
    tmp_path: Path, helper: str, asset: str, expected: list[str]
) -> None:
    world = World(tmp_path, NOW)
    world.csv("z", ROWS)
    world.write("helper.py", HELPER)
    world.python("p", PYTHON)
    world.run()
    world.write("helper.py", helper)
    world.python("p", asset)
    found = why(world, "mart.p")
    assert sorted(changes(found)) == sorted(expected)
    assert (found.status.word == "CURRENT") == (expected == [])


def test_a_library_that_was_updated_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, NOW)
    world.csv("z", ROWS)
    world.python("p", "import headwater as hw\nimport pyarrow as pa\n\n\n@hw.asset('mart.p', inputs={'z': 'raw.z'})\n"
                 "def p(z):\n    return pa.table({'n': [z.select('k').arrow().num_rows]})\n")  # fmt: skip
    monkeypatch.setattr("headwater.runtime.define_python.installed_version", lambda name: "1.0")
    world.run()
    monkeypatch.setattr("headwater.runtime.define_python.installed_version", lambda name: "1.1")
    assert changes(why(world, "mart.p")) == ["library pyarrow changed: 1.0 became 1.1"]


def test_recorded_parameters_are_taken_apart() -> None:
    assert parameters_of_text('vars.a=1, vars.b="x, y=2", vars.c=true') == {
        "vars.a": "1",
        "vars.b": '"x, y=2"',
        "vars.c": "true",
    }
    assert parameters_of_text("") == {}


def test_a_rollback_is_told_with_what_made_the_version_different_that_it_left(layers: World) -> None:
    layers.csv("z", MORE)
    layers.run()
    layers.load().rollback("mart.x", "v1")
    found = why(layers, "mart.x")
    assert failing(found)["rollback"] == ["ROLLED_BACK"]
    assert [cause.asset for cause in roots(found)] == ["raw.z"]
