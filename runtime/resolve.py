"""What a step's turn comes to, decided on the state of that moment: nothing to do, blocked, held, or an order.

The same clauses as `stale` uses are asked again with the versions that are pinned now. Pure but for the engine calls
that take a fingerprint which nobody needed before (`fill`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from headwater.assets.config import ProjectConfig
from headwater.assets.errors import StepError
from headwater.assets.key import AssetKey
from headwater.lineage.conditions import parameters_of
from headwater.lineage.fingerprint import FILE_BYTES, condition_of_key
from headwater.runtime.clock import truncate
from headwater.runtime.clock_sql import clock_literals
from headwater.runtime.data_time import Inside, oldest_of, recorded
from headwater.runtime.definer import Definer, PublishedSchemas
from headwater.runtime.definition_problems import require_dialect
from headwater.runtime.literals import sql_literal
from headwater.runtime.model import Status, StepOutcome
from headwater.runtime.order import Order, Pinned
from headwater.runtime.staleness import (
    Case,
    Decision,
    Resolved,
    decide,
    is_judged_today,
    is_of_today,
    missing_tokens,
)
from headwater.runtime.state import Ranges, State, StateReader, VersionRecord

if TYPE_CHECKING:
    from headwater.assets.partitions import Partition
    from headwater.runtime.partition_status import Missing
    from headwater.runtime.workspace import Survey

MOST_READER_SETS = 8
_NO_BUILD = frozenset(("CHECKS_CHANGED", "BLOCKED"))


@dataclass(frozen=True, slots=True)
class Ended:
    """A step that needs no worker: its outcome with the sentence that says why."""

    outcome: StepOutcome
    message: str
    decision: Decision
    version: VersionRecord | None = None


@dataclass(frozen=True, slots=True)
class Reuse:
    """A stored version of today's trace that only has to be made visible."""

    version: VersionRecord
    message: str


class Look(Protocol):
    """What deciding has to look at the data for, because no one needed to know it before."""

    def fill(self, version: VersionRecord, columns: str) -> str:
        """Return the fingerprint token of a column set of a stored version."""
        ...

    def fill_slices(self, missing: Missing) -> None:
        """Take the fingerprints of slices, or of what a condition shows to partitions, and keep them in the state."""
        ...

    def intact(self, version: VersionRecord) -> bool:
        """Return whether the data of a stored version, which no reader may be watching, is what was recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Situation:
    """All that resolving a step stands on."""

    config: ProjectConfig
    definer: Definer
    reader: StateReader
    state: State
    decisions: Mapping[AssetKey, Decision]
    left_out: frozenset[AssetKey]  # assets that are not current and not part of the plan
    readers: Mapping[AssetKey, frozenset[str]]
    run: str
    now: datetime
    store: Path
    suffix: str
    relation_of: Callable[[VersionRecord], str]
    physical_name: Callable[[AssetKey], str]
    key_prefix: Callable[[AssetKey], str]
    source_text: Callable[[AssetKey], str]
    python: Mapping[str, str]  # the project's Python files as loaded
    part_of: Callable[[str, Sequence[str], Ranges], str]  # slices of a store as a relation
    inside: Inside
    only: str | None = None  # the partitions that were asked for, as text
    shown: Mapping[AssetKey, tuple[tuple[str, tuple[Partition, ...]], ...]] = field(default_factory=dict)
    dynamic_lists: tuple[str, ...] = ()  # of dynamic keys that assets declare


def resolve_step(at: Situation, key: AssetKey, force: bool, look: Look) -> Ended | Reuse | Order:
    """Return what to do about `key` now."""
    resolved, problems = at.definer.resolve(key, PublishedSchemas(at.state))
    if problems:
        return Ended("FAILED", str(problems[0]), Decision(Status("UNKNOWN")))
    case = Case(resolved, at.state.published.get(key), at.state, at.decisions, at.now, at.config.timezone)
    known = [] if case.published is None else [case.published]
    known += [hold.version for hold in at.state.holds.get(key, ())]
    judged = [v for v in at.state.rejected.get(key, ()) if v.definition_hash == resolved.definition.hash]
    _fill(at, case, (*known, *judged), look)
    decision = decide(case)
    codes = {reason.code for reason in decision.status.reasons}
    if resolved.asset.in_parts:
        from headwater.runtime.resolve_partitions import resolve_partitions

        return resolve_partitions(at, case, decision, force, look)
    if case.published is not None and "RENAMED" in codes and decision.settled and not force:
        return Reuse(case.published, f"It was called {at.state.shown_as[key]} before; nothing was computed.")
    ended = _ended(case, decision, force)
    if ended is not None:
        return _with_what_was_left_out(ended, case, at.left_out)
    if not force and case.published is not None and decision.status.word == "STALE" and codes <= _NO_BUILD:
        return make_order(at, case, "RECHECK", case.published)
    if not force:
        stored = stored_version(at, case, look)
        if stored is not None:
            return stored
    order = make_order(at, case, "BUILD", None)
    return order if case.asset.sql is None else replace(order, sql=pinned_sql(at, case, order))


def wanted_sets(resolved: Mapping[AssetKey, Resolved], state: State) -> dict[AssetKey, frozenset[str]]:
    """Return for each asset the column set keys that readers see: of today's definitions and of recorded traces."""
    wanted: dict[AssetKey, set[str]] = {}
    for reader in resolved.values():
        for read in (*reader.definition.reads, *reader.check_reads):
            wanted.setdefault(AssetKey(read.upstream), set()).add(read.key)
    for version in state.published.values():
        for trace in (*version.trace, *version.gate.reads):
            wanted.setdefault(trace.upstream, set()).add(trace.columns)
    for keys in wanted.values():
        keys -= {"*", FILE_BYTES}
    return {key: frozenset(sets) for key, sets in wanted.items()}


