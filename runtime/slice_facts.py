"""Fingerprints of single slices and partitions, looked up in the projections when a decision needs them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from headwater.assets.key import AssetKey
from headwater.runtime.order import Built
from headwater.runtime.state import Ranges, SliceFacts, VersionRecord

_AT_ONCE = 400  # ranges that one query has parameters for


class StoredSliceFacts:
    """Implements `SliceFacts` over any connection to the ledger's file. What a run learns goes in front of it."""

    def __init__(self, connection: sqlite3.Connection, recorded: Mapping[AssetKey, AssetKey] | None = None) -> None:
        self._db = connection
        self._recorded = recorded or {}  # what the tables call assets whose rename is not recorded yet
        self._held: dict[tuple[AssetKey, str], dict[int, str]] = {}
        self._seen: dict[tuple[AssetKey, AssetKey, str], dict[int, str]] = {}
        self._shown: dict[tuple[AssetKey, int, str], dict[str, str]] = {}

    def held(self, asset: AssetKey, columns: str, numbers: Ranges) -> Mapping[int, str]:
        """Return what is known of what slices of `asset` hold, by slice number."""
        query = "select slice, token from slice_held where asset in (?, ?) and columns = ?"
        found = self._between(query, (*self._called(asset), columns), numbers)
        return found | _inside(self._held.get((asset, columns), {}), numbers)

    def seen(self, asset: AssetKey, upstream: AssetKey, columns: str, numbers: Ranges) -> Mapping[int, str]:
        """Return what slices of `asset` saw of `upstream` under a condition with their parameters."""
        query = "select slice, token from slice_seen where asset in (?, ?) and upstream in (?, ?) and columns = ?"
        found = self._between(query, (*self._called(asset), *self._called(upstream), columns), numbers)
        return found | _inside(self._seen.get((asset, upstream, columns), {}), numbers)

    def shown(self, asset: AssetKey, number: int, columns: str) -> Mapping[str, str]:
        """Return what a version of `asset` shows under such a condition, by the text of the reader's partition."""
        query = "select partition, token from part_shown where asset in (?, ?) and number = ? and columns = ?"
        found = dict(self._db.execute(query, (*self._called(asset), number, columns)).fetchall())
        return found | self._shown.get((asset, number, columns), {})

    def learn_held(self, asset: AssetKey, columns: str, tokens: Mapping[int, str]) -> None:
        """Know from now on what slices hold."""
        self._held.setdefault((asset, columns), {}).update(tokens)

    def learn_seen(self, asset: AssetKey, upstream: AssetKey, columns: str, tokens: Mapping[int, str]) -> None:
        """Know from now on what slices saw."""
        self._seen.setdefault((asset, upstream, columns), {}).update(tokens)

    def learn_shown(self, asset: AssetKey, number: int, columns: str, tokens: Mapping[str, str]) -> None:
        """Know from now on what a version shows."""
        self._shown.setdefault((asset, number, columns), {}).update(tokens)

    def _called(self, asset: AssetKey) -> tuple[AssetKey, AssetKey]:
        """Return both names of a renamed asset: a run records the rename after it has read the state."""
        return asset, self._recorded.get(asset, asset)

    def _between(self, query: str, values: tuple[str, ...], numbers: Ranges) -> dict[int, str]:
        found: dict[int, str] = {}
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            spans = " or ".join(["slice between ? and ?"] * len(some))
            ends = [end for pair in some for end in pair]
            found.update(self._db.execute(f"{query} and ({spans})", (*values, *ends)).fetchall())
        return found


def learn(facts: SliceFacts, version: VersionRecord, built: Built) -> None:
    """Know from now on the fingerprints that a worker took of single slices and partitions of a version."""
    if not isinstance(facts, StoredSliceFacts):
        return
    for columns, shown in built.shown.items():
        facts.learn_shown(version.asset, version.number, columns, shown)
    if built.slices is not None:
        for columns, held in built.slices.held.items():
            facts.learn_held(version.asset, columns, held)
        numbers = {each.partition.text: each.number for each in built.slices.orders}
        for (upstream, columns), seen in built.slices.seen.items():
            tokens = {numbers[text]: token for text, token in seen.items()}
            facts.learn_seen(version.asset, upstream, columns, tokens)


def _inside(known: Mapping[int, str], numbers: Ranges) -> dict[int, str]:
    return {number: token for number, token in known.items() if any(low <= number <= high for low, high in numbers)}
