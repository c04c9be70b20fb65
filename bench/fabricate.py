"""Published versions without building them: for measuring what deciding costs, at sizes that take hours to build.

A small part of a project is built for real. The rest gets the versions that the same run would have recorded: entries
made by the builders that a run uses, published through the function that a run uses, appended to the ledger and its
projections. Only the warehouse is left as it is, so the data of these versions is not there; `stale` does not look,
because nothing wrote to the warehouse's file since it was closed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from headwater.api import load_project
from headwater.assets.key import AssetKey
from headwater.assets.partitions import Space, forward
from headwater.checks.check import CheckResult, Verdict
from headwater.lineage.slices import SliceMap
from headwater.runtime.engines.engine import Publication
from headwater.runtime.loading import source_text
from headwater.runtime.order import Built, BuiltSlices
from headwater.runtime.publish import Item, publish
from headwater.runtime.recording import gate_entry, staged
from headwater.runtime.state import Gate, SliceRead, Slices, SliceTrace, TraceRead, VersionRecord
from headwater.runtime.workspace import Survey

BATCH = 1000
Held = Mapping[str, Mapping[int, str]]  # fingerprints of slices, by column set key and number
Made = tuple[VersionRecord, Held]


class _Untouched:
    """A warehouse to which publishing does nothing."""

    def publish(self, publication: Publication) -> None:
        """Do nothing."""


def publish_unbuilt(root: Path, versions: Callable[[Survey], Iterable[Made]]) -> int:
    """Publish `versions`, given the project as it is, and return how many there were."""
    project = load_project(root, require=True)
    workspace = project.workspace
    count = 0
    with workspace.hold("bench", environment="prod") as held:
        survey = workspace.judge(workspace.loaded.require_graph(), held.state)
        hands = replace(held.hands(), warehouse=_Untouched())
        known = held.reader.warehouse()
        assert known is not None, "a part was built for real"
        batch: list[Made] = []

        def flush() -> None:
            nonlocal count
            facts = []
            for version, tokens in batch:
                source = source_text(workspace.loaded.assets[version.asset], workspace.loaded)
                facts.append(staged(version, _built(version, tokens), source))
                facts.append(gate_entry(version, _results(version), "bench", False))
            items = [Item(version.asset, "PUBLISHED", True, version) for version, _ in batch]
            publish(hands, known[1], workspace.outside.new_id(), items, facts)
            count += len(batch)
            batch.clear()

        for made in versions(survey):
            batch.append(made)
            if len(batch) == BATCH:
                flush()
        if batch:
            flush()
        held.checkpoint()
    workspace.cache.flush()
    return count


def unbuilt(survey: Survey) -> Iterable[Made]:
    """Yield the first version of every unpartitioned asset that has none, alike to one that was built."""
    published = survey.state.published
    template = next(iter(published.values()))
    token = template.tokens["*"]
    for number, key in enumerate(survey.graph.order):
        if key in published:
            continue
        definition = survey.resolved[key].definition
        reads = tuple(TraceRead(AssetKey(read.upstream), 1, read.key, token) for read in definition.reads)
        made = replace(
            template,
            asset=key,
            physical=f"bench__{number}",
            definition=definition.parts(),
            definition_hash=definition.hash,
            trace=reads,
            gate=Gate("PASS", survey.resolved[key].checks_id),
        )
        yield made, {}


def backfilled(survey: Survey) -> Iterable[Made]:
    """Yield for every partitioned asset the version that one backfill of all its partitions would have made."""
    published = survey.state.published
    template = next(iter(published.values()))
    made: dict[AssetKey, tuple[VersionRecord, SliceMap]] = {}
    for order, key in enumerate(survey.graph.order):
        item = survey.resolved[key]
        before = published.get(key)
        number = 1 if before is None else before.number + 1
        last = 0 if before is None or before.slices is None else before.slices.last
        space = Space(item.asset.partitions, survey.now)
        slices = SliceMap.numbered(space.all(), last + 1)
        reads = []
        for read in item.definition.reads:
            upstream, theirs = made[AssetKey(read.upstream)]
            mapping = item.asset.mapping_of(upstream.asset)
            assert mapping is not None, "it reads by partition"
            parts = theirs.restricted(forward(mapping, space.all(), theirs.space))
            reads.append(SliceRead(upstream.asset, upstream.number, read.key, "", parts.to_json(), parts.count))
        definition = item.definition
        trace = SliceTrace(space.all().text, definition.parts(), definition.hash, None, template.created, tuple(reads))
        last += space.all().count
        version = replace(
            template,
            asset=key,
            number=number,
            physical=f"bench__{order}",
            schema=template.schema if before is None else before.schema,
            definition=definition.parts(),
            definition_hash=definition.hash,
            trace=tuple(TraceRead(read.upstream, read.number, read.columns, "") for read in reads),
            gate=Gate("PASS", item.checks_id),
            slices=Slices(f"bench__{order}__rows", slices.to_json(), slices.count, last, (trace,)),
        )
        made[key] = version, slices
        yield version, held_by(survey, key, slices, "old")


def rebuilt(key: str, partitions: str) -> Callable[[Survey], Iterable[Made]]:
    """Return what yields a version of `key` in which some partitions were built again and came out different."""

    def versions(survey: Survey) -> Iterable[Made]:
        before = survey.state.published[AssetKey(key)]
        assert before.slices is not None, "it is partitioned"
        space = Space(survey.resolved[before.asset].asset.partitions, survey.now)
        new = SliceMap.numbered(space.parse(partitions), before.slices.last + 1)
        slices = SliceMap.restore(before.slices.parts, space).overlaid(new)
        after = replace(before.slices, parts=slices.to_json(), last=before.slices.last + new.count)
        yield replace(before, number=before.number + 1, slices=after), held_by(survey, before.asset, new, "new")

    return versions


def held_by(survey: Survey, key: AssetKey, slices: SliceMap, what: str) -> Held:
    """Return for each slice a fingerprint of every column set that some reader sees."""
    reads = (read for item in survey.resolved.values() for read in item.definition.reads)
    columns = sorted({read.key for read in reads if read.upstream == key})
    tokens: dict[int, str] = {}
    if not columns:
        return {}
    for low, high in slices.id_ranges():
        for number in range(low, high + 1):
            digest = hashlib.sha256(f"{what}{number}".encode()).digest()
            sums = int.from_bytes(digest[:10], "big"), int.from_bytes(digest[10:20], "big")
            tokens[number] = f"10:{sums[0]}:{sums[1]}:bench"
    return dict.fromkeys(columns, tokens)


def _built(version: VersionRecord, held: Held) -> Built:
    slices = None
    if version.slices is not None:
        slices = BuiltSlices(version.slices.store, (), (), {}, held, {})
    verdict = Verdict("PASS", _results(version))
    known = version.physical, version.schema, version.rows, version.tokens, version.trace
    return Built(*known, (), verdict, version.milliseconds, text="select 1", slices=slices)


def _results(version: VersionRecord) -> tuple[CheckResult, ...]:
    return (CheckResult("not_null(id)", "not_null", "id", "error", "PASS", "no NULL", "0 of 10 rows", 0),)
