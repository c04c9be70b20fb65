"""Texts with placeholders of a template language that were not filled in: `{{ ref('orders') }}`, `{% if ... %}`.

What a placeholder will become is not known, so such a text is refused for an asset; its lineage is computed as far as
the text goes. Names of tables in a placeholder are taken as they are; the places of all else stay what they are.
"""

from __future__ import annotations

import re
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{\{(.*?)\}\}|\{%.*?%\}|\{#.*?#\}", re.S)
_TABLE: Final = re.compile(r"\s*-?\s*(ref|source)\s*\(\s*(.*?)\)\s*-?\s*$", re.S)
_LITERAL: Final = re.compile(r"""['"]([^'"]*)['"]""")
_WORD: Final = re.compile(r"\w+")
_AFTER_TABLE_WORD: Final = re.compile(r"\b(from|join|into|table|update|using|overwrite|view)\s*$", re.I)
REFUSAL: Final = "The text holds placeholders of a template that are not filled in."


def filled_in(text: str) -> str | None:
    """Return the text with placeholders replaced by names or literals of the same length; None where it has none."""
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return None
    out = _PLACEHOLDER.sub(lambda match: _stand_in(match, text), text)
    return None if out == text else out


def _stand_in(match: re.Match[str], text: str) -> str:
    whole, inside = match[0], match[1]
    blank = re.sub(r"[^\n]", " ", whole)
    if inside is None:
        return blank
    if (table := _TABLE.match(inside)) is not None:
        parts = _LITERAL.findall(table[2])
        name = ".".join(parts) if table[1] == "source" else parts[-1] if parts else "unknown"
        return _padded(name, whole)
    before, after = text[: match.start()], text[match.end() : match.end() + 1]
    if _AFTER_TABLE_WORD.search(before) or before[-1:] in ("_", ".", '"', "`") or after in ("_", ".", '"', "`"):
        words = _WORD.findall(inside)
        name = "_".join(word.lower() for word in words) or "unknown"
        glued = before[-1:].isalnum() or before[-1:] == "_" or after.isalnum() or after == "_"
        return name[: len(whole)].ljust(len(whole), "_") if glued or after in ("`", '"') else _padded(name, whole)
    if before.rstrip()[-1:] in ("", ";") or not before.strip():
        return blank  # {{ config(...) }}
    return _padded("''", whole) if before[-1:] != "'" else _padded("", whole)


def _padded(name: str, whole: str) -> str:
    lines = "\n" * whole.count("\n")
    return f"{name[: len(whole) - len(lines)]}{lines}".ljust(len(whole))
