"""Fingerprint: an order-insensitive digest of a multiset of rows, as one read sees them.

The numbers come from an engine; this module only says what a fingerprint is and when two are equal.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from headwater.lineage.schema import SchemaColumns

FILE_BYTES = "bytes"  # in place of a column set key: the bytes of a file were read, and its SHA-256 is the token
_KEY = re.compile(r'(\*|(?:"(?:[^"]|"")*"(?:,"(?:[^"]|"")*")*)?)(?: where (.*))?', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`rows` counted, two 128-bit sums over row hashes as decimal strings, the columns they cover, and the tag.

    `algorithm` names the hash and the canary of the engine that computed it, so that two fingerprints are only ever
    compared when they were made in the same way. `columns` are in the order hashed (sorted by name for a column
    set, table order for ALL); with no columns only `rows` counts.
    """

    algorithm: str
    rows: int
    sum_a: str
    sum_b: str
    columns: SchemaColumns

    def same_data(self, other: Fingerprint) -> bool:
        """True only where both are proven to see equal rows."""
        return self == other


def column_set_key(columns: tuple[str, ...] | None, condition: str | None = None) -> str:
    """Return the key under which a fingerprint of `columns` is stored: `*` for ALL, else sorted names, quoted.

    A fingerprint of the rows that meet a `condition` (SQL over the table's own columns) has it behind ` where `.
    """
    names = () if columns is None else sorted(name.lower() for name in columns)
    text = "*" if columns is None else ",".join('"' + name.replace('"', '""') + '"' for name in names)
    return text if condition is None else f"{text} where {condition}"


def columns_of_key(key: str) -> tuple[str, ...] | None:
    """Return the columns behind a column set key, or None for ALL and for the bytes of a file."""
    names = _parts(key)[0]
    if names == "*":
        return None
    return tuple(name.replace('""', '"') for name in names[1:-1].split('","')) if names else ()


def condition_of_key(key: str) -> str | None:
    """Return the condition behind a column set key, or None where all rows count."""
    return _parts(key)[1]


def _parts(key: str) -> tuple[str, str | None]:
    """Return the columns of a key as written, and its condition."""
    if key == FILE_BYTES:
        return "*", None
    if " where " not in key:
        return key, None
    match = _KEY.fullmatch(key)
    assert match is not None, "keys are made by `column_set_key`"
    return match[1], match[2]


def token(fingerprint: Fingerprint) -> str:
    """Return a fingerprint as the short text that entries keep: equal texts mean equal fingerprints.

    It starts with the number of rows; algorithm, names and types of the columns enter as a digest.
    """
    kind = hashlib.sha256(repr((fingerprint.algorithm, fingerprint.columns)).encode()).hexdigest()[:16]
    return f"{fingerprint.rows}:{fingerprint.sum_a}:{fingerprint.sum_b}:{kind}"


def added(tokens: Iterable[str]) -> str | None:
    """Return the token of all rows of which `tokens` have a part each: fingerprints of disjoint parts add up.

    None where they are of different kinds (algorithm, or names and types of columns).
    """
    rows = first = second = 0
    kinds = set()
    for token in tokens:
        count, one, two, kind = token.split(":")
        rows, first, second = rows + int(count), first + int(one), second + int(two)
        kinds.add(kind)
    return f"{rows}:{first}:{second}:{kinds.pop() if kinds else ''}" if len(kinds) <= 1 else None
