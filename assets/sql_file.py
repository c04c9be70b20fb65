"""SQL front end: a file holds one query; a leading `/* @asset ... */` comment declares the rest in YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater.assets.asset import Asset
from headwater.assets.errors import Problem
from headwater.assets.fields import declare_asset
from headwater.assets.front import Body, Declaring
from headwater.assets.yaml_text import Path, parse_yaml

_COMMENTS = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*(?!\*?\s*@asset\b).*?\*/)*"  # other comments may stand before it
_BLOCK = re.compile(rf"\A{_COMMENTS}/\*+\s*@asset\b", re.DOTALL)
_LATER = re.compile(r"^[ \t]*/\*+\s*@asset\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Split:
    """The two parts of a file: YAML text and query, each with the file line on which it starts."""

    yaml: str
    yaml_line: int
    sql: str
    sql_line: int


def declare_sql_file(
    text: str, default_key: str, at: Declaring, dialect: str
) -> tuple[Asset | None, tuple[Problem, ...]]:
    """Return the asset that a SQL file declares, and every problem found. `default_key` follows from the path."""
    split = _split(text)
    if split is None:
        return None, (at.problem((), "the `/* @asset` comment is not closed.", "End it with */.", default_key),)
    later = _LATER.search(split.sql)
    if later is not None:
        place = replace(at, line_of=lambda path: split.sql_line + split.sql.count("\n", 0, later.end()))
        found = place.problem(
            (), "an `@asset` comment stands after the query began.", "Move it to the top.", default_key
        )
        return None, (found,)
    if not split.sql.strip():
        return None, (at.problem((), "the file has no query.", "Write one SELECT after the comment.", default_key),)
    parsed = parse_yaml(split.yaml, at.location.file, split.yaml_line)
    if isinstance(parsed, tuple):
        return None, tuple(_hinted(problem, split.sql) for problem in parsed)
    fields = {} if parsed.value is None else parsed.value

    def line_of(path: Path) -> int:
        return parsed.line(path) if path else split.yaml_line

    start = split.sql_line + split.sql[: len(split.sql) - len(split.sql.lstrip())].count("\n")
    here = replace(at, line_of=line_of, location=replace(at.location, line=start))
    if not isinstance(fields, Mapping):
        wrong = here.problem((), "the @asset comment is not a YAML map.", "Write `name: value` lines.", default_key)
        return None, (wrong,)
    return declare_asset(fields, default_key, Body(sql=split.sql, sql_line=split.sql_line), here, dialect)


def _hinted(problem: Problem, rest: str) -> Problem:
    """A `*/` inside the YAML ends the comment too early; then another one follows in what was taken for the query."""
    if "*/" in rest:
        return replace(problem, remedy="A */ inside the comment ends it: write that text another way.")
    return problem


def _split(text: str) -> _Split | None:
    opening = _BLOCK.match(text)
    if opening is None:
        return _Split("", 1, text, 1)
    close = text.find("*/", opening.end())
    if close < 0:
        return None
    yaml_line = text.count("\n", 0, opening.end()) + 1
    return _Split(text[opening.end() : close], yaml_line, text[close + 2 :], text.count("\n", 0, close) + 1)
