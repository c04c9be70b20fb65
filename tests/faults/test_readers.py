"""Readers look at every published view at every effect of a run: they see whole, accepted versions alone."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from faultkit.effects import Fault
from faultkit.house import Worlds
from faultkit.nursery import Nursery


def allowed(worlds: Worlds, world: str, to: Path) -> Path:
    """Write what readers may see: for each view the old version and the new one."""
    names = {*worlds.before[world], *worlds.after[world]}
    found = {
        name: [shown[name] for shown in (worlds.before[world], worlds.after[world]) if name in shown] for name in names
    }
    to.write_bytes(pickle.dumps(found))
    return to


@pytest.mark.parametrize(("workers", "batch"), [(1, 3), (3, 1), (3, 16)])
def test_only_accepted_versions_are_seen(
    nursery: Nursery, worlds: Worlds, tmp_path: Path, workers: int, batch: int
) -> None:
    may = allowed(worlds, "changed", tmp_path / "allowed")
    root = worlds.copy("changed", tmp_path / "case")
    ended = nursery.run(root, workers=workers, batch=batch, allowed=may)
    assert ended.outcome == "BLOCKED", ended.message
    assert ended.seen == ()
    assert ended.looks > 100


def test_a_refused_publication_shows_nothing(nursery: Nursery, worlds: Worlds, tmp_path: Path) -> None:
    """The marker fails after the views of the transaction were swapped: none of them may be seen."""
    may = allowed(worlds, "changed", tmp_path / "allowed")
    root = worlds.copy("changed", tmp_path / "case")
    marker = "publish.publish > engines.duckdb_publish._rows: duckdb insert into _headwater.publications"
    ended = nursery.run(root, Fault(marker, 0, "fail"), allowed=may)
    assert ended.reached
    assert ended.seen == ()


def test_the_reader_would_see_it(nursery: Nursery, worlds: Worlds, tmp_path: Path) -> None:
    """Were anything else published, the reader would tell: here nothing but the old versions is allowed."""
    old = {name: [rows] for name, rows in worlds.before["changed"].items()}
    (tmp_path / "allowed").write_bytes(pickle.dumps(old))
    ended = nursery.run(worlds.copy("changed", tmp_path / "case"), allowed=tmp_path / "allowed")
    assert any(text.startswith("mart.revenue ") for text in ended.seen)
    assert not any(text.startswith("mart.guarded ") for text in ended.seen)
