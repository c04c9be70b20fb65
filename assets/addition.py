"""What a YAML file adds to an asset that is declared elsewhere: a contract and checks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headwater.assets.asset import Asset, CheckSpec, Column, Location
from headwater.assets.errors import Problem
from headwater.assets.key import AssetKey


@dataclass(frozen=True, slots=True)
class Addition:
    """Columns and checks for the asset `key`. `references` are the tables that the checks read, marked with `?`."""

    key: AssetKey
    columns: tuple[Column, ...]
    checks: tuple[CheckSpec, ...]
    location: Location
    references: tuple[str, ...] = ()


def add_to(asset: Asset, addition: Addition) -> tuple[Asset, tuple[Problem, ...]]:
    """Return `asset` with the addition's contract and checks; a column described in both places is a problem."""
    known = {column.name.lower() for column in asset.columns}
    problems = []
    for column in addition.columns:
        if column.name.lower() in known:
            place = column.location or addition.location
            message = f"the column {column.name!r} of {asset.key} is declared here and in {asset.location.file}."
            problems.append(Problem(place.file, place.line, message, "Keep one of them.", asset.key))
    if problems:
        return asset, tuple(problems)
    added = replace(asset, columns=asset.columns + addition.columns, checks=asset.checks + addition.checks)
    return added, source_problems(added) if asset.is_external else ()


def source_problems(asset: Asset) -> tuple[Problem, ...]:
    """Return a problem for each column of a source that says it anonymises: nothing comes into a source."""
    message = "a source is as it was delivered: its columns anonymise nothing."
    remedy = "Leave its `tags` off, or anonymise in an asset that reads it."
    places = (column.location or asset.location for column in asset.columns if column.anonymises)
    return tuple(Problem(place.file, place.line, message, remedy, asset.key) for place in places)
