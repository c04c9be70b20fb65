"""Every clause of a decision with its answer: what failed, and for what held, the proof. What `why` shows."""

from __future__ import annotations

from headwater.lineage.fingerprint import columns_of_key
from headwater.runtime.model import Clause
from headwater.runtime.staleness import CLAUSES, Case, Decision
from headwater.runtime.state import VersionRecord


def clauses_of(case: Case, decision: Decision) -> tuple[Clause, ...]:
    """Return every clause with its answer, failing ones first, as `why` shows them.

    That today's inputs were already rejected is part of the last clause: no verdict lets them be published.
    """
    shown = []
    blocks = tuple(reason for reason in decision.status.reasons if reason.code == "BLOCKED")
    for clause in CLAUSES:
        if clause.name == "source" and not case.asset.is_external:
            continue
        reasons = tuple(reason for _, reason in clause.failures(case))
        if clause.name == "rollback":  # of a partitioned asset, it is about some of its partitions
            reasons = tuple(reason for reason in decision.status.reasons if reason.code == "ROLLED_BACK")
        if clause.name == "checks":
            reasons += tuple(reason for reason in blocks if reason not in reasons)
        unreached = case.published is None and clause.name not in ("upstream", "published") and not reasons
        holds = None if unreached else not reasons
        shown.append(Clause(clause.name, clause.question, holds, reasons, _proof(clause.name, case) if holds else ""))
    return tuple(sorted(shown, key=lambda clause: clause.holds is not False))


def _proof(name: str, case: Case) -> str:
    version = case.published
    if version is None:
        return ""
    if name == "published":
        return f"v{version.number}, published from run {version.run}."
    if name == "definition":
        return f"definition {version.definition_hash[:12]}."
    if name == "inputs":
        return _inputs_proof(case, version)
    if name == "volatility" and case.resolved.definition.order_dependent:
        return f"current up to row order: {'; '.join(case.resolved.definition.order_dependent)}."
    if name == "checks":
        return f"verdict {version.gate.word}."
    return ""


def _inputs_proof(case: Case, version: VersionRecord) -> str:
    parts = []
    for read in version.trace:
        columns = columns_of_key(read.columns)
        now = case.state.published.get(read.upstream)
        which = "all columns" if columns is None else ", ".join(columns) or "row count"
        moved = f", equal in v{now.number}" if now and now.number != read.number else ""
        parts.append(f"{read.upstream}@v{read.number}{moved} ({which})")
    return ("; ".join(parts) + ".") if parts else "it reads nothing."
