"""How long builds are expected to take, from history, and the path through a plan that takes longest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from headwater.assets.key import AssetKey
from headwater.lineage.graph import AssetGraph

HISTORY = 10
"""Number of newest builds of an asset that are looked at."""

QUANTILE = 0.9
"""Share of these that took no longer than expected: starting too early is the safe side."""

PRIOR_SECONDS = 60.0
"""What freshness takes off for an asset without any build."""

Expected = Mapping[AssetKey, float]
"""Expected seconds of each asset that was ever built."""


def expected_seconds(history: Mapping[AssetKey, Sequence[int]]) -> dict[AssetKey, float]:
    """Return the QUANTILE (by nearest rank) of the builds in `history`, given in milliseconds."""
    return {
        key: sorted(taken)[ceil(QUANTILE * len(taken)) - 1] / 1000 for key, taken in history.items() if len(taken) > 0
    }


def longest_path(
    graph: AssetGraph, keys: Iterable[AssetKey], seconds: Expected, *, by_checks: bool = False
) -> dict[AssetKey, tuple[float, AssetKey | None]]:
    """Return for each of `keys` the seconds of the longest path to its end within them, and the step before it there.

    What is not in `seconds` takes none. Where paths are equally long, the one whose assets come first by name is taken.
    `by_checks` adds the way through what only checks read.
    """
    within = set(keys)
    found: dict[AssetKey, tuple[float, AssetKey | None]] = {}
    for key in (it for it in graph.order if it in within):
        above = graph.before(key) if by_checks else graph.upstream[key]
        before = max((up for up in sorted(above) if up in found), key=lambda up: found[up][0], default=None)
        found[key] = (seconds.get(key, 0.0) + (0.0 if before is None else found[before][0]), before)
    return found


def path_to(key: AssetKey, longest: Mapping[AssetKey, tuple[float, AssetKey | None]]) -> tuple[AssetKey, ...]:
    """Return the assets of the longest path that ends at `key`, in the order in which they are built."""
    path: list[AssetKey] = []
    at: AssetKey | None = key
    while at is not None:
        path.append(at)
        at = longest[at][1]
    return tuple(reversed(path))


def critical_path(
    graph: AssetGraph, steps: Sequence[AssetKey], seconds: Expected
) -> tuple[tuple[AssetKey, ...], float | None]:
    """Return the path through `steps` that takes longest, and how long: None where no step has a history."""
    if not any(key in seconds for key in steps):
        return (), None
    longest = longest_path(graph, steps, seconds, by_checks=True)
    end = max(longest, key=lambda key: longest[key][0])
    return path_to(end, longest), longest[end][0]
