"""Versions and verdicts as ledger payloads and back. One place knows the shape of each, for writing and for reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from headwater.assets.key import AssetKey
from headwater.checks.check import CheckResult
from headwater.lineage.encoding import JsonValue
from headwater.runtime.state import Gate, PublishedFile, SliceRead, Slices, SliceTrace, TraceRead, VersionRecord

if TYPE_CHECKING:
    from headwater.runtime.order import Built

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
        "code": dict(version.code),
        "lineage": cast("JsonValue", version.lineage),
        "slices": None if version.slices is None else slices_to_json(version.slices),
    }
    value.update({name: item for name, item in optional.items() if item not in (None, [], {}, "")})
    if version.file is not None:
        value["file"] = {"path": version.file.path, "sha256": version.file.sha256, "size": version.file.size}
    return value


def facts_to_json(version: VersionRecord, built: Built) -> Json:
    """Return the tokens of single slices and partitions that are staged with a version; see `projections`."""
    value: Json = {}
    if built.slices is not None:
        held = built.slices.held.items()
        value["held"] = [[columns, [[n, token] for n, token in sorted(by.items())]] for columns, by in held]
        seen: list[JsonValue] = []
        for (upstream, columns), by in built.slices.seen.items():
            numbers = {each.partition.text: each.number for each in built.slices.orders}
            seen.append([str(upstream), columns, [[numbers[text], token] for text, token in by.items()]])
        value["seen"] = seen
    if built.shown or (built.slices is not None and built.slices.seen):
        value["shown"] = shown_to_json(built.shown)
    return {name: rows for name, rows in value.items() if rows}


def shown_to_json(shown: Mapping[str, Mapping[str, str]]) -> list[JsonValue]:
    """Return what a version shows to readers' partitions: column set key, then (partition, token) pairs."""
    return [[columns, [[text, token] for text, token in by.items()]] for columns, by in sorted(shown.items())]


def slices_to_json(slices: Slices) -> Json:
    """Return the slices of a version; what is empty is left out of its reads."""
    traces: list[JsonValue] = []
    for trace in slices.traces:
        reads: list[JsonValue] = [
            [str(read.upstream), read.number, read.columns, read.token, read.parts, read.count] for read in trace.reads
        ]
        definition = {name: text for name, text in trace.definition.items() if text}
        traces.append([trace.partitions, definition, trace.definition_hash, trace.clock, trace.created, reads])
    return {
        "store": slices.store,
        "parts": slices.parts,
        "count": slices.count,
        "last": slices.last,
        "traces": traces,
    }


def slices_from_json(value: Mapping[str, Any]) -> Slices:
    """Return the slices that `slices_to_json` wrote."""
    traces = []
    for partitions, definition, definition_hash, clock, created, reads in value["traces"]:
        seen = tuple([SliceRead(AssetKey(up), *rest) for up, *rest in reads])
        traces.append(SliceTrace(partitions, definition, definition_hash, clock, created, seen))
    return Slices(value["store"], value["parts"], value["count"], value["last"], tuple(traces))


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
        code=value.get("code", {}),
        slices=slices_from_json(value["slices"]) if "slices" in value else None,
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
