"""The one pass over all entries that verification needs, in batches that are perfect subtrees of the Merkle tree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from headwater.assets.errors import EncodingError, StateDamaged
from headwater.lineage.merkle import EMPTY_ROOT, Frontier, fold, peaks
from headwater.lineage.record_form import read_entry

BATCH_LEVEL = 12
BATCH = 1 << BATCH_LEVEL

_NEW_STREAM: tuple[int, str | None] = (0, None)

Place = tuple[str, int | None, str]  # code, seq, message


class Rows(Protocol):
    """The part of audit.LogReader that the walk reads."""

    def bodies(self, start: int, stop: int) -> Sequence[tuple[int, bytes]]: ...

    def nodes(self, level: int, start: int, stop: int) -> Sequence[bytes]: ...

    def node_count(self) -> int: ...


class EntryWalk:
    """Reads every entry once and keeps what follows: `roots` at the sizes asked for, `heads`, `blobs`, `origin`.

    `findings` holds what is wrong with entries as such. Whether an entry or its stored hash was changed is only known
    once a signed root is, so those differences wait for `mismatches`. `complete` is True where no entry is missing:
    the walk ends at the first gap, because behind it nothing can be said for certain.
    """

    def __init__(self, rows: Rows, size: int, wanted: set[int]) -> None:
        self.rows = rows
        self.size = size
        self.wanted = sorted(wanted - {0})
        self.roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self.heads: dict[str, tuple[int, str | None]] = {}
        self.blobs: dict[str, tuple[int, str, int]] = {}  # digest -> first seq that names it, name, size
        self.origin: str | None = None
        self.findings: list[Place] = []
        self.complete = False
        self._tree = Frontier()
        self._altered: dict[int, Place] = {}  # leaves that differ from their stored hash
        self._nodes: list[Place] = []  # inner nodes that differ although all leaves below agree
        self._unreadable = 0

    def run(self) -> None:
        """Walk all entries, or up to the first gap."""
        if self.rows.bodies(-(1 << 62), 0):
            self.findings.append(("ENTRY_MOVED", None, "There are entries at places below 0."))
        while self._tree.size < self.size:
            start = self._tree.size
            stop = min(start + BATCH, self.size)
            rows = self._fetch(start, stop)
            self._batch(start, rows)
            if len(rows) < stop - start:
                return
        self.complete = True
        expected = sum(self.size >> level for level in range(self.size.bit_length()))
        if self.rows.node_count() != expected:
            self._nodes.append(("NODE_MISMATCH", None, f"There should be {expected} tree nodes, and there are others."))

    def mismatches(self, proven: int) -> Iterator[Place]:
        """Yield what differs from its stored hash, knowing that the first `proven` entries match a signed root."""
        for seq, place in self._altered.items():
            if seq < proven:
                yield ("NODE_MISMATCH", seq, f"The stored hash of entry {seq} is wrong; the entry is as it was signed.")
            else:
                yield place
        yield from self._nodes

    def _fetch(self, start: int, stop: int) -> Sequence[tuple[int, bytes]]:
        """Return the rows from `start` up to `stop`, or up to the first that is not there, noting which that is."""
        try:
            rows = self.rows.bodies(start, stop)
        except StateDamaged:
            return self._fetch_singly(start, stop)
        if [seq for seq, _ in rows] == list(range(start, stop)):
            return rows
        count = next((n for n, (seq, _) in enumerate(rows) if seq != start + n), len(rows))
        after = f"; the next is {rows[count][0]}" if count < len(rows) else ""
        self.findings.append(("ENTRY_MISSING", start + count, f"Entry {start + count} is missing{after}."))
        return rows[:count]

    def _fetch_singly(self, start: int, stop: int) -> list[tuple[int, bytes]]:
        """Return the rows before the first that the damaged file does not give out."""
        rows: list[tuple[int, bytes]] = []
        for seq in range(start, stop):
            try:
                rows.extend(self.rows.bodies(seq, seq + 1))
            except StateDamaged as error:
                self.findings.append(("STORE_DAMAGED", seq, f"Entry {seq} cannot be read: {error.message}"))
                break
            if len(rows) <= seq - start:
                self.findings.append(("ENTRY_MISSING", seq, f"Entry {seq} is missing."))
                break
        return rows

    def _batch(self, start: int, rows: Sequence[tuple[int, bytes]]) -> None:
        bodies = [body if isinstance(body, bytes) else b"" for _, body in rows]
        sha256 = hashlib.sha256
        leaves = [sha256(b"\x00" + body).digest() for body in bodies]
        stored = list(self.rows.nodes(0, start, start + len(rows)))
        if leaves == stored:
            differing: frozenset[int] = frozenset()
        else:
            stored += [b""] * (len(leaves) - len(stored))
            differing = frozenset(n for n, leaf in enumerate(leaves) if stored[n] != leaf)
        self._read(start, bodies, leaves, differing)
        self._grow(start, leaves, differing)

    def _read(self, start: int, bodies: list[bytes], leaves: list[bytes], differing: frozenset[int]) -> None:
        """Parse each entry, and follow places and streams."""
        heads = self.heads
        for number, body in enumerate(bodies):
            seq = start + number
            try:
                entry = read_entry(body)
            except EncodingError as error:
                self._unreadable += 1
                self._note_entry(seq, number in differing, "ENTRY_INVALID", f"Entry {seq} is damaged: {error.message}")
                continue
            if entry.seq != seq:
                text = f"Place {seq} holds entry {entry.seq}."
                self._note_entry(seq, number in differing, "ENTRY_MOVED", text)
            elif number in differing:
                self._note_entry(seq, True, "ENTRY_ALTERED", "")
            stream, count = entry.stream, entry.stream_seq
            found = (count, entry.stream_prev)
            if heads.get(stream, _NEW_STREAM) != found:
                self._stream_break(seq, stream, found)
            heads[stream] = (count + 1, leaves[number].hex())
            if entry.blobs:
                for blob in entry.blobs:
                    self.blobs.setdefault(blob["sha256"], (seq, blob["name"], blob["size"]))
            if seq == 0:
                origin = entry.payload.get("origin")
                self.origin = origin if isinstance(origin, str) else None

    def _note_entry(self, seq: int, differs: bool, code: str, message: str) -> None:
        """Note an entry that is not right; where its stored hash differs too, wait for the signed root to say why."""
        if differs:
            text = message or f"Entry {seq} is not what was recorded: its bytes do not match their stored hash."
            self._altered[seq] = (code, seq, text)
        else:
            self.findings.append((code, seq, message))

    def _stream_break(self, seq: int, stream: str, found: tuple[int, str | None]) -> None:
        """Note that an entry does not follow the one before it in its stream, unless a known alteration explains it."""
        count, _ = self.heads.get(stream, _NEW_STREAM)
        if self._unreadable and found[0] > count:
            self._unreadable -= 1
        elif not (self._altered and found[0] == count):
            text = f"Entry {seq} is number {found[0]} of stream {stream!r}; the one before it is number {count - 1}"
            self.findings.append(("STREAM_BROKEN", seq, f"{text}, or has another hash."))

    def _grow(self, start: int, leaves: list[bytes], differing: frozenset[int]) -> None:
        """Add the batch to the tree, compare its nodes with the stored ones, and take the roots asked for."""
        levels = [leaves]
        sha256 = hashlib.sha256
        while len(levels[-1]) > 1:
            below = levels[-1]
            pairs = zip(below[::2], below[1::2], strict=False)
            levels.append([sha256(b"\x01" + left + right).digest() for left, right in pairs])
        for level in range(1, len(levels)):
            self._compare(level, start >> level, levels[level], differing)
        while self.wanted and self.wanted[0] <= start + len(leaves):
            size = self.wanted.pop(0)
            inside = [levels[level][position] for level, position in peaks(size - start)] if size > start else []
            self.roots[size] = fold([*self._tree.hashes, *inside])
        if len(leaves) == BATCH:
            for level, position, hash_ in self._tree.append_subtree(BATCH_LEVEL, levels[-1][0])[1:]:
                self._compare(level, position, [hash_], frozenset(range(BATCH)) if self._altered else frozenset())
        else:
            self._tree = Frontier(start + len(leaves), self._hashes_at_end(levels, len(leaves)))

    def _hashes_at_end(self, levels: list[list[bytes]], count: int) -> list[bytes]:
        return [*self._tree.hashes, *(levels[level][position] for level, position in peaks(count))]

    def _compare(self, level: int, first: int, hashes: list[bytes], differing: frozenset[int]) -> None:
        """Compare computed with stored nodes of one level; where an entry below differs, that says it already."""
        stored = list(self.rows.nodes(level, first, first + len(hashes)))
        if stored == hashes or differing:
            return
        stored += [b""] * (len(hashes) - len(stored))
        for number, (kept, hash_) in enumerate(zip(stored, hashes, strict=False)):
            if kept != hash_:
                position = first + number
                covers = f"entries {position << level} to {((position + 1) << level) - 1}"
                text = f"Node {position} of level {level} does not follow from {covers}."
                self._nodes.append(("NODE_MISMATCH", position << level, text))
