"""Root causes: from a reason back through waiting assets and past versions to what changed first.

Two ways lead back. An asset that waits for an upstream is followed to what the upstream itself waits for, today. An
input that changed is followed through the versions: how the one read then differs from the one that is read now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from headwater.assets.key import AssetKey
from headwater.assets.partitions import PartitionSet, forward
from headwater.lineage.definition_change import DefinitionChange
from headwater.lineage.slices import SliceMap
from headwater.runtime.definition_moves import definition_changes, definition_moves, side_of
from headwater.runtime.explanation import Cause
from headwater.runtime.model import Reason
from headwater.runtime.proofs import failures_within
from headwater.runtime.sentences import what_is_seen
from headwater.runtime.state import SliceTrace, VersionRecord
from headwater.runtime.version_history import VersionHistory, rows_of
from headwater.runtime.workspace import Survey

MOST_CAUSES = 20
_WAITING = ("UPSTREAM_PENDING", "UPSTREAM_MISSING", "HELD")


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two versions of one asset that a reader saw, then and now, of some columns (a column set key).

    `parts` are the partitions of it that the reader saw; None: all.
    """

    asset: AssetKey
    then: int
    now: int
    columns: str
    parts: PartitionSet | None = None


def causes(survey: Survey, key: AssetKey, within: PartitionSet | None, history: VersionHistory) -> tuple[Cause, ...]:
    """Return the way back from the reasons of an asset, or of some of its partitions; what is `root` changed by itself.

    The nearest come first, each once, and no more than MOST_CAUSES.
    """
    found: list[Cause] = []
    seen: set[_Pair] = set()  # what was told once is not told again
    came_by: dict[AssetKey, AssetKey | None] = {key: None}
    front: deque[tuple[AssetKey, PartitionSet | None]] = deque([(key, within)])
    while front and len(found) < MOST_CAUSES:
        asset, parts = front.popleft()
        for reason in sorted(_reasons(survey, asset, parts), key=lambda it: it.code != "BLOCKED"):
            upstream = reason.upstream
            if upstream is not None and _waits(survey, reason):
                if upstream not in came_by:
                    came_by[upstream] = asset
                    front.append((upstream, _read_of(survey, asset, parts, upstream)))
            else:
                teller = _Teller(survey, history, asset, parts, told=asset != key)
                found += teller.behind(reason, _path(came_by, asset), seen)
    return tuple(dict.fromkeys(found))[:MOST_CAUSES]


def _reasons(survey: Survey, asset: AssetKey, parts: PartitionSet | None) -> tuple[Reason, ...]:
    decision = survey.decisions[asset]
    if parts is None:
        return decision.status.reasons
    return tuple(reason for _, _, reason in failures_within(survey.case(asset), decision, parts))


def _read_of(survey: Survey, asset: AssetKey, parts: PartitionSet | None, upstream: AssetKey) -> PartitionSet | None:
    """Return the partitions of an upstream that some partitions of an asset read; None: all of it."""
    decision, mapping = survey.decisions.get(upstream), survey.loaded.assets[asset].mapping_of(upstream)
    if parts is None or decision is None or decision.partitions is None or mapping is None:
        return None
    there = decision.partitions.space
    read = forward(mapping, parts, there, survey.state.functions) & there.all()
    return read or None


def _waits(survey: Survey, reason: Reason) -> bool:
    if reason.code in _WAITING:
        return True
    known = None if reason.upstream is None else survey.decisions.get(reason.upstream)
    return reason.code == "UNDECIDABLE" and known is not None and known.status.word == "UNKNOWN"


