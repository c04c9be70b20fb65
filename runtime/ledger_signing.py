"""Making a checkpoint: entries are hashed again before anything is signed over them."""

from __future__ import annotations

import sqlite3

from headwater.assets.errors import IntegrityError
from headwater.lineage.checkpoint import Checkpoint, Signer, Verifier, open_checkpoint, sign_checkpoint
from headwater.lineage.merkle import Frontier, leaf_hash
from headwater.runtime.ledger_rows import latest_note, ledger_origin, ledger_size, stored_frontier, stored_node


def store_checkpoint(connection: sqlite3.Connection, signer: Signer) -> bytes:
    """Sign and store a checkpoint over all entries, inside the caller's transaction. Returns the note.

    Returns the last note where nothing was appended since. Raises IntegrityError, naming the node, where the stored
    tree does not follow from the stored entries, and where the key is not the ledger's.
    """
    verifier, origin, size = Verifier.from_vkey(signer.vkey), ledger_origin(connection), ledger_size(connection)
    if verifier.name != origin:
        raise IntegrityError(f"The key is named {verifier.name!r} and cannot sign for the ledger {origin!r}.")
    base = Frontier()
    last = latest_note(connection)
    if last is not None:
        base = _trusted_base(connection, *last, verifier, size)
        if base.size == size:
            return last[1]
    root = _rehash(connection, base, size)
    note = sign_checkpoint(Checkpoint(origin, size, root), signer)
    if open_checkpoint(note, (verifier,), origin).root != root:
        raise IntegrityError("The signer returned a signature over something else.")
    connection.execute("INSERT INTO checkpoint (size, note) VALUES (?, ?)", (size, note))
    return note


def _trusted_base(
    connection: sqlite3.Connection, base_size: int, note: bytes, verifier: Verifier, size: int
) -> Frontier:
    """Return the tree that the last checkpoint vouches for, or the empty one where another key signed it.

    Raises IntegrityError where the stored nodes do not lead to the root that was signed.
    """
    try:
        last = open_checkpoint(note, (verifier,), verifier.name)
    except IntegrityError:
        return Frontier()
    if last.size != base_size or last.size > size:
        raise IntegrityError(f"The last checkpoint states {last.size} entries; the ledger has {size}.")
    base = stored_frontier(connection, last.size)
    if base.root() != last.root:
        raise IntegrityError(_poisoned(connection, last.size), "Run `headwater audit verify`; nothing was signed.")
    return base


def _poisoned(connection: sqlite3.Connection, size: int) -> str:
    """Return the sentence that names the first node which does not follow from the bodies below `size`."""
    try:
        _rehash(connection, Frontier(), size)
    except IntegrityError as error:
        return error.message
    return f"The entries up to {size - 1} are not those that the last checkpoint was signed over."


def _rehash(connection: sqlite3.Connection, frontier: Frontier, size: int) -> bytes:
    """Return the root over the stored bodies. Raises IntegrityError naming the first node that does not follow."""
    rows = connection.execute(
        "SELECT seq, body FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq", (frontier.size, size)
    )
    for seq, body in rows:
        if seq != frontier.size:
            raise IntegrityError(f"Entry {frontier.size} is missing.")
        for level, position, hash_ in frontier.append(leaf_hash(body)):
            if stored_node(connection, level, position) != hash_:
                raise IntegrityError(
                    f"Node {position} of level {level} does not follow from the entries below it "
                    f"({position << level} to {(position + 1 << level) - 1}).",
                    "Run `headwater audit verify`; nothing was signed.",
                )
    if frontier.size != size:
        raise IntegrityError(f"Entry {frontier.size} is missing.")
    return frontier.root()
