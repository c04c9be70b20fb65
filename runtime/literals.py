"""Values as SQL literals with a type of their own."""

from __future__ import annotations

from datetime import date, datetime

from headwater.runtime.clock import to_iso


def sql_literal(value: str | int | float | bool) -> str:
    """Return a project variable as a typed SQL literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        return str(value) if value >= 0 else f"({value})"
    return f"cast('{value!r}' as double)"


def partition_literal(value: date | datetime | str) -> str:
    """Return the value of a partition's parameter as a typed SQL literal."""
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{to_iso(value)}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return "CAST('" + value.replace("'", "''") + "' AS VARCHAR)"
