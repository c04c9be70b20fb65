"""The one sentence that stands for many reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.runtime.model import Reason


def headline(reasons: Sequence[Reason]) -> Reason | None:
    """Return the reason that tells most: a rollback or a block, because a run alone ends neither, else the first."""
    lasting = [it for code in ("ROLLED_BACK", "BLOCKED") for it in reasons if it.code == code]
    return next(iter((*lasting, *reasons)), None)


def because(reasons: Sequence[Reason]) -> str:
    """Return the headline as text, with the number of reasons that it stands for."""
    first = headline(reasons)
    if first is None:
        return ""
    return f"{first.message} (+{len(reasons) - 1} more)" if len(reasons) > 1 else first.message
