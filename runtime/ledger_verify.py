"""`audit verify`: the pure verification, on the SQLite file, with the projections compared too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headwater.assets.errors import StateDamaged
from headwater.lineage.audit import Finding, Report, verify
from headwater.lineage.checkpoint import Verifier
from headwater.runtime.ledger_projection import Projector, projection_differences
from headwater.runtime.ledger_reader import LedgerReader
from headwater.runtime.ledger_schema import sqlite_errors


def verify_ledger(
    path: Path, verifiers: Sequence[Verifier], projector: Projector | None = None, *, earlier: bytes | None = None
) -> Report:
    """Return what verifying the ledger file at `path` came to; works while a run writes, and on a copy.

    `verifiers` are the public keys to trust, `earlier` a checkpoint that someone kept; with `projector`, its tables
    are compared with the entries. A damaged file is a FAILED report. Raises StateInvalid only where there is no
    ledger, or one of a newer Headwater, and ResourceError where the file cannot be opened.
    """
    try:
        reader = LedgerReader.open(path)
    except StateDamaged as error:
        return Report(0, None, (), (Finding("STORE_DAMAGED", None, error.message),), 0)

    def differences() -> tuple[str, ...]:
        with sqlite_errors(path):
            return projection_differences(reader.connection, projector) if projector else ()

    with reader:
        return verify(reader, verifiers, earlier=earlier, projections=differences)
