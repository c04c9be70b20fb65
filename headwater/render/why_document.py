"""`why` as a JSON document. Keys are stable; what is added is added at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.render.documents import Document, partitions_document, reasons_document

if TYPE_CHECKING:
    from headwater.lineage.definition_change import DefinitionChange
    from headwater.runtime.explanation import Cause, ColumnMove, DefinitionMove, ReadProof
    from headwater.runtime.model import Clause, Explanation


def why_document(explanation: Explanation, environment: str) -> Document:
    """Return the shape of `why`."""
    return {
        "asset": explanation.asset,
        "environment": environment,
        "status": explanation.status.word,
        "reasons": reasons_document(explanation.status.reasons),
        "clauses": [_clause(clause) for clause in explanation.clauses],
        "diff": explanation.diff,
        "causes": list(explanation.causes),
        "partition": explanation.partition,
        "partitions": partitions_document(explanation.partitions),
        "definition": [_move(move) for move in explanation.definition],
        "columns": _columns(explanation.columns),
        "reads": [_read(proof) for proof in explanation.reads],
        "because": [_cause(cause) for cause in explanation.because],
        "version": explanation.version,
        "run": explanation.run,
        "built": explanation.built,
        "rows": explanation.rows,
    }


def _clause(clause: Clause) -> Document:
    return {
        "name": clause.name,
        "question": clause.question,
        "holds": clause.holds,
        "reasons": reasons_document(clause.reasons),
        "proof": clause.proof,
    }


def _move(move: DefinitionMove) -> Document:
    return {
        "version": move.version,
        "partitions": None if move.partitions is None else list(move.partitions),
        "changes": [_change(change) for change in move.changes],
        "diff": move.diff,
    }


def _change(change: DefinitionChange) -> Document:
    return {
        "action": change.action,
        "kind": change.kind,
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "where": change.where,
        "message": change.sentence,
    }


def _columns(move: ColumnMove | None) -> Document | None:
    if move is None:
        return None
    return {
        "before": [{"column": name, "type": type_} for name, type_ in move.before],
        "after": [{"column": name, "type": type_} for name, type_ in move.after],
        "added": list(move.added),
        "removed": list(move.removed),
        "retyped": [{"column": name, "before": old, "after": new} for name, old, new in move.retyped],
    }


def _read(proof: ReadProof) -> Document:
    return {
        "upstream": proof.upstream,
        "columns": None if proof.columns is None else list(proof.columns),
        "condition": proof.condition,
        "version": proof.version,
        "now": proof.now,
        "equal": proof.equal,
        "rows": proof.rows,
        "fingerprint": proof.fingerprint,
        "partitions": None if proof.partitions is None else list(proof.partitions),
        "upstream_partitions": None if proof.slices is None else list(proof.slices),
        "since_version": proof.since_version,
        "since": proof.since,
        "since_run": proof.since_run,
    }


def _cause(cause: Cause) -> Document:
    return {
        "asset": cause.asset,
        "message": cause.message,
        "depth": cause.depth,
        "root": cause.root,
        "path": list(cause.path),
        "version": cause.version,
        "run": cause.run,
        "at": cause.at,
        "rows_before": cause.rows_before,
        "rows_after": cause.rows_after,
        "changes": [_change(change) for change in cause.changes],
    }
