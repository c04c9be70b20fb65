"""Make, Snakemake and dbt's source freshness trust a modification time; a file can change and keep it."""

from __future__ import annotations

import os
from pathlib import Path

from ..world import World


def rewrite_keeping_mtime(path: Path, text: str) -> None:
    stat = path.stat()
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_mtime_ns == stat.st_mtime_ns


def built(world: World) -> Path:
    world.csv("a", "id,x 1,10 2,20")
    world.sql("s.a", "select sum(x) as total from raw.a")
    world.run()
    assert set(world.status().values()) == {"CURRENT"}
    return world.root / "data/a.csv"


def test_a_file_of_equal_size_rewritten_with_its_mtime_restored(world: World) -> None:
    path = built(world)
    rewrite_keeping_mtime(path, "id,x\n1,10\n2,21\n")
    assert world.status() == {"raw.a": "PENDING", "s.a": "PENDING"}
    assert set(world.built().values()) == {"OBSERVED", "PUBLISHED"}
    assert world.rows("s.a") == {(31,): 1}


def test_a_file_long_at_rest_rewritten_with_its_mtime_restored(world: World) -> None:
    world.csv("a", "id,x 1,10 2,20")
    path = world.root / "data/a.csv"
    os.utime(path, ns=(10**18, 10**18))
    path = built(world)
    os.utime(path, ns=(10**18, 10**18))
    world.run()
    rewrite_keeping_mtime(path, "id,x\n1,10\n2,21\n")
    assert world.status()["raw.a"] == "PENDING"


def test_another_file_moved_into_place_with_the_same_size_and_time(world: World) -> None:
    path = built(world)
    stat = path.stat()
    other = world.write("data/other.csv", "id,x\n1,10\n2,22\n")
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    os.replace(other, path)
    assert world.status()["raw.a"] == "PENDING"
    world.run()
    assert world.rows("s.a") == {(32,): 1}


def test_a_touched_file_changes_nothing(world: World) -> None:
    path = built(world)
    before = world.physical()
    os.utime(path, ns=(10**18, 10**18))
    assert set(world.status().values()) == {"CURRENT"}
    assert world.run().outcome == "NOTHING_TO_DO"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert world.run().outcome == "NOTHING_TO_DO"
    assert world.physical() == before


def test_a_source_that_is_gone_is_unknown_and_never_current(world: World) -> None:
    path = built(world)
    path.unlink()
    assert world.status() == {"raw.a": "UNKNOWN", "s.a": "UNKNOWN"}
    assert world.run().outcome == "FAILED"
    assert world.rows("s.a") == {(30,): 1}


def test_a_source_whose_checks_were_edited_is_still_watched(world: World) -> None:
    path = built(world)
    world.csv("a", "id,x 1,10 2,20", "    checks:\n      - unique: [id]\n")
    assert world.built()["raw.a"] == "RECHECKED"
    path.write_text("id,x\n1,10\n2,21\n", encoding="utf-8")
    assert world.status()["raw.a"] == "PENDING"
    world.run()
    assert world.rows("s.a") == {(31,): 1}
