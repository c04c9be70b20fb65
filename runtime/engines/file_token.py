"""The token of a warehouse file: equal means that nothing was written to it behind our back.

Imports no engine, so `stale` can compare tokens without loading one. Every commit of DuckDB changes the token: a
checkpoint rewrites the header blocks, a commit without one appends to the WAL. Opening and closing the file without
writing changes nothing.

Never read a warehouse file that this process holds open: closing *any* descriptor of a file drops the POSIX locks
that the process has on it, and another process could then write. `held_here` knows which files those are.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

from headwater.assets.errors import ResourceError, WarehouseLocked

HEADER_BYTES = 3 * 4096  # the main header and both database headers of DuckDB
_held: set[str] = set()
_guard = threading.Lock()


def file_token(path: Path) -> str | None:
    """Return the token of the warehouse file and its WAL, or None where there is no file.

    Raises WarehouseLocked where this process holds the file open: reading it would drop the engine's lock.
    """
    if held_here(path):
        raise WarehouseLocked(f"The warehouse {path.name} is open in this process.", "Close it first.")
    states = [_state(path), _state(path.with_name(path.name + ".wal"))]
    if states[0] is None:
        return None
    return "file1:" + hashlib.sha256(repr(states).encode()).hexdigest()


def _state(path: Path) -> tuple[int, int, bytes] | None:
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            return stat.st_size, stat.st_mtime_ns, file.read(HEADER_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResourceError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error


def held_here(path: Path) -> bool:
    """Return whether this process holds the warehouse at `path` open."""
    with _guard:
        return _name(path) in _held


def hold(path: Path) -> None:
    """Note that this process is about to open `path`. Raises WarehouseLocked where it already holds it."""
    with _guard:
        if _name(path) in _held:
            raise WarehouseLocked(
                f"The warehouse {path.name} is already open in this process (PID {os.getpid()}).",
                "Wait for the run that holds it.",
            )
        _held.add(_name(path))


def release(path: Path) -> None:
    """Note that this process let go of `path`."""
    with _guard:
        _held.discard(_name(path))


def _name(path: Path) -> str:
    return os.path.realpath(path)
