"""A chart as a Mermaid flow chart: assets as nodes, or as subgraphs with a node for each column.

Mermaid itself refuses to draw more than 500 edges unless its `maxEdges` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

from headwater.lineage.exporters.chart import Box, Chart, Port, Wire


def mermaid_lines(chart: Chart) -> Iterator[str]:
    """Yield the flow chart line by line."""
    yield "flowchart LR"
    for at, box in enumerate(chart.boxes):
        yield from _box(at, box)
    for wire in chart.wires:
        yield f"  {_name(chart, wire.source)} {_arrow(wire)} {_name(chart, wire.target)}"
    if chart.focus is not None:
        yield f"  style {_name(chart, chart.focus)} stroke-width:3px"


def _box(at: int, box: Box) -> Iterator[str]:
    if not box.rows and not box.hidden:
        left, right = ("[(", ")]") if box.kind == "external" else ("[", "]")
        yield f'  n{at}{left}"{_text(box.asset)}"{right}'
        return
    kind = f" ({box.kind})" if box.kind != "table" else ""
    yield f'  subgraph n{at}["{_text(box.asset + kind)}"]'
    for number, row in enumerate(box.rows):
        type_ = f": {row.type}" if row.type else ""
        tags = "".join(f" #{tag}" for tag in row.tags)
        yield f'    n{at}c{number}["{_text(row.name + type_ + tags)}"]'
    if box.hidden:
        yield f'    n{at}c{len(box.rows)}["… and {box.hidden:,} more"]'
    yield "  end"


def _name(chart: Chart, port: Port) -> str:
    return f"n{port.box}" if port.row is None else f"n{port.box}c{port.row}"


def _arrow(wire: Wire) -> str:
    """Return the arrow of a wire: thick where rows are aggregated, dotted where no value goes along it."""
    if not wire.uses:
        return "-.->|not known|" if wire.unknown else "-->"
    arrow = "-.->" if wire.indirect else "==>" if wire.kind == "AGGREGATION" else "-->"
    word = wire.kind.replace("_", " ").lower() + (" masked" if wire.masking else "")
    return arrow if word == "identity" else f"{arrow}|{word}|"


def _text(text: str) -> str:
    """Return `text` for a quoted label: what means something to Mermaid or to HTML as entity codes, on one line."""
    text = " ".join(text.split())
    return "".join(_ENTITIES.get(character, character) for character in text if character.isprintable())


_ENTITIES = {"#": "#35;", '"': "#quot;", "&": "#amp;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;"}
