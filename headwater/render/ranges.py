"""Partitions on one line: how many are current, and the first ranges of the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.runtime.model import PartitionLine

_FEW = 2  # ranges that are shown of many
_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')  # that stands in no quoted key


def partition_cell(line: PartitionLine | None) -> str:
    """Return `362 of 365, stale 2024-01-01..2024-01-03`; empty for an asset without partitions."""
    if line is None:
        return ""
    words = (("missing", line.missing), ("unknown", line.unknown), ("stale", line.stale), ("pending", line.pending))
    parts = [f"{line.current:,} of {line.total:,}"]
    return ", ".join([*parts, *(f"{word} {few(ranges, 1)}" for word, ranges in words if ranges)])


def few(ranges: Sequence[str], most: int = _FEW) -> str:
    """Return the first of some ranges, and how many more there are."""
    shown = ", ".join(ranges[:most])
    return shown if len(ranges) <= most else f"{shown} and {len(ranges) - most:,} more"


def few_of(text: str | None) -> str:
    """Return the text of a set of partitions with its first ranges only; empty for None."""
    if not text:
        return ""
    return few([part.strip() for part in (text.split(" | ") if " | " in text else _COMMA.split(text))])
