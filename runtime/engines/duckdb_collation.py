"""Collations travel with columns but show in no type: two equal fingerprints could then compare differently.

So no physical relation may carry one. A query can bring one in only by the word `collate` or from a table that somebody
else made; only these are looked at, as the look costs as much as building a tiny table.
"""

from __future__ import annotations

import json

import duckdb

from headwater.assets.errors import StepError

_NEUTRAL = frozenset(["", "binary", "c", "posix"])
_PROBE = "temp.headwater_probe"


def refuse_collations(cursor: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Raise StepError where a column of `relation` carries a collation, at any depth of its type."""
    cursor.execute(f"create or replace temp table headwater_probe as select * from {relation} limit 0")
    [(plan,)] = cursor.execute(f"select json_serialize_plan('select * from {_PROBE}')").fetchall()
    cursor.execute(f"drop table {_PROBE}")
    [projection] = json.loads(plan)["plans"]
    table = projection["children"][0]
    for name, type_ in zip(table["names"], table["returned_types"], strict=True):
        collation = _collation(type_)
        if collation not in _NEUTRAL:
            raise StepError(
                f"Column {name} of {relation} carries the collation {collation}, which its type does not show.",
                f'Use the collation where it is needed, and give the column as {name} collate "binary".',
            )


def _collation(value: object) -> str:
    """Return the first collation that is not neutral anywhere in a serialised type, or ''."""
    if isinstance(value, dict):
        own = str(value.get("collation", "")).lower()
        return own if own not in _NEUTRAL else _collation(list(value.values()))
    if isinstance(value, list):
        return next((found for found in map(_collation, value) if found), "")
    return ""
