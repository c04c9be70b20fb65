"""What proves an asset CURRENT in one comparison, without its record and without its declaration.

A published version is recorded with two short digests: `made`, over its definition hash and the versions of what it
read, and `judged`, over its checks and the versions of what these read. Where today's digests are the same, the
clauses about its definition, its reads, its inputs and its verdict hold, each for its own reason: equal definition,
equal reads, the very same versions of them, equal checks. Where they differ nothing is said, and the clauses decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from headwater.assets.key import AssetKey

if TYPE_CHECKING:
    from headwater.lineage.schema import SchemaColumns
    from headwater.runtime.staleness import Decision, Resolved
    from headwater.runtime.state import State, VersionRecord, WarehouseNow

_DIGITS = 40  # of SHA-256 in hex: 160 bits

Read = tuple[str, int]  # an upstream and the number of its version


class Standing(NamedTuple):
    """A published version in short. `judged` is empty where its verdict keeps it from readers, or is not given yet.

    `shape` is a digest of its definition hash and its schema: all that resolving its readers takes from it. `dated`
    is 1 where it has a data time of its own, else 0.
    """

    number: int
    kind: str
    made: str
    judged: str
    shape: str
    dated: int


class Outline(NamedTuple):
    """A resolved asset in short. Of a `plain` one nothing but what stands here can say that it is not CURRENT.

    `reads` and `check_reads` are the upstreams that it and its checks read.
    """

    plain: bool
    definition_hash: str
    checks_id: str
    reads: tuple[AssetKey, ...]
    check_reads: tuple[AssetKey, ...]


def made_of(definition_hash: str, reads: Iterable[Read]) -> str:
    """Return the digest of a definition over versions of what it reads."""
    return _digest(definition_hash, reads)


def judged_by(checks_id: str, reads: Iterable[Read]) -> str:
    """Return the digest of checks over versions of what they read."""
    return _digest(checks_id, reads)


def shape_of(definition_hash: str, schema: SchemaColumns) -> str:
    """Return the digest of what readers of a version are resolved with."""
    columns = (f"{name}\0{type_}" for name, type_ in schema)
    return hashlib.sha256("\n".join((definition_hash, *columns)).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def standing_of(version: VersionRecord) -> Standing:
    """Return a version in short."""
    gate = version.gate
    judged = "" if version.rejected else judged_by(gate.checks_id, ((r.upstream, r.number) for r in gate.reads))
    made = made_of(version.definition_hash, ((read.upstream, read.number) for read in version.trace))
    shape = shape_of(version.definition_hash, version.schema)
    return Standing(version.number, version.kind, made, judged, shape, int(str(version.asset) in version.data_times))


def outline_of(resolved: Resolved) -> Outline:
    """Return a resolved asset in short."""
    asset, definition = resolved.asset, resolved.definition
    plain = not (
        asset.source is not None
        or asset.in_parts
        or asset.freshness is not None
        or asset.on_upstream_blocked != "hold"
        or definition.volatility != "STABLE"
        or definition.undecidable
        or definition.order_dependent
    )
    return Outline(
        plain,
        definition.hash,
        resolved.checks_id,
        tuple([AssetKey(read.upstream) for read in definition.reads]),
        tuple([AssetKey(read.upstream) for read in resolved.check_reads]),
    )


def is_trusted(warehouse: WarehouseNow) -> bool:
    """Return whether nothing is known to be wrong with any stored data, so that no clause has to look at it."""
    return warehouse.verified and not warehouse.findings and not warehouse.altered and not warehouse.altered_files


def is_proven_current(
    key: AssetKey,
    outline: Outline,
    state: State,
    decisions: Mapping[AssetKey, Decision],
) -> bool:
    """Return True only where every clause holds. False says nothing; the stored data is trusted (`is_trusted`).

    Of upstreams in parts some parts may be missing, and a rename or a rollback has clauses of its own.
    """
    standings = state.published.standings
    standing = standings.get(key)
    if standing is None or not outline.plain or standing.dated or key in state.holds or key in state.shown_as:
        return False
    reads = _current(outline.reads, standings, decisions)
    if reads is None or made_of(outline.definition_hash, reads) != standing.made:
        return False
    reads = _current(outline.check_reads, standings, decisions)
    return reads is not None and judged_by(outline.checks_id, reads) == standing.judged


def _current(
    upstreams: Iterable[AssetKey], standings: Mapping[AssetKey, Standing], decisions: Mapping[AssetKey, Decision]
) -> list[Read] | None:
    """Return the published versions of `upstreams`, or None where one of them is not known to be all current."""
    reads: list[Read] = []
    for upstream in upstreams:
        known, decision = standings.get(upstream), decisions.get(upstream)
        if known is None or decision is None or decision.status.word != "CURRENT" or decision.partitions is not None:
            return None
        reads.append((upstream, known.number))
    return reads


def _digest(first: str, reads: Iterable[Read]) -> str:
    lines = sorted({f"\n{upstream}@{number}" for upstream, number in reads})
    return hashlib.sha256((first + "".join(lines)).encode()).hexdigest()[:_DIGITS]
