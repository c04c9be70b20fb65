"""What every front end hands on: what it knows while it declares, and what an asset is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from headwater.assets.asset import CheckSpec, Location, PythonCode
from headwater.assets.errors import Problem
from headwater.assets.yaml_text import Path

ParseChecks = Callable[[object, str | None, Location], tuple[tuple[CheckSpec, ...], tuple[Problem, ...]]]
LineOf = Callable[[Path], int]


@dataclass(frozen=True, slots=True)
class Declaring:
    """What a front end knows while it declares: where it is, how to parse checks, the project's defaults."""

    location: Location
    line_of: LineOf
    parse_checks: ParseChecks
    defaults: Mapping[str, object]
    timezone: str = "UTC"  # the project's

    def problem(self, path: Path, message: str, remedy: str = "", asset: str | None = None) -> Problem:
        """Return a Problem placed at the line where `path` was written."""
        return Problem(self.location.file, self.line_of(path), message, remedy, asset)


@dataclass(frozen=True, slots=True)
class Body:
    """What an asset is made from; exactly one of `sql` and `python` is set."""

    sql: str | None = None
    sql_line: int = 1
    python: PythonCode | None = None