def _path(came_by: dict[AssetKey, AssetKey | None], asset: AssetKey) -> tuple[AssetKey, ...]:
    """Return the assets between the one that was asked about and this one, nearest first."""
    path = []
    step = came_by[asset]
    while step is not None and came_by[step] is not None:
        path.append(step)
        step = came_by[step]
    return tuple(reversed(path))


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells what is behind the reasons of one asset, or of `parts` of it. The reasons themselves only if `told` here.

    Those of the asset that was asked about stand in its clauses.
    """

    survey: Survey
    history: VersionHistory
    asset: AssetKey
    parts: PartitionSet | None
    told: bool

    def behind(self, reason: Reason, path: tuple[AssetKey, ...], seen: set[_Pair]) -> Iterator[Cause]:
        """Yield a reason as a cause where it has to be told, and what is behind it."""
        pairs = _pairs(self.survey, self.asset, self.parts, reason)
        shown = self.told or reason.code == "BLOCKED"
        deeper = [it for pair in pairs for it in _history(self.survey, pair, int(shown), self.history, seen)]
        changes: tuple[DefinitionChange, ...] = ()
        if reason.code == "DEFINITION_CHANGED" and self.told:
            moves = definition_moves(self.survey, self.asset, self.history, self.parts)
            changes = tuple(change for move in moves for change in move.changes)
        if shown:
            cause = _rejection(self.survey, self.asset, reason, path, self.history)
            yield replace(cause, root=not pairs, changes=changes)
        yield from deeper


def _rejection(
    survey: Survey, asset: AssetKey, reason: Reason, path: tuple[AssetKey, ...], history: VersionHistory
) -> Cause:
    """Return a reason as a cause; where a gate rejected a version, with what its checks found."""
    blocked = survey.decisions[asset].blocked
    if reason.code != "BLOCKED" or blocked is None:
        return Cause(asset, reason.message, path=path)
    failing = [it for it in history.results(blocked) if it.get("outcome") in ("FAIL", "ERROR")]
    found = [f"{it.get('check')} expected {it.get('expected')} and found {it.get('actual')}" for it in failing]
    said = f"{reason.message} {'; '.join(found)}." if found else reason.message
    return Cause(asset, said, 0, False, path, blocked.number, blocked.run, blocked.created)


def _pairs(survey: Survey, asset: AssetKey, parts: PartitionSet | None, reason: Reason) -> list[_Pair]:
    """Return the versions that a reason is about, then and now."""
    published, decision = survey.state.published.get(asset), survey.decisions[asset]
    if reason.code == "BLOCKED" and decision.blocked is not None:
        before = 0 if published is None or published.number == decision.blocked.number else published.number
        return [_Pair(asset, before, decision.blocked.number, "*")] if before else []
    if reason.code == "ROLLED_BACK" and published is not None:
        return [_Pair(asset, published.number, it.version.number, "*") for it in survey.state.holds.get(asset, ())]
    if published is None or reason.upstream is None or reason.code not in ("INPUT_CHANGED", "CHECKS_CHANGED"):
        return []
    now = survey.state.published.get(reason.upstream)
    reads = [(read.upstream, read.number, read.columns) for read in (*published.trace, *published.gate.reads)]
    if published.slices is not None:
        about = None if parts is None else replace(parts.space, only=parts)
        traces = [it for it in published.slices.traces if about is None or about.restore(it.partitions)]
        reads = [(it.upstream, it.number, it.columns) for trace in traces for it in trace.reads]
    there = _read_of(survey, asset, parts, reason.upstream)
    seen = [
        _Pair(up, number, now.number, columns, there)
        for up, number, columns in reads
        if now is not None and up == reason.upstream and what_is_seen(columns)[0] == reason.columns
    ]
    return list(dict.fromkeys(pair for pair in seen if pair.then != pair.now))


def _history(survey: Survey, first: _Pair, depth: int, history: VersionHistory, seen: set[_Pair]) -> Iterator[Cause]:
    """Yield why what was seen of an asset changed between two versions, back to the versions that changed first."""
    pending = [(first, depth)]
    while pending:
        pair, at = pending.pop()
        then, now = history.of(pair.asset).get(pair.then), history.of(pair.asset).get(pair.now)
        if pair in seen or then is None or now is None:
            continue
        seen.add(pair)
        now = history.since(now, pair.columns, pair.then) if not now.rejected else now
        asset = survey.loaded.assets.get(pair.asset)
        changes: tuple[DefinitionChange, ...] = ()
        if asset is not None and then.definition_hash != now.definition_hash:
            changes = definition_changes(asset, side_of(then, history), side_of(now, history))
        inputs = list(_inputs(survey, then, now, pair.parts))
        why, certain = _why(then, now, changes, inputs)
        rows = [rows_of(it, survey.state.token(it, pair.columns), pair.columns) for it in (then, now)]
        said = f"{pair.asset} v{now.number} was {'taken in' if now.source else 'built'} {why}"
        root = certain or not inputs
        yield Cause(pair.asset, said, at, root, (), now.number, now.run, now.created, rows[0], rows[1], changes)
        pending += [(each, at + 1) for each in reversed(inputs)]


def _why(then: VersionRecord, now: VersionRecord, changes: tuple[object, ...], inputs: list[_Pair]) -> tuple[str, bool]:
    """Return why one version was built after the other, and whether that is a cause of its own."""
    whys = []
    if now.source and then.source.get("sha256") != now.source.get("sha256"):
        whys.append("because it was delivered anew")
    if changes or then.definition_hash != now.definition_hash:
        whys.append("because its definition changed")
    if then.clock != now.clock and now.clock is not None:
        whys.append(f"because it asks for the clock, which went on from {then.clock} to {now.clock}")
    certain = bool(whys)
    for pair in inputs:
        whys.append(
            f"because {what_is_seen(pair.columns)[1]} of {pair.asset} changed between v{pair.then} and v{pair.now}"
        )
    return (" and ".join(dict.fromkeys(whys)), certain) if whys else ("again, from equal code and inputs", True)


def _inputs(survey: Survey, then: VersionRecord, now: VersionRecord, parts: PartitionSet | None) -> Iterator[_Pair]:
    """Yield what the later of two versions read that the earlier one had not seen."""
    if now.slices is not None:
        yield from dict.fromkeys(_slice_inputs(survey, then, now, parts))
        return
    before = {(read.upstream, read.columns): read for read in then.trace}
    others = {read.upstream: read for read in then.trace}
    for read in now.trace:
        old = before.get((read.upstream, read.columns))
        if old is None and read.upstream in others and others[read.upstream].number != read.number:
            old = others[read.upstream]  # it read other columns then: nobody can say whether they differ
        if old is not None and old.number != read.number and (old.token != read.token or old.columns != read.columns):
            yield _Pair(read.upstream, old.number, read.number, read.columns)


def _slice_inputs(
    survey: Survey, then: VersionRecord, now: VersionRecord, within: PartitionSet | None
) -> Iterator[_Pair]:
    """Yield what the partitions that differ between two versions had read otherwise."""
    decision = survey.decisions.get(now.asset)
    if decision is None or decision.partitions is None or then.slices is None or now.slices is None:
        return
    space = decision.partitions.space
    other = SliceMap.restore(then.slices.parts, space).differs(SliceMap.restore(now.slices.parts, space))
    other = other if within is None else other & within
    old = [(trace, space.restore(trace.partitions) & other) for trace in then.slices.traces]
    new = [(trace, space.restore(trace.partitions) & other) for trace in now.slices.traces]
    for trace, parts in new:
        for before, mine in old:
            if parts & mine:
                yield from _reads_moved(before, trace)
        if _firsts(parts, old):
            yield from _first_reads(then, trace)


def _firsts(parts: PartitionSet, old: list[tuple[SliceTrace, PartitionSet]]) -> PartitionSet:
    """Return the partitions that the earlier version did not have."""
    for _, mine in old:
        parts = parts - mine
    return parts


def _reads_moved(before: SliceTrace, after: SliceTrace) -> Iterator[_Pair]:
    known = {(read.upstream, read.columns): read for read in before.reads}
    for read in after.reads:
        old = known.get((read.upstream, read.columns))
        if old is not None and old.number != read.number and not (old.token and old.token == read.token):
            yield _Pair(read.upstream, old.number, read.number, read.columns)


def _first_reads(then: VersionRecord, after: SliceTrace) -> Iterator[_Pair]:
    """Yield the versions of upstreams that came between: a new partition was built as there was something to read."""
    assert then.slices is not None, "the asset has partitions"
    known = {read.upstream: read.number for trace in then.slices.traces for read in trace.reads}
    for read in after.reads:
        if known.get(read.upstream, read.number) < read.number:
            yield _Pair(read.upstream, known[read.upstream], read.number, read.columns)
