"""Every effect of a process, seen where it leaves Python: statements of DuckDB and SQLite, calls of the system.

Nothing here knows what Headwater does, so a new effect in its code is a new fault point by itself. A point is a label
(who asked for the effect, and what it was) and the occurrence of that label, counted from 0.
"""

from __future__ import annotations

import errno
import io
import os
import pathlib
import re
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import duckdb

# failed; failed but persisted; killed here, before and after; the disk is full from here on; half a file, then killed
MODES = ("fail", "fail_after", "kill", "kill_after", "full", "torn")
_READS = re.compile(r"\s*(select|with|from|describe|explain|show|pragma|set|values|summarize)\b", re.IGNORECASE)
_NAMED = re.compile(
    r"(insert( or \w+)? into|update|delete from|create [\w ]*?(table|view|schema|trigger|index))\b", re.IGNORECASE
)
_WRITING_PRAGMA = re.compile(r"\s*pragma\s+\w+\s*=", re.IGNORECASE)
_TIDYING = ("unlink", "ROLLBACK", "rollback", "ftruncate")  # what works on a full disk


@dataclass(frozen=True, slots=True)
class Fault:
    """Where to break, and how."""

    label: str
    occurrence: int
    mode: str


class Effects:
    """Counts the effects of this process and breaks one of them. `install` it once, in a process of its own."""

    def __init__(self, fault: Fault | None, note: Callable[[str], None]) -> None:
        self._fault = fault
        self._note = note
        self._seen: Counter[str] = Counter()
        self._guard = threading.RLock()
        self._full = False

    def install(self) -> None:
        """Put the spies in their places."""
        _spy_duckdb(self)
        _spy_sqlite(self)
        _spy_system(self)

    def happen(
        self,
        what: str,
        do: Callable[[], Any],
        error: Callable[[], Exception],
        torn: Callable[[], Any] | None = None,
    ) -> Any:
        """Let the effect `do` happen, or break it."""
        label = _label(what, sys._getframe(2))
        if label is None:
            return do()
        mode = self._mode(label)
        if mode == "torn" and torn is not None:
            torn()
            _die()
        if mode == "kill":
            _die()
        if mode in ("fail", "full"):
            raise error()
        result = do()
        if mode == "kill_after":
            _die()
        if mode == "fail_after":
            raise error()
        return result

    def _mode(self, label: str) -> str | None:
        with self._guard:
            occurrence = self._seen[label]
            self._seen[label] += 1
            fault = self._fault
            here = fault is not None and fault.label == label and fault.occurrence == occurrence
            self._note(f"{'!' if here else ' '}{label}#{occurrence}\n")
            if self._full and not any(word in label for word in _TIDYING):
                return "full"
            if not here or fault is None:
                return None
            self._full = fault.mode == "full"
            return fault.mode


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _label(what: str, frame: FrameType | None) -> str | None:
    """Return who asked for the effect: the room of the runtime that decided on it, and the function that did it."""
    inner = None
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("headwater."):
            place = f"{module.removeprefix('headwater.').removeprefix('runtime.')}.{frame.f_code.co_name}"
            inner = inner or place
            if module.startswith("headwater.runtime.") and not _is_store(module):
                return f"{place} > {inner}: {what}" if place != inner else f"{inner}: {what}"
        frame = frame.f_back
    return None if inner is None else f"{inner}: {what}"


def _is_store(module: str) -> bool:
    """Modules that carry out what others decide; the caller above them says more about the moment."""
    room = module.removeprefix("headwater.runtime.")
    return room.startswith(("engines", "ledger", "ephemera", "keys", "cache", "filelock", "projections"))


def _spy_duckdb(effects: Effects) -> None:
    execute, create = duckdb.DuckDBPyConnection.execute, duckdb.DuckDBPyRelation.create

    def execute_seen(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        if not isinstance(query, str) or _READS.match(query):
            return execute(self, query, *rest, **more)
        return effects.happen(f"duckdb {_words(query)}", lambda: execute(self, query, *rest, **more), _engine_is_full)

    def create_seen(self: Any, *rest: Any, **more: Any) -> Any:
        return effects.happen("duckdb relation.create", lambda: create(self, *rest, **more), _engine_is_full)

    duckdb.DuckDBPyConnection.execute = execute_seen  # type: ignore[method-assign]
    duckdb.DuckDBPyRelation.create = create_seen  # type: ignore[method-assign]


def _spy_sqlite(effects: Effects) -> None:
    connect = sqlite3.connect

    class Seen(sqlite3.Connection):
        def execute(self, sql: str, *rest: Any) -> Any:
            if _READS.match(sql) and not _WRITING_PRAGMA.match(sql):
                return super().execute(sql, *rest)
            act = super().execute
            return effects.happen(f"sqlite {_words(sql)}", lambda: act(sql, *rest), _ledger_is_full)

        def executemany(self, sql: str, *rest: Any) -> Any:
            act = super().executemany
            return effects.happen(f"sqlite {_words(sql)}", lambda: act(sql, *rest), _ledger_is_full)

        def commit(self) -> None:
            act = super().commit
            effects.happen("sqlite commit", act, _ledger_is_full)

    def connect_seen(*rest: Any, **more: Any) -> sqlite3.Connection:
        return connect(*rest, factory=Seen, **more)

    sqlite3.connect = connect_seen  # type: ignore[assignment]


def _spy_system(effects: Effects) -> None:
    for name in ("replace", "rename", "link", "unlink", "remove", "mkdir", "fsync", "ftruncate", "pwrite"):
        setattr(os, name, _seen_call(effects, f"os {name}", getattr(os, name)))
    write_bytes, open_ = pathlib.Path.write_bytes, io.open

    def write_bytes_seen(self: Any, data: bytes) -> Any:
        half = data[: len(data) // 2]
        return effects.happen(
            "write_bytes", lambda: write_bytes(self, data), _disk_is_full, lambda: write_bytes(self, half)
        )

    def open_seen(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if not set(mode) & set("wax+"):
            return open_(file, mode, *rest, **more)
        return effects.happen(f"open {mode}", lambda: open_(file, mode, *rest, **more), _disk_is_full)

    pathlib.Path.write_bytes = write_bytes_seen  # type: ignore[method-assign]
    io.open = open_seen  # type: ignore[assignment]


def _seen_call(effects: Effects, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def seen(*rest: Any, **more: Any) -> Any:
        return effects.happen(what, lambda: call(*rest, **more), _disk_is_full)

    return seen


def _words(statement: str) -> str:
    """Return what kind of statement it is: its first words, without names that differ from run to run."""
    flat = " ".join(statement.split())
    found = _NAMED.match(flat)
    if found is None:
        return flat.split(" ", 1)[0].split(";")[0]
    rest = flat[found.end() :].split("(")[0].split()
    name = rest[0] if rest and not rest[0].startswith('_headwater."') and "__" not in rest[0] else ""
    return f"{found.group(0)} {name}".rstrip()


def _disk_is_full() -> Exception:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _engine_is_full() -> Exception:
    return duckdb.IOException("IO Error: Could not write file: No space left on device")


def _ledger_is_full() -> Exception:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error
