"""Versions and verdicts as ledger payloads and back. One place knows the shape of each, for writing and for reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias, cast

from headwater.assets.key import AssetKey
from headwater.checks.check import CheckResult
from headwater.lineage.encoding import JsonValue
from headwater.runtime.state import Gate, PublishedFile, TraceRead, VersionRecord

Json: TypeAlias = dict[str, JsonValue]


def reads_to_json(reads: tuple[TraceRead, ...]) -> list[JsonValue]:
    """Return a trace as lists: upstream, version number, column set key, fingerprint token."""
    return [[str(read.upstream), read.number, read.columns, read.token] for read in reads]


def reads_from_json(values: object) -> tuple[TraceRead, ...]:
    """Return the trace that `reads_to_json` wrote."""
    rows = cast("list[tuple[str, int, str, str]]", values)
    return tuple([TraceRead(AssetKey(up), number, columns, token) for up, number, columns, token in rows])


def version_to_json(version: VersionRecord) -> Json:
    """Return the payload of a `version.staged` entry. What is empty is left out; the verdict has its own entry."""
    value: Json = {
        "number": version.number,
        "kind": version.kind,
        "physical": version.physical,
        "rows": version.rows,
        "schema": [[name, type_] for name, type_ in version.schema],
        "definition": {name: text for name, text in version.definition.items() if text},
        "definition_hash": version.definition_hash,
        "tokens": [[columns, token] for columns, token in sorted(version.tokens.items())],
        "run": version.run,
        "milliseconds": version.milliseconds,
    }
    optional: Json = {
        "trace": reads_to_json(version.trace),
        "clock": version.clock,
        "equal_to": version.equal_to,
        "order_dependent": list(version.order_dependent),
        "source": dict(version.source),
        "data_times": [[name, at] for name, at in sorted(version.data_times.items())],
        "text": version.text,
        "lineage": cast("JsonValue", version.lineage),
    }
    value.update({name: item for name, item in optional.items() if item not in (None, [], {}, "")})
    if version.file is not None:
        value["file"] = {"path": version.file.path, "sha256": version.file.sha256, "size": version.file.size}
    return value


def version_from_json(asset: str, record: str, gate: str, created: str) -> VersionRecord:
    """Return the version that its staged payload and its gate payload (both JSON texts) describe."""
    value, judged = json.loads(record), json.loads(gate)
    file = value.get("file")
    return VersionRecord(
        asset=AssetKey(asset),
        number=value["number"],
        kind=value["kind"],
        physical=value["physical"],
        rows=value["rows"],
        schema=tuple([(name, type_) for name, type_ in value["schema"]]),
        definition=value["definition"],
        definition_hash=value["definition_hash"],
        trace=reads_from_json(value.get("trace", [])),
        tokens=dict(value["tokens"]),
        gate=gate_from_json(judged),
        run=value["run"],
        created=created,
        clock=value.get("clock"),
        equal_to=value.get("equal_to"),
        order_dependent=tuple(value.get("order_dependent", ())),
        file=None if file is None else PublishedFile(file["path"], file["sha256"], file["size"]),
        source=value.get("source", {}),
        data_times=dict(value.get("data_times", ())),
        milliseconds=value["milliseconds"],
        text=value.get("text", ""),
        lineage=value.get("lineage"),
        named=value.get("named"),
    )


def gate_to_json(version: VersionRecord, results: tuple[CheckResult, ...], run: str, recheck: bool) -> Json:
    """Return the payload of a `gate.passed` or `gate.blocked` entry: the verdict with every result, passes too.

    `recheck` marks a verdict that was given again on what readers see.
    """
    gate = version.gate
    value: Json = {
        "number": version.number,
        "verdict": gate.word,
        "checks_id": gate.checks_id,
        "run": run,
        "results": [result_to_json(result) for result in results],
    }
    optional: Json = {"reads": reads_to_json(gate.reads), "failed": list(gate.failed), "recheck": recheck}
    value.update({name: item for name, item in optional.items() if item})
    return value


def gate_from_json(value: Mapping[str, object]) -> Gate:
    """Return the verdict that `gate_to_json` wrote."""
    failed = cast("list[str]", value.get("failed", []))
    return Gate(str(value["verdict"]), str(value["checks_id"]), reads_from_json(value.get("reads", [])), tuple(failed))


def result_to_json(result: CheckResult) -> Json:
    """Return a check result in the shape that `run` shows; samples stay out of the ledger (they may be personal)."""
    value: Json = {
        "check": result.check,
        "column": result.column,
        "severity": result.severity,
        "outcome": result.outcome,
        "expected": result.expected,
        "actual": result.actual,
        "failing_rows": result.failing_rows,
    }
    if result.message:
        value["message"] = result.message
    return value
