"""Time as values: ISO 8601 UTC texts, and the clock of a run truncated to an asset's grain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def utc_now() -> datetime:
    """Return the present time in UTC. Only the face calls this; everything else takes the clock as an argument."""
    return datetime.now(UTC)


def to_iso(moment: datetime) -> str:
    """Return `moment` as ISO 8601 UTC text, with microseconds where there are any, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def readable(iso: str) -> str:
    """Return a text from `to_iso` as a sentence shows it, to the second: `2026-11-20 08:00:00Z`."""
    return f"{iso[:19].replace('T', ' ')}Z"


def from_iso(text: str) -> datetime:
    """Return the moment that `text` (from `to_iso`) names."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def truncate(moment: datetime, grain: str, timezone: str) -> datetime:
    """Return the start of the `grain` (hour, day, week, month, quarter, year) around `moment`, in `timezone`."""
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    local = moment.astimezone(zone)
    if grain == "hour":  # keeps `fold`, so that the doubled hour of a clock change stays two hours
        return local.replace(minute=0, second=0, microsecond=0)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    if grain == "year":
        return day.replace(month=1, day=1)
    return day


def clock_text(moment: datetime, grain: str, timezone: str) -> str:
    """Return what the clock reads for an asset of this grain, as the text that its trace records."""
    return truncate(moment, grain, timezone).isoformat(timespec="minutes")
