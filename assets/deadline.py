"""Deadlines as users declare them: a cron line, the time zone that it is meant in, and a calendar of holidays.

cronsim says when a line comes round, with both clock changes as Debian's cron has them: a time that the clock skips is
the first moment after the gap, a time that comes twice counts once. `holidays` knows the days off. Both are imported
where a deadline is declared or judged, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

FIELDS = 5
_MOST_HOLIDAYS = 50  # in a row: a line that meets nothing else never comes; no calendar knows the days for ever
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def deadlines_from(moment: datetime, by: str, timezone: str, holidays: str | None = None) -> Iterator[datetime]:
    """Yield the deadlines at and after `moment`, in UTC and in order; none that falls on one of the `holidays`.

    `moment` is aware. The iterator is endless unless the line never comes round again.
    """
    from cronsim import CronSim

    zone = ZoneInfo(timezone)
    days_off = _calendar(holidays) if holidays else None
    # cronsim begins after the second that it is given, so that `moment` itself may be a deadline
    ticks = CronSim(by, (moment - timedelta(microseconds=1)).astimezone(zone))
    last, skipped = moment - timedelta(microseconds=1), 0
    while skipped < _MOST_HOLIDAYS:
        tick = next(ticks, None)
        if tick is None:
            return
        if days_off is not None and tick.date() in days_off:
            skipped += 1
            ticks = CronSim(by, datetime.combine(tick.date(), time(23, 59, 59), tzinfo=zone))
            continue
        skipped, at = 0, tick.astimezone(UTC)
        if at > last:  # in the hour that comes twice a wall clock goes back
            last = at
            yield at


def is_never(by: str, timezone: str, holidays: str | None) -> bool:
    """Return whether no deadline of a sound line is left once the days off are skipped."""
    return next(deadlines_from(_SOME_DAY, by, timezone, holidays), None) is None


def cron_problem(line: str) -> str | None:
    """Return what is wrong with a cron line, as the end of a sentence, or None."""
    from cronsim import CronSimError

    if len(line.split()) != FIELDS:
        return 'is not a cron line of five fields such as "0 8 * * mon-fri"'
    try:
        if is_never(line, "UTC", None):
            return "is a cron line that never comes round"
    except CronSimError as error:
        return f'is not a cron line such as "0 8 * * mon-fri" ({str(error)[:1].lower()}{str(error)[1:]})'
    return None


def zone_problem(name: str) -> str | None:
    """Return what is wrong with the name of a time zone, as the end of a sentence, or None."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "is not a time zone such as Europe/London"
    return None


def holidays_problem(name: str) -> str | None:
    """Return what is wrong with the name of a holiday calendar, as the end of a sentence, or None."""
    try:
        _calendar(name)
    except NotImplementedError:
        import holidays

        place = name.strip().upper().partition("-")[0]
        known = {**holidays.list_supported_countries(), **holidays.list_supported_financial()}
        if place not in known:
            return "is not a holiday calendar such as GB, GB-ENG, US-NY, NYSE or ECB"
        parts = ", ".join(part for part in known[place] if part.isalnum())
        return f"is not a holiday calendar: {place} has " + (f"the parts {parts}" if parts else "no parts")
    return None


@cache
def _calendar(name: str) -> Container[date]:
    """Return the calendar of a country, a part of one, or a market. Raises NotImplementedError for any other name."""
    import holidays

    place, _, part = name.strip().upper().partition("-")
    return holidays.country_holidays(place, subdiv=part or None)
