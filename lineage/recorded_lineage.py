"""The column lineage of one version of a Python asset, in the compact form in which it is recorded with the version.

    from      the assets that sources name, by their place in this list
    columns   for each column of the version, in order: null where nobody knows; a number where it is the column of the
              same name of that asset, as it is; else a list of [asset, column, kind]
    rows      what shapes the rows: a list of [asset, column, kind]
    complete  whether `rows` is all that shapes them

A kind is a transformation by the letter in `LETTERS`, followed by `m` where the value is masked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from headwater.assets.key import AssetKey
from headwater.lineage.encoding import JsonValue
from headwater.lineage.schema import SchemaColumns
from headwater.lineage.sql.analysis import Transformation

LETTERS: Final[Mapping[Transformation, str]] = {
    "IDENTITY": "I",
    "TRANSFORMATION": "T",
    "AGGREGATION": "A",
    "JOIN": "J",
    "FILTER": "F",
    "GROUP_BY": "G",
    "SORT": "S",
    "DISTINCT": "D",
    "WINDOW": "W",
    "CONDITIONAL": "C",
}
_WORDS: Final = {letter: word for word, letter in LETTERS.items()}
MOST_BYTES: Final = 1_500  # half of what one asset run may record


@dataclass(frozen=True, slots=True)
class RecordedSource:
    """One column that a column, or the rows, of a version were made from."""

    asset: AssetKey
    column: str
    transformation: Transformation
    masking: bool = False


@dataclass(frozen=True, slots=True)
class RecordedLineage:
    """What is known of a version: the sources of each column by position (None: not known), and of its rows.

    `complete` says whether nothing else shaped the rows.
    """

    columns: tuple[tuple[RecordedSource, ...] | None, ...]
    rows: tuple[RecordedSource, ...] = ()
    complete: bool = False


def encode(lineage: RecordedLineage, schema: SchemaColumns) -> dict[str, JsonValue] | None:
    """Return the compact form, or None where nothing is known, it would be larger than `MOST_BYTES`, or has no letter.

    It raises nothing: a run records its versions through it.
    """
    if len(lineage.columns) != len(schema) or not any(column is not None for column in lineage.columns):
        return None
    every = [source for column in (*lineage.columns, lineage.rows) for source in column or ()]
    if any(source.transformation not in LETTERS for source in every):
        return None
    assets = list(dict.fromkeys(source.asset for source in every))
    place = {asset: at for at, asset in enumerate(assets)}

    def listed(sources: tuple[RecordedSource, ...]) -> list[JsonValue]:
        return [
            [place[it.asset], it.column, LETTERS[it.transformation] + ("m" if it.masking else "")] for it in sources
        ]

    columns: list[JsonValue] = []
    for (name, _), sources in zip(schema, lineage.columns, strict=True):
        same = [place[it.asset] for it in sources or () if it.column == name and _is_copy(it)]
        columns.append(None if sources is None else same[0] if same and len(sources) == 1 else listed(sources))
    value: dict[str, JsonValue] = {"from": [str(asset) for asset in assets], "columns": columns}
    if lineage.rows:
        value["rows"] = listed(lineage.rows)
    if lineage.complete:
        value["complete"] = True
    return value if len(json.dumps(value, separators=(",", ":"))) <= MOST_BYTES else None


def decode(value: Mapping[str, object], schema: SchemaColumns) -> RecordedLineage:
    """Return the lineage that `encode` wrote for a version of these columns."""
    assets = [AssetKey(text) for text in cast("list[str]", value["from"])]

    def sources(items: object) -> tuple[RecordedSource, ...]:
        rows = cast("list[tuple[int, str, str]]", items)
        return tuple(RecordedSource(assets[at], column, _WORDS[kind[0]], kind[1:] == "m") for at, column, kind in rows)

    columns: list[tuple[RecordedSource, ...] | None] = []
    for (name, _), item in zip(schema, cast("list[object]", value["columns"]), strict=True):
        if isinstance(item, int):
            columns.append((RecordedSource(assets[item], name, "IDENTITY"),))
        else:
            columns.append(None if item is None else sources(item))
    return RecordedLineage(tuple(columns), sources(value.get("rows", [])), bool(value.get("complete", False)))


def _is_copy(source: RecordedSource) -> bool:
    return source.transformation == "IDENTITY" and not source.masking
