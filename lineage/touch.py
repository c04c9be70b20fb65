"""Who is touched where columns of one asset change: reads decide who, column lineage decides which columns of theirs.

Pure. One pass over the assets in build order. Wherever it is not known how a read column is used, all of the reader
is taken to be touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import WHOLE_RESULT, ColumnGraph, ColumnRef

Columns = frozenset[str] | None  # columns of one asset as it spells them; None: all of it, its rows too
Reads = Mapping[AssetKey, Mapping[AssetKey, Columns]]  # reader to what it reads of each upstream; None: ALL


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why an asset is touched: these `columns` of a touched `upstream`, which it reads (None: its rows)."""

    upstream: AssetKey
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Touch:
    """How one asset is touched: its `columns` that may change (None: all, and its rows), and why."""

    columns: Columns
    causes: tuple[Cause, ...] = ()


def touched(
    order: Iterable[AssetKey], reads: Reads, graph: ColumnGraph, start: AssetKey, columns: Columns
) -> dict[AssetKey, Touch]:
    """Return every asset that a change to `columns` of `start` may reach, `start` first, in the given build order."""
    found = {start: Touch(columns)}
    for key in order:
        if key != start and (touch := touch_of(key, found, reads, graph)) is not None:
            found[key] = touch
    return found


def touch_of(key: AssetKey, found: Mapping[AssetKey, Touch], reads: Reads, graph: ColumnGraph) -> Touch | None:
    """Return how one asset is touched where those that it reads are touched as `found` says; None where it is not."""
    causes: list[Cause] = []
    parts: list[Columns] = []
    for upstream, seen in reads.get(key, {}).items():
        if upstream in found:
            hit = _hit(found[upstream].columns, seen)
            if hit is None or hit:
                causes.append(Cause(upstream, None if hit is None else tuple(sorted(hit))))
                parts.append(_outputs(graph, upstream, hit, key))
    if not causes:
        return None
    all_of_it = any(part is None for part in parts)
    return Touch(None if all_of_it else frozenset().union(*(it or () for it in parts)), tuple(causes))


def _hit(changed: Columns, seen: Columns) -> Columns:
    """Return the changed columns that a reader sees; None where the rows may change, which every reader sees."""
    if changed is None:
        return None
    return changed if seen is None else changed & seen


def _outputs(graph: ColumnGraph, upstream: AssetKey, hit: Columns, reader: AssetKey) -> Columns:
    """Return the columns of `reader` that the `hit` ones of `upstream` go into."""
    outputs: set[str] = set()
    for column in hit or ():
        ref = ColumnRef(upstream, column)
        targets = {edge.target.column for edge in graph.out_of(ref) if edge.target.asset == reader}
        targets |= {end.target.column for end in graph.open_out_of(ref) if end.target.asset == reader}
        if not targets or WHOLE_RESULT in targets:
            return None
        outputs |= targets
    return None if hit is None else frozenset(outputs)
