"""A chart as one self-contained SVG: boxes with a row for each column, wires from row to row, a legend.

No scripts, fonts or links: the file can be mailed, committed and shown in a page. Light and dark follow the reader's
setting. The text is ASCII, and the same chart gives the same text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

from headwater.lineage.exporters.chart import READ, Box, Chart, Port, Wire
from headwater.lineage.exporters.layout import Layout, Link, Place, Size, place
from headwater.lineage.exporters.svg_style import CELL, LOOKS, cells, known_kind, shortened, style_lines

_HEAD: Final = 32.0
_ROW: Final = 22.0
_PAD: Final = 11.0
_MARGIN: Final = 24.0
_TOP: Final = 78.0  # title and subtitle
_NAME, _TYPE, _TAGS, _ASSET = 34, 22, 18, 44  # most cells of each text
_MOST_HOVERED: Final = 400  # rows with a rule of their own, and wires with a broad invisible twin to point at
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg_lines(chart: Chart) -> Iterator[str]:
    """Yield the drawing line by line."""
    sizes = [Size(_width(box), _height(box)) for box in chart.boxes]
    links = [Link(wire.source.box, wire.target.box, _y(wire.source), _y(wire.target)) for wire in chart.wires]
    layout = place(sizes, links)
    legend = [*_legend(chart)]
    width = max(layout.width, 520.0) + 2 * _MARGIN
    lines_of_legend = _wrapped(legend, width - 2 * _MARGIN)
    below = _TOP + layout.height + 30.0
    height = below + 20.0 * max(0, len(lines_of_legend) - 1) + (18.0 if lines_of_legend else 0.0)
    mark = _mark(chart)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="hw" role="img" aria-labelledby="{mark}-t {mark}-d" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}">'
    )
    yield f'<title id="{mark}-t">{_xml(chart.title)}</title>'
    yield f'<desc id="{mark}-d">{_xml(_description(chart))}</desc>'
    ids = _numbers(chart)
    few = len(ids) <= _MOST_HOVERED
    yield "<style>"
    yield from style_lines(len(ids) if few else 0)
    yield "</style>"
    yield from _heads(chart, mark)
    yield f'<rect class="bg" width="{_n(width)}" height="{_n(height)}"/>'
    yield f'<text class="ti" x="{_n(_MARGIN)}" y="34">{_xml(chart.title)}</text>'
    yield f'<text class="su" x="{_n(_MARGIN)}" y="54">{_xml(_counts(chart))}</text>'
    yield f'<g transform="translate({_n(_MARGIN)} {_n(_TOP)})">'
    for at, (box, spot) in enumerate(zip(chart.boxes, layout.places, strict=True)):
        yield from _card(chart, at, box, spot, ids)
    for number in sorted(range(len(chart.wires)), key=lambda it: not chart.wires[it].indirect):
        yield from _drawn_wire(chart, chart.wires[number], layout, number, mark, ids if few else {})
    yield "</g>"
    widest = max(map(_entry_width, legend), default=0.0)
    for row, entries in enumerate(lines_of_legend):
        yield from _legend_row(entries, below + 20.0 * row, widest, mark)
    yield "</svg>"


def _mark(chart: Chart) -> str:
    """Return a name for this drawing, so that the ids of several in one page do not meet."""
    return "hw" + hashlib.sha256(repr(chart).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _numbers(chart: Chart) -> dict[Port, int]:
    """Number the boxes and their rows, as they are pointed at."""
    numbers: dict[Port, int] = {}
    for at, box in enumerate(chart.boxes):
        for row in (None, *range(len(box.rows) + (box.hidden > 0))):
            numbers[Port(at, row)] = len(numbers)
    return numbers


def _counts(chart: Chart) -> str:
    assets, columns = len(chart.boxes), sum(len(box.rows) + box.hidden for box in chart.boxes)
    wires = [wire for wire in chart.wires if wire.uses]
    texts = [f"{assets:,} asset{'s' * (assets != 1)}"]
    if columns:
        texts.append(f"{columns:,} column{'s' * (columns != 1)}")
        texts.append(f"{len(wires):,} column edge{'s' * (len(wires) != 1)}")
    return " · ".join(texts)


def _description(chart: Chart) -> str:
    """Say in words what the drawing shows, for those who do not see it."""
    said = [f"{chart.name(wire.source)} to {chart.name(wire.target)}: {wire.words}." for wire in chart.wires[:200]]
    more = len(chart.wires) - len(said)
    return " ".join([f"{_counts(chart)}.", *said, *([f"And {more:,} more edges."] if more else [])])


def _width(box: Box) -> float:
    head = 13 * CELL * cells(shortened(box.asset, _ASSET, end=True)) + 7.2 * len(box.kind) + 14
    return max(150.0, head + 2 * _PAD, *(_row_width(box, at) + 2 * _PAD for at in range(len(box.rows))), 0.0)


def _row_width(box: Box, at: int) -> float:
    row = box.rows[at]
    width = 12 * CELL * cells(shortened(row.name, _NAME))
    if row.tags:
        width += 8 + 10 * CELL * cells(_tags(row.tags))
    return width + (18 + 11 * CELL * cells(shortened(row.type, _TYPE)) if row.type else 0.0)


def _height(box: Box) -> float:
    rows = len(box.rows) + (box.hidden > 0)
    return _HEAD + rows * _ROW + (5.0 if rows else 0.0)


def _y(port: Port) -> float:
    """Return how far below the top of its box a wire ends."""
    return _HEAD / 2 if port.row is None else _HEAD + (port.row + 0.5) * _ROW + 2.0


def _tags(tags: Sequence[str]) -> str:
    return shortened(" ".join(f"#{tag}" for tag in tags), _TAGS)


def _card(chart: Chart, at: int, box: Box, spot: Place, ids: dict[Port, int]) -> Iterator[str]:
    width, height = spot.width, _height(box)
    focus = chart.focus is not None and chart.focus.box == at
    yield f'<g transform="translate({_n(spot.x)} {_n(spot.y)})">'
    yield f'<rect class="ca" width="{_n(width)}" height="{_n(height)}" rx="7"/>'
    yield f'<g class="p{ids[Port(at)]}"><title>{_xml(f"{box.asset} ({box.kind})")}</title>'
    rounded = f"M0 {_n(_HEAD)}V7Q0 0 7 0H{_n(width - 7)}Q{_n(width)} 0 {_n(width)} 7V{_n(_HEAD)}Z"
    alone = f"M7 0H{_n(width - 7)}Q{_n(width)} 0 {_n(width)} 7V{_n(_HEAD - 7)}Q{_n(width)} {_n(_HEAD)} "
    alone += f"{_n(width - 7)} {_n(_HEAD)}H7Q0 {_n(_HEAD)} 0 {_n(_HEAD - 7)}V7Q0 0 7 0Z"
    yield f'<path class="h-{known_kind(box.kind)}" d="{rounded if height > _HEAD else alone}"/>'
    yield f'<text class="na" x="{_n(_PAD)}" y="20.5">{_xml(shortened(box.asset, _ASSET, end=True))}</text>'
    yield f'<text class="ki" x="{_n(width - _PAD)}" y="20">{_xml(box.kind.upper())}</text></g>'
    for number, row in enumerate(box.rows):
        top = _HEAD + 2.0 + number * _ROW
        about = " ".join([f"{box.asset}.{row.name}", row.type or "", *(f"#{tag}" for tag in row.tags)])
        yield f'<g class="p{ids[Port(at, number)]}"><title>{_xml(" ".join(about.split()))}</title>'
        look = "fc" if chart.focus == Port(at, number) else "ca"
        yield f'<rect class="{look}" x="4" y="{_n(top + 1)}" width="{_n(width - 8)}" height="{_n(_ROW - 2)}" rx="4"/>'
        name = shortened(row.name, _NAME)
        yield f'<text class="co" x="{_n(_PAD)}" y="{_n(top + 15)}">{_xml(name)}</text>'
        if row.tags:
            x = _PAD + 12 * CELL * cells(name) + 8
            yield f'<text class="ta" x="{_n(x)}" y="{_n(top + 15)}">{_xml(_tags(row.tags))}</text>'
        if row.type:
            text = _xml(shortened(row.type, _TYPE))
            yield f'<text class="ty" x="{_n(width - _PAD)}" y="{_n(top + 15)}">{text}</text>'
        yield "</g>"
    if box.hidden:
        top = _HEAD + 2.0 + len(box.rows) * _ROW
        text = f"… and {box.hidden:,} more"
        yield f'<g class="p{ids[Port(at, len(box.rows))]}">'
        yield f'<text class="co mo" x="{_n(_PAD)}" y="{_n(top + 15)}">{_xml(text)}</text></g>'
    frame = "fr fo" if focus else "fr"
    yield f'<rect class="{frame}" x=".5" y=".5" width="{_n(width - 1)}" height="{_n(height - 1)}" rx="6.5"/>'
    if height > _HEAD:
        yield f'<path class="ru" d="M1 {_n(_HEAD)}H{_n(width - 1)}"/>'
    yield "</g>"


def _drawn_wire(
    chart: Chart, wire: Wire, layout: Layout, number: int, mark: str, ids: dict[Port, int]
) -> Iterator[str]:
    start, end = layout.places[wire.source.box], layout.places[wire.target.box]
    x, y = start.x + start.width, start.y + _y(wire.source)
    to_x, to_y = end.x - 1.0, end.y + _y(wire.target)
    path = [f"M{_n(x)} {_n(y)}"]
    for left, right, level in layout.lanes[number]:
        path.append(_curve(x, y, left, level) + (f"H{_n(right)}" if right > left else ""))
        x, y = right, level
    if to_x > x:
        tip = to_x - _tip(wire)
        path.append(_curve(x, y, tip, to_y))
    else:  # back to a box that stands before, or to itself
        path.append(f"C{_n(x + 70)} {_n(y)} {_n(to_x - 70)} {_n(to_y)} {_n(to_x - _tip(wire))} {_n(to_y)}")
    shape = "".join(path)
    ends = (wire.source, wire.target, Port(wire.source.box), Port(wire.target.box)) if ids else ()
    hovered = "".join(f" r{number}" for number in sorted({ids[port] for port in ends}))
    about = f"{chart.name(wire.source)} → {chart.name(wire.target)}: {wire.words}"
    yield f'<g class="e{hovered}"><title>{_xml(about)}</title>'
    if ids:
        yield f'<path class="t" d="{shape}"/>'
    yield f'<path class="w {wire.kind}" d="{shape}" marker-end="url(#{mark}-{wire.kind})"/>'
    if wire.masking:
        yield f'<circle class="ma m-{wire.kind}" cx="{_n(to_x - 16)}" cy="{_n(to_y)}" r="4"/>'
    yield "</g>"


def _tip(wire: Wire) -> float:
    """Return the length of the arrow's head, which begins where the line ends."""
    return 9.0 if wire.kind == "AGGREGATION" else 7.0


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = max((to_x - x) * 0.5, 12.0)
    return f"C{_n(x + bend)} {_n(y)} {_n(to_x - bend)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"


