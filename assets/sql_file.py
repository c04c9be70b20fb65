"""SQL front end: a file holds one query; a leading `/* @asset ... */` comment declares the rest in YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from headwater.assets.asset import Asset
from headwater.assets.errors import Problem
from headwater.assets.fields import Body, Declaring, declare_asset
from headwater.assets.yaml_text import Path, parse_yaml

_BLOCK = re.compile(r"\A\s*/\*[ \t]*@asset\b")


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
    if not split.sql.strip():
        return None, (at.problem((), "the file has no query.", "Write one SELECT after the comment.", default_key),)
    parsed = parse_yaml(split.yaml, at.location.file, split.yaml_line)
    if isinstance(parsed, Problem):
        return None, (parsed,)
    fields = {} if parsed.value is None else parsed.value
    if not isinstance(fields, Mapping):
        return None, (
            at.problem((), "the @asset comment is not a YAML map.", "Write `name: value` lines.", default_key),
        )

    def line_of(path: Path) -> int:
        return parsed.line(path) if path else split.yaml_line

    here = replace(at, line_of=line_of, location=replace(at.location, line=split.sql_line))
    return declare_asset(fields, default_key, Body(sql=split.sql, sql_line=split.sql_line), here, dialect)


def _split(text: str) -> _Split | None:
    opening = _BLOCK.match(text)
    if opening is None:
        return _Split("", 1, text, 1)
    close = text.find("*/", opening.end())
    if close < 0:
        return None
    yaml_line = text.count("\n", 0, opening.end()) + 1
    return _Split(text[opening.end() : close], yaml_line, text[close + 2 :], text.count("\n", 0, close) + 1)
