"""The Merkle tree over ledger entries: RFC 6962 section 2.1 (RFC 9162 section 2.1 is the same tree).

A tree of n leaves is the perfect subtrees of n's binary digits, largest first. A perfect subtree is named by
(level, position): it covers the leaves `position << level` up to `(position + 1) << level`. Only these nodes are
ever stored: once complete they never change, and every root and proof is made of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from headwater.assets.errors import IntegrityError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Node(NamedTuple):
    """A perfect subtree: `level` 0 is a leaf, `position` counts the subtrees of that level from the left."""

    level: int
    position: int
    hash: bytes


Fetch = Callable[[int, int], bytes]  # (level, position) -> hash of that stored node


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def peaks(size: int) -> tuple[tuple[int, int], ...]:
    """Return the (level, index) of the perfect subtrees that make up a tree of `size` leaves, left to right."""
    found = []
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append((level, (size >> level) - 1))
    return tuple(found)


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over the `hashes` of consecutive peaks, left to right."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


class Frontier:
    """The peaks of a growing tree: enough to append to it and to know its root, in memory of order log n."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Start from a tree of `size` leaves whose peaks have these `hashes`, left to right."""
        self.size = size
        self._peaks = list(hashes)
        if len(self._peaks) != size.bit_count():
            raise IntegrityError(f"A tree of {size} entries has {size.bit_count()} peaks, not {len(self._peaks)}.")

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash. Returns the nodes that are complete now, the leaf first: exactly those to store."""
        return self.append_subtree(0, leaf)

    def append_subtree(self, level: int, subtree: bytes) -> list[Node]:
        """Add a perfect subtree of `level`, which must begin at a multiple of its own size."""
        if self.size % (1 << level):
            raise ValueError(f"A subtree of level {level} cannot begin at leaf {self.size}.")
        index = self.size >> level
        complete = [Node(level, index, subtree)]
        while index & 1:
            subtree = node_hash(self._peaks.pop(), subtree)
            level, index = level + 1, index >> 1
            complete.append(Node(level, index, subtree))
        self._peaks.append(subtree)
        self.size += 1 << complete[0].level
        return complete

    def root(self) -> bytes:
        """Return the RFC 6962 tree hash."""
        return fold(self._peaks)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The hashes of the peaks, left to right."""
        return tuple(self._peaks)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the tree hash over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def stored_root(size: int, fetch: Fetch) -> bytes:
    """Return the root of the tree of `size` leaves, from stored nodes."""
    return fold([fetch(level, index) for level, index in peaks(size)])


def inclusion_proof(index: int, size: int, fetch: Fetch) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in the tree of `size` leaves (RFC 6962 section 2.1.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"There is no entry {index} in a tree of {size}.")
    path = []
    start, stop = 0, size  # the subtree that holds the leaf, narrowed from the root down
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_range_root(middle, stop, fetch))
            stop = middle
        else:
            path.append(_range_root(start, middle, fetch))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old_size: int, size: int, fetch: Fetch) -> tuple[bytes, ...]:
    """Return the proof that the tree of `size` leaves extends that of `old_size` (RFC 6962 section 2.1.2).

    Raises ValueError unless 0 <= old_size <= size.
    """
    if not 0 <= old_size <= size:
        raise ValueError(f"A tree of {size} does not extend one of {old_size}.")
    if old_size in (0, size):
        return ()
    path: list[bytes] = []
    start, stop = 0, size
    while stop != old_size:
        middle = start + _split(stop - start)
        if old_size <= middle:
            path.append(_range_root(middle, stop, fetch))
            stop = middle
        else:
            path.append(_range_root(start, middle, fetch))
            start = middle
    if start:  # a subtree that begins at 0 is the old root itself, which the verifier holds
        path.append(_range_root(start, stop, fetch))
    return tuple(reversed(path))


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that `proof` leads to from `leaf` (RFC 9162 section 2.1.3.2).

    Raises IntegrityError where index, size and the length of the proof do not fit together.
    """
    if not 0 <= index < size:
        raise IntegrityError(f"There is no entry {index} in a tree of {size}.")
    _check_hashes((leaf, *proof))
    position, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise IntegrityError("The inclusion proof is too long.")
        if position & 1 or position == last:
            root = node_hash(sibling, root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise IntegrityError("The inclusion proof is too short.")
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise IntegrityError unless `proof` shows that `leaf` is number `index` in the tree of `size` under `root`."""
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise IntegrityError(f"The inclusion proof of entry {index} does not lead to the root.")


def verify_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Raise IntegrityError unless `proof` shows that (size, root) extends (old_size, old_root).

    RFC 9162 section 2.1.4.2; the empty tree is extended by every tree, and its root is checked too.
    """
    if not 0 <= old_size <= size:
        raise IntegrityError(f"A tree of {size} does not extend one of {old_size}.")
    _check_hashes((old_root, root, *proof))
    if old_size in (0, size):
        if proof:
            raise IntegrityError("The consistency proof is too long.")
        if old_root != (root if old_size == size else EMPTY_ROOT) or (size == 0 and root != EMPTY_ROOT):
            raise IntegrityError("Two trees of the same size have different roots.")
        return
    _climb(old_size, old_root, size, root, proof)


def _climb(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Rebuild both roots from the proof at once, and compare."""
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise IntegrityError("The consistency proof is empty.")
    position, last = old_size - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_rebuilt = rebuilt = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise IntegrityError("The consistency proof is too long.")
        if position & 1 or position == last:
            old_rebuilt, rebuilt = node_hash(sibling, old_rebuilt), node_hash(sibling, rebuilt)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            rebuilt = node_hash(rebuilt, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise IntegrityError("The consistency proof is too short.")
    if old_rebuilt != old_root or rebuilt != root:
        raise IntegrityError(f"The tree of {size} entries does not extend the tree of {old_size}.")


def _split(size: int) -> int:
    """Return the largest power of two below `size` (RFC 6962 section 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(start: int, stop: int, fetch: Fetch) -> bytes:
    """Return the root over leaves [start, stop), where `start` is a multiple of a power of two >= the length."""
    return fold([fetch(level, (start >> level) + index) for level, index in peaks(stop - start)])


def _check_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise IntegrityError("A proof holds something that is not a hash of 32 bytes.")
