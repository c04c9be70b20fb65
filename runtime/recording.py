"""What a run records: versions and ledger drafts, made from orders and from what workers built. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from headwater.assets.key import AssetKey
from headwater.checks.check import CheckResult
from headwater.lineage import record
from headwater.lineage.encoding import JsonValue
from headwater.lineage.record import Blob, Draft
from headwater.lineage.recorded_lineage import encode
from headwater.runtime.clock import to_iso
from headwater.runtime.facts import facts_to_json, gate_to_json, version_to_json
from headwater.runtime.file_changes import file_changes
from headwater.runtime.key_lists import changed_entry
from headwater.runtime.model import RunResult
from headwater.runtime.order import Built, Observed, Order
from headwater.runtime.publish import draft
from headwater.runtime.resolve import Ended
from headwater.runtime.sources import FileState
from headwater.runtime.state import Gate, Observation, State, VersionRecord

_MOST_ERROR_LENGTH = 4000  # characters of an error that an entry keeps; the log has all of it


def new_version(
    order: Order, built: Built, number: int, source: str, code: Mapping[str, str] = MappingProxyType({})
) -> VersionRecord:
    """Return the version that a worker built, with its verdict.

    `source` is the text that its author wrote; `code` has the other project files that count, by path.
    """
    asset, definition = order.resolved.asset, order.resolved.definition
    version = VersionRecord(
        asset=asset.key,
        number=number,
        kind=asset.kind,
        physical=built.physical,
        rows=built.rows,
        schema=built.schema,
        definition=definition.parts(),
        definition_hash=definition.hash,
        trace=built.trace,
        tokens=built.tokens,
        gate=Gate("BLOCK", ""),
        run=order.run,
        created=to_iso(order.now),
        clock=order.clock,
        order_dependent=definition.order_dependent,
        file=built.file,
        source={"sha256": _observed(built).digest} if asset.is_external else {},
        data_times=_data_times(order, built.observed),
        milliseconds=built.milliseconds,
        text=Blob("", source.encode()).reference.sha256,
        code={path: Blob("", text.encode()).reference.sha256 for path, text in code.items()},
        lineage=None if built.lineage is None else encode(built.lineage, built.schema),
    )
    if order.slices is not None:
        from headwater.runtime.record_slices import slices_of

        version = replace(version, slices=slices_of(order, built))
    return judged(version, order, built)


def judged(version: VersionRecord, order: Order, built: Built) -> VersionRecord:
    """Return `version` with the verdict that a worker came to."""
    blocking = (r.check for r in built.verdict.results if r.outcome in ("FAIL", "ERROR") and r.severity != "warn")
    failed = tuple(blocking) if built.verdict.blocks else ()
    return replace(version, gate=Gate(built.verdict.word, order.resolved.checks_id, built.check_reads, failed))


def shared_with_equal(version: VersionRecord, state: State, order: Order, built: Built) -> VersionRecord:
    """Where the data equals what readers see, return the version over that data: only its trace is new."""
    published = state.published.get(version.asset)
    if published is None or version.physical == published.physical or version.is_foreign:
        return version
    if version.kind == "external" and version.slices is not None:  # its slices say which files they are from
        return version
    altered = published.physical in state.warehouse.altered
    if altered or not same_data(version, published) or version.kind == "view" or published.kind != version.kind:
        return version
    if version.file != published.file or version.order_dependent:
        return version
    tokens = {**published.tokens, **version.tokens}
    slices = version.slices
    if slices is not None:
        from headwater.runtime.record_slices import with_slices_of

        slices = with_slices_of(published, slices, order, built, state.facts)
        if slices is None:
            return version
    return replace(version, physical=published.physical, tokens=tokens, equal_to=published.number, slices=slices)


def same_data(version: VersionRecord, other: VersionRecord) -> bool:
    """Return whether two versions are proven to hold equal rows under equal columns."""
    return version.tokens.get("*") == other.tokens.get("*") and version.schema == other.schema


def staged(version: VersionRecord, built: Built, source: str, code: Mapping[str, str] = MappingProxyType({})) -> Draft:
    """Return the entry of a version that was built, with the texts of its author and the one that ran as blobs."""
    texts = {"source": source, "ran": built.text, **{f"code/{path}": text for path, text in code.items()}}
    blobs = tuple(Blob(name, text.encode(), "text/plain") for name, text in texts.items() if text)
    why = f"{len(version.trace)} inputs resolved, {version.rows} rows."
    payload = {**version_to_json(version), **facts_to_json(version, built)}
    return draft(record.VERSION_STAGED, version.asset, version.trace_key, payload, why, blobs)


def gate_entry(version: VersionRecord, results: tuple[CheckResult, ...], run: str, recheck: bool) -> Draft:
    """Return the entry of a verdict, with every result it was given on; `recheck` marks one on what readers see."""
    kind = record.GATE_BLOCKED if version.rejected else record.GATE_PASSED
    why = f"Blocked by {', '.join(version.gate.failed)}." if version.rejected else "It may be published."
    return draft(kind, version.asset, _subject(version), gate_to_json(version, results, run, recheck), why)


def observation_of(version: VersionRecord, built: Built, now: datetime) -> Observation:
    """Return what is now known of a source that was taken in as `version`."""
    seen = _observed(built)
    return Observation(version.asset, seen.state, seen.digest, to_iso(now), version.number)


def taken_in_entry(seen: Observation, before: Observation | None) -> Draft:
    """Return the entry of a source that was taken in, with the files that are others than `before`."""
    why = "The source was taken in."
    if before is not None and before.state.startswith("[") and seen.state.startswith("["):
        old, new = (FileState.from_json(json.loads(it.state)) for it in (before, seen))
        changes = file_changes(old, new, differs=before.digest != seen.digest).sentence
        why = f"The source was taken in ({changes})." if changes else why
    return observed_entry(seen, why)


def observed_entry(seen: Observation, why: str) -> Draft:
    """Return the entry of a source that was looked at."""
    payload: dict[str, JsonValue] = {"state": seen.state, "digest": seen.digest, "at": seen.at, "number": seen.number}
    return draft(record.SOURCE_OBSERVED, seen.source, str(seen.source), payload, why)


def token_entry(version: VersionRecord, columns: str, token: str) -> Draft:
    """Return the entry of a fingerprint that was taken because a decision needed it."""
    payload: dict[str, JsonValue] = {"number": version.number, "tokens": [[columns, token]]}
    why = "A reader needs the fingerprint of these columns."
    return draft(record.INPUT_RESOLVED, version.asset, _subject(version), payload, why)


def added_keys(order: Order, built: Built, state: State) -> tuple[dict[str, tuple[str, ...]], list[Draft]]:
    """Return the lists of dynamic keys after what a step's code added, with an entry for each list that it changed."""
    lists, drafts = dict(state.dynamic), []
    for name in dict.fromkeys(name for name, _ in built.added_keys):
        before = lists.get(name, ())
        new = tuple(key for at, key in built.added_keys if at == name and key not in before)
        if new:
            lists[name] = (*before, *new)
            drafts.append(changed_entry(record.PARTITION_ADDED, name, new, order.key, order.run))
    return lists, drafts


