"""Every effect of a run is broken in turn: failed, failed but persisted, killed here, disk full, half a file written.

The points come from a recorded undisturbed run, so a new effect is a new case. By default each place in the code is
broken once, and those that decide in two ways; all points in all ways are marked slow.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from faultkit.effects import Fault
from faultkit.house import Worlds
from faultkit.nursery import Nursery
from faultkit.promises import Case, violation

BASIC = ("fail", "fail_after", "kill")
DECIDING = re.compile(r"COMMIT$|duckdb commit$|ephemera$|publications$|place_file: os replace$")
INSIDE = re.compile(r": sqlite (insert|update|create)|: duckdb create or replace (temp|view)", re.IGNORECASE)
BESIDE = re.compile(r"os mkdir$|pragma$|filelock\.|cache\.|os unlink$", re.IGNORECASE)
MAKING = re.compile(
    r"create_schema: sqlite CREATE TABLE blob|_transaction|keys\._|prefer_wal|_create:|duckdb create schema"
)
SHARES = 8  # of the slow cases, so that workers can divide them


def recorded(nursery: Nursery, worlds: Worlds, world: str, folder: Path) -> tuple[Fault, ...]:
    """Return every point of an undisturbed run, in order, without a way of breaking it yet."""
    ended = nursery.run(worlds.copy(world, folder / "recorded"))
    assert ended.error is None
    places = (point.rsplit("#", 1) for point in ended.points)
    return tuple(Fault(label, int(occurrence), "") for label, occurrence in places)


def once_each(points: tuple[Fault, ...]) -> Iterator[Fault]:
    """Yield each place that matters once; a few statements stand for all those inside a ledger transaction."""
    labels = list(dict.fromkeys(point.label for point in points))
    outside = [label for label in labels if not INSIDE.search(label) and not BESIDE.search(label)]
    inside = [label for label in labels if INSIDE.search(label)]
    for index, label in enumerate([*outside, *inside[::9]]):
        for mode in ("fail_after", "kill") if DECIDING.search(label) else (BASIC[index % 3],):
            yield Fault(label, 0, mode)


def in_every_way(points: tuple[Fault, ...]) -> Iterator[Fault]:
    """Yield every point in every way in which it can break."""
    for point in points:
        for mode in (*BASIC, "full"):
            yield Fault(point.label, point.occurrence, mode)
        if point.label.endswith("write_bytes"):
            yield Fault(point.label, point.occurrence, "torn")
    yield Fault(points[-1].label, points[-1].occurrence, "kill_after")


def broken(nursery: Nursery, worlds: Worlds, world: str, fault: Fault, folder: Path) -> str | None:
    """Break one run and return what went against the promises, or None."""
    case = Case(world, worlds.copy(world, folder / "case"), worlds)
    ended = nursery.run(case.root, fault)
    wrong = violation(case) if ended.reached else "the fault was not reached"
    said = ended.error or ended.outcome or f"signal {ended.signal}"
    shutil.rmtree(folder)
    return None if wrong is None else f"{world}: {fault.mode} at {fault.label}#{fault.occurrence} ({said}): {wrong}"


def break_all(nursery: Nursery, worlds: Worlds, world: str, faults: list[Fault], folder: Path) -> None:
    """Break one run after another and fail with all that went wrong."""
    found = [broken(nursery, worlds, world, fault, folder / str(n)) for n, fault in enumerate(faults)]
    wrong = [text for text in found if text is not None]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(faults)} broken runs", *wrong])


def test_the_recorded_points_hold_every_kind_of_effect(nursery: Nursery, worlds: Worlds, tmp_path: Path) -> None:
    """The spies see what they are there to see; were one blind, the tests below would pass for want of cases."""
    labels = {point.label for point in recorded(nursery, worlds, "new", tmp_path)}
    for kind in (
        r"doing\._started .*sqlite COMMIT",
        r"publish\.publish .*sqlite COMMIT",
        r"publish\.finish .*sqlite COMMIT",
        r"signing\.sign .*INTO checkpoint",
        r"held\.close .*INTO ephemera",
        r"publish\.publish .*duckdb commit",
        r"publish\.publish .*duckdb insert into _headwater.publications",
        r"publish\.publish .*duckdb create view",
        r"build\._run_sql .*duckdb create table",
        r"build\._run_sql .*duckdb create view",
        r"build\._run_python .*relation\.create",
        r"build\._take_in .*duckdb create table",
        r"build\.write_file .*duckdb copy",
        r"build\.keep_file: os replace",
        r"published_files\.place_file: os replace",
        r"published_files\.prepare_file: write_bytes",
        r"keys\._write.*: os fsync",
        r"engines\.duckdb\._create: os link",
    ):
        assert any(re.search(kind, label) for label in labels), kind


@pytest.mark.parametrize("share", range(3))
def test_each_place_broken_once(nursery: Nursery, worlds: Worlds, tmp_path: Path, share: int) -> None:
    faults = list(once_each(recorded(nursery, worlds, "changed", tmp_path)))
    break_all(nursery, worlds, "changed", faults[share::3], tmp_path / "cases")


def test_a_first_run_broken_where_it_makes_something(nursery: Nursery, worlds: Worlds, tmp_path: Path) -> None:
    """What only a first run does: ledger, keys and warehouse are made."""
    making = re.compile(
        r"create_schema: sqlite CREATE TABLE blob|_transaction|keys\._|prefer_wal|_create:|duckdb create schema"
    )
    points = recorded(nursery, worlds, "new", tmp_path)
    labels = [label for label in dict.fromkeys(p.label for p in points) if making.search(label)]
    faults = [Fault(label, 0, BASIC[n % 3]) for n, label in enumerate(labels)][::3]
    break_all(nursery, worlds, "new", faults, tmp_path / "cases")


def test_half_a_file(nursery: Nursery, worlds: Worlds, tmp_path: Path) -> None:
    points = recorded(nursery, worlds, "changed", tmp_path)
    writes = [Fault(p.label, p.occurrence, "torn") for p in points if p.label.endswith("write_bytes")]
    assert len(writes) > 1
    break_all(nursery, worlds, "changed", writes, tmp_path / "cases")


def test_the_disk_is_full_from_here_on(nursery: Nursery, worlds: Worlds, tmp_path: Path) -> None:
    points = recorded(nursery, worlds, "changed", tmp_path)
    faults = [Fault(p.label, p.occurrence, "full") for p in points[9 :: len(points) // 5]]
    break_all(nursery, worlds, "changed", faults, tmp_path / "cases")


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("world", ["new", "changed"])
def test_every_point_in_every_way(nursery: Nursery, worlds: Worlds, tmp_path: Path, world: str, share: int) -> None:
    faults = list(in_every_way(recorded(nursery, worlds, world, tmp_path)))
    break_all(nursery, worlds, world, faults[share::SHARES], tmp_path / "cases")
