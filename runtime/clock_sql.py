"""Clock functions as typed literals: a query that asks for the time is told that of its run, truncated to its grain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from headwater.runtime.clock import to_iso

_DATES = frozenset(("current_date", "today"))
_TIMES = frozenset(("current_time", "get_current_time"))
_LOCAL_TIMES = frozenset(("localtime", "current_localtime"))
_LOCAL_TIMESTAMPS = frozenset(("localtimestamp", "current_localtimestamp"))


def clock_literals(moment: datetime) -> Callable[[str], str]:
    """Return a function from a clock function's name to the literal that replaces a call of it.

    `moment` is in the project's time zone. `age` with one argument gets its missing first one, and a comma.
    """
    local = moment.replace(tzinfo=None)

    def literal(function: str) -> str:
        name = function.lower()
        if name in _DATES:
            return f"DATE '{local.date().isoformat()}'"
        if name in _TIMES:
            return f"TIMETZ '{moment.isoformat().partition('T')[2]}'"
        if name in _LOCAL_TIMES:
            return f"TIME '{local.time().isoformat()}'"
        if name in _LOCAL_TIMESTAMPS:
            return f"TIMESTAMP '{local.isoformat(sep=' ')}'"
        if name == "age":
            return f"TIMESTAMP '{local.date().isoformat()}', "
        return f"TIMESTAMPTZ '{to_iso(moment)}'"

    return literal
