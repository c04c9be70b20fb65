"""Plain tables: columns in line, nothing cut off, the last column wrapped only where the paper has a width."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from headwater.render.paper import STYLES, Paper
from headwater.render.words import one_line, printable

_GAP = "  "
_NARROWEST = 24  # below this many columns wrapping makes a text harder to read, not easier


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    paper: Paper,
    *,
    right: Collection[int] = (),
    words: Collection[int] = (),
) -> Iterator[str]:
    """Yield the lines of a table. `right` are the columns of numbers, `words` those of upper-case words in colour.

    A column without any text is left out.
    """
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max((width(row[at]) for row in cells), default=0) for at in range(len(headers))]
    kept = [at for at, wide in enumerate(widths) if wide]
    if not kept:
        return
    widths = [max(wide, width(header)) for wide, header in zip(widths, headers, strict=True)]
    indent = sum(widths[at] + len(_GAP) for at in kept[:-1])
    place = _placer(widths, right)
    yield paper.paint(_joined([place(at, headers[at]) for at in kept]), "dim")
    for row in cells:
        *first, last = kept
        start = [_painted(place(at, row[at]), row[at], at in words, paper) for at in first]
        lines = wrapped(row[last], paper.width, indent)
        shown = place(last, lines[0]) if last in right else lines[0]
        yield _joined([*start, _painted(shown, row[last], last in words, paper)])
        for more in lines[1:]:
            yield " " * indent + more


def width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(0 if unicodedata.combining(it) else 2 if unicodedata.east_asian_width(it) in "WF" else 1 for it in text)


def wrapped(text: str, columns: int | None, indent: int) -> list[str]:
    """Return `text` in lines that fit into `columns` after `indent`; at least one, and never cut."""
    if columns is None or columns - indent < _NARROWEST or width(text) <= columns - indent:
        return [text]
    import textwrap

    room = columns - indent
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [text]


def hanging(start: str, text: str, paper: Paper) -> Iterator[str]:
    """Yield `text` after `start`, and what does not fit into the line below where it began."""
    lines = wrapped(printable(text), paper.width, len(start))
    yield start + lines[0]
    yield from (" " * len(start) + line for line in lines[1:])


def _placer(widths: Sequence[int], right: Collection[int]) -> Callable[[int, str], str]:
    def place(at: int, text: str) -> str:
        filling = " " * (widths[at] - width(text))
        return filling + text if at in right else text + filling

    return place


def _painted(shown: str, text: str, is_word: bool, paper: Paper) -> str:
    return paper.paint(shown, STYLES.get(text.split(" ", 1)[0])) if is_word and paper.color else shown


def _joined(cells: Sequence[str]) -> str:
    return _GAP.join(cells).rstrip()
