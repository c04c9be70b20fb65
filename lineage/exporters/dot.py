"""A chart as a Graphviz digraph: assets as nodes, or as tables with a port for each column."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.lineage.exporters.chart import Box, Chart, Port, Wire
from headwater.lineage.exporters.svg_style import LOOKS

_DASHED = ("JOIN", "GROUP_BY", "DISTINCT", "WINDOW")
_STYLES = {**dict.fromkeys(_DASHED, "dashed"), "FILTER": "dotted", "SORT": "dotted"}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def dot_lines(chart: Chart) -> Iterator[str]:
    """Yield the digraph line by line."""
    with_rows = any(box.rows or box.hidden for box in chart.boxes)
    yield "digraph lineage {"
    yield "  rankdir=LR;"
    yield "  node [shape=plain];" if with_rows else "  node [shape=box];"
    for at, box in enumerate(chart.boxes):
        focus = chart.focus is not None and chart.focus.box == at
        if with_rows:
            yield from _table(box, chart.focus if focus else None)
        else:
            yield _node(box, focus=focus)
    for wire in chart.wires:
        ends = [
            _quoted(chart.boxes[port.box].asset) + (_port(port, side) if with_rows else "")
            for port, side in ((wire.source, "e"), (wire.target, "w"))
        ]
        options = _options(chart, wire)
        yield f"  {' -> '.join(ends)}{f' [{options}]' if options else ''};"
    yield "}"


def _node(box: Box, *, focus: bool) -> str:
    options = ["shape=cylinder"] if box.kind == "external" else []
    options += ["penwidth=3"] if focus else []
    text = f" [{', '.join(options)}]" if options else ""
    return f"  {_quoted(box.asset)}{text};"


def _table(box: Box, focus: Port | None) -> Iterator[str]:
    width = ' border="2"' if focus is not None else ' border="1"'
    yield f'  {_quoted(box.asset)} [label=<<table{width} cellborder="0" cellspacing="0" cellpadding="4">'
    kind = f' <font point-size="9">{_html(box.kind)}</font>'
    yield f'    <tr><td port="c" colspan="2" bgcolor="#e8eef6"><b>{_html(box.asset)}</b>{kind}</td></tr>'
    for number, row in enumerate(box.rows):
        tags = "".join(f" #{tag}" for tag in row.tags)
        name = f"<b>{_html(row.name)}</b>" if focus is not None and focus.row == number else _html(row.name)
        about = f'<font point-size="10">{_html((row.type or "") + tags) or " "}</font>'
        yield f'    <tr><td port="c{number}" align="left">{name}</td><td align="right">{about}</td></tr>'
    if box.hidden:
        text = f"… and {box.hidden:,} more"
        yield f'    <tr><td port="c{len(box.rows)}" align="left" colspan="2">{text}</td></tr>'
    yield "  </table>>];"


def _port(port: Port, side: str) -> str:
    return f":c{'' if port.row is None else port.row}:{side}"


def _options(chart: Chart, wire: Wire) -> str:
    if not wire.uses and not wire.unknown:
        return ""
    look = LOOKS[wire.kind]
    options = [f'color="{look.light}"', f"penwidth={look.width:g}"]
    if wire.indirect or not wire.uses:
        options.append(f"style={_STYLES.get(wire.kind, 'dashed')}")
    about = f"{chart.name(wire.source)} -> {chart.name(wire.target)}: {wire.words}"
    return ", ".join([*options, f"tooltip={_quoted(about)}"])


def _quoted(text: str) -> str:
    """Return `text` as a quoted string, on one line and without control characters."""
    text = "".join(filter(str.isprintable, " ".join(text.split())))
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _html(text: str) -> str:
    """Return `text` for a label in angle brackets, on one line and without control characters."""
    text = " ".join(text.split())
    return "".join(_ESCAPES.get(character, character) for character in text if character.isprintable())
