"""The tree of RFC 6962: the roots of others, proofs for every small size, and no proof that was touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from headwater.assets.errors import IntegrityError
from headwater.lineage.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    fold,
    inclusion_proof,
    leaf_hash,
    node_hash,
    peaks,
    root_of,
    stored_root,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 64
ENTRIES = [b"entry %d" % number for number in range(LARGEST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [root_of(LEAVES[:size]) for size in range(LARGEST + 1)]

# The tree of the Certificate Transparency reference implementation (merkletree tests, 2013).
REFERENCE = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
]


class Nodes:
    """Stores what `append` says is to be stored, and fetches it."""

    def __init__(self) -> None:
        self.tree = Frontier()
        self.stored: dict[tuple[int, int], bytes] = {}

    def append(self, leaf: bytes) -> None:
        for level, position, hash_ in self.tree.append(leaf):
            assert (level, position) not in self.stored, "a complete node never changes"
            self.stored[level, position] = hash_

    def fetch(self, level: int, position: int) -> bytes:
        return self.stored[level, position]


NODES = Nodes()
for stored_leaf in LEAVES:
    NODES.append(stored_leaf)


def test_roots_are_those_of_the_reference_implementation() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    leaves = []
    for entry, root in REFERENCE:
        leaves.append(leaf_hash(bytes.fromhex(entry)))
        assert root_of(leaves).hex() == root


@given(st.lists(st.binary(max_size=4), max_size=80))
def test_roots_are_those_of_pymerkle(entries: list[bytes]) -> None:
    oracle = InmemoryTree(algorithm="sha256")
    for entry in entries:
        oracle.append_entry(entry)
    root = root_of(map(leaf_hash, entries))
    assert root == oracle.get_root()


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_the_stored_nodes_are_all_perfect_subtrees_and_give_every_root(size: int) -> None:
    nodes = Nodes()
    for leaf in LEAVES[:size]:
        nodes.append(leaf)
    every = {(level, position) for level in range(8) for position in range(size >> level)}
    assert nodes.stored.keys() == every
    for smaller in range(size + 1):
        assert stored_root(smaller, nodes.fetch) == ROOTS[smaller]
    resumed = Frontier(size, [nodes.fetch(*peak) for peak in peaks(size)])
    assert resumed.root() == nodes.tree.root() == ROOTS[size]


def test_a_tree_can_grow_by_whole_subtrees() -> None:
    tree = Frontier()
    for start in range(0, 16, 4):
        tree.append_subtree(2, root_of(LEAVES[start : start + 4]))
    for leaf in LEAVES[16:21]:
        tree.append(leaf)
    assert (tree.size, tree.root()) == (21, ROOTS[21])
    with pytest.raises(ValueError, match="cannot begin"):
        tree.append_subtree(1, LEAVES[0])


def test_a_tree_cannot_resume_from_too_few_peaks() -> None:
    with pytest.raises(IntegrityError, match="has 3 peaks, not 2"):
        Frontier(7, LEAVES[:2])


def test_folding_unmerged_peaks_gives_the_same_root() -> None:
    assert fold([ROOTS[4], root_of(LEAVES[4:8])]) == ROOTS[8]


def mutations(proof: tuple[bytes, ...]) -> Iterator[list[bytes]]:
    """Yield proofs that are not `proof`."""
    for place in range(len(proof)):
        for bit in (0, 255):
            changed = bytearray(proof[place])
            changed[bit // 8] ^= 1 << bit % 8
            yield [*proof[:place], bytes(changed), *proof[place + 1 :]]
        yield [*proof[:place], *proof[place + 1 :]]
        yield [*proof[:place], proof[place], *proof[place:]]
        yield [*proof[:place], proof[place][:-1], *proof[place + 1 :]]
        if place and proof[place] != proof[place - 1]:
            yield [*proof[: place - 1], proof[place], proof[place - 1], *proof[place + 1 :]]
    yield [*proof, LEAVES[0]]
    yield [LEAVES[0], *proof]
    yield [*proof, b""]


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_inclusion_proof_holds_and_none_that_was_touched(size: int) -> None:
    root = ROOTS[size]
    for index in range(size):
        proof = inclusion_proof(index, size, NODES.fetch)
        verify_inclusion(LEAVES[index], index, size, proof, root)
        for changed in mutations(proof):
            with pytest.raises(IntegrityError):
                verify_inclusion(LEAVES[index], index, size, changed, root)
        for leaf in (LEAVES[index - 1], leaf_hash(b"another"), ROOTS[size], b"") if size > 1 else (b"",):
            with pytest.raises(IntegrityError):
                verify_inclusion(leaf, index, size, proof, root)
        for other in {0, index - 1, index + 1, size - 1, size, -1} - {index}:
            with pytest.raises(IntegrityError):
                verify_inclusion(LEAVES[index], other, size, proof, root)
        with pytest.raises(IntegrityError):
            verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size - 1])


def test_a_proof_that_does_not_fit_says_why() -> None:
    """Each would fail at the root anyway; the sentence tells a broken proof from a changed entry."""
    inclusion, consistency = inclusion_proof(5, 11, NODES.fetch), consistency_proof(5, 11, NODES.fetch)
    for proof, message in (
        ((*inclusion, LEAVES[0]), "too long"),
        (inclusion[:-1], "too short"),
        ((*inclusion[:-1], b"short"), "not a hash"),
    ):
        with pytest.raises(IntegrityError, match=message):
            verify_inclusion(LEAVES[5], 5, 11, proof, ROOTS[11])
    for proof, message in (
        ((*consistency, LEAVES[0]), "too long"),
        (consistency[:-1], "too short"),
        ((), "empty"),
        ((*consistency[:-1], b"short"), "not a hash"),
    ):
        with pytest.raises(IntegrityError, match=message):
            verify_consistency(5, ROOTS[5], 11, ROOTS[11], proof)


def test_a_node_is_not_taken_for_an_entry() -> None:
    """RFC 6962 section 2.1: leaves and nodes are hashed apart."""
    inner = LEAVES[0] + LEAVES[1]
    proof = (root_of(LEAVES[2:4]),)
    assert node_hash(node_hash(LEAVES[0], LEAVES[1]), proof[0]) == ROOTS[4]
    with pytest.raises(IntegrityError):
        verify_inclusion(leaf_hash(inner), 0, 2, proof, ROOTS[4])


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_every_consistency_proof_holds_and_none_that_was_touched(size: int) -> None:
    for old in range(size + 1):
        proof = consistency_proof(old, size, NODES.fetch)
        verify_consistency(old, ROOTS[old], size, ROOTS[size], proof)
        for changed in mutations(proof):
            with pytest.raises(IntegrityError):
                verify_consistency(old, ROOTS[old], size, ROOTS[size], changed)
        forged = leaf_hash(b"forged")
        with pytest.raises(IntegrityError):
            verify_consistency(old, forged, size, ROOTS[size], proof)
        if old:
            with pytest.raises(IntegrityError):
                verify_consistency(old, ROOTS[old], size, forged, proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (4, 4), (64, 64)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no entry"):
        inclusion_proof(index, size, NODES.fetch)


@pytest.mark.parametrize(("old", "size"), [(-1, 4), (5, 4)])
def test_there_is_no_consistency_with_a_larger_tree(old: int, size: int) -> None:
    with pytest.raises(ValueError, match="does not extend"):
        consistency_proof(old, size, NODES.fetch)
    with pytest.raises(IntegrityError, match="does not extend"):
        verify_consistency(old, EMPTY_ROOT, size, EMPTY_ROOT, ())


def test_a_rewritten_tree_has_no_consistency_proof() -> None:
    rewritten = Nodes()
    for number, leaf in enumerate(LEAVES):
        rewritten.append(leaf_hash(b"x") if number == 3 else leaf)
    with pytest.raises(IntegrityError):
        verify_consistency(20, ROOTS[20], 64, rewritten.tree.root(), consistency_proof(20, 64, rewritten.fetch))