def shown_to_readers(
    survey: Survey, state: State, planned: Collection[AssetKey]
) -> dict[AssetKey, tuple[tuple[str, tuple[Partition, ...]], ...]]:
    """Return for each planned asset the conditions that its readers' partitions see it under, with those partitions."""
    found: dict[AssetKey, dict[str, dict[str, Partition]]] = {}
    for key, decision in survey.decisions.items():
        if decision.partitions is None:
            continue
        from headwater.runtime.partition_status import slice_map

        for read in survey.resolved[key].definition.reads:
            if read.upstream in planned and parameters_of(read.condition) and key in state.published:
                domain = slice_map(state.published[key], decision.partitions.space).domain
                by_text = {partition.text: partition for partition in domain}
                found.setdefault(AssetKey(read.upstream), {}).setdefault(read.key, {}).update(by_text)
    return {
        key: tuple((columns, tuple(by_text.values())) for columns, by_text in sorted(sets.items()))
        for key, sets in found.items()
    }


def _ended(case: Case, decision: Decision, force: bool) -> Ended | None:
    missing = [r for r in decision.status.reasons if r.code == "UPSTREAM_MISSING"]
    if missing:
        return Ended("HELD", f"{missing[0].upstream} must be built first: select +{case.asset.key}.", decision)
    if decision.held:
        reason = next(r for r in decision.status.reasons if r.code == "HELD")
        return Ended("HELD", reason.message, decision)
    kept = [reason for reason in decision.status.reasons if reason.code == "ROLLED_BACK"]
    if kept:
        return Ended("ROLLED_BACK", kept[0].message, decision, case.published)
    if force:
        return None
    if decision.final:
        return Ended("BLOCKED", decision.status.reasons[-1].message, decision, decision.blocked)
    if decision.status.word == "CURRENT":
        return Ended(
            "VERIFIED_EQUAL",
            "What it reads proved equal to what it read; nothing was computed.",
            decision,
            case.published,
        )
    return None


def _with_what_was_left_out(ended: Ended, case: Case, left_out: frozenset[AssetKey]) -> Ended:
    """Say so where a step was only compared with upstreams that are themselves out of date and were not asked for."""
    behind = sorted(left_out.intersection(AssetKey(read.upstream) for read in case.resolved.definition.reads))
    if ended.outcome != "VERIFIED_EQUAL" or not behind:
        return ended
    message = (
        f"Equal to what {', '.join(behind)} published; that is out of date and was not selected: run +{case.asset.key}."
    )
    return replace(ended, message=message)


def stored_version(at: Situation, case: Case, look: Look) -> Reuse | Order | None:
    """Look for a version of today's trace: an accepted one is reused; judged by other checks, it is judged again."""
    definition = case.resolved.definition
    determined = definition.volatility != "VOLATILE" and not definition.order_dependent
    if definition.undecidable or not (determined or case.published is None):
        return None
    found = _of_today(at, case, look, exact=not determined)
    if found is None:
        return None
    if is_judged_today(case, found) and not found.rejected:
        return Reuse(found, f"v{found.number} was made from the same definition and inputs.")
    return make_order(at, case, "RECHECK", found)


