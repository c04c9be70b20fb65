"""The looks of the SVG drawing: colours for light and dark, a dash and a width for each kind of wire, fonts."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

MONO: Final = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace'
SANS: Final = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",Arial,sans-serif'
CELL: Final = 0.602  # the width of a character in the fonts of MONO, in units of the font's size


@dataclass(frozen=True, slots=True)
class Look:
    """How a wire is drawn. Width and dash tell kinds apart where colour does not; `words` explain it in the legend."""

    light: str
    dark: str
    width: float
    dash: str
    words: str


LOOKS: Final = {
    "IDENTITY": Look("#0969da", "#58a6ff", 1.5, "", "taken as it is"),
    "TRANSFORMATION": Look("#1a7f37", "#3fb950", 2.5, "", "computed from it"),
    "AGGREGATION": Look("#bc4c00", "#f0883e", 3.5, "", "computed from many rows"),
    "JOIN": Look("#8250df", "#bc8cff", 1.8, "9 4", "rows are matched by it"),
    "FILTER": Look("#cf222e", "#ff7b72", 1.8, "2 3", "rows are chosen by it"),
    "GROUP_BY": Look("#9a6700", "#d29922", 1.8, "9 3 2 3", "rows are grouped by it"),
    "WINDOW": Look("#0e7490", "#39c5cf", 1.8, "5 3", "a window is cut by it"),
    "CONDITIONAL": Look("#bf3989", "#f778ba", 1.8, "5 3 1 3 1 3", "a case is chosen by it"),
    "SORT": Look("#57606a", "#a8b1bb", 1.8, "1 4", "rows are ordered by it"),
    "DISTINCT": Look("#9a6700", "#d29922", 1.8, "2 2 6 2", "equal rows are one by it"),
    "READ": Look("#818b98", "#7d8590", 1.5, "", "its rows, no column of it"),
    "OPEN": Look("#818b98", "#7d8590", 1.8, "3 5", "what becomes of it is not known"),
}
"""A look for every kind of wire, in the order of the legend."""

_HEADS: Final = {  # kind of asset -> the light and the dark tint of a header
    "external": ("#fff3d6", "#3a2d10"),
    "table": ("#dcecff", "#13294b"),
    "view": ("#ece3ff", "#2b1f4d"),
    "file": ("#d8f5df", "#12351f"),
}


def known_kind(kind: str) -> str:
    """Return the kind of asset whose looks `kind` has."""
    return kind if kind in _HEADS else "table"


def style_lines(rows: int) -> list[str]:
    """Return the style sheet. Light is the rule and dark the exception: a drawer without media queries shows light.

    Pointing at box or row n of `rows`, which has the class `pn`, fades every wire without the class `rn`.
    """
    plain = [
        f".hw text{{font-family:{MONO};white-space:pre}}",
        f".hw .ti,.hw .su,.hw .ki,.hw .le{{font-family:{SANS}}}",
        ".hw .ti{font-size:17px;font-weight:600}",
        ".hw .su,.hw .le{font-size:12px}",
        ".hw .na{font-size:13px;font-weight:600}",
        ".hw .ki{font-size:10px;letter-spacing:.04em;text-anchor:end}",
        ".hw .co{font-size:12px}",
        ".hw .ty{font-size:11px;text-anchor:end}",
        ".hw .ta{font-size:10px}",
        ".hw .w{fill:none;stroke-linecap:butt}",
        ".hw .e .t{fill:none;stroke:transparent;stroke-width:11;pointer-events:stroke}",
        ".hw .fo{stroke-width:2.5}",
        ".hw .ma{stroke-width:1.5}",
    ]
    for kind, look in LOOKS.items():
        dash = f";stroke-dasharray:{look.dash}" if look.dash else ""
        plain.append(f".hw .{kind}{{stroke-width:{look.width:g}{dash}}}")
    hover = [".hw .e{transition:opacity .1s}", ".hw:has(.e:hover) .e:not(:hover){opacity:.12}"]
    hover += [f".hw:has(.p{at}:hover) .e:not(.r{at}){{opacity:.12}}" for at in range(rows)]
    return [*plain, *_colours(dark=False), "@media (prefers-color-scheme:dark){", *_colours(dark=True), "}", *hover]


def _colours(*, dark: bool) -> list[str]:
    paper, card, line, ink, faint, focus, mark = (
        ("#0d1117", "#161b22", "#3d444d", "#e6edf3", "#9aa4af", "#58a6ff", "#1c3352")
        if dark
        else ("#ffffff", "#ffffff", "#c8d0d9", "#1f2328", "#59636e", "#0969da", "#e3f0ff")
    )
    lines = [
        f".hw .bg{{fill:{paper}}}",
        f".hw .ca{{fill:{card};stroke:none}}",
        f".hw .fr{{fill:none;stroke:{line}}}",
        f".hw .fo{{stroke:{focus}}}",
        f".hw .fc{{fill:{mark}}}",
        f".hw .ru{{stroke:{line}}}",
        f".hw text{{fill:{ink}}}",
        f".hw .su,.hw .ki,.hw .ty,.hw .ta,.hw .mo,.hw .lw{{fill:{faint}}}",
        f".hw .ma{{fill:{paper}}}",
    ]
    for kind, tints in _HEADS.items():
        lines.append(f".hw .h-{kind}{{fill:{tints[dark]}}}")
    for kind, look in LOOKS.items():
        colour = look.dark if dark else look.light
        lines.append(f".hw .{kind},.hw .m-{kind}{{stroke:{colour}}}.hw .a-{kind}{{fill:{colour}}}")
    return lines


def cells(text: str) -> int:
    """Return how many columns of a terminal `text` takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, most: int, *, end: bool = False) -> str:
    """Return `text` in at most `most` cells, its end cut off, or with `end` its beginning."""
    if cells(text) <= most:
        return text
    kept: list[str] = []
    room = most - 1
    for character in reversed(text) if end else text:
        room -= cells(character)
        if room < 0:
            break
        kept.append(character)
    return "…" + "".join(reversed(kept)) if end else "".join(kept) + "…"
