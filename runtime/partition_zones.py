"""Windows of days in one time zone, compared with instants in another: rows would go to the wrong day, unseen."""

from __future__ import annotations

import re

from headwater.assets.asset import Asset
from headwater.assets.errors import Problem
from headwater.assets.key import AssetKey
from headwater.lineage.sql.analysis import Analysis
from headwater.runtime.definition_problems import line_in_file

_COLUMN, _PARAMETER = r'"((?:[^"]|"")*)"', r"\$((?:start|end|partition)(?:\.\w+)?)\b"
_COMPARED = re.compile(rf"{_COLUMN} (?:[<>=]+|BETWEEN) {_PARAMETER}")
_TURNED = re.compile(rf"{_PARAMETER} [<>=]+ {_COLUMN}")
_ZONED = ("timestamp with time zone", "timestamptz")


def zone_problems(
    asset: Asset, analysis: Analysis, types: dict[AssetKey, dict[str, str | None]], zone: str
) -> list[Problem]:
    """Return a problem for each column of instants that is compared with a date of windows in another zone.

    `types` has the types of the columns of what is read, by lower-case name; `zone` is the project's time zone, which
    is what the engine takes a date to be in.
    """
    from headwater.assets.partitions import Windows

    others = {
        name: dimension.timezone
        for name, dimension in asset.partitions
        if isinstance(dimension, Windows) and dimension.grain != "hour" and dimension.timezone != zone
    }
    found: list[Problem] = []
    for read in analysis.reads if others else ():
        columns = types.get(AssetKey(read.table.lower()), {})
        pairs = [match.groups() for match in _COMPARED.finditer(read.filter or "")]
        pairs += [match.groups()[::-1] for match in _TURNED.finditer(read.filter or "")]
        for column, parameter in pairs:
            dimension = parameter.partition(".")[2] or next(iter(others))
            if dimension in others and (columns.get(column.lower()) or "").lower().startswith(_ZONED):
                message = (
                    f"{column} is an instant, and ${parameter} a date, which the engine takes to begin in {zone}: "
                    f"the days of {dimension} are those of {others[dimension]}."
                )
                remedy = "Compare with $start_at and $end_at, which are instants, or set the project's timezone."
                found.append(Problem(asset.location.file, line_in_file(asset, 1), message, remedy, asset.key))
    return found[:1]
