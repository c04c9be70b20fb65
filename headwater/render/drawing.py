"""`lineage` for other eyes and programs: SVG, Mermaid and Graphviz drawings, OpenLineage events; as lines of text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from headwater.lineage.exporters.chart import Chart, Scope, asset_chart, column_chart

if TYPE_CHECKING:
    from headwater.runtime.model import LineageView

DRAWINGS = ("mermaid", "dot", "svg")


def view_chart(view: LineageView, title: str, *, columns: bool) -> Chart:
    """Return the chart of an asset or a column and what is around it."""
    scope = Scope(
        view.kinds or ((view.asset, "table"),),
        view.edges,
        {table.asset: table.columns for table in view.tables},
        view.column_edges,
        view.open_ends,
    )
    return column_chart(scope, title, view.asset, view.column) if columns else asset_chart(scope, title, view.asset)


def scope_chart(scope: Scope, title: str, *, columns: bool) -> Chart:
    """Return the chart of a whole project."""
    return column_chart(scope, title) if columns else asset_chart(scope, title)


def drawing_lines(chart: Chart, form: str) -> Iterator[str]:
    """Yield a chart in one of `DRAWINGS`."""
    return _drawer(form)(chart)


def _drawer(form: str) -> Callable[[Chart], Iterator[str]]:
    from headwater.lineage.exporters.dot import dot_lines
    from headwater.lineage.exporters.mermaid import mermaid_lines
    from headwater.lineage.exporters.svg import svg_lines

    return {"mermaid": mermaid_lines, "dot": dot_lines, "svg": svg_lines}[form]


def event_lines(events: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Yield events as one JSON array with an event on each line."""
    yield "["
    for at, event in enumerate(events, 1):
        yield json.dumps(event, separators=(",", ":")) + ("," if at < len(events) else "")
    yield "]"
