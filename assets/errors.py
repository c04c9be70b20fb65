"""Every error that Headwater raises on purpose, in one small tree.

    HeadwaterError                 one sentence, and the remedy; `exit_code` is the command line's answer
    ├── RequestError          2    what was asked for cannot be done: unknown asset, bad selector, bad argument
    ├── ProjectError          2    the project is wrong; carries every Problem found, not only the first
    ├── SqlError              2    SQL that cannot be parsed or resolved, with line and column
    ├── ResourceError         3    something outside is unavailable
    │   ├── WarehouseLocked   3    another process holds the warehouse; names the holder
    │   ├── WarehouseInvalid  3    not a warehouse, or not the one the ledger knows
    │   └── StateInvalid      3    the state file is unreadable or written by a newer Headwater
    │       ├── StateDamaged  3    its bytes are not what was written
    │       └── StateEmpty    3    it holds no ledger: the first run ended before it had made one
    ├── StepError             1    a step's own work failed (engine error, user code); the run goes on elsewhere
    └── IntegrityError        1    a recorded fact does not verify
        └── EncodingError     1    a value that has no canonical bytes, or bytes that are not canonical

A failed check is none of these: it is a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One declaration error: where it is, what is wrong, and what to do about it.

    `file` is relative to the project; `line` counts from 1. Both are None where there is no such place.
    """

    file: str | None
    line: int | None
    message: str
    remedy: str = ""
    asset: str | None = None

    def __str__(self) -> str:
        place = "" if self.file is None else self.file if self.line is None else f"{self.file}:{self.line}"
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} {self.remedy}".rstrip()


class HeadwaterError(Exception):
    """The root. `remedy` says what to do; `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".rstrip())
        self.message = message
        self.remedy = remedy


class RequestError(HeadwaterError):
    """What was asked for cannot be done: unknown asset, bad selector, bad argument."""

    exit_code = 2


class ProjectError(HeadwaterError):
    """The project is wrong. `problems` holds every declaration error that was found, in file order."""

    exit_code = 2

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = f"{len(problems)} declaration error{'s' if len(problems) != 1 else ''}"
        super().__init__("\n".join([count, *map(str, problems)]))


class SqlError(HeadwaterError):
    """SQL that cannot be parsed or resolved. `line` and `column` count from 1 within the SQL text."""

    exit_code = 2

    def __init__(self, message: str, line: int | None = None, column: int | None = None, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.line = line
        self.column = column


class ResourceError(HeadwaterError):
    """Something outside Headwater is unavailable."""

    exit_code = 3


class WarehouseLocked(ResourceError):
    """Another process holds the warehouse. The message names the holder."""


class WarehouseInvalid(ResourceError):
    """The warehouse cannot be opened, or is not the one that the ledger knows."""


class StateInvalid(ResourceError):
    """The state file is unreadable, or was written by a newer Headwater."""


class StateDamaged(StateInvalid):
    """The bytes of the state file are not what was written: verification reports this instead of stopping at it."""


class StateEmpty(StateInvalid):
    """The state file holds no ledger: the run that would have made it ended before that."""


class StepError(HeadwaterError):
    """A step's own work failed: an engine error or an exception in user code. The run goes on elsewhere."""


class IntegrityError(HeadwaterError):
    """A recorded fact does not verify."""


class EncodingError(IntegrityError):
    """A value has no canonical bytes, or bytes are not the canonical encoding of any value."""
