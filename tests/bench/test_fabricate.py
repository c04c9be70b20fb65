"""Versions that were never built are what a run would have recorded: else the figures are of something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater import load_project
from headwater.runtime.state import VersionRecord
from headwater.runtime.state_reader import SqlStateReader

BENCH = Path(__file__).parents[2] / "bench"
DAILY = "daily: {start: 2022-01-01"


@pytest.fixture(autouse=True)
def at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


def published(root: Path) -> dict[str, VersionRecord]:
    with load_project(root).workspace.reader() as reader:
        assert reader is not None
        return dict(SqlStateReader(reader.connection).snapshot("prod").published)


def words(root: Path) -> set[str]:
    return {line.status.word for line in load_project(root).status().assets}


def test_unbuilt_versions_are_those_of_a_run(tmp_path: Path) -> None:
    import fabricate
    import generate

    real, made = tmp_path / "real", tmp_path / "made"
    for root in (real, made):
        generate.write_project(root, 2)
        load_project(root).run()
        generate.write_project(root, 4)
    load_project(real).run()
    assert fabricate.publish_unbuilt(made, fabricate.unbuilt) == 2
    assert words(real) == words(made) == {"CURRENT"}
    one, other = published(real), published(made)
    assert one.keys() == other.keys()
    for key, version in one.items():
        like = other[key]
        assert (version.definition_hash, version.kind, version.schema) == (like.definition_hash, like.kind, like.schema)
        assert version.gate.checks_id == like.gate.checks_id
        assert [read.upstream for read in version.trace] == [read.upstream for read in like.trace]


def test_a_backfill_that_was_never_built_is_one_over_all_partitions(tmp_path: Path) -> None:
    import fabricate
    import generate

    real, made = tmp_path / "real", tmp_path / "made"
    for root in (real, made):
        generate.write_partitioned(root, 1, DAILY, "2022-01-03", 1)
        load_project(root).run()
        generate.write_partitioned(root, 2, DAILY, "2022-01-08", 1)
    load_project(real).run(force=True)
    fabricate.publish_unbuilt(made, fabricate.backfilled)
    assert words(real) == words(made) == {"CURRENT"}
    one, other = published(real), published(made)
    for key, version in one.items():
        mine, theirs = version.slices, other[key].slices
        assert mine is not None
        assert theirs is not None
        assert (mine.parts, mine.count, mine.last) == (theirs.parts, theirs.count, theirs.last)
        for trace, like in zip(mine.traces, theirs.traces, strict=True):
            assert (trace.partitions, trace.definition_hash) == (like.partitions, like.definition_hash)
            assert trace.reads == like.reads


def test_a_range_that_was_built_again_is_what_its_reader_lacks(tmp_path: Path) -> None:
    import fabricate
    import generate

    generate.write_partitioned(tmp_path, 1, DAILY, "2022-01-03", 1)
    load_project(tmp_path).run()
    generate.write_partitioned(tmp_path, 2, DAILY, "2022-01-08", 1)
    fabricate.publish_unbuilt(tmp_path, fabricate.backfilled)
    fabricate.publish_unbuilt(tmp_path, fabricate.rebuilt("l0.t0", "2022-01-04..2022-01-05"))
    lines = {line.asset: line.partitions for line in load_project(tmp_path).status().assets}
    assert (lines["l0.t0"].stale, lines["l1.t0"].stale) == ((), ("2022-01-04..2022-01-05",))
