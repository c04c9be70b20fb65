"""kill -9 at random moments, and again while the next run tidies up: nothing is lost, half seen, or seen twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from faultkit.effects import Fault
from faultkit.house import Worlds, write_house
from faultkit.nursery import Ended, Nursery
from faultkit.promises import Case, assert_broken_well, assert_goes_on, violation

from headwater import load_project

FEW = 6
MEASURED_EVERY = 10
MANY = int(os.environ.get("HEADWATER_KILLS", "60"))

# Moments at which a killed run leaves something for the next one to finish or to discard.
LEAVING = (
    Fault("build._run_sql > engines.duckdb_session._create: duckdb create table", 2, "kill_after"),
    Fault("publish.publish > ledger._transaction: sqlite COMMIT", 1, "kill_after"),
    Fault("publish.publish > engines.duckdb_publish._rows: duckdb commit", 2, "kill_after"),
    Fault("published_files.place_file: os replace", 0, "kill"),
    Fault("publish.finish > ledger._transaction: sqlite COMMIT", 0, "kill"),
)


def killed_at_random(nursery: Nursery, worlds: Worlds, folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill so many runs at moments spread evenly over a run; return where they hit."""
    choose = random.Random(seed)
    hits: Counter[str] = Counter()
    length = 0.0
    for number in range(kills):
        world = ("changed", "changed", "new")[number % 3]
        workers = 1 + number % 2
        if number % MEASURED_EVERY == 0:  # again and again, since other work on the machine comes and goes
            length = _seconds(nursery, worlds, folder / f"whole{number}")
        case = Case(world, worlds.copy(world, folder / f"case{number}"), worlds)
        ended = nursery.run(case.root, kill_after_seconds=choose.random() * length, workers=workers)
        assert ended.signal in (signal.SIGKILL, None)
        hits[_where(ended)] += 1
        assert_broken_well(case)
        assert_goes_on(case)
        shutil.rmtree(case.root)
    return hits


def _seconds(nursery: Nursery, worlds: Worlds, root: Path) -> float:
    """Return how long an undisturbed run takes now, so that kills fall all over it on a busy machine too."""
    worlds.copy("changed", root)
    started = time.monotonic()
    assert nursery.run(root).error is None
    shutil.rmtree(root)
    return time.monotonic() - started


def _where(ended: Ended) -> str:
    """Return the part of the runtime whose effect was the last before death."""
    if ended.signal is None:
        return "after the end"
    if not ended.effects:
        return "before the first effect"
    place = ended.points[-1].split(":")[0].split(" > ")[0]
    return ".".join(place.split(".")[:2])


def printed(hits: Counter[str]) -> str:
    """Return the table of where kills hit."""
    rows = [f"{count:5}  {place}" for place, count in hits.most_common()]
    return "\n".join([f"{sum(hits.values()):5}  kills, by the last effect before death", *rows])


def test_killed_at_random_moments(nursery: Nursery, worlds: Worlds, tmp_path: Path) -> None:
    print(printed(killed_at_random(nursery, worlds, tmp_path, FEW, seed=2026)))


@pytest.mark.slow
def test_killed_at_many_random_moments(nursery: Nursery, worlds: Worlds, tmp_path: Path) -> None:
    hits = killed_at_random(nursery, worlds, tmp_path, MANY, seed=1120)
    print(printed(hits))
    assert len(hits) > 5, "the kills were not spread over the run"


@pytest.mark.parametrize("left", LEAVING, ids=lambda fault: fault.label.split(":")[0].split(" > ")[0])
def test_killed_again_while_recovering(nursery: Nursery, worlds: Worlds, tmp_path: Path, left: Fault) -> None:
    """The run that recovers is killed where it recovers, and the one after it recovers from both."""
    for fault in _recovering(nursery, worlds, tmp_path, left)[-1:]:
        _kill_twice(nursery, worlds, tmp_path, left, fault)


@pytest.mark.slow
@pytest.mark.parametrize("left", LEAVING, ids=lambda fault: fault.label.split(":")[0].split(" > ")[0])
def test_killed_again_anywhere_in_recovery(nursery: Nursery, worlds: Worlds, tmp_path: Path, left: Fault) -> None:
    for fault in _recovering(nursery, worlds, tmp_path, left):
        for mode in ("kill", "fail", "fail_after"):
            _kill_twice(nursery, worlds, tmp_path, left, Fault(fault.label, fault.occurrence, mode))


def test_half_of_the_transaction_that_makes_the_ledger(tmp_path: Path) -> None:
    """SQLite had begun to write the file when the process was killed: whoever only asks is answered all the same."""
    write_house(tmp_path)
    code = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("pragma cache_size = 2")
connection.execute("begin")
connection.execute("create table entry (body)")
connection.executemany("insert into entry values (?)", (("x" * 900,) for _ in range(500)))
os.kill(os.getpid(), signal.SIGKILL)
"""
    state = tmp_path / ".headwater/state.db"
    state.parent.mkdir()
    subprocess.run([sys.executable, "-c", code, str(state)], check=False)
    assert state.stat().st_size > 0
    assert state.with_name("state.db-journal").stat().st_size > 0
    assert {line.status.word for line in load_project(tmp_path).status().assets} == {"MISSING"}
    assert load_project(tmp_path).run(workers=1).outcome == "SUCCEEDED"


def _left_by(nursery: Nursery, worlds: Worlds, root: Path, left: Fault) -> Case:
    case = Case("changed", worlds.copy("changed", root), worlds)
    ended = nursery.run(case.root, left)
    assert ended.signal == signal.SIGKILL, ended
    return case


def _recovering(nursery: Nursery, worlds: Worlds, folder: Path, left: Fault) -> list[Fault]:
    """Return the effects by which the next run deals with what is left."""
    case = _left_by(nursery, worlds, folder / "recovered", left)
    ended = nursery.run(case.root)
    assert ended.error is None, ended.message
    points = [point.rsplit("#", 1) for point in ended.points]
    recovery = ("held._recover", "publish.recover", "publish.finish", "publish.abandon", "published_files.place_file")
    before = next(i for i, (label, _) in enumerate(points) if label.startswith("doing._started"))
    found = [Fault(label, int(n), "kill") for label, n in points[:before] if label.startswith(recovery)]
    assert found, "nothing was recovered"
    shutil.rmtree(case.root)
    return found


def _kill_twice(nursery: Nursery, worlds: Worlds, folder: Path, left: Fault, fault: Fault) -> None:
    case = _left_by(nursery, worlds, folder / "twice", left)
    ended = nursery.run(case.root, fault)
    assert ended.reached, fault
    wrong = violation(case)
    assert wrong is None, f"{fault.mode} at {fault.label}#{fault.occurrence} in the recovery: {wrong}"
    shutil.rmtree(case.root)
