"""Keys and sets of partitions as text: quoting, and taking texts apart. Which keys exist is not known here.

A set is written as boxes joined by ` | `; a box as parts joined by `;`, one for each dimension, `name=` before each
where there is more than one; a part as items joined by `,`; an item as a key or a range `first..last`. A key that one
of these marks could be mistaken in, or that has white space, is written as a JSON string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from headwater.assets.errors import RequestError

MAX_KEY_LENGTH = 256
_ODD = re.compile(r'[,;=@"\s]|\.\.|^\|$')
_STRING = r'"(?:[^"\\]|\\.)*"'
_BOXES = re.compile(rf"({_STRING})|(\s+\|\s+)")
_PARTS = re.compile(rf"({_STRING})|(\s*;\s*)")
_NAMED = re.compile(rf"({_STRING})|(\s*=\s*)")
_ITEMS = re.compile(rf"({_STRING})|(\s*,\s*)")
_ENDS = re.compile(rf"({_STRING})|(\s*\.\.\s*)")


def quoted(key: str) -> str:
    """Return a key as it stands in texts."""
    return json.dumps(key, ensure_ascii=False) if _ODD.search(key) or not key else key


def unquoted(text: str) -> str:
    """Return the key that a text stands for. Raises RequestError where the text is no key."""
    if not text.startswith('"'):
        if not text or _ODD.search(text):
            raise RequestError(f"{text!r} is not a partition key.", "Write keys with odd characters as JSON strings.")
        return text
    try:
        key = json.loads(text)
    except ValueError:
        key = None
    if not isinstance(key, str):
        raise RequestError(f"{text} is not a partition key: its quotes do not end.", "Write it as a JSON string.")
    return key


def key_fault(key: str) -> str | None:
    """Return what keeps a text from being the key of a partition, as the end of a sentence, or None."""
    if not key:
        return "is empty"
    if len(key) > MAX_KEY_LENGTH:
        return f"is longer than {MAX_KEY_LENGTH} characters"
    if key != key.strip():
        return "begins or ends with white space"
    if not all(character.isprintable() for character in key):
        return "has characters that cannot be printed"
    return None


def written(names: Sequence[str], parts: Sequence[str]) -> str:
    """Return one box as text, from the texts of its parts."""
    if len(names) <= 1:
        return "".join(parts)
    return ";".join(f"{quoted(name)}={part}" for name, part in zip(names, parts, strict=True))


def split_boxes(text: str) -> list[str]:
    """Return the texts of the boxes of a set."""
    return _split(text, _BOXES)


def split_box(text: str) -> list[tuple[str | None, list[tuple[str, ...]]]]:
    """Return the parts of a box: (dimension or None, items), an item being (key,) or (first, last).

    The ends of a range may be empty texts, for the first and the last partition there is. Keys are still quoted.
    """
    parts: list[tuple[str | None, list[tuple[str, ...]]]] = []
    for part in _split(text, _PARTS):
        *name, items = _split(part, _NAMED, 1)
        ends = [tuple(_split(item, _ENDS)) for item in _split(items, _ITEMS)]
        if any(len(end) > 2 for end in ends):
            raise RequestError(f"{part!r} has a range of more than two ends.", "Write first..last.")
        parts.append((unquoted(name[0]) if name else None, ends))
    return parts


def _split(text: str, separator: re.Pattern[str], most: int = 0) -> list[str]:
    """Split at the second group of `separator`; what its first group matches is passed over."""
    out: list[str] = []
    start = 0
    for found in separator.finditer(text):
        if found.group(2) is not None and (not most or len(out) < most):
            out.append(text[start : found.start()].strip())
            start = found.end()
    return [*out, text[start:].strip()]
