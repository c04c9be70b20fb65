"""Adding and retiring dynamic keys, which is recorded in the ledger and changes no code.

A retired key has no partition any more; what was built for it stays, and is there again when the key is added again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headwater.lineage import record
from headwater.runtime.key_lists import changed_entry, list_names, never_a_key, require_keys, require_list
from headwater.runtime.keys import FileKeys
from headwater.runtime.ledger import LedgerStore
from headwater.runtime.projections import StateProjector
from headwater.runtime.signing import require_key, sign
from headwater.runtime.state import DynamicKey
from headwater.runtime.state_reader import SqlStateReader
from headwater.runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What became of keys that were to be added or retired: those that changed, and those that were so already."""

    name: str
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def keys_of(workspace: Workspace, name: str) -> tuple[DynamicKey, ...]:
    """Return every key that a list ever had, in the order in which they came. Raises RequestError for no list."""
    require_list(name, list_names(workspace.loaded.assets))
    with workspace.reader() as reader:
        return () if reader is None else SqlStateReader(reader.connection).dynamic_keys(name)


def add_keys(workspace: Workspace, name: str, keys: Sequence[str]) -> KeyChange:
    """Add keys to a list, or bring retired ones back. Raises RequestError, before any effect, for what is no key."""
    return _change(workspace, name, keys, record.PARTITION_ADDED)


def retire_keys(workspace: Workspace, name: str, keys: Sequence[str]) -> KeyChange:
    """Take keys off a list. Raises RequestError, before any effect, for a key that it never had."""
    return _change(workspace, name, keys, record.PARTITION_RETIRED)


def _change(workspace: Workspace, name: str, keys: Sequence[str], kind: str) -> KeyChange:
    """Record the keys that change, and sign; nothing is recorded where none does. Runs may go on meanwhile."""
    require_list(name, list_names(workspace.loaded.assets))
    require_keys(keys)
    config, outside = workspace.config, workspace.outside
    if kind == record.PARTITION_RETIRED and not config.state_path.exists():
        raise never_a_key(name, keys, ())
    signing = FileKeys(config.home / "keys")
    with LedgerStore.open(
        config.state_path, StateProjector(), outside.now, create=True, signer_for=signing.signer
    ) as ledger:
        known = {it.key: it.retired is None for it in SqlStateReader(ledger.connection).dynamic_keys(name)}
        if kind == record.PARTITION_RETIRED:
            missing = [key for key in keys if key not in known]
            if missing:
                raise never_a_key(name, missing, known)
        wanted = kind == record.PARTITION_ADDED
        changed = tuple(key for key in dict.fromkeys(keys) if known.get(key, False) != wanted)
        if changed:
            require_key(ledger, signing)
            ledger.append([changed_entry(kind, name, changed)], outside.actor())
            sign(ledger, signing, config.home)
    return KeyChange(name, changed, tuple(key for key in dict.fromkeys(keys) if key not in changed))
