"""What others are told: valid by OpenLineage's own schemas, facet by facet, and saying what is so."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from headwater.assets.asset import Asset, Column, Location, Materialization, PythonCode, Source
from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import AssetLineage
from headwater.lineage.exporters.openlineage import (
    _VERSIONS,
    Exported,
    Names,
    dataset_namespace,
    job_namespace,
    openlineage_events,
)

from .charts import MODEL, NASTY, ORDERS, RAW, REVENUE, edge, open_end
from .openlineage_spec import SPEC, SUBTYPES, Spec, facets, needs_spec, transformations

AT = "2026-11-20T08:00:00Z"
NAMES = Names("headwater://shop/prod", "duckdb://warehouse.duckdb", "warehouse")
REPORT, CRM = AssetKey("daily"), AssetKey("raw.crm")

EXPORTED = (
    Exported(
        Asset(RAW, Location("a.yaml"), source=Source(file="data/orders.csv"), tags=("raw",), owner="till@example.com"),
        AssetLineage(RAW, (("id", "bigint"), ("email", "varchar"), ("at", None), ("price", "double"))),
        file="data/orders.csv",
    ),
    Exported(Asset(CRM, Location("a.yaml"), source=Source(table="crm.customers")), AssetLineage(CRM, None)),
    Exported(
        Asset(
            ORDERS,
            Location("orders.sql"),
            sql="\nselect 1 as id -- all of it\n",
            description='Orders, "clean"',
            owner="team:data",
            tags=("finance", "gdpr"),
            columns=(Column("WHO", description="Hash of the address", tags=("pii", "hashed")),),
        ),
        AssetLineage(
            ORDERS,
            (("id", "bigint"), ("who", "varchar"), ("amount", "decimal(16,2)")),
            (
                edge("raw.orders.id", "stg.orders.id", "IDENTITY"),
                edge("raw.orders.email", "stg.orders.who", "TRANSFORMATION", masking=True),
                edge("raw.orders.price", "stg.orders.amount", "TRANSFORMATION"),
                edge("raw.orders.price", "stg.orders.amount", "CONDITIONAL", indirect=True),
                edge("raw.orders.at", "stg.orders.amount", "WINDOW", indirect=True),
                edge("raw.orders.at", "stg.orders.*", "FILTER", indirect=True),
                edge("raw.orders.at", "stg.orders.*", "SORT", indirect=True),
                edge("raw.crm.id", "stg.orders.*", "JOIN", indirect=True),
            ),
            reads=(RAW, CRM),
        ),
    ),
    Exported(
        Asset(REVENUE, Location("revenue.sql"), sql="select 1", materialization=Materialization("view")),
        AssetLineage(
            REVENUE,
            (("amount", "decimal(38,2)"), ("orders", "bigint")),
            (
                edge("stg.orders.amount", "mart.revenue.amount", "AGGREGATION"),
                edge("stg.orders.who", "mart.revenue.*", "GROUP_BY", indirect=True),
            ),
            reads=(ORDERS,),
        ),
    ),
    Exported(
        Asset(MODEL, Location("model.py"), python=PythonCode("model.py", "model")),
        AssetLineage(MODEL, None, (), (open_end("stg.orders.amount", "mart.model.*"),), (ORDERS,)),
        code="def model(orders):\n    return orders\n",
    ),
    Exported(
        Asset(REPORT, Location("d.sql"), sql="select 1", materialization=Materialization("file", "csv", "out/d.csv")),
        AssetLineage(REPORT, (("n", "bigint"),), reads=(MODEL,)),
        file="out/d.csv",
    ),
)


def told(exported: tuple[Exported, ...] = EXPORTED, names: Names = NAMES) -> list[dict[str, Any]]:
    """Return the events as a reader of the JSON sees them."""
    return json.loads(json.dumps([*openlineage_events(exported, names, AT, "https://headwater.invalid/headwater/1")]))  # type: ignore[no-any-return]


def dataset(key: str) -> dict[str, Any]:
    return next(it["dataset"] for it in told() if "dataset" in it and it["dataset"]["name"] == f"warehouse.{key}")


def job(key: str) -> dict[str, Any]:
    return next(it for it in told() if "job" in it and it["job"]["name"] == key)


@pytest.fixture(scope="module")
def spec() -> Spec:
    return Spec()


@needs_spec
def test_every_event_and_every_facet_is_valid(spec: Spec) -> None:
    events = told()
    assert [error for event in events for error in spec.event_errors(event)] == []
    written = {str(facet["_schemaURL"]).rsplit("/", 1)[-1] for event in events for _, facet in facets(event)}
    assert written == set(_VERSIONS)  # there is no facet that this test does not see


@needs_spec
def test_names_of_any_kind_stay_valid(spec: Spec) -> None:
    key = AssetKey(NASTY)
    asset = Asset(key, Location("x"), sql=NASTY, description=NASTY, owner=NASTY, tags=(NASTY,))
    exported = (Exported(asset, AssetLineage(key, ((NASTY, NASTY),), (), (), (RAW,)), file=NASTY),)
    names = Names(job_namespace(NASTY, NASTY), dataset_namespace(NASTY), NASTY)
    assert [error for event in told(exported, names) for error in spec.event_errors(event)] == []


@needs_spec
def test_the_facets_are_those_of_the_specification(spec: Spec) -> None:
    for name, version in _VERSIONS.items():
        assert spec.urls[name] == f"https://openlineage.io/spec/facets/{version}/{name}.json"


@needs_spec
def test_a_broken_event_is_seen_so_the_tests_above_can_fail(spec: Spec) -> None:
    (event,) = (it for it in told() if it.get("job", {}).get("name") == ORDERS)
    broken = json.loads(json.dumps(event))
    del broken["outputs"][0]["facets"]["columnLineage"]["fields"]["id"]["inputFields"][0]["field"]
    assert any(
        "columnLineage" in error and "'field' is a required property" in error for error in spec.event_errors(broken)
    )
    assert spec.event_errors({**event, "eventTime": "yesterday"})
    assert spec.event_errors({**event, "producer": "me"})
    assert spec.event_errors({**event, "run": {"runId": "1"}})


@needs_spec
def test_the_specifications_own_examples_pass(spec: Spec) -> None:
    for path in sorted((SPEC / "tests" / "ColumnLineageDatasetFacet").glob("*.json")):
        facet = json.loads(path.read_text("utf-8"))["columnLineage"]
        url = f"{spec.urls['ColumnLineageDatasetFacet']}#/$defs/ColumnLineageDatasetFacet"
        common = {"_producer": "https://example.com", "_schemaURL": url}
        assert spec.errors({**common, **facet}, url) == [], path.name


def test_transformations_are_those_that_openlineage_knows() -> None:
    found = {pair for event in told() for pair in transformations(event)}
    assert found == {(type_, name) for type_, names in SUBTYPES.items() for name in names}


def test_datasets_are_told_in_build_order_and_jobs_after_them() -> None:
    kinds = [it["schemaURL"].rsplit("/", 1)[-1] for it in told()]
    assert kinds == ["DatasetEvent"] * 6 + ["JobEvent"] * 4
    assert [it["job"]["name"] for it in told()[6:]] == [ORDERS, REVENUE, MODEL, REPORT]
    assert all("run" not in it for it in told())


def test_column_lineage_tells_values_from_conditions_and_columns_from_rows() -> None:
    lineage = dataset("stg.orders")["facets"]["columnLineage"]
    assert [*lineage["fields"]] == ["id", "who", "amount"]
    (price, at) = lineage["fields"]["amount"]["inputFields"]
    assert (price["namespace"], price["name"], price["field"]) == (NAMES.datasets, "warehouse.raw.orders", "price")
    assert price["transformations"] == [
        {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": False},
        {"type": "INDIRECT", "subtype": "CONDITIONAL", "masking": False},
    ]
    assert at["transformations"] == [{"type": "INDIRECT", "subtype": "WINDOW", "masking": False}]
    assert lineage["fields"]["who"]["inputFields"][0]["transformations"][0]["masking"] is True
    shaping = {(it["field"], found["subtype"]) for it in lineage["dataset"] for found in it["transformations"]}
    assert shaping == {("at", "FILTER"), ("at", "SORT"), ("id", "JOIN")}
    assert job(ORDERS)["outputs"][0]["facets"]["columnLineage"] == lineage


def test_what_an_author_says_is_told_as_that() -> None:
    said = replace(edge("stg.orders.id", "mart.model.x", "TRANSFORMATION"), declared=True)
    model = replace(EXPORTED[4], lineage=AssetLineage(MODEL, (("x", None),), (said,), (), (ORDERS,)))
    (event, _) = told((model,))
    (source,) = event["dataset"]["facets"]["columnLineage"]["fields"]["x"]["inputFields"]
    assert source["transformations"][0]["description"] == "declared by the author of the code"


def test_what_nobody_knows_is_not_told() -> None:
    assert {*dataset("mart.model")["facets"]} == {"dataSource", "datasetType"}
    assert "orders" not in dataset("mart.revenue")["facets"]["columnLineage"]["fields"]  # made from no column


def test_schemas_have_types_positions_and_descriptions() -> None:
    fields = dataset("stg.orders")["facets"]["schema"]["fields"]
    assert fields[1] == {"name": "who", "ordinal_position": 2, "type": "varchar", "description": "Hash of the address"}
    assert "type" not in dataset("raw.orders")["facets"]["schema"]["fields"][2]
    assert job(ORDERS)["inputs"][0]["facets"]["schema"] == dataset("raw.orders")["facets"]["schema"]


def test_what_people_say_of_an_asset_is_told_of_data_and_job() -> None:
    of_data, of_job = dataset("stg.orders")["facets"], job(ORDERS)["job"]["facets"]
    for found in (of_data, of_job):
        assert found["documentation"]["description"] == 'Orders, "clean"'
        assert found["ownership"]["owners"] == [{"name": "team:data"}]
    tags = [(it["key"], it.get("field")) for it in of_data["tags"]["tags"]]
    assert tags == [("finance", None), ("gdpr", None), ("pii", "who"), ("hashed", "who")]
    assert [it["key"] for it in of_job["tags"]["tags"]] == ["finance", "gdpr"]


def test_jobs_carry_their_code() -> None:
    assert job(ORDERS)["job"]["facets"]["sql"]["query"] == "select 1 as id -- all of it"
    source = job(MODEL)["job"]["facets"]["sourceCode"]
    assert (source["language"], source["sourceCode"]) == ("python", "def model(orders):\n    return orders\n")


def test_data_is_named_as_readers_see_it() -> None:
    names = replace(NAMES, suffix="__dev", foreign={CRM: "crm.customers"})
    found = [names.dataset(AssetKey(key))["name"] for key in ("orders", "a.b.c", "raw.crm")]
    assert found == ["warehouse.main__dev.orders", "warehouse.a__b__dev.c", "warehouse.crm.customers"]
    assert replace(NAMES, foreign={CRM: "other.crm.customers"}).dataset(CRM)["name"] == "other.crm.customers"
    assert dataset("main.daily")["facets"]["symlinks"]["identifiers"] == [
        {"namespace": "file", "name": "out/d.csv", "type": "FILE"}
    ]


@pytest.mark.parametrize(
    ("path", "namespace"),
    [
        ("warehouse.duckdb", "duckdb://warehouse.duckdb"),
        ("./data/my house.duckdb", "duckdb://data/my%20house.duckdb"),
        ("/home/ann/secret/w.duckdb", "duckdb://w.duckdb"),
        ("../../w.duckdb", "duckdb://w.duckdb"),
        ("C:\\Users\\ann\\w.duckdb", "duckdb://w.duckdb"),
    ],
)
def test_no_folder_outside_of_the_project_is_told(path: str, namespace: str) -> None:
    assert dataset_namespace(path) == namespace


def test_the_namespace_of_jobs_is_the_project_in_an_environment() -> None:
    assert job_namespace("on time/performance", "prod") == "headwater://on%20time%2Fperformance/prod"
