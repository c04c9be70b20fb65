"""Every clause of a decision with its answer: what failed, and for what held, the proof. What `why` shows."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.assets.partitions import PartitionSet
from headwater.runtime.clock import readable
from headwater.runtime.model import Clause, Reason, StatusWord
from headwater.runtime.staleness import CLAUSES, PRECEDENCE, Case, Decision

_ABOUT_FILES = ("INPUT_CHANGED", "INPUT_REMOVED", "PARTITION_ADDED", "UPSTREAM_MISSING", "UNDECIDABLE")


def clauses_of(case: Case, decision: Decision, within: PartitionSet | None = None) -> tuple[Clause, ...]:
    """Return every clause with its answer, failing ones first, as `why` shows them; `within` these partitions only.

    That today's inputs were already rejected is part of the last clause: no verdict lets them be published.
    """
    failed: dict[str, list[Reason]] = {clause.name: [] for clause in CLAUSES}
    for name, _, reason in failures_within(case, decision, within):
        failed[name].append(reason)
    shown = []
    for clause in CLAUSES:
        if clause.name == "source" and not case.asset.is_external:
            continue
        reasons = tuple(failed[clause.name])
        unbuilt = case.published is None or _unbuilt(decision, within)
        unreached = unbuilt and clause.name not in ("upstream", "published") and not reasons
        holds = None if unreached else not reasons
        proof = _proof(clause.name, case, decision, within) if holds else ""
        shown.append(Clause(clause.name, clause.question, holds, reasons, proof))
    return tuple(sorted(shown, key=lambda clause: clause.holds is not False))


def failures_within(
    case: Case, decision: Decision, within: PartitionSet | None = None
) -> tuple[tuple[str, StatusWord, Reason], ...]:
    """Return what fails of an asset, or of some of its partitions: the clause, the status that follows, the reason.

    The gravest comes first.
    """
    if decision.partitions is None:
        found = [(clause.name, *failure) for clause in CLAUSES for failure in clause.failures(case)]
    else:
        found = list(_failures_of_partitions(case, within))
        rolled_back = decision.partitions.rolled_back
        if rolled_back is not None and (within is None or within & rolled_back):
            reasons = decision.status.reasons
            found += [("rollback", "STALE", reason) for reason in reasons if reason.code == "ROLLED_BACK"]
    known = {reason for _, _, reason in found}
    blocks = [reason for reason in decision.status.reasons if reason.code == "BLOCKED" and reason not in known]
    found += [("checks", "STALE", reason) for reason in blocks]
    return tuple(sorted(found, key=lambda failure: PRECEDENCE.index(failure[1])))


def _failures_of_partitions(case: Case, within: PartitionSet | None) -> Iterator[tuple[str, StatusWord, Reason]]:
    """Yield the clause, the status and the reason. Of a source, what is about its files fails the clause `source`.

    Files that were not delivered are no failure of the whole: it is CURRENT without them.
    """
    from headwater.runtime.part_status import is_late
    from headwater.runtime.partition_status import failures_by_clause

    for name, (word, reason, parts) in failures_by_clause(case, within):
        about_files = case.asset.is_external and name == "published" and reason.code in _ABOUT_FILES
        if within is not None or not case.asset.is_external or not is_late((word, reason, parts)):
            yield "source" if about_files else name, word, reason


def _unbuilt(decision: Decision, within: PartitionSet | None) -> bool:
    """Return whether the partitions that were asked about were never built."""
    return within is not None and decision.partitions is not None and within <= decision.partitions.of("MISSING")


def _proof(name: str, case: Case, decision: Decision, within: PartitionSet | None) -> str:
    version = case.published
    if version is None:
        return ""
    if name == "published":
        parts = "" if decision.partitions is None else next(_slices_proof(case, decision, within), "")
        return f"v{version.number}, published from run {version.run}{parts}."
    if name == "definition":
        hashed = version.definition_hash if version.slices is None else case.resolved.definition.hash
        return f"definition {hashed[:12]}."
    if name == "inputs" and not version.trace and version.slices is None:
        return "" if case.asset.is_external else "it reads nothing."
    if name == "source" and (seen := case.state.observed.get(case.asset.key)) is not None:
        return f"taken in as v{seen.number}, last looked at {readable(seen.at)}."
    if name == "volatility" and case.resolved.definition.order_dependent:
        return f"current up to row order: {'; '.join(case.resolved.definition.order_dependent)}."
    if name == "checks":
        return f"verdict {version.gate.word}."
    return ""


def _slices_proof(case: Case, decision: Decision, within: PartitionSet | None) -> Iterator[str]:
    """Yield how many partitions are there; of a single one, which slice holds it and since when."""
    from headwater.runtime.partition_status import slice_map

    assert decision.partitions is not None, "the asset has partitions"
    space = decision.partitions.space
    if case.published is None or case.published.slices is None or not space.axes:
        return
    mine = slice_map(case.published, space)
    if within is None:
        yield f", with {mine.count:,} of {space.all().count:,} partitions"
        return
    for partition, number in mine.restricted(within).items():
        for trace in case.published.slices.traces:
            if partition in space.restore(trace.partitions):
                yield f"; {partition.text} is its slice {number}, built at {readable(trace.created)}"
