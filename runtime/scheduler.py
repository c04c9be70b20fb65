"""The order of work: which steps may start now, and what a step's end means for those behind it. No effects."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from headwater.assets.key import AssetKey

_STOPS = ("FAILED", "SKIPPED", "CANCELLED")


class Schedule:
    """Steps and what each waits for. `take` gives the next step; `end` tells it what became of one.

    A step becomes ready when all it waits for has ended; ready steps come out in build order. A step whose upstream
    failed, or was skipped for that, is never given out: `skipped` names it with the cause.
    """

    def __init__(self, order: Sequence[AssetKey], before: Mapping[AssetKey, tuple[AssetKey, ...]]) -> None:
        self._place = {key: index for index, key in enumerate(order)}
        self._waiting: dict[AssetKey, int] = {}
        self._after: dict[AssetKey, list[AssetKey]] = {key: [] for key in order}
        self._ready: list[int] = []
        self._order = tuple(order)
        self._cause: dict[AssetKey, AssetKey] = {}
        self._open = len(self._order)
        self.skipped: list[tuple[AssetKey, AssetKey]] = []  # (step, upstream that stopped it)
        for key in order:
            inside = [up for up in before[key] if up in self._place]
            self._waiting[key] = len(inside)
            for up in inside:
                self._after[up].append(key)
            if not inside:
                heapq.heappush(self._ready, self._place[key])

    @property
    def done(self) -> bool:
        """True when every step has ended."""
        return self._open == 0

    def take(self) -> AssetKey | None:
        """Return the next step that may start, or None where every ready step has been given out."""
        return self._order[heapq.heappop(self._ready)] if self._ready else None

    def end(self, key: AssetKey, outcome: str) -> None:
        """Note that `key` ended. Steps behind it become ready, or are skipped where it stops them."""
        pending = [(key, outcome)]
        while pending:
            ended, how = pending.pop()
            self._open -= 1
            for reader in self._after[ended]:
                if how in _STOPS:
                    self._cause.setdefault(reader, self._cause.get(ended, ended))
                self._waiting[reader] -= 1
                if self._waiting[reader]:
                    continue
                if reader in self._cause:
                    self.skipped.append((reader, self._cause[reader]))
                    pending.append((reader, "SKIPPED"))
                else:
                    heapq.heappush(self._ready, self._place[reader])

    def rest(self) -> tuple[AssetKey, ...]:
        """Return the steps that have neither started nor been skipped, in order. They are given out no more."""
        ready = {self._order[index] for index in self._ready}
        stopped = {key for key, _ in self.skipped}
        left = tuple(k for k in self._order if k in ready or (self._waiting[k] > 0 and k not in stopped))
        self._ready.clear()
        return left
