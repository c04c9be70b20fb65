"""What decisions say: the parts of their sentences."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.lineage.definition import Definition
from headwater.lineage.fingerprint import columns_of_key, condition_of_key
from headwater.runtime.state import VersionRecord

_MOST_NAMES = 5  # that one sentence lists


def what_is_seen(key: str) -> tuple[tuple[str, ...] | None, str]:
    """Return the columns behind a column set key (None: all), and what a read of it sees, for a sentence."""
    columns, condition = columns_of_key(key), condition_of_key(key)
    seen = "the data it reads" if columns is None else some(columns) if columns else "the row count"
    return columns, seen if condition is None else f"{seen} where {condition}"


def some(columns: tuple[str, ...]) -> str:
    """Return column names for a sentence, which stays one: the reason itself has all of them."""
    if len(columns) <= _MOST_NAMES:
        return ", ".join(columns)
    return f"{', '.join(columns[: _MOST_NAMES - 1])} and {len(columns) - _MOST_NAMES + 1} more columns"


def rows_moved(then: str, now: str) -> str:
    """Return by how many rows two fingerprint tokens differ, in parentheses, or nothing where they do not."""
    rows_then, rows_now = then.split(":")[0], now.split(":")[0]
    return f" ({rows_then} rows then, {rows_now} now)" if rows_then != rows_now else ""


def gone_columns(upstream: VersionRecord, key: str) -> tuple[str, ...]:
    """Return the columns that were read and that the upstream no longer has: what it gives now cannot be equal."""
    names = {name.lower() for name, _ in upstream.schema}
    return tuple(name for name in columns_of_key(key) or () if name not in names)


def definition_message(then: Mapping[str, str], today: Definition) -> str:
    """Return which parts of a definition changed, as a sentence."""
    parts = today.parts()
    said = {
        "logic": "its code changed",
        "config": "how it is stored or where it comes from changed",
        "settings": "the engine or its settings changed",
        "parameters": f"a parameter changed ({then.get('parameters') or 'none'} to {parts['parameters'] or 'none'})",
    }
    changed = [name for name, text in parts.items() if then.get(name, "") != text]
    return " and ".join(said[name] for name in changed if name in said) + "." if changed else "its definition changed."
