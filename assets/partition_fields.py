"""The fields `partitions` and `mappings`: from what a user wrote to dimensions and mappings, with every problem.

The cross-asset part, whether a mapping fits what it reads, is judged when assets are linked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from headwater.assets.asset import Materialization
from headwater.assets.errors import Problem, RequestError
from headwater.assets.field_models import AssetFields
from headwater.assets.front import Body, Declaring
from headwater.assets.key import AssetKey
from headwater.assets.partition_forms import FormError, dimension_of, mapping_of
from headwater.assets.partitions import ByFunction, Dimension, Dimensions, PartitionMapping
from headwater.assets.partitions.faults import dimension_faults
from headwater.assets.yaml_text import Path

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_Made = TypeVar("_Made")
Mappings = tuple[tuple[AssetKey, PartitionMapping], ...]


@dataclass(frozen=True, slots=True)
class DeclaredPartitions:
    """What the fields come to; an asset that has partitions is materialised as `partitioned`."""

    dimensions: Dimensions
    mappings: Mappings
    materialization: Materialization


def declared_partitions(
    model: AssetFields, placed: Materialization, key: AssetKey, body: Body, at: Declaring
) -> tuple[DeclaredPartitions, tuple[Problem, ...]]:
    """Return the dimensions and mappings of an asset, with every problem; what is wrong is left out."""
    reading = _Reading(key, body, at)
    dimensions = reading.dimensions(model.partitions)
    mappings = reading.mappings(model.mappings)
    kind, has = placed.kind, bool(model.partitions)
    if kind == "partitioned" and not has:
        reading.note(("materialization",), "`partitioned` needs `partitions`.", "Declare them, or make it a table.")
    if kind in ("view", "file") and has:
        reading.note(("partitions",), f"a {kind} has no partitions.", "Make it a table, or remove `partitions`.")
    if "null_partition" in model.model_fields_set - set(at.defaults) and not has:
        reading.note(("null_partition",), "`null_partition` goes with `partitions`.", "Remove it, or declare them.")
    partitioned = replace(placed, kind="partitioned") if kind == "table" and has else placed
    return DeclaredPartitions(dimensions, mappings, partitioned), tuple(reading.problems)


def declared_dimensions(
    given: Mapping[str, object], key: AssetKey, at: Declaring
) -> tuple[Dimensions, tuple[Problem, ...]]:
    """Return the dimensions of a source, with every problem; what is wrong is left out."""
    reading = _Reading(key, Body(), at)
    return reading.dimensions(given), tuple(reading.problems)


class _Reading:
    """Reads the fields of one asset and notes what is wrong with them."""

    def __init__(self, key: AssetKey, body: Body, at: Declaring) -> None:
        self._key = key
        self._body = body
        self._at = at
        self.problems: list[Problem] = []

    def note(self, path: Path, message: str, remedy: str) -> None:
        """Remember a problem at the line of `path`."""
        self.problems.append(self._at.problem(path, message, remedy, self._key))

    def dimensions(self, given: Mapping[str, object]) -> Dimensions:
        """Return the dimensions that are sound."""
        found: dict[str, Dimension] = {}
        for written, value in given.items():
            name, path = written.lower(), ("partitions", written)
            if not _NAME.fullmatch(name):
                remedy = "Use letters, digits and underscores, as in a column's name."
                self.note(path, f"{written!r} cannot be the name of a dimension.", remedy)
            elif name in found:
                self.note(path, f"the dimension {name} is declared twice: case does not count.", "Keep one of them.")
            else:
                dimension = self._tried(path, partial(dimension_of, name, value, self._at.timezone))
                faults = [] if dimension is None else list(dimension_faults(name, dimension))
                for fault in faults:
                    inner = next(iter(value), "") if isinstance(value, Mapping) else ""
                    below = (inner,) if fault.part in ("static", "dynamic") else (inner, fault.part)
                    self.note((*path, *map(str, below)), fault.message, fault.remedy)
                if dimension is not None and not faults:
                    found[name] = dimension
        return tuple(found.items())

    def mappings(self, given: Mapping[str, object]) -> Mappings:
        """Return the mappings that are sound, by upstream."""
        found: dict[AssetKey, PartitionMapping] = {}
        for written, value in given.items():
            path = ("mappings", written)
            try:
                upstream = AssetKey.parse(written)
            except RequestError as error:
                self.note(path, error.message, error.remedy)
                continue
            mapping = self._tried(path, partial(mapping_of, value))
            if isinstance(mapping, ByFunction) and self._body.python is None:
                self.note(path, "a function maps partitions in Python only.", "Write the mapping as data.")
            elif upstream in found:
                self.note(path, f"{upstream} is mapped twice: case does not count.", "Keep one of them.")
            elif mapping is not None:
                found[upstream] = mapping
        return tuple(found.items())

    def _tried(self, path: Path, make: Callable[[], _Made]) -> _Made | None:
        try:
            return make()
        except FormError as wrong:
            self.note((*path, *wrong.path), wrong.message, wrong.remedy)
            return None
