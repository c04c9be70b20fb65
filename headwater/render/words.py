"""Numbers, times and names as people say them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

_DIGEST = re.compile(r"[0-9a-f]{64}").fullmatch
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 asset`, `1,200 assets`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: `0.35 s`, `12 s`, `3 min 20 s`, `2 d 4 h`."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 9.995 and isinstance(seconds, float) else f"{seconds:.0f} s"
    left, parts = round(seconds), []
    for unit, size in _UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts[:2])


def age(then: str, now: str) -> str | None:
    """Return how long before `now` the time `then` was (both ISO 8601), or None where one of them is no time."""
    try:
        seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
    except (ValueError, TypeError):
        return None
    return duration(int(max(seconds, 0)))


def moment(iso: str) -> str:
    """Return an ISO 8601 UTC time as people read it, to the second: `2026-11-20 08:00:00Z`."""
    text = iso.replace("T", " ", 1)
    return f"{text.split('.', 1)[0]}Z" if "." in text else text


def counts(numbers: Mapping[str, int] | Iterable[tuple[str, int]]) -> str:
    """Return counts as one phrase: `2 stale, 1 pending`. Zeros are left out."""
    items = numbers.items() if isinstance(numbers, Mapping) else numbers
    return ", ".join(f"{number:,} {word.lower().replace('_', ' ')}" for word, number in items if number)


def digest(text: str) -> str:
    """Return a SHA-256 in hex by its first 12 digits, and any other text as it is."""
    return text[:12] if _DIGEST(text) else text


def one_line(text: str) -> str:
    """Return `text` without line breaks and control characters, so that it cannot break a table or a terminal."""
    return text if text.isprintable() else "".join(map(_visible, " ".join(text.split())))


def printable(text: str) -> str:
    """Return `text` with its line breaks and tabs, but without other control characters."""
    return text if text.isprintable() else "".join(it if it in "\n\t" else _visible(it) for it in text)


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
