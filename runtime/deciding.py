"""Every asset of a project judged, in build order: proven current in one comparison, or clause by clause. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from headwater.assets.key import AssetKey
from headwater.runtime.resolutions import Resolutions
from headwater.runtime.staleness import CURRENT, Case, Decision, decide
from headwater.runtime.standing import is_proven_current, is_trusted
from headwater.runtime.state import State


def decide_all(
    order: Iterable[AssetKey], resolved: Resolutions, state: State, now: datetime, timezone: str
) -> tuple[dict[AssetKey, Decision], frozenset[AssetKey]]:
    """Return the decision about every asset in `order`, in which upstreams come first, and which were proven at once.

    The published version of what was proven at once is of the very versions that its upstreams have now.
    """
    decisions: dict[AssetKey, Decision] = {}
    proven: set[AssetKey] = set()
    trusted = is_trusted(state.warehouse)
    unproven = [key for key, outline in resolved.outlines.items() if not outline.plain]
    resolved.prefetch(unproven)
    for key in order:
        if trusted and is_proven_current(key, resolved.outlines[key], state, decisions):
            decisions[key] = CURRENT
            proven.add(key)
        else:
            case = Case(resolved[key], state.published.get(key), state, decisions, now, timezone)
            decisions[key] = decide(case)
    return decisions, frozenset(proven)
