"""Drafts on their way to becoming rows of the ledger."""

from __future__ import annotations

import sqlite3

from headwater.lineage.merkle import Node, leaf_hash
from headwater.lineage.record import Actor, Draft, Entry
from headwater.runtime.ledger_rows import stored_frontier


class Batch:
    """Entries being made, with the tree and the stream heads growing along. Lives inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, size: int) -> None:
        self._connection = connection
        self._tree = stored_frontier(connection, size)
        self._heads: dict[str, tuple[int, bytes | None]] = {}
        self._bodies: list[tuple[int, bytes]] = []
        self._nodes: list[Node] = []
        self._blobs: list[tuple[str, bytes]] = []
        self.entries: list[Entry] = []

    def add(self, draft: Draft, actor: Actor, ts: str, clock: str) -> None:
        """Make the next entry of `draft`. Raises EncodingError where it has no canonical bytes."""
        count, previous = self._head(draft.stream)
        references = tuple(blob.reference for blob in draft.blobs)
        body = Entry(
            seq=self._tree.size,
            stream=draft.stream,
            stream_seq=count,
            stream_prev=None if previous is None else previous.hex(),
            ts=ts,
            clock=clock,
            type=draft.type,
            actor=actor,
            why=draft.why,
            subject=draft.subject,
            payload=draft.payload,
            blobs=references,
        ).to_bytes()
        # What is projected is what was stored: lists for tuples, plain text for subclasses, as a rebuild will see it.
        entry = Entry.from_bytes(body)
        leaf = leaf_hash(body)
        self._bodies.append((entry.seq, body))
        self._nodes.extend(self._tree.append(leaf))
        self._blobs.extend((ref.sha256, blob.data) for ref, blob in zip(references, draft.blobs, strict=True))
        self._heads[draft.stream] = (count + 1, leaf)
        self.entries.append(entry)

    def _head(self, stream: str) -> tuple[int, bytes | None]:
        if stream not in self._heads:
            row = self._connection.execute("SELECT count, hash FROM head WHERE stream = ?", (stream,)).fetchone()
            self._heads[stream] = (0, None) if row is None else row
        return self._heads[stream]

    def write(self) -> None:
        """Insert every row, in an order in which each finds what it stands on."""
        execute = self._connection.executemany
        execute("INSERT INTO blob (digest, data) VALUES (?, ?)", self._blobs)
        execute("INSERT INTO entry (seq, body) VALUES (?, ?)", self._bodies)
        execute("INSERT INTO node (level, position, hash) VALUES (?, ?, ?)", self._nodes)
        execute(
            "INSERT INTO head (stream, count, hash) VALUES (?, ?, ?) "
            "ON CONFLICT (stream) DO UPDATE SET count = excluded.count, hash = excluded.hash",
            ((stream, count, hash_) for stream, (count, hash_) in self._heads.items()),
        )
