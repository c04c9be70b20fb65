"""An advisory lock on a file, which the operating system releases when its holder ends, however it ends.

`flock` locks the open file, on Linux and macOS alike. The lock file stays when the lock is released: removing it would
let two processes lock two files of one name. What is written in it says who holds the lock; only the lock itself says
that it is held. A child made by a bare `fork` shares the lock and keeps it alive: start workers by `spawn`.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from headwater.assets.errors import ResourceError, WarehouseLocked

Clock = Callable[[], float]  # seconds that only grow, such as time.monotonic
Wait = Callable[[float], object]  # takes seconds, such as time.sleep or an Event's wait

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.25
_MOST_BYTES = 4096
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: the run, its process and host, and when it took the lock (ISO 8601 UTC)."""

    run: str
    pid: int
    host: str
    started: str

    def __str__(self) -> str:
        return f"run {self.run} (PID {self.pid} on {self.host}, since {self.started})"


class FileLock:
    """A lock that is held. Release it, or leave its `with` block; a second release does nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let go of the lock."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def acquire(path: Path, holder: Holder, *, timeout_seconds: float, clock: Clock, wait: Wait) -> FileLock:
    """Return the lock on `path`, made where it is missing, with `holder` written into it.

    Raises WarehouseLocked naming the holder when `timeout_seconds` have passed by `clock`, and ResourceError where the
    file cannot be made.
    """
    return until_free(lambda: _try(path, holder), timeout_seconds=timeout_seconds, clock=clock, wait=wait)


def until_free(attempt: Callable[[], _T], *, timeout_seconds: float, clock: Clock, wait: Wait) -> _T:
    """Return what `attempt` returns, repeating it while it raises WarehouseLocked and the time lasts.

    It is repeated once even without time: who only asks for the holder has the lock for an instant too.
    """
    deadline = clock() + timeout_seconds
    pause = FIRST_PAUSE_SECONDS
    last = False
    while True:
        try:
            return attempt()
        except WarehouseLocked:
            if last:
                raise
        wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        last = clock() >= deadline


def holder_of(path: Path) -> Holder | None:
    """Return who holds the lock on `path` now, or None where nobody does. A holder that cannot be read is unknown."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _read(descriptor)
    finally:
        os.close(descriptor)
    return None


def _try(path: Path, holder: Holder) -> FileLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ResourceError(
            f"The lock file {path} cannot be made: {error.strerror}.", "Check the folder's permissions."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)
    except BlockingIOError:
        other = _read(descriptor)
        os.close(descriptor)
        raise WarehouseLocked(f"The warehouse is held by {other}.", "Wait for it to finish, or end it.") from None
    except OSError as error:
        os.close(descriptor)
        raise ResourceError(f"{path} cannot be locked: {error.strerror}.", "Use a file system with locks.") from error
    return FileLock(descriptor)


def _read(descriptor: int) -> Holder:
    """Return the holder written in the file; it may be just being written, then nothing is known of it."""
    try:
        values = json.loads(os.pread(descriptor, _MOST_BYTES, 0))
        return Holder(str(values["run"]), int(values["pid"]), str(values["host"]), str(values["started"]))
    except (ValueError, KeyError, TypeError):
        return Holder("unknown", 0, "an unknown host", "just now")
