"""Conditions that stand on a read, as text: the parameters in them, and values in their place."""

from __future__ import annotations

import re
from collections.abc import Callable

_PARAMETER = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*(?:\.\w+)*)""")


def parameters_of(condition: str | None) -> frozenset[str]:
    """Return the names after `$` in a condition; what looks like one in a text or a quoted name does not count."""
    return frozenset(match[1] for match in _PARAMETER.finditer(condition or "") if match[1])


def bound(condition: str, text_of: Callable[[str], str]) -> str:
    """Return the condition with the text that `text_of` gives in the place of every parameter."""
    return _PARAMETER.sub(lambda match: text_of(match[1]) if match[1] else match[0], condition)
