"""A plan saved and applied later does exactly what was reviewed, or says what changed and does nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater import load_plan, save_plan
from headwater.assets.errors import RequestError
from headwater.render.documents import plan_document
from headwater.runtime.saved_plan import plan_from_json, plan_to_json

from ..world import TOML, World, outcomes


@pytest.fixture
def world(tmp_path: Path) -> World:
    """`mart.total` reads `stg.a`; `mart.other` has nothing to do with them. A plan is saved once `stg.a` is edited."""
    world = World(tmp_path)
    world.csv("a", "id,x 1,10 2,20")
    world.csv("b", "id,y 1,1")
    world.sql("stg.a", "select id, x from raw.a", "checks: [{unique: [id]}]")
    world.sql("mart.total", "select sum(x) as total from stg.a")
    world.sql("mart.other", "select count(*) as n from raw.b")
    world.run()
    world.sql("stg.a", "select id, x * 2 as x from raw.a", "checks: [{unique: [id]}]")
    save_plan(world.load().plan(select="stg.a+"), tmp_path / "plan.json")
    return world


def apply(world: World) -> dict[str, str]:
    return outcomes(world.load().run(load_plan(world.root / "plan.json"), workers=1))


def test_it_runs_exactly_its_steps(world: World) -> None:
    world.sql("mart.other", "select count(*) + 1 as n from raw.b")
    world.csv("b", "id,y 1,1 2,2")
    assert apply(world) == {"stg.a": "PUBLISHED", "mart.total": "PUBLISHED"}
    assert world.rows("mart.total") == {(60,): 1}
    assert world.rows("mart.other") == {(1,): 1}


def test_it_runs_once(world: World) -> None:
    apply(world)
    with pytest.raises(RequestError, match=r"the published version of stg\.a \(v1 then, v2 now\)"):
        apply(world)


def edit_definition(world: World) -> None:
    world.sql("stg.a", "select id, x * 3 as x from raw.a", "checks: [{unique: [id]}]")


def edit_reader(world: World) -> None:
    world.sql("mart.total", "select max(x) as total from stg.a")


def edit_checks(world: World) -> None:
    world.sql("stg.a", "select id, x * 2 as x from raw.a", "checks: [{unique: [x]}]")


def deliver(world: World) -> None:
    world.csv("a", "id,x 1,10 2,21")


def deliver_and_take_in(world: World) -> None:
    world.csv("a", "id,x 1,10 2,21")
    world.run("raw.a")


def lose(world: World) -> None:
    (world.root / "data/a.csv").unlink()


def undeclare(world: World) -> None:
    (world.root / "assets/mart/total.sql").unlink()


def edit_settings(world: World) -> None:
    world.write("headwater.toml", TOML + 'timezone = "Europe/Oslo"\n')


def edit_suffix(world: World) -> None:
    world.write("headwater.toml", TOML + '[environments.prod]\nsuffix = "__p"\n')


def alter_data(world: World) -> None:
    world.behind(f'update _headwater."{world.physical()["stg.a"]}" set x = 0')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edit_definition, "changed: the definition of stg.a (its code)."),
        (edit_reader, "changed: the definition of mart.total (its code)."),
        (edit_checks, "changed: the checks of stg.a."),
        (deliver, "changed: the source raw.a was delivered anew ("),
        (deliver_and_take_in, "changed: the source raw.a was delivered anew."),
        (lose, "the source raw.a can no longer be read"),
        (undeclare, "changed: mart.total is no longer declared."),
        (edit_settings, "changed: the engine or its settings."),
        (edit_suffix, "changed: the suffix of the environment prod ('' then, '__p' now)"),
        (
            alter_data,
            "changed: the step of stg.a (BUILD DEFINITION_CHANGED then, BUILD DATA_ALTERED DEFINITION_CHANGED now).",
        ),
    ],
    ids=lambda it: it.__name__ if callable(it) else "",
)
def test_it_is_refused_once_anything_it_depends_on_changed(
    world: World, change: Callable[[World], None], said: str
) -> None:
    change(world)
    before = world.load().runs()
    with pytest.raises(RequestError, match=re.escape(said)) as refused:
        apply(world)
    assert refused.value.exit_code == 2
    assert world.load().runs() == before


def test_a_variable_is_part_of_what_it_depends_on(world: World) -> None:
    world.write("headwater.toml", TOML + "[vars]\nleast = 1\n")
    world.sql("stg.a", "select id, x from raw.a where x > $vars.least")
    save_plan(world.load().plan(), world.root / "plan.json")
    world.write("headwater.toml", TOML + "[vars]\nleast = 2\n")
    with pytest.raises(RequestError, match=r"changed: the definition of stg.a \(a parameter\)\."):
        apply(world)


def test_a_plan_read_again_is_the_plan(world: World) -> None:
    plan = world.load().plan(select=["stg.a+", "mart.*"], exclude="mart.other", force=True)
    value = json.loads(json.dumps(plan_to_json(plan)))
    assert plan_from_json(value) == plan
    shown = plan_document(plan)
    assert {name: value[name] for name in shown} == shown


def leaves(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield the way to every value that is no object or list."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_no_part_of_the_file_can_be_edited(world: World, data: st.DataObject) -> None:
    path = world.root / "plan.json"
    written = path.read_text()
    value = json.loads(written)
    way = data.draw(st.sampled_from(list(leaves(value))))
    inner = value
    for name in way[:-1]:
        inner = inner[name]
    given = data.draw(
        st.sampled_from([None, True, False, 0, 1.5, "", "x", [], {}]).filter(lambda it: it != inner[way[-1]])
    )
    inner[way[-1]] = given
    try:
        path.write_text(json.dumps(value))
        with pytest.raises(RequestError):
            load_plan(path)
    finally:
        path.write_text(written)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            lambda text: text.replace('"force": false', '"force": true'),
            "edited or damaged after it was written: force.",
        ),
        (lambda text: text.replace('"environment": "prod"', '"environment": "dev"'), "was written: environment."),
        (lambda text: text.replace('"stg.a+"', '"stg.b+"'), "was written: selection."),
        (lambda text: text.replace('"REDEFINE"', '"BUILD"').replace('"BUILD"', '"RECHECK"'), "was written: steps."),
        (lambda text: text[:-10], "is damaged: it is not JSON"),
        (lambda text: "{}", "is not a plan that this Headwater wrote"),
        (lambda text: "[" * 100_000, "is damaged: it is not JSON"),
    ],
)
def test_an_edited_file_is_refused_with_what_was_edited(world: World, edit: Callable[[str], str], said: str) -> None:
    path = world.root / "plan.json"
    path.write_text(edit(path.read_text()))
    with pytest.raises(RequestError, match=re.escape(said)):
        load_plan(path)


def test_a_forged_seal_does_not_help_steps_that_today_would_not_say(world: World) -> None:
    """Whoever writes seal and hash anew still cannot have done what a plan of today would not do."""
    from dataclasses import replace

    from headwater.runtime.basis import plan_hash

    plan = load_plan(world.root / "plan.json")
    forged = replace(plan, steps=tuple(replace(step, action="RECHECK") for step in plan.steps))
    forged = replace(forged, plan_hash=plan_hash(forged))
    save_plan(forged, world.root / "plan.json")
    with pytest.raises(RequestError, match=r"the step of stg.a \(RECHECK .* then, BUILD .* now\)"):
        apply(world)


def test_a_plan_of_partitions(world: World) -> None:
    world.csv("d", "day,x 2024-01-01,1 2024-01-02,2")
    block = "materialization: partitioned\npartitions: {day: {daily: {start: 2024-01-01, end: 2024-01-02}}}"
    world.sql("mart.days", "select day, x from raw.d where day = $partition", block)
    plan = world.load().plan(select="mart.days", partitions="2024-01-01")
    assert [step.partitions for step in plan.steps if step.asset == "mart.days"] == ["2024-01-01"]
    path = world.root / "plan.json"
    save_plan(plan, path)
    assert load_plan(path) == plan
    world.load().run(load_plan(path))
    assert len(world.rows("mart.days")) == 1
