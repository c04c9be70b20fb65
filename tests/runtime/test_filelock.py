"""The advisory lock: one holder, named to the others, and released by the operating system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headwater.assets.errors import ResourceError, WarehouseLocked
from headwater.runtime.filelock import FileLock, Holder, acquire, holder_of, until_free

ANNA = Holder("run-1", 4711, "alpha", "2026-11-20T08:00:00Z")
BERT = Holder("run-2", 4712, "alpha", "2026-11-20T08:00:05Z")


class Time:
    """A clock that moves only by waiting."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def take(path: Path, holder: Holder, time: Time | None = None, timeout_seconds: float = 0.0) -> FileLock:
    time = time or Time()
    return acquire(path, holder, timeout_seconds=timeout_seconds, clock=time.clock, wait=time.wait)


def test_a_free_lock_is_taken_without_waiting(tmp_path: Path) -> None:
    time = Time()
    with take(tmp_path / "state" / "lock", ANNA, time):
        assert holder_of(tmp_path / "state" / "lock") == ANNA
    assert time.waits == []


def test_nobody_holds_a_lock_that_was_released_or_never_taken(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder_of(path) is None
    take(path, ANNA).release()
    assert holder_of(path) is None


def test_releasing_twice_does_not_let_go_of_the_next_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = take(path, ANNA)
    first.release()
    with take(path, BERT):
        first.release()
        assert holder_of(path) == BERT


def test_the_second_one_learns_who_holds_the_lock_when_its_time_is_over(tmp_path: Path) -> None:
    path, time = tmp_path / "lock", Time()
    with take(path, ANNA), pytest.raises(WarehouseLocked, match=r"run run-1 \(PID 4711 on alpha, since 2026-11-20"):
        take(path, BERT, time, timeout_seconds=30)
    assert 130 <= time.now <= 130.25


def test_a_lock_released_in_time_is_taken(tmp_path: Path) -> None:
    path, time = tmp_path / "lock", Time()
    first = take(path, ANNA)

    def wait(seconds: float) -> None:
        time.wait(seconds)
        if time.now > 105:
            first.release()

    with acquire(path, BERT, timeout_seconds=30, clock=time.clock, wait=wait):
        assert holder_of(path) == BERT
    assert time.now < 106


def test_one_look_by_another_does_not_defeat_an_attempt_without_time(tmp_path: Path) -> None:
    attempts = iter([WarehouseLocked("held for an instant"), None])

    def attempt() -> str:
        if (error := next(attempts)) is not None:
            raise error
        return "taken"

    time = Time()
    assert until_free(attempt, timeout_seconds=0, clock=time.clock, wait=time.wait) == "taken"


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = f"""
import os, sys
from pathlib import Path
from headwater.runtime.filelock import Holder, acquire
holder = Holder("run-1", os.getpid(), "alpha", "now")
lock = acquire(Path({str(path)!r}), holder, timeout_seconds=0, clock=lambda: 0, wait=print)
print("held", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseLocked, match=f"PID {other.pid}"):
            take(path, BERT)
        other.kill()
        other.wait()
        take(path, BERT).release()


def test_an_unreadable_holder_still_holds(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with take(path, ANNA):
        path.write_text('{"run": "ru')
        with pytest.raises(WarehouseLocked, match="run unknown"):
            take(path, BERT)


def test_a_folder_that_cannot_be_made_is_a_resource_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be made"):
        take(tmp_path / "file" / "lock", ANNA)
