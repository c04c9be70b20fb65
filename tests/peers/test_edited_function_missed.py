"""Dagster: without a `code_version`, an edited function body leaves its asset FRESH."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..world import World

HEAD = "import headwater as hw\n\n"
ASSET = '@hw.asset("py.a", inputs={"raw": "raw.a"})\n'


def build(world: World, body: str, extra: str = "") -> None:
    world.csv("a", "id,x 1,10 2,20")
    world.python("py", f"{HEAD}{extra}{ASSET}def a(raw):\n{body}")
    world.run()
    assert world.status()["py.a"] == "CURRENT"


def edit(world: World, body: str, extra: str = "") -> dict[str, str]:
    world.python("py", f"{HEAD}{extra}{ASSET}def a(raw):\n{body}")
    return world.built()


RELATION = '    return raw.select("id", "x").relation().project("id, x + {} as x")\n'


def test_an_edited_body_is_stale_and_rebuilt(world: World) -> None:
    build(world, RELATION.format(1))
    world.python("py", HEAD + ASSET + "def a(raw):\n" + RELATION.format(2))
    assert world.status()["py.a"] == "STALE"
    assert world.codes("py.a") == ["DEFINITION_CHANGED"]
    assert world.built() == {"py.a": "PUBLISHED"}
    assert world.rows("py.a") == {(1, 12): 1, (2, 22): 1}


@pytest.mark.parametrize(
    "body",
    [
        '    """What it does, told anew."""\n' + RELATION.format(1),
        "    # a comment\n" + RELATION.format(1),
        '    return (raw.select("id", "x")\n        .relation().project("id, x + 1 as x"))\n',
    ],
)
def test_a_docstring_a_comment_and_layout_change_nothing(world: World, body: str) -> None:
    build(world, RELATION.format(1))
    assert edit(world, body) == {}


def test_an_edited_constant_is_a_change(world: World) -> None:
    body = '    return raw.select("x").relation().project(f"x + {STEP} as x")\n'
    build(world, body, "STEP = 1\n\n")
    assert edit(world, body, "STEP = 2\n\n") == {"py.a": "PUBLISHED"}
    assert world.rows("py.a") == {(12,): 1, (22,): 1}


def test_an_edited_helper_in_another_module_is_a_change(world: World) -> None:
    body = '    return helpers.step(raw.select("x").relation())\n'
    step = "def step(relation):\n    return relation.project(f'x + {{WIDTH * {}}} as x')\n"
    helper = f"from inner import WIDTH\n\n\n{step}"
    world.write("inner.py", "WIDTH = 1\n")
    world.write("helpers.py", helper.format(1))
    build(world, body, "import helpers\n\n")
    world.write("helpers.py", helper.format(2))
    assert world.codes("py.a") == ["DEFINITION_CHANGED"]
    assert world.built() == {"py.a": "PUBLISHED"}
    assert world.rows("py.a") == {(12,): 1, (22,): 1}
    world.write("inner.py", "WIDTH = 5\n")
    assert world.built() == {"py.a": "PUBLISHED"}
    assert world.rows("py.a") == {(20,): 1, (30,): 1}


def test_code_that_cannot_be_followed_is_unknown_and_built_each_time(world: World) -> None:
    body = '    name = "x"\n    return raw.select(eval("name")).relation()\n'
    build_, want = world.built, {"py.a": "PUBLISHED"}
    world.csv("a", "id,x 1,10 2,20")
    world.python("py", f"{HEAD}{ASSET}def a(raw):\n{body}")
    build_()
    assert world.status()["py.a"] == "UNKNOWN"
    assert world.codes("py.a") == ["UNDECIDABLE"]
    assert build_() == want
    assert world.status()["py.a"] == "UNKNOWN"


def test_chance_makes_an_asset_stale_for_ever(world: World) -> None:
    body = '    return raw.select("x").relation().project(f"x + {random.random()} as x")\n'
    world.csv("a", "id,x 1,10 2,20")
    world.python("py", f"import random\n{HEAD}{ASSET}def a(raw):\n{body}")
    world.run()
    assert world.codes("py.a") == ["VOLATILE"]
    assert world.built() == {"py.a": "PUBLISHED"}


def test_a_column_that_the_function_does_not_take_does_not_count(world: World) -> None:
    build(world, '    return raw.select("id").relation()\n')
    world.csv("a", "id,x 1,11 2,20")
    assert world.built() == {"raw.a": "OBSERVED", "py.a": "VERIFIED_EQUAL"}
    world.csv("a", "id,x 1,11 3,20")
    assert world.built() == {"raw.a": "OBSERVED", "py.a": "PUBLISHED"}
    assert world.rows("py.a") == {(1,): 1, (3,): 1}


def test_columns_taken_on_another_branch_count_once_it_is_taken(world: World) -> None:
    body = (
        '    ids = [row[0] for row in raw.select("id").relation().fetchall()]\n'
        '    return raw.select("id", "x").relation() if max(ids) > 2 else raw.select("id").relation()\n'
    )
    build(world, body)
    world.csv("a", "id,x 1,11 2,20")
    assert world.built()["py.a"] == "VERIFIED_EQUAL"
    world.csv("a", "id,x 1,11 3,20")
    assert world.built()["py.a"] == "PUBLISHED"
    world.csv("a", "id,x 1,12 3,20")
    assert world.built()["py.a"] == "PUBLISHED"
    assert world.rows("py.a") == {(1, 12): 1, (3, 20): 1}


def test_a_file_read_as_bytes_counts_by_its_bytes(world: World) -> None:
    """The order of rows is in the bytes and not in the multiset of rows."""
    world.csv("a", "id,x 1,10 2,20")
    block = "materialization: {kind: file, path: out/a.csv}"
    world.sql("s.file", "select id from raw.a order by id", block)
    first = '    line = raw.path.read_text().splitlines()[1]\n    return f"select {line} as first"\n'
    world.python("py", HEAD + '@hw.asset("py.a", inputs={"raw": "s.file"}, volatile=False)\ndef a(raw):\n' + first)
    world.run()
    assert world.rows("py.a") == {(1,): 1}
    world.sql("s.file", "select id from raw.a order by id desc", block)
    assert world.built() == {"s.file": "PUBLISHED", "py.a": "PUBLISHED"}
    assert world.rows("py.a") == {(2,): 1}


def test_two_projects_with_modules_of_one_name_do_not_mix(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other")
    for place, step in ((world, 1), (other, 2)):
        place.write("steps.py", f"STEP = {step}\n")
        place.csv("a", "id,x 1,10")
        body = '    return raw.select("x").relation().project(f"x + {steps.STEP} as x")\n'
        place.python("py", f"import steps\n{HEAD}{ASSET}def a(raw):\n{body}")
    first, second = world.load(), other.load()
    first.run(workers=1)
    second.run(workers=1)
    first.run(force=True, workers=1)
    assert world.rows("py.a") == {(11,): 1}
    assert other.rows("py.a") == {(12,): 1}


def test_columns_that_decided_what_sql_a_function_returns_count_too(world: World) -> None:
    body = (
        '    most = max(row[0] for row in raw.select("x").relation().fetchall())\n'
        '    return f"select id, {most} as most from raw.a"\n'
    )
    build(world, body)
    world.csv("a", "id,x 1,10 2,30")
    assert world.built() == {"raw.a": "OBSERVED", "py.a": "PUBLISHED"}
    assert world.rows("py.a") == {(1, 30): 1, (2, 30): 1}


def test_code_that_is_edited_while_it_runs_is_not_recorded_as_what_was_loaded(world: World) -> None:
    edit_itself = '    path = __file__\n    text = globals_of(path)\n    return raw.select("x").relation()\n'
    helper = "def globals_of(path):\n    with open(path, 'a') as file:\n        file.write('# more')\n"
    world.csv("a", "id,x 1,10")
    world.python("py", f"{HEAD}{helper}\n\n{ASSET}def a(raw):\n{edit_itself}")
    assert world.built()["py.a"] == "FAILED"
