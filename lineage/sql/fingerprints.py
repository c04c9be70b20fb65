"""One digest from several."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def combined(digests: Sequence[str]) -> str:
    """Return the SHA-256, in hexadecimal, over texts in order, each with its length in front."""
    return hashlib.sha256("".join(f"{len(digest)}:{digest}" for digest in digests).encode()).hexdigest()
