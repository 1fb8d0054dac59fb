"""RFC 6962 hashing and proofs, against the test vectors of Certificate Transparency and over random sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.audit import merkle

# The eight leaves and the roots over the first n of them: certificate-transparency, merkle_tree_test.cc.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# (leaf, size, path) of the same file, its two unbalanced trees.
PATHS = [
    (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (0, 1, []),
]  # fmt: skip
HASHED = [merkle.leaf_hash(leaf) for leaf in LEAVES]


@pytest.mark.parametrize("size", range(9))
def test_root_is_the_published_one(size: int) -> None:
    assert merkle.root(HASHED[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_inclusion_path_is_the_published_one(index: int, size: int, path: list[str]) -> None:
    assert [node.hex() for node in merkle.inclusion_proof(HASHED[:size], index)] == path


def hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(n).encode()) for n in range(count)]


@given(st.integers(1, 130), st.data())
def test_every_leaf_can_be_proved_and_no_other_in_its_place(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    root, proof = merkle.root(leaves), merkle.inclusion_proof(leaves, index)
    assert merkle.inclusion_holds(leaves[index], index, size, proof, root)
    assert not merkle.inclusion_holds(merkle.leaf_hash(b"other"), index, size, proof, root)
    assert not merkle.inclusion_holds(leaves[index], index, size, [*proof, root], root)
    if size > 1:
        assert not merkle.inclusion_holds(leaves[index], (index + 1) % size, size, proof, root)
        assert not merkle.inclusion_holds(leaves[index], index, size, proof[1:], root)


@given(st.integers(1, 130), st.data())
def test_an_older_tree_can_be_proved_a_prefix_and_nothing_else_can(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    leaves = hashes(size)
    root, old_root, proof = merkle.root(leaves), merkle.root(leaves[:old]), merkle.consistency_proof(leaves, old)
    assert merkle.consistency_holds(old, size, proof, old_root, root)
    forged = merkle.root([merkle.leaf_hash(b"other"), *leaves[1:old]])
    assert not merkle.consistency_holds(old, size, proof, forged, root)
    assert not merkle.consistency_holds(old, size, proof, old_root, forged)
    if proof:
        assert not merkle.consistency_holds(old, size, proof[:-1], old_root, root)


@pytest.mark.parametrize("index", [-1, 3])
def test_no_proof_for_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_proof(hashes(3), index)
    assert not merkle.inclusion_holds(hashes(1)[0], index, 3, [], hashes(1)[0])


@pytest.mark.parametrize("old", [0, 4])
def test_no_consistency_proof_from_nothing_or_from_more(old: int) -> None:
    with pytest.raises(ValueError, match="no consistency proof"):
        merkle.consistency_proof(hashes(3), old)
    assert not merkle.consistency_holds(old, 3, [], merkle.EMPTY_ROOT, merkle.root(hashes(3)))