def _heads(chart: Chart, mark: str) -> Iterator[str]:
    """Yield the arrow heads of the kinds that occur."""
    yield "<defs>"
    for kind in _kinds(chart):
        long, half = (9, 5) if kind == "AGGREGATION" else (7, 3.5)
        yield (
            f'<marker id="{mark}-{kind}" viewBox="0 0 {long} {2 * half:g}" refX="0" refY="{half:g}" '
            f'markerWidth="{long}" markerHeight="{2 * half:g}" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path class="a-{kind}" d="M0 0L{long} {half:g}L0 {2 * half:g}Z"/></marker>'
        )
    yield "</defs>"


def _kinds(chart: Chart) -> list[str]:
    found = {wire.kind for wire in chart.wires}
    return [kind for kind in LOOKS if kind in found]


def _legend(chart: Chart) -> Iterator[tuple[str, str]]:
    """Yield (kind, words) of what the drawing has more than one kind of, or whose meaning is not plain."""
    kinds = _kinds(chart)
    if kinds == [READ]:
        return
    for kind in kinds:
        yield kind, LOOKS[kind].words
    if any(wire.masking for wire in chart.wires):
        yield "MASKED", "no original value gets through"


def _entry_width(entry: tuple[str, str]) -> float:
    return 38.0 + 6.6 * (len(entry[0]) + len(entry[1])) + 24.0


