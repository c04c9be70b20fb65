"""Asset keys: lower-case segments joined by dots; the last names the table, the others its schema."""

from __future__ import annotations

import re

from headwater.assets.errors import RequestError

_SEGMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class AssetKey(str):
    """The name of an asset, compared without case because it is stored in lower case.

    A `str`, so that it sorts, prints and serialises as what it is. Build one with `AssetKey.parse`.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> AssetKey:
        """Return the key written as `text`. Raises RequestError where a segment is not `[a-z_][a-z0-9_]*`."""
        key = text.strip()
        for segment in key.split("."):
            if not _SEGMENT.fullmatch(segment):
                raise RequestError(
                    f"{text!r} is not an asset key.",
                    "Use segments of letters, digits and underscores joined by dots, such as mart.revenue.",
                )
        return cls(key.lower())

    @property
    def schema(self) -> str:
        """The engine schema: all segments but the last joined by `__`, or `main`."""
        return "__".join(self.split(".")[:-1]) or "main"

    @property
    def table(self) -> str:
        """The engine table: the last segment."""
        return self.rsplit(".", 1)[-1]
