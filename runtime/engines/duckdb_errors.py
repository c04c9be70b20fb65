"""Every exception of DuckDB becomes one of ours, with the engine's message cleaned: what is wrong, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from headwater.assets.errors import HeadwaterError, ResourceError, StepError, WarehouseInvalid, WarehouseLocked

_EXCERPT = re.compile(r"\n+LINE (\d+):.*", re.DOTALL)
_LOCK = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")
_DAMAGED = ("Corrupt database file", "Could not read enough bytes from file")
_NO_ROOM = ("Could not write file", "No space left on device", "Disk quota exceeded", "Read-only file system")


@contextmanager
def engine_errors(first_line: int | None = None) -> Iterator[None]:
    """Raise what DuckDB raises inside as StepError or ResourceError; WarehouseInvalid where its file is damaged.

    An interrupt from the keyboard, which DuckDB turns into an error of its own, becomes KeyboardInterrupt again.
    `first_line` is the line of the statement on which the user's own text starts, so that a line that the engine
    names is the user's; None where there is no such text.
    """
    try:
        yield
    except (duckdb.Error, RuntimeError) as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        if any(sign in str(error) for sign in _DAMAGED):
            raise WarehouseInvalid(
                f"The warehouse is damaged: {clean(str(error))}",
                "Restore it from a backup; or delete it, and the next run builds everything anew.",
            ) from error
        raise translated(error, first_line) from error


def translated(error: Exception, first_line: int | None = None) -> HeadwaterError:
    """Return `error` as one of ours: what the step did wrong, or a resource that failed underneath it."""
    text = clean(str(error), first_line)
    if isinstance(error, duckdb.InterruptException):
        return StepError("The statement was interrupted.")
    if isinstance(error, duckdb.FatalException | duckdb.InternalException):
        return ResourceError(f"The engine gave up: {text}", "Run again; what was published stays as it is.")
    if any(sign in text for sign in _NO_ROOM):
        return ResourceError(f"The warehouse cannot be written: {text}", "Make room, then run again.")
    return StepError(text)


def clean(text: str, first_line: int | None = None) -> str:
    """Return an engine message without its source excerpt; the line it names becomes `(line n)` of the user's text."""
    found = _EXCERPT.search(text)
    line = int(found[1]) - first_line + 1 if found and first_line is not None else 0
    body = " ".join(_EXCERPT.sub("", text).split())
    return f"{body} (line {line})" if line > 0 else body


def open_error(path: Path, error: Exception) -> HeadwaterError:
    """Return why the warehouse at `path` could not be opened."""
    text = str(error)
    if lock := _LOCK.search(text):
        return WarehouseLocked(
            f"The warehouse {path} is held by another process: PID {lock['pid']} ({Path(lock['program']).name}).",
            "Wait for it, or end it.",
        )
    if "Could not set lock" in text:
        return WarehouseLocked(f"The warehouse {path} is held by another process.", "Wait for it, or end it.")
    if "version number" in text:
        return WarehouseInvalid(
            f"The warehouse {path} was written by another version of DuckDB: {clean(text)}",
            "Upgrade Headwater's duckdb, or point [engine] path at another file.",
        )
    if isinstance(error, duckdb.IOException) and "valid DuckDB database file" not in text:
        return ResourceError(
            f"The warehouse {path} cannot be opened: {clean(text)}", "Check the path and its permissions."
        )
    return WarehouseInvalid(
        f"The warehouse {path} is damaged or not a DuckDB file: {clean(text)}",
        "Restore it from a backup, or move it away to start a new one.",
    )