def ended_entry(key: AssetKey, ended: Ended, run: str) -> Draft:
    """Return the entry of a step that needed no worker."""
    number = None if ended.version is None else ended.version.number
    payload: dict[str, JsonValue] = {"run": run, "number": number, "outcome": ended.outcome}
    kind = record.VERIFIED_EQUAL if ended.outcome == "VERIFIED_EQUAL" else record.HELD
    return draft(kind, key, str(key), payload, ended.message)


def failed_entry(key: AssetKey, run: str, error: str, why: str) -> Draft:
    """Return the entry of a step that raised."""
    kept = error if len(error) <= _MOST_ERROR_LENGTH else error[:_MOST_ERROR_LENGTH] + " ..."
    return draft(record.STEP_FAILED, key, str(key), {"run": run, "error": kept}, why)


def finished_payload(result: RunResult) -> dict[str, JsonValue]:
    """Return the payload of a `run.finished` entry: outcome, counts, and the steps that have no entry of their own."""
    left: dict[str, list[JsonValue]] = {"skipped": [], "cancelled": []}
    for step in result.steps:
        if step.outcome in ("SKIPPED", "CANCELLED"):
            left[step.outcome.lower()].append([str(step.asset), step.message])
    payload: dict[str, JsonValue] = {"outcome": result.outcome, "counts": dict(result.counts)}
    payload.update({name: rows for name, rows in left.items() if rows})
    return payload


def _observed(built: Built) -> Observed:
    return built.observed or Observed("", built.tokens["*"])


def _subject(version: VersionRecord) -> str:
    return f"{version.asset}@v{version.number}"


def _data_times(order: Order, observed: Observed | None) -> dict[str, str]:
    """Return the oldest data time of every source that is inside, over all that it reads.

    What looked outside, as the function behind a volatile asset may, is a source too, as of now.
    """
    now = to_iso(order.now)
    if order.resolved.asset.is_external:
        declared = None if observed is None else observed.data_time
        return {str(order.key): now if declared is None else declared}
    if order.resolved.definition.volatility == "VOLATILE":
        return {**order.inside, str(order.key): now}
    return dict(order.inside)
