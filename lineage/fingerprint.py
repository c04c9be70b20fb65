"""Fingerprint: an order-insensitive digest of a multiset of rows, as one read sees them.

The numbers come from an engine; this module only says what a fingerprint is and when two are equal.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from headwater.lineage.schema import SchemaColumns


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


def column_set_key(columns: tuple[str, ...] | None) -> str:
    """Return the key under which a fingerprint of `columns` is stored: `*` for ALL, else sorted names, quoted."""
    if columns is None:
        return "*"
    return ",".join('"' + name.replace('"', '""') + '"' for name in sorted(name.lower() for name in columns))


def token(fingerprint: Fingerprint) -> str:
    """Return a fingerprint as the short text that entries keep: equal texts mean equal fingerprints.

    It starts with the number of rows; algorithm, names and types of the columns enter as a digest.
    """
    kind = hashlib.sha256(repr((fingerprint.algorithm, fingerprint.columns)).encode()).hexdigest()[:16]
    return f"{fingerprint.rows}:{fingerprint.sum_a}:{fingerprint.sum_b}:{kind}"
