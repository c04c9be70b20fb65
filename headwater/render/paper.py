"""What text is written on: whether it takes colour and all of Unicode, and how wide it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "bold": "1", "dim": "2"}

STYLES = {
    "MISSING": "red",
    "UNKNOWN": "red",
    "STALE": "yellow",
    "PENDING": "cyan",
    "CURRENT": "green",
    "RETIRED": "dim",
    "LATE": "red",
    "DUE": "yellow",
    "PUBLISHED": "green",
    "SUCCEEDED": "green",
    "VERIFIED": "green",
    "BLOCKED": "red",
    "FAILED": "red",
    "HELD": "yellow",
    "SKIPPED": "yellow",
    "CANCELLED": "yellow",
    "INCONCLUSIVE": "yellow",
    "PASS": "green",
    "WARN": "yellow",
    "FAIL": "red",
    "ERROR": "red",
}
"""The colour of each upper-case word that is not plain."""

_SYMBOLS = "✓✗·├└│─→"


@dataclass(frozen=True, slots=True)
class Paper:
    """How to write. `width` is None where lines are never broken, as in a pipe."""

    color: bool = False
    unicode: bool = True
    width: int | None = None

    def paint(self, text: str, style: str | None) -> str:
        """Return `text` in a style such as `red` or `bold`, or as it is without colour."""
        if not self.color or style is None or not text:
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"

    def word(self, word: str) -> str:
        """Return an upper-case word such as STALE in its own colour."""
        return self.paint(word, STYLES.get(word))

    def bold(self, text: str) -> str:
        """Return `text` as a heading."""
        return self.paint(text, "bold")

    def mark(self, holds: bool | None) -> str:
        """Return the mark for what holds, what does not, and what is open."""
        if holds is None:
            return "·" if self.unicode else "-"
        if holds:
            return self.paint("✓" if self.unicode else "ok", "green")
        return self.paint("✗" if self.unicode else "NO", "red")

    def branches(self) -> tuple[str, str, str, str]:
        """Return what a tree is drawn with: a child, the last child, beside a child, below the last child."""
        return ("├── ", "└── ", "│   ", "    ") if self.unicode else ("|-- ", "`-- ", "|   ", "    ")


def paper_for(stream: TextIO, environ: Mapping[str, str], *, color: bool = True) -> Paper:
    """Return the paper that `stream` is: colour and width only on a terminal that wants them (NO_COLOR, TERM=dumb)."""
    terminal = stream.isatty()
    wanted = color and terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Paper(wanted, takes_symbols(stream), _width() if terminal else None)


def takes_symbols(stream: TextIO) -> bool:
    """True where the encoding of `stream` has ticks and box drawing."""
    try:
        _SYMBOLS.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns
