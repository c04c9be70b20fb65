"""The check library. A check is a small class in one of these modules and one line in this table.

The table maps a check's name to the dotted path of its class, imported on first use.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.checks.library.kind import CheckKind

KINDS: Mapping[str, str] = {
    "accepted_values": "headwater.checks.library.columns:AcceptedValues",
    "between": "headwater.checks.library.columns:Between",
    "expression": "headwater.checks.library.tables:Expression",
    "matches": "headwater.checks.library.columns:Matches",
    "not_null": "headwater.checks.library.columns:NotNull",
    "relationship": "headwater.checks.library.across:Relationship",
    "row_count": "headwater.checks.library.tables:RowCount",
    "sql": "headwater.checks.library.tables:Sql",
    "unique": "headwater.checks.library.tables:Unique",
}


@cache
def check_kind(name: str) -> CheckKind:
    """Return the check called `name`. Raises KeyError where the library has none."""
    module, _, class_name = KINDS[name].partition(":")
    kind: CheckKind = getattr(importlib.import_module(module), class_name)()
    return kind
