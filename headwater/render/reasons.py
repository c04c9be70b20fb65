"""The one sentence that stands for many reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.runtime.model import Reason


def headline(reasons: Sequence[Reason]) -> Reason | None:
    """Return the reason that tells most: a block, because a run alone does not end it, else the first."""
    return next((it for it in reasons if it.code == "BLOCKED"), reasons[0] if reasons else None)


def because(reasons: Sequence[Reason]) -> str:
    """Return the headline as text, with the number of reasons that it stands for."""
    first = headline(reasons)
    if first is None:
        return ""
    return f"{first.message} (+{len(reasons) - 1} more)" if len(reasons) > 1 else first.message