def _of_today(at: Situation, case: Case, look: Look, *, exact: bool) -> VersionRecord | None:
    """Return the newest stored version of today's trace whose data is intact, or None.

    With `exact`, equal data under another number is not enough: what its trace does not determine may be shared
    between environments, and only as the very same version.
    """
    versions = at.reader.versions_of_definition(case.asset.key, case.resolved.definition.hash)
    for version in versions:
        _fill(at, case, [version], look)
        same = is_of_today(case, version)
        if same and exact:
            same = all(at.state.published[read.upstream].number == read.number for read in version.trace)
        if same and version.physical not in at.state.warehouse.altered and look.intact(version):
            return version
    return None


def _fill(at: Situation, case: Case, versions: Iterable[VersionRecord], look: Look) -> None:
    """Take the fingerprints that comparing needs. Under a condition that raises an error there is none: undecidable."""
    for version, columns in missing_tokens(case, versions):
        try:
            at.state.extra_tokens[(version.asset, version.number, columns)] = look.fill(version, columns)
        except StepError:
            if condition_of_key(columns) is None:
                raise


def make_order(at: Situation, case: Case, kind: str, version: VersionRecord | None) -> Order:
    """Return the order to build, or to judge `version` again; without the SQL that runs."""
    resolved, asset = case.resolved, case.asset
    inputs: dict[AssetKey, Pinned] = {}
    tokens: dict[tuple[AssetKey, str], str] = {}
    for read in (*resolved.definition.reads, *resolved.check_reads):
        upstream = at.state.published.get(AssetKey(read.upstream))
        if upstream is None:
            continue
        file = None if upstream.file is None else at.store / upstream.file.sha256
        inputs[upstream.asset] = Pinned(upstream, at.relation_of(upstream), file)
        columns = read.key
        known = at.state.token(upstream, columns)
        if known is not None:
            tokens[(upstream.asset, columns)] = known
    if kind == "RECHECK" and version is not None:
        physical = version.physical
    elif asset.source is not None and asset.source.table is not None:
        physical = "=" + ".".join('"' + part.replace('"', '""') + '"' for part in asset.source.table.split("."))
    else:
        physical = at.physical_name(asset.key)
    reads = {AssetKey(read.upstream) for read in resolved.definition.reads} & set(inputs)  # checks take nothing in
    return Order(
        kind="RECHECK" if kind == "RECHECK" else "BUILD",
        resolved=resolved,
        physical=physical,
        inputs=inputs,
        tokens=tokens,
        wanted=_wanted(at, asset.key),
        run=at.run,
        now=at.now,
        root=at.config.root,
        store=at.store,
        suffix=at.suffix,
        key_prefix=at.key_prefix(asset.key),
        clock=case.clock,
        clock_at=truncate(at.now, asset.clock, at.config.timezone),
        variables=at.config.variables,
        version=version,
        inside={} if kind == "RECHECK" else recorded(oldest_of(at.inside.times(up) for up in sorted(reads))),
        python=at.python if asset.python is not None else {},
        shown=at.shown.get(asset.key, ()),
        dynamic_lists=at.dynamic_lists,
    )


def _wanted(at: Situation, key: AssetKey) -> tuple[str, ...]:
    """Return the column set keys that readers see, but those that have a condition of its own for each partition."""
    keys = (k for k in at.readers.get(key, ()) if not parameters_of(condition_of_key(k)))
    return tuple(sorted(keys))[:MOST_READER_SETS]


def pinned_sql(
    at: Situation,
    case: Case,
    order: Order,
    relations: Mapping[AssetKey, str] = MappingProxyType({}),
    values: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the user's own text with references, parameters and clock functions replaced by position.

    `relations` stand for upstreams of which only a part is read, `values` are literals of further parameters.
    """
    from headwater.lineage.sql import render

    asset = case.asset
    require_dialect(asset, at.config.engine)
    analysis = at.definer.analysis(asset.key, PublishedSchemas(at.state))
    assert analysis is not None, "the asset has SQL"
    assert asset.sql is not None, "the asset has SQL"
    assert order.clock_at is not None, "an order has a clock"
    tables = {str(key): relations.get(key, pinned.relation) for key, pinned in order.inputs.items()}
    parameters = {f"vars.{name}": sql_literal(value) for name, value in at.config.variables.items()}
    parameters.update(values)
    return render(asset.sql, analysis, tables, parameters, clock_literals(order.clock_at))
