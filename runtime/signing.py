"""Signing what the ledger holds: with the key that signed it before, or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from headwater.assets.errors import ResourceError
from headwater.runtime.keys import FileKeys
from headwater.runtime.ledger import LedgerStore


def require_key(ledger: LedgerStore, keys: FileKeys) -> None:
    """Raise ResourceError where the key that signed this ledger is gone: another one could not follow on it."""
    if ledger.latest_checkpoint() is not None and keys.is_gone():
        raise ResourceError(
            f"The signing key of the ledger is gone from {keys.folder}.",
            "Put the folder back from a backup; or move .headwater and the warehouse away to begin anew.",
        )


def sign(ledger: LedgerStore, keys: FileKeys, home: Path) -> None:
    """Sign what the ledger holds now. The note is kept in the ledger, and in `home` as a file to give away."""
    note = ledger.checkpoint(keys.signer(ledger.origin))
    with suppress(OSError):
        (home / "checkpoint").write_bytes(note)