def _wrapped(entries: Sequence[tuple[str, str]], width: float) -> list[list[tuple[str, str]]]:
    """Return the entries in rows that fit."""
    if not entries:
        return []
    each = max(1, int(width // max(map(_entry_width, entries))))
    return [[*entries[at : at + each]] for at in range(0, len(entries), each)]


def _legend_row(entries: Sequence[tuple[str, str]], y: float, widest: float, mark: str) -> Iterator[str]:
    for at, (kind, words) in enumerate(entries):
        x = _MARGIN + at * widest
        if kind == "MASKED":
            yield f'<circle class="ma m-{READ}" cx="{_n(x + 13)}" cy="{_n(y - 4)}" r="4"/>'
        else:
            path = f"M{_n(x)} {_n(y - 4)}H{_n(x + 22)}"
            yield f'<path class="w {kind}" d="{path}" marker-end="url(#{mark}-{kind})"/>'
        name = kind.replace("_", " ").lower()
        text = f'{_xml(name)} <tspan class="lw">{_xml(words)}</tspan>'
        yield f'<text class="le" x="{_n(x + 38)}" y="{_n(y)}">{text}</text>'


def _n(number: float) -> str:
    """Return a coordinate in tenths, as short as it goes."""
    text = f"{number:.1f}"
    return text[:-2] if text.endswith(".0") else text


def _xml(text: str) -> str:
    """Return `text` as character data or attribute value, in ASCII; characters that XML may not hold are replaced."""
    text = _ILLEGAL.sub("\ufffd", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
