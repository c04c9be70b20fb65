"""Reading the rows of a ledger's file. Every entry is parsed strictly; what is damaged is named by its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from headwater.assets.errors import IntegrityError
from headwater.lineage.merkle import Frontier, leaf_hash, peaks
from headwater.lineage.record import Blob, Entry

VERIFY: Final = "Run `headwater audit verify`."


def stored_entry(seq: int, body: bytes) -> Entry:
    """Return the entry stored as `body` at `seq`. Raises IntegrityError, naming the place, for anything else."""
    try:
        entry = Entry.from_bytes(body)
    except IntegrityError as error:
        raise IntegrityError(f"Entry {seq} is damaged: {error}", VERIFY) from error
    if entry.seq != seq:
        raise IntegrityError(f"Entry {entry.seq} stands at place {seq}.", VERIFY)
    return entry


def ledger_origin(connection: sqlite3.Connection) -> str:
    """Return the permanent id that the first entry states. Raises IntegrityError where it states none."""
    row = connection.execute("SELECT body FROM entry WHERE seq = 0").fetchone()
    origin = stored_entry(0, row[0]).payload.get("origin") if row else None
    if not isinstance(origin, str):
        raise IntegrityError("The ledger does not begin with the entry that names it.", VERIFY)
    return origin


def ledger_size(connection: sqlite3.Connection) -> int:
    """Return the number of entries."""
    size: int = connection.execute("SELECT coalesce(max(seq), -1) + 1 FROM entry").fetchone()[0]
    return size


def stored_node(connection: sqlite3.Connection, level: int, position: int) -> bytes:
    """Return the hash of a node of the Merkle tree. Raises IntegrityError where it is missing."""
    row = connection.execute("SELECT hash FROM node WHERE level = ? AND position = ?", (level, position)).fetchone()
    if row is None:
        raise IntegrityError(f"Node {position} of level {level} is missing.", VERIFY)
    hash_: bytes = row[0]
    return hash_


def stored_frontier(connection: sqlite3.Connection, size: int) -> Frontier:
    """Return the frontier of the tree over the first `size` entries. Raises IntegrityError where a node is missing."""
    return Frontier(size, [stored_node(connection, level, position) for level, position in peaks(size)])


def stored_entries(connection: sqlite3.Connection, start: int, stop: int) -> Iterator[Entry]:
    """Yield the entries from `start` up to `stop`, in order. Raises IntegrityError at the first damaged one."""
    rows = connection.execute("SELECT seq, body FROM entry WHERE seq >= ? AND seq < ? ORDER BY seq", (start, stop))
    for seq, body in rows:
        yield stored_entry(seq, body)


def proven_entries(connection: sqlite3.Connection) -> Iterator[tuple[Entry, bytes]]:
    """Yield every entry with its leaf hash. Raises IntegrityError at the first that is missing or not as recorded."""
    rows = connection.execute(
        "SELECT seq, body, hash FROM entry LEFT JOIN node ON level = 0 AND position = seq ORDER BY seq"
    )
    for expected, (seq, body, leaf) in enumerate(rows):
        if seq != expected:
            raise IntegrityError(f"Entry {expected} is missing.", VERIFY)
        if leaf != leaf_hash(body):
            raise IntegrityError(f"Entry {seq} does not match the hash that was stored with it.", VERIFY)
        yield stored_entry(seq, body), leaf


def stored_blob(connection: sqlite3.Connection, digest: str) -> bytes | None:
    """Return the bytes whose SHA-256 (hex) is `digest`, or None. Raises IntegrityError where they were altered."""
    row = connection.execute("SELECT data FROM blob WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    data: bytes = row[0]
    if Blob("", data).reference.sha256 != digest:
        raise IntegrityError(f"The stored blob {digest} has been altered.", VERIFY)
    return data


def latest_note(connection: sqlite3.Connection) -> tuple[int, bytes] | None:
    """Return size and note of the newest checkpoint, or None."""
    row: tuple[int, bytes] | None = connection.execute(
        "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1"
    ).fetchone()
    return row
