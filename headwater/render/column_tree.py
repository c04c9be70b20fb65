"""`lineage ASSET.COLUMN` as trees: what a column is made from and what is made from it, and what shapes the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from headwater.lineage.column_graph import WHOLE_RESULT, ColumnRef
from headwater.render.branches import branches
from headwater.render.paper import Paper
from headwater.render.table import table
from headwater.render.words import counted, one_line

if TYPE_CHECKING:
    from headwater.assets.key import AssetKey
    from headwater.lineage.column_graph import ColumnEdge
    from headwater.runtime.model import LineageView

Children = Sequence[tuple[ColumnRef, str]]
_NOT_KNOWN = "not known"
_MOST_OPEN_ENDS = 12  # that a text lists; JSON has all


def column_lines(view: LineageView, paper: Paper, *, upstream: bool = True, downstream: bool = True) -> Iterator[str]:
    """Yield the trees of the column that was asked for, and what nobody knows about it."""
    assert view.column is not None, "one column was asked for"
    start = ColumnRef(view.asset, view.column)
    type_ = next((it.type for it in view.columns or () if it.column == view.column), None)
    root = f"{_name(start)}{f' {type_}' if type_ else ''}"
    nothing = "nothing of the kinds asked for" if view.narrowed else "nothing"
    if upstream:
        yield paper.bold("Upstream: what it is made from")
        yield from _tree(root, start, _Upstream(view), nothing, paper)
    if downstream:
        yield from ([""] if upstream else [])
        yield paper.bold("Downstream: what is made from it")
        yield from _tree(root, start, _Downstream(view), nothing, paper)
    carried = [it for it in view.tags if it.column == start]
    if carried:
        yield from ("", paper.bold("Tags"))
        yield from table(("TAG", "FROM"), [(it.word, "" if it.is_own else _name(it.origin)) for it in carried], paper)
    yield from open_end_lines(view, paper)


def influence_lines(view: LineageView, paper: Paper) -> Iterator[str]:
    """Yield a table of the columns that shape the rows of an asset."""
    if view.influences:
        yield from ("", paper.bold("What shapes its rows"))
        rows: dict[str, list[str]] = {}
        for asset, column, transformation in view.influences:
            rows.setdefault(f"{asset}.{one_line(column)}", []).append(transformation)
        yield from table(("COLUMN", "BY"), [(name, ", ".join(how)) for name, how in rows.items()], paper)


def open_end_lines(view: LineageView, paper: Paper) -> Iterator[str]:
    """Yield what is not known, so that nobody takes the picture for complete."""
    if not view.open_ends:
        return
    yield from ("", paper.bold("Not known: there may be more than is shown"))
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for end in view.open_ends:
        column = "any column" if end.source.column == WHOLE_RESULT else one_line(end.source.column)
        grouped.setdefault((_any(end.target), end.source.asset, end.reason), []).append(column)
    rows = [(target, f"{', '.join(names)} of {asset}", why) for (target, asset, why), names in grouped.items()]
    yield from table(("COLUMN", "MAY COME FROM", "BECAUSE"), rows[:_MOST_OPEN_ENDS], paper)
    if len(rows) > _MOST_OPEN_ENDS:
        yield f"and {counted(len(rows) - _MOST_OPEN_ENDS, 'more', 'more')}; --as json lists them"


def how(edge: ColumnEdge) -> str:
    """Return what an edge does to a value, or to rows, in a few words."""
    notes = [*(["masked"] if edge.masking else []), *(["declared"] if edge.declared else [])]
    return ", ".join([edge.transformation + (" (indirect)" if _is_condition(edge) else ""), *notes])


def _is_condition(edge: ColumnEdge) -> bool:
    """True for an indirect edge into one column; one into the rows says so by its place in the tree."""
    return edge.indirect and edge.target.column != WHOLE_RESULT


def _tree(root: str, start: ColumnRef, side: _Upstream | _Downstream, nothing: str, paper: Paper) -> Iterator[str]:
    children = cache(side.children)
    yield root if children(start) else f"{root}: {nothing}"
    yield from branches(start, children, paper)


class _Upstream:
    """What stands above each node: direct sources, then what shapes the rows, as a branch of its own."""

    def __init__(self, view: LineageView) -> None:
        self._into: dict[ColumnRef, dict[ColumnRef, list[str]]] = {}
        self._rows: dict[AssetKey, list[ColumnRef]] = {}
        for edge in view.column_edges:
            self._into.setdefault(edge.target, {}).setdefault(edge.source, []).append(how(edge))
        for end in view.open_ends:
            self._into.setdefault(end.target, {}).setdefault(end.source, []).append(_NOT_KNOWN)
        linked = {(edge.source.asset, edge.target.asset) for edge in view.column_edges}
        linked |= {(end.source.asset, end.target.asset) for end in view.open_ends}
        for above, below in view.row_edges:
            if (above, below) not in linked:  # else its rows stand below one of its columns
                self._rows.setdefault(below, []).append(ColumnRef(above, WHOLE_RESULT))

    def children(self, ref: ColumnRef) -> Children:
        """Return what `ref` is made from, each with its label."""
        found = [(source, f"{_any(source)}  {'; '.join(said)}") for source, said in self._into.get(ref, {}).items()]
        rows = ColumnRef(ref.asset, WHOLE_RESULT)
        if ref != rows:
            shaped = rows in self._into or ref.asset in self._rows
            return [*found, *([(rows, f"rows of {ref.asset}")] if shaped else [])]
        return [*found, *((it, f"rows of {it.asset}") for it in self._rows.get(ref.asset, ()))]


class _Downstream:
    """What stands below each node: columns made from it; below rows, whoever reads them."""

    def __init__(self, view: LineageView) -> None:
        self._out: dict[ColumnRef, dict[ColumnRef, list[str]]] = {}
        self._columns: dict[AssetKey, list[ColumnRef]] = {}
        self._readers: dict[AssetKey, list[ColumnRef]] = {}
        for edge in view.column_edges:
            self._note(edge.source, edge.target, how(edge))
        for end in view.open_ends:
            self._note(end.source, end.target, _NOT_KNOWN)
        for above, below in view.row_edges:
            self._readers.setdefault(above, []).append(ColumnRef(below, WHOLE_RESULT))

    def _note(self, source: ColumnRef, target: ColumnRef, said: str) -> None:
        if source not in self._out:
            self._columns.setdefault(source.asset, []).append(source)
        self._out.setdefault(source, {}).setdefault(target, []).append(said)

    def children(self, ref: ColumnRef) -> Children:
        """Return what is made from `ref`, each with its label."""
        readers = self._readers.get(ref.asset, ()) if ref.column == WHOLE_RESULT else ()
        if readers:
            return [(it, f"rows of {it.asset}") for it in readers]
        sources = [ref, ColumnRef(ref.asset, WHOLE_RESULT)]
        if ref.column == WHOLE_RESULT:
            sources = self._columns.get(ref.asset, [])
        found: dict[ColumnRef, list[str]] = {}
        for source in sources:
            for target, said in self._out.get(source, {}).items():
                found.setdefault(target, []).extend(it for it in said if it not in found.get(target, ()))
        return [(target, f"{_below(target, said)}  {'; '.join(said)}") for target, said in found.items()]


def _name(ref: ColumnRef) -> str:
    return f"{ref.asset}.{one_line(ref.column)}"


def _any(ref: ColumnRef) -> str:
    return f"any column of {ref.asset}" if ref.column == WHOLE_RESULT else _name(ref)


def _below(ref: ColumnRef, said: Sequence[str]) -> str:
    if ref.column == WHOLE_RESULT and {*said} != {_NOT_KNOWN}:
        return f"rows of {ref.asset}"
    return _any(ref)
