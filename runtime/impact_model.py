"""What `impact` answers, as values. Nothing has an effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from headwater.assets.errors import Problem
from headwater.assets.key import AssetKey
from headwater.lineage.touch import Cause

ChangeKind = Literal["REDEFINE", "DROP", "RENAME", "RETYPE"]
Outcome = Literal["BREAKS", "MAY_BREAK", "STALE", "MAY_CHANGE", "UNTOUCHED"]
OUTCOMES: tuple[Outcome, ...] = ("BREAKS", "MAY_BREAK", "STALE", "MAY_CHANGE", "UNTOUCHED")


@dataclass(frozen=True, slots=True)
class Change:
    """What might be done to an asset, or to one of its columns. `to` is the new name or type."""

    asset: AssetKey
    column: str | None = None
    kind: ChangeKind = "REDEFINE"
    to: str | None = None

    def __str__(self) -> str:
        name = str(self.asset) if self.column is None else f"{self.asset}.{self.column}"
        what = {"REDEFINE": "redefining", "DROP": "dropping", "RENAME": "renaming", "RETYPE": "retyping"}[self.kind]
        return f"{what} {name}{f' to {self.to}' if self.to else ''}"


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change means for one asset.

    BREAKS: it is proven that it cannot be built, or that its contract or checks no longer fit; `places` say where.
    MAY_BREAK: that cannot be ruled out. STALE: it is built again for certain. MAY_CHANGE: it is built again if what it
    reads differs in fact. UNTOUCHED: `message` is the proof. `columns` are its own columns that may change (None: all,
    and its rows); `checks` and `contract` are the labels and declared columns among these, `file` what it writes.
    """

    asset: AssetKey
    outcome: Outcome
    message: str
    causes: tuple[Cause, ...] = ()
    columns: tuple[str, ...] | None = ()
    places: tuple[Problem, ...] = ()
    checks: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()
    file: str | None = None


@dataclass(frozen=True, slots=True)
class ImpactReport:
    """What a change means for every asset downstream, in build order; `own` is the asset itself."""

    change: Change
    own: Impact
    impacts: tuple[Impact, ...] = field(default=())

    @property
    def counts(self) -> dict[str, int]:
        """Number of assets downstream for each outcome, zeros included."""
        counted = dict.fromkeys(OUTCOMES, 0)
        for item in self.impacts:
            counted[item.outcome] += 1
        return {str(word): number for word, number in counted.items()}
