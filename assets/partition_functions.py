"""Dimensions and mappings for `@asset(partitions=..., mappings=...)`: the forms of YAML as functions.

Each returns plain data; it is judged with all other declarations when the project is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from headwater.assets.partitions import All as All
from headwater.assets.partitions import Identity as Identity
from headwater.assets.partitions import Latest as Latest
from headwater.assets.partitions import OneDimension
from headwater.assets.partitions import Window as Window

Key = str | date | int
Declared = Mapping[str, object]


def _windows(kind: str, start: Key, end: Key | None, timezone: str | None) -> Declared:
    given = {"start": start, "end": end, "timezone": timezone}
    return {kind: {name: value for name, value in given.items() if value is not None}}


def Hourly(start: Key, end: Key | None = None, timezone: str | None = None) -> Declared:
    """One partition for each hour, from `start` to `end`, both inclusive, by default to the last complete one.

    Keys look like 2024-01-31T13+00:00. `timezone` is the project's by default.
    """
    return _windows("hourly", start, end, timezone)


def Daily(start: Key, end: Key | None = None, timezone: str | None = None) -> Declared:
    """One partition for each day, as `Hourly`; keys look like 2024-01-31."""
    return _windows("daily", start, end, timezone)


def Weekly(start: Key, end: Key | None = None, timezone: str | None = None) -> Declared:
    """One partition for each ISO week, as `Hourly`; keys look like 2024-W05."""
    return _windows("weekly", start, end, timezone)


def Monthly(start: Key, end: Key | None = None, timezone: str | None = None) -> Declared:
    """One partition for each month, as `Hourly`; keys look like 2024-01."""
    return _windows("monthly", start, end, timezone)


def Quarterly(start: Key, end: Key | None = None, timezone: str | None = None) -> Declared:
    """One partition for each quarter, as `Hourly`; keys look like 2024-Q1."""
    return _windows("quarterly", start, end, timezone)


def Yearly(start: Key, end: Key | None = None, timezone: str | None = None) -> Declared:
    """One partition for each year, as `Hourly`; keys look like 2024."""
    return _windows("yearly", start, end, timezone)


def Static(keys: Sequence[str]) -> Declared:
    """One partition for each of these keys."""
    return {"static": list(keys)}


def Dynamic(name: str) -> Declared:
    """One partition for each key that was added to the list called `name`."""
    return {"dynamic": name}


def StaticMap(pairs: Mapping[str, Sequence[str]]) -> Declared:
    """For each key of the reader, the keys of the upstream that it reads."""
    return {"static": {key: [listed] if isinstance(listed, str) else list(listed) for key, listed in pairs.items()}}


def PerDimension(dimensions: Mapping[str, str | OneDimension | Declared]) -> Declared:
    """For each dimension of the reader, how the upstream's is read: a mapping, or {"to": name, "map": mapping}."""
    return {"dimensions": dict(dimensions)}
