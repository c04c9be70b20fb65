"""What a real project tells others: all of it, in the words of its readers, and nothing of the machine it is on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.lineage.exporters.chart import column_chart
from headwater.lineage.exporters.svg import svg_lines
from tests.lineage.exporters.openlineage_spec import Spec, needs_spec
from tests.world import TOML, World

CSV = "id,email,amount,state\n1,a@x,10,ok\n2,b@x,20,no\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, now=datetime(2026, 11, 20, 8, tzinfo=UTC))
    world.write(
        "headwater.toml", TOML + f'[engine]\npath = "{tmp_path}/w.duckdb"\n[environments.dev]\nsuffix = "__dev"\n'
    )
    world.csv("o", CSV, "    columns: {Email: {type: varchar, tags: [pii]}}\n    owner: till@example.com\n")
    world.sql("stg.o", "select id, md5(email) as who, amount from raw.o where state = 'ok'", "description: Orders")
    world.sql("mart.total", "select sum(amount) as total from stg.o", "materialization: view")
    world.write(
        "assets/mart/model.py",
        "import headwater as hw\n\n\n@hw.asset(inputs={'o': 'stg.o'})\ndef model(o: hw.Input):\n"
        "    return o.select('amount').pandas() * 2\n",
    )
    return world


def told(world: World, *asked: object, **more: Any) -> list[dict[str, Any]]:
    return json.loads(json.dumps(world.load().openlineage(*asked, **more)))  # type: ignore[no-any-return,arg-type]


@needs_spec
def test_a_project_is_told_in_valid_events_before_and_after_it_is_built(world: World) -> None:
    spec = Spec()
    assert [error for event in told(world) for error in spec.event_errors(event)] == []
    world.run()
    events = told(world)
    assert [error for event in events for error in spec.event_errors(event)] == []
    assert len(events) == 4 + 3


def test_it_says_what_is_so(world: World) -> None:
    world.run()
    events = told(world)
    names = [event["dataset"]["name"] for event in events if "dataset" in event]
    assert names == ["w.raw.o", "w.stg.o", "w.mart.model", "w.mart.total"]
    jobs = {event["job"]["name"]: event for event in events if "job" in event}
    assert {event["job"]["namespace"] for event in jobs.values()} == {"headwater://world/prod"}
    assert {event["eventTime"] for event in events} == {"2026-11-20T08:00:00Z"}
    lineage = jobs["stg.o"]["outputs"][0]["facets"]["columnLineage"]
    assert lineage["fields"]["who"]["inputFields"][0]["transformations"] == [
        {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True}
    ]
    assert [it["field"] for it in lineage["dataset"]] == ["state"]
    assert "def model" in jobs["mart.model"]["job"]["facets"]["sourceCode"]["sourceCode"]
    raw = events[0]["dataset"]["facets"]
    assert raw["symlinks"]["identifiers"][0]["name"] == "data/o.csv"
    assert raw["tags"]["tags"] == [{"key": "pii", "value": "true", "source": "HEADWATER", "field": "email"}]


def test_nothing_of_this_machine_is_told(world: World) -> None:
    world.run()
    text = json.dumps(told(world))
    assert str(world.root) not in text
    assert "duckdb://w.duckdb" in text


def test_an_environment_has_its_own_names_and_a_namespace_may_be_given(world: World) -> None:
    events = told(world, "stg.o", downstream=False, env="dev", namespace="duckdb://host/w.duckdb")
    names = [event["dataset"] for event in events if "dataset" in event]
    assert [it["name"] for it in names] == ["w.raw__dev.o", "w.stg__dev.o"]
    assert {it["namespace"] for it in names} == {"duckdb://host/w.duckdb"}
    assert events[-1]["job"]["namespace"] == "headwater://world/dev"


def test_files_and_tables_of_others_are_told_by_their_own_names(world: World) -> None:
    world.write("assets/raw/crm.yaml", "external:\n  raw.crm: {table: crm.customers, columns: {id: integer}}\n")
    block = "materialization: {kind: file, format: csv, path: reports/ids.csv}"
    world.sql("report.ids", "select id from raw.crm order by id", block)
    facets = {}
    for event in told(world, env="dev"):
        if "dataset" in event:
            facets[event["dataset"]["name"]] = event["dataset"]["facets"]
    assert facets["w.report__dev.ids"]["symlinks"]["identifiers"][0]["name"] == "reports__dev/ids.csv"
    assert "symlinks" not in facets["w.crm.customers"]


def test_a_part_names_what_it_reads_outside_of_it(world: World) -> None:
    world.run()
    (event,) = (
        it for it in told(world, "mart.total", downstream=False, depth=1) if it.get("job", {}).get("name") == "stg.o"
    )
    assert [(it["name"], it.get("facets")) for it in event["inputs"]] == [("w.raw.o", None)]


def test_the_whole_project_can_be_drawn(world: World) -> None:
    world.run()
    scope = world.load().lineage_scope()
    assert scope.row_edges == (("raw.o", "stg.o"), ("stg.o", "mart.model"), ("stg.o", "mart.total"))
    assert scope.reads[0] == ("stg.o", "raw.o", ("amount", "email", "id", "state"), None)
    assert [(it.column.asset, it.column.column) for it in scope.tags] == [("raw.o", "email"), ("stg.o", "who")]
    assert [asset for asset, _ in scope.kinds] == ["raw.o", "stg.o", "mart.model", "mart.total"]
    chart = column_chart(scope, "World")
    said = {f"{chart.name(wire.source)} > {chart.name(wire.target)}: {wire.words}" for wire in chart.wires}
    assert "raw.o.email > stg.o.who: TRANSFORMATION, masked" in said
    assert any(text.startswith("stg.o.amount > mart.model: not known") for text in said)
    assert "".join(svg_lines(chart)).startswith("<svg ")
