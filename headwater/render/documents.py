"""Values as the JSON documents that the manual promises. Keys are stable; what is added is added at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from headwater.render.freshness import warnings_document

if TYPE_CHECKING:
    from headwater.assets.errors import Problem
    from headwater.checks.check import CheckResult
    from headwater.lineage.column_graph import ColumnEdge, ColumnRef, OpenEnd
    from headwater.lineage.column_tags import CarriedTag
    from headwater.lineage.exporters.chart import Scope
    from headwater.lineage.record import Entry
    from headwater.runtime.model import (
        AssetLine,
        AssetStatus,
        LineageView,
        LogLine,
        PartitionLine,
        Plan,
        Reason,
        RunLine,
        RunResult,
        StatusReport,
        StepLine,
        StepResult,
        VersionLine,
    )

Document = dict[str, object]


def status_document(report: StatusReport, items: Iterable[AssetStatus]) -> Document:
    """Return the shape of `stale`: the listed `items`, and the counts of all."""
    return {
        "environment": report.environment,
        "at": report.at,
        "observed": {str(asset): at for asset, at in report.observed},
        "assets": [_asset_status(item) for item in items],
        "counts": report.counts,
        "findings": list(report.findings),
    }


def _asset_status(item: AssetStatus) -> Document:
    return {
        "asset": item.asset,
        "status": item.status.word,
        "freshness": item.freshness,
        "lag_seconds": item.lag_seconds,
        "partitions": partitions_document(item.partitions),
        "reasons": reasons_document(item.status.reasons),
        "note": item.note,
        "deadline": item.deadline,
        "latest_start": item.latest_start,
        "promised_by": item.promised_by,
    }


def partitions_document(line: PartitionLine | None) -> Document | None:
    """Return how many partitions are current and which are not, in the shape that `stale`, `ls` and `why` share."""
    if line is None:
        return None
    return {
        "total": line.total,
        "current": line.current,
        "stale": list(line.stale),
        "missing": list(line.missing),
        "pending": list(line.pending),
        "unknown": list(line.unknown),
    }


def reasons_document(reasons: Iterable[Reason]) -> list[Document]:
    """Return reasons in the shape that `stale`, `plan` and `why` share."""
    return [
        {
            "code": it.code,
            "upstream": it.upstream,
            "columns": None if it.columns is None else list(it.columns),
            "partition": None if it.partitions is None else ",".join(it.partitions),
            "message": it.message,
            "partitions": None if it.partitions is None else list(it.partitions),
        }
        for it in reasons
    ]


def plan_document(plan: Plan) -> Document:
    """Return the shape of `plan`."""
    steps: list[Document] = [
        {
            "asset": it.asset,
            "partitions": it.partitions,
            "action": it.action,
            "certainty": it.certainty,
            "reasons": reasons_document(it.reasons),
            "expected_seconds": it.expected_seconds,
        }
        for it in plan.steps
    ]
    unaffected = [{"asset": asset, "message": message} for asset, message in plan.unaffected]
    return {
        "environment": plan.environment,
        "at": plan.at,
        "plan_hash": plan.plan_hash,
        "steps": steps,
        "unaffected": unaffected,
        "force": plan.force,
        "retired": list(plan.retired),
        "rolled_back": [{"asset": asset, "message": message} for asset, message in plan.rolled_back],
        "partitions": plan.only,
        "expected_seconds": None if plan.expected_seconds is None else round(plan.expected_seconds, 6),
        "critical_path": list(plan.critical_path),
        "warnings": warnings_document(plan.warnings),
    }


def run_document(result: RunResult) -> Document:
    """Return the shape of `run`."""
    return {
        "run": result.run,
        "outcome": result.outcome,
        "steps": [_step_result(step) for step in result.steps],
        "counts": result.counts,
        "environment": result.environment,
        "rolled_back": [{"asset": asset, "message": message} for asset, message in result.rolled_back],
    }


def _step_result(step: StepResult) -> Document:
    return {
        "asset": step.asset,
        "partitions": step.partitions,
        "outcome": step.outcome,
        "changed": step.changed,
        "version": step.version,
        "rows": step.rows,
        "attempts": step.attempts,
        "seconds": round(step.seconds, 6),
        "checks": [_check(check) for check in step.checks],
        "error": step.error,
        "message": step.message,
    }


def _check(check: CheckResult) -> Document:
    return {
        "check": check.check,
        "column": check.column,
        "severity": check.severity,
        "outcome": check.outcome,
        "expected": check.expected,
        "actual": check.actual,
        "failing_rows": check.failing_rows,
        "kind": check.kind,
        "message": check.message,
        "sample": [dict(row) for row in check.sample],
    }


def lineage_document(view: LineageView) -> Document:
    """Return the shape of `lineage --as json`. `columns` is null where they are not known."""
    names = ("asset", "column", "transformation", "indirect", "masking")
    columns: list[Document] | None = None
    if view.columns is not None:
        columns = [
            {
                "column": it.column,
                "type": it.type,
                "sources": None if it.sources is None else [dict(zip(names, of, strict=True)) for of in it.sources],
                "left_out": it.left_out,
            }
            for it in view.columns
            if view.column is None or it.column.lower() == view.column.lower()
        ]
    reads = [
        {"upstream": it.upstream, "columns": None if it.columns is None else list(it.columns), "reason": it.reason}
        for it in view.reads
    ]
    return {
        "asset": view.asset,
        "columns": columns,
        "reads": reads,
        "edges": _pairs(view.edges),
        "assets": [{"asset": asset, "kind": kind} for asset, kind in view.kinds],
        "column": view.column,
        "influences": [
            {"asset": asset, "column": column, "transformation": how} for asset, column, how in view.influences
        ],
        "tables": _tables((it.asset, it.columns) for it in view.tables),
        "column_edges": [_column_edge(edge) for edge in view.column_edges],
        "row_edges": _pairs(view.row_edges),
        "open_ends": [_open_end(end) for end in view.open_ends],
        "tags": [tag_row(it) for it in view.tags],
    }


def scope_document(scope: Scope, project: str) -> Document:
    """Return the shape of `lineage --as json` without an asset: the same parts, of the whole project."""
    return {
        "project": project,
        "edges": _pairs(scope.edges),
        "assets": [{"asset": asset, "kind": kind} for asset, kind in scope.kinds],
        "tables": _tables((scope.columns or {}).items()),
        "column_edges": [_column_edge(edge) for edge in scope.column_edges],
        "open_ends": [_open_end(end) for end in scope.open_ends],
        "row_edges": _pairs(scope.row_edges),
        "tags": [tag_row(it) for it in scope.tags],
        "reads": [
            {"asset": asset, "upstream": up, "columns": None if columns is None else list(columns), "reason": reason}
            for asset, up, columns, reason in scope.reads
        ],
    }


def _tables(tables: Iterable[tuple[str, Sequence[tuple[str, str | None, tuple[str, ...]]]]]) -> list[Document]:
    return [
        {"asset": asset, "columns": [{"column": n, "type": t, "tags": [*tags]} for n, t, tags in columns]}
        for asset, columns in tables
    ]


def tag_row(it: CarriedTag) -> Document:
    """Return one column that carries a tag, with where the tag comes from."""
    return {
        **reference_document(it.column),
        "tag": it.tag,
        "origin": reference_document(it.origin),
        "own": it.is_own,
        "masked": it.masked,
        "certain": it.certain,
    }


def _pairs(edges: Iterable[tuple[str, str]]) -> list[Document]:
    return [{"upstream": start, "downstream": end} for start, end in edges]


def _column_edge(edge: ColumnEdge) -> Document:
    return {
        "source": reference_document(edge.source),
        "target": reference_document(edge.target),
        "transformation": edge.transformation,
        "indirect": edge.indirect,
        "masking": edge.masking,
        "declared": edge.declared,
    }


def _open_end(end: OpenEnd) -> Document:
    return {
        "source": reference_document(end.source),
        "target": reference_document(end.target),
        "reason": end.reason,
        "indirect": end.indirect,
    }


def reference_document(ref: ColumnRef) -> Document:
    """Return a column with its asset; the column is `*` where any column, or the rows, are meant."""
    return {"asset": ref.asset, "column": ref.column}


def assets_document(assets: Sequence[AssetLine], environment: str) -> Document:
    """Return the shape of `ls`."""
    listed = [
        {
            "asset": it.asset,
            "kind": it.kind,
            "owner": it.owner,
            "status": it.status,
            "file": it.file,
            "description": it.description,
            "partitions": partitions_document(it.partitions),
        }
        for it in assets
    ]
    return {"environment": environment, "assets": listed}


def history_document(asset: str, versions: Iterable[VersionLine]) -> Document:
    """Return the shape of `history`."""
    listed = [
        {
            "version": it.number,
            "created": it.created,
            "run": it.run,
            "rows": it.rows,
            "verdict": it.verdict,
            "milliseconds": it.milliseconds,
            "definition_hash": it.definition_hash,
            "published_in": list(it.published_in),
            "equal_to": it.equal_to,
            "failed_checks": list(it.failed_checks),
            "held_in": list(it.held_in),
            "named": it.named,
        }
        for it in versions
    ]
    return {"asset": asset, "versions": listed}


def runs_document(runs: Iterable[RunLine]) -> Document:
    """Return the shape of `runs`."""
    return {"runs": [_run_line(it) for it in runs]}


def run_record_document(run: RunLine, steps: Iterable[StepLine]) -> Document:
    """Return the shape of `show`."""
    listed = [
        {
            "asset": it.asset,
            "outcome": it.outcome,
            "version": it.version,
            "changed": it.changed,
            "at": it.at,
            "message": it.message,
            "checks": [dict(check) for check in it.checks],
        }
        for it in steps
    ]
    return {**_run_line(run), "steps": listed}


def _run_line(run: RunLine) -> Document:
    return {
        "run": run.run,
        "environment": run.environment,
        "started": run.started,
        "finished": run.finished,
        "outcome": run.outcome,
        "actor": run.actor,
        "host": run.host,
        "counts": dict(run.counts),
    }


def logs_document(run: str, lines: Iterable[LogLine]) -> Document:
    """Return the shape of `logs`."""
    return {"run": run, "lines": [{"at": it.at, "asset": it.asset, "message": it.message} for it in lines]}


def entries_document(entries: Iterable[Entry]) -> Document:
    """Return the shape of `audit log`: entries exactly as they are recorded."""
    import json

    return {"entries": [json.loads(entry.to_bytes()) for entry in entries]}


def problems_document(problems: Iterable[Problem]) -> list[Document]:
    """Return declaration errors with their places."""
    return [
        {"file": it.file, "line": it.line, "message": it.message, "remedy": it.remedy, "asset": it.asset}
        for it in problems
    ]


def error_document(code: str, message: str, remedy: str = "", problems: Iterable[Problem] = ()) -> Document:
    """Return the shape of any verb that ended in an error."""
    return {"error": {"code": code, "message": message, "remedy": remedy, "problems": problems_document(problems)}}


def to_text(document: Mapping[str, object]) -> str:
    """Return a document as JSON text, in ASCII so that no terminal or pipe can break it."""
    import json

    return json.dumps(document, indent=2, allow_nan=False)
