"""Column lineage of a whole project: which column is made from which, across assets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headwater.assets.key import AssetKey

if TYPE_CHECKING:
    from headwater.lineage.sql.analysis import Transformation

WHOLE_RESULT: Final = "*"  # stands for every column of an asset: what shapes its rows shapes them all


@dataclass(frozen=True, slots=True, order=True)
class ColumnRef:
    """One column of one asset; the column is `WHOLE_RESULT` where rows are meant."""

    asset: AssetKey
    column: str


@dataclass(frozen=True, slots=True, order=True)
class ColumnEdge:
    """`target` is made from `source`, or shaped by it: indirect ones are conditions, window keys, filters and joins."""

    source: ColumnRef
    target: ColumnRef
    transformation: Transformation
    indirect: bool = False
    masking: bool = False
