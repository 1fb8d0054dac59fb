"""Merkle tree hashing with proofs of inclusion and consistency, exactly as RFC 6962 section 2.1 defines them.

A leaf is hashed under a 0x00 byte and a node under 0x01, so that no leaf can be passed off as a node. Proofs are made
from the list of leaf hashes; checking one needs nothing but the hashes it is given, so an auditor can do it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one log entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees that a tree of `size` leaves is made of: all that appending needs."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        """Start from leaf hashes in order."""
        self.size = 0
        self._subtrees: list[bytes] = []
        for leaf in leaves:
            self.append(leaf)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right."""
        node, size = leaf, self.size
        while size & 1:  # each set bit is a complete subtree that the new leaf completes to the next size
            node = node_hash(self._subtrees.pop(), node)
            size >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The tree hash, MTH in RFC 6962."""
        if not self._subtrees:
            return EMPTY_ROOT
        node = self._subtrees[-1]
        for subtree in reversed(self._subtrees[:-1]):
            node = node_hash(subtree, node)
        return node


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree hash over leaf hashes."""
    return Frontier(leaves).root()


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of the leaf at `index`, from its sibling up (RFC 6962 section 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(leaves[:k], index), root(leaves[k:])]
    return [*inclusion_proof(leaves[k:], index - k), root(leaves[:k])]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Proof that the first `old_size` leaves are a prefix of `leaves` (RFC 6962 section 2.1.2)."""
    if not 0 < old_size <= len(leaves):
        raise ValueError(f"no consistency proof from {old_size} to {len(leaves)} leaves")
    return _subproof(leaves, old_size, whole=True)


def _subproof(leaves: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [root(leaves)]
    k = _split(len(leaves))
    if old_size <= k:
        return [*_subproof(leaves[:k], old_size, whole=whole), root(leaves[k:])]
    return [*_subproof(leaves[k:], old_size - k, whole=False), root(leaves[:k])]


def inclusion_holds(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether `proof` leads from `leaf` at `index` to the root `expected` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and node == expected


def consistency_holds(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether `proof` shows the tree of `old_root` to be a prefix of that of `new_root` (RFC 9162 section 2.1.4.2)."""
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof)
    if old_size & (old_size - 1) == 0:  # a complete tree is its own first node
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new_node = node_hash(new_node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old_node == old_root and new_node == new_root
