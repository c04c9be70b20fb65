"""Values and types as DuckDB hands them to Python, as the rest of Headwater takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time

from headwater.runtime.engines.engine import Row, Value

_UNQUOTED = re.compile(r"""[^'"]+|'(?:[^']|'')*'|"(?:[^"]|"")*\"""")


def plain_row(row: Sequence[object]) -> Row:
    """Return `row` with every value that is no `Value` as text: decimals, times, lists and the like."""
    return tuple(map(_plain, row))


def _plain(value: object) -> Value:
    if value is None or isinstance(value, str | int | float | bool | bytes):
        return value
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)


def type_text(text: str) -> str:
    """Return a type as DuckDB writes it in lower case, but for quoted names and enum members, where case counts."""
    if "'" not in text and '"' not in text:
        return text.lower()
    return "".join(part if part[0] in "'\"" else part.lower() for part in _UNQUOTED.findall(text))
