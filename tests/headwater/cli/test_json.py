"""The JSON shapes that others bind to: the keys of the manual, all of them, and no value that JSON lacks."""

from __future__ import annotations

import pytest

from .conftest import BLOCKED, FAILED_AUDIT, Ask, FakeProject


def shape(value: object) -> object:
    """Return the keys of a document, nested; the first item stands for a list."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if isinstance(item, dict | list)} | dict.fromkeys(
            (key for key, item in value.items() if not isinstance(item, dict | list)), None
        )
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


REASON = {"code": None, "upstream": None, "columns": [None], "partition": None, "message": None, "partitions": None}


def test_stale(ask: Ask) -> None:
    document = ask("stale", "--format", "json").json
    assert document["counts"] == {"CURRENT": 2, "STALE": 1, "PENDING": 0, "MISSING": 0, "UNKNOWN": 0}
    assert document["observed"] == {"raw.orders": "2026-11-20T07:57:00Z"}
    late, stale = document["assets"]  # type: ignore[misc]
    assert (late["freshness"], late["lag_seconds"], late["reasons"]) == ("LATE", 93_600, [])
    assert stale["partitions"] is None
    assert shape(stale["reasons"][0]) == REASON
    assert {"environment", "at", "observed", "assets", "counts"} <= document.keys()


def test_plan(ask: Ask) -> None:
    document = ask("plan", "--format", "json").json
    assert {"environment", "at", "plan_hash", "steps", "unaffected"} <= document.keys()
    step = document["steps"][0]  # type: ignore[index]
    assert list(step) == ["asset", "partitions", "action", "certainty", "reasons", "expected_seconds"]
    assert document["unaffected"] == [{"asset": "stg.orders", "message": "unchanged: its definition."}]


def test_run(ask: Ask, project: FakeProject) -> None:
    project.result = BLOCKED
    document = ask("run", "--format", "json").json
    assert {"run", "outcome", "steps", "counts"} <= document.keys()
    assert document["counts"] == {"BLOCKED": 1, "HELD": 1}
    step = document["steps"][0]  # type: ignore[index]
    expected = {
        "asset",
        "partitions",
        "outcome",
        "changed",
        "version",
        "rows",
        "attempts",
        "seconds",
        "checks",
        "error",
    }
    assert expected <= step.keys()
    check = step["checks"][0]
    assert {"check", "column", "severity", "outcome", "expected", "actual", "failing_rows"} <= check.keys()
    assert check["sample"] == [{"id": "7", "amount": None}]


def test_lineage(ask: Ask) -> None:
    document = ask("lineage", "mart.revenue", "--as", "json").json
    source = {"asset": None, "column": None, "transformation": None, "indirect": None, "masking": None}
    assert shape(document["columns"]) == [{"column": None, "type": None, "sources": [source], "left_out": None}]
    assert document["reads"] == [{"upstream": "stg.orders", "columns": ["amount", "day"], "reason": None}]


def test_audit_verify(ask: Ask, project: FakeProject) -> None:
    project.audit = FAILED_AUDIT
    answer = ask("audit", "verify", "--format", "json")
    assert answer.code == 1
    assert answer.json["verdict"] == "FAILED"
    finding = {"code": "ENTRY_ALTERED", "seq": 5, "message": "The entry is not the one that was recorded."}
    assert answer.json["findings"] == [finding]


def test_audit_log_prints_entries_as_recorded(ask: Ask) -> None:
    (entry,) = ask("audit", "log", "--format", "json").json["entries"]  # type: ignore[misc]
    assert entry["seq"] == 7
    assert entry["actor"] == {"id": "ann", "kind": "user", "on_behalf_of": None}


@pytest.mark.parametrize(
    "words",
    [
        ("ls",),
        ("why", "x"),
        ("history", "x"),
        ("runs",),
        ("show", "r"),
        ("logs", "r"),
        ("ledger", "rebuild"),
        ("validate",),
    ],
)
def test_every_verb_answers_with_one_document(words: tuple[str, ...], ask: Ask) -> None:
    answer = ask(*words, "--format", "json")
    assert answer.code == 0
    assert answer.json
