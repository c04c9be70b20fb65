"""`lineage` as text: trees, and tables of columns and reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from headwater.render.column_tags import tags_of
from headwater.render.column_tree import column_lines, influence_lines, open_end_lines
from headwater.render.paper import Paper
from headwater.render.table import table
from headwater.render.words import counted, one_line

if TYPE_CHECKING:
    from headwater.runtime.model import ColumnLineage, LineageView, ReadLine

DEEPEST = 48  # deeper levels of a tree stand so far right that nobody can read them

Source = tuple[str, str, str, bool, bool]
Neighbours = Mapping[str, Sequence[str]]


def lineage_lines(view: LineageView, paper: Paper, *, upstream: bool = True, downstream: bool = True) -> Iterator[str]:
    """Yield what an asset stands on and what stands on it as trees, then its reads and its columns; or a column's."""
    if view.column is not None:
        yield from column_lines(view, paper, upstream=upstream, downstream=downstream)
        return
    yield from tree_lines(view, paper, upstream=upstream, downstream=downstream)
    if upstream and view.reads:
        yield from ("", paper.bold("Reads"))
        yield from table(("UPSTREAM", "COLUMNS", "BECAUSE"), [_read(it) for it in view.reads], paper)
    yield from _columns(view, paper)
    if upstream:
        yield from influence_lines(view, paper)
    yield from open_end_lines(view, paper)


def tree_lines(view: LineageView, paper: Paper, *, upstream: bool = True, downstream: bool = True) -> Iterator[str]:
    """Yield only the trees."""
    above, below = _neighbours(view)
    if upstream:
        yield paper.bold("Upstream: what it is made from")
        yield from _tree(view, above, paper)
    if downstream:
        yield from ([""] if upstream else [])
        yield paper.bold("Downstream: what is made from it")
        yield from _tree(view, below, paper)


def _neighbours(view: LineageView) -> tuple[Neighbours, Neighbours]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for start, end in view.edges:
        above.setdefault(end, []).append(start)
        below.setdefault(start, []).append(end)
    return above, below


def _tree(view: LineageView, neighbours: Neighbours, paper: Paper) -> Iterator[str]:
    """Yield the tree from the asset, depth first and without recursion: a chain may be thousands of assets long.

    An asset that is reached again is named but its branch not repeated, so that the tree is as long as the graph.
    """
    kinds = _kinds(view)
    child, last, beside, under = paper.branches()
    drawn = {str(view.asset)}
    children = neighbours.get(view.asset, ())
    yield _label(view.asset, kinds) + ("" if children else ": nothing")
    stack = [(node, "", at == len(children) - 1, 1) for at, node in reversed([*enumerate(children)])]
    while stack:
        node, lead, is_last, depth = stack.pop()
        more = neighbours.get(node, ())
        again = node in drawn and bool(more)
        suffix = " (see above)" if again else ""
        if not again and more and depth == DEEPEST:
            beyond = counted(_reach(node, neighbours, drawn), "asset")
            suffix, again = f" (and {beyond} beyond; --as json lists them)", True
        yield f"{lead}{last if is_last else child}{_label(node, kinds)}{suffix}"
        drawn.add(node)
        if not again:
            inner = lead + (under if is_last else beside)
            stack += [(it, inner, at == len(more) - 1, depth + 1) for at, it in reversed([*enumerate(more)])]


def _reach(start: str, neighbours: Neighbours, drawn: set[str]) -> int:
    seen, waiting = {start}, [start]
    while waiting:
        for node in neighbours.get(waiting.pop(), ()):
            if node not in seen and node not in drawn:
                seen.add(node)
                waiting.append(node)
    return len(seen) - 1


def _kinds(view: LineageView) -> dict[str, str]:
    return {str(asset): kind for asset, kind in view.kinds}


def _label(asset: str, kinds: Mapping[str, str]) -> str:
    kind = kinds.get(asset)
    return f"{asset} ({kind})" if kind and kind != "table" else asset


def _read(read: ReadLine) -> tuple[str, str, str]:
    columns = "ALL" if read.columns is None else ", ".join(read.columns) or "row count"
    return read.upstream, columns, read.reason or ""


def _columns(view: LineageView, paper: Paper) -> Iterator[str]:
    if view.columns is None:
        yield from ("", f"The columns of {view.asset} are not known before it is built.")
        return
    if not view.columns:
        return
    yield from ("", paper.bold("Columns and what they are made from"))
    tags = tags_of(view)
    rows = [row for column in view.columns for row in _column_rows(column, tags.get(column.column, ""))]
    yield from table(("COLUMN", "TYPE", "FROM", "BY", "TAGS"), rows, paper)


def _column_rows(column: ColumnLineage, tags: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield one row for each source of a column; indirect ones are only counted."""
    sources = column.sources or ()
    direct = [source for source in sources if not source[3]]
    hidden = len(sources) - len(direct)
    rows = [(f"{asset}.{name}", _how(source)) for source in direct for asset, name in [source[:2]]]
    if hidden:
        rows.append((f"and {counted(hidden, 'column')} indirectly", ""))
    if column.left_out and column.sources is not None:
        rows.append((f"{'and ' if rows else ''}{counted(column.left_out, 'column')} left out, of other kinds", ""))
    name, type_ = one_line(column.column), column.type or ""
    for origin, how in rows or [("unknown" if column.sources is None else "nothing upstream", "")]:
        yield name, type_, origin, how, tags
        name, type_, tags = "", "", ""


def _how(source: Source) -> str:
    _, _, transformation, _, masking = source
    return transformation + (", masked" if masking else "")
