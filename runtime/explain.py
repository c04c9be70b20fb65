"""`why`: the decision with every clause, the change itself, and the causes behind it back through the layers."""

from __future__ import annotations

from headwater.assets.errors import RequestError
from headwater.assets.key import AssetKey
from headwater.assets.partitions import PartitionSet
from headwater.runtime.causes import causes
from headwater.runtime.definition_moves import definition_moves
from headwater.runtime.explanation import ColumnMove
from headwater.runtime.ledger_reader import LedgerReader
from headwater.runtime.model import Explanation, Status
from headwater.runtime.partition_status import some_ranges
from headwater.runtime.proofs import clauses_of, failures_within
from headwater.runtime.read_proofs import read_proofs
from headwater.runtime.staleness import PRECEDENCE, Case, Decision
from headwater.runtime.version_history import VersionHistory
from headwater.runtime.workspace import Survey


def explain(survey: Survey, key: AssetKey, reader: LedgerReader | None, partition: str | None = None) -> Explanation:
    """Return why `key`, or one partition of it, has the status that it has; for a CURRENT one, the proof that it is.

    Raises RequestError for a partition that there is not.
    """
    decision, case = survey.decisions[key], survey.case(key)
    within = None if partition is None else one_partition(decision, key, partition)
    history = VersionHistory(reader, survey.state)
    clauses = clauses_of(case, decision, within)
    status = decision.status if within is None else _status(case, decision, within)
    moves = definition_moves(survey, key, history, within)
    found = causes(survey, key, within, history)
    version = case.published
    return Explanation(
        key,
        status,
        clauses,
        next((move.diff for move in moves if move.changes and move.diff), None),
        tuple(dict.fromkeys(f"{cause.asset}: {cause.message}" for cause in found if cause.root)),
        partition=None if within is None else within.text,
        partitions=None if decision.partitions is None else decision.partitions.line(),
        definition=moves,
        columns=_columns(survey, key) if any(move.changes for move in moves) else None,
        reads=read_proofs(case, decision, history, within),
        because=found,
        version=None if version is None else version.number,
        run=None if version is None else version.run,
        built=None if version is None else version.created,
        rows=None if version is None else version.rows,
    )


def one_partition(decision: Decision, key: AssetKey, text: str) -> PartitionSet:
    """Return the one partition that a text names. Raises RequestError where there is none, or several."""
    if text[:1] in ("v", "V") and text[1:].isdigit():
        raise RequestError(f"{key}@{text} is a version, and `why` is about today.", f"See `headwater history {key}`.")
    status = decision.partitions
    if status is None or not status.space.axes:
        raise RequestError(f"{key} has no partitions.", f"Ask `headwater why {key}`.")
    everything = status.space.all()
    remedy = f"It has {some_ranges(everything)}." if everything else "It has no partitions yet."
    try:
        found = status.space.parse(text)
    except RequestError as error:
        raise RequestError(f"{key} has no partition {text!r}: {error.message}", error.remedy or remedy) from None
    if found.count != 1:
        raise RequestError(f"{key}@{text} names {found.count} partitions.", f"Name one. {remedy}")
    return found


def _status(case: Case, decision: Decision, within: PartitionSet) -> Status:
    """Return the status of one partition."""
    assert decision.partitions is not None, "the asset has partitions"
    word = next(word for word in PRECEDENCE if within <= decision.partitions.of(word))
    return Status(word, tuple(reason for _, _, reason in failures_within(case, decision, within)))


def _columns(survey: Survey, key: AssetKey) -> ColumnMove | None:
    published, today = survey.state.published.get(key), survey.resolved[key].definition.schema
    return None if published is None or today is None else ColumnMove(published.schema, today)
