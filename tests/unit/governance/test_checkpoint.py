"""Signed notes, checkpoints and proofs in the C2SP forms."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.audit import merkle
from governance.audit.checkpoint import Checkpoint, Verifier, check_proof, proof_text
from schemas.errors import IntegrityFailure

# The example of golang.org/x/mod/sumdb/note, the reference implementation of signed notes.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = Verifier("example/log", KEY.public_key().public_bytes_raw())
LEAVES = [merkle.leaf_hash(b"one"), merkle.leaf_hash(b"two"), merkle.leaf_hash(b"three")]
NOTE = Checkpoint("example/log", 3, merkle.root(LEAVES)).sign(KEY)


def test_a_note_signed_by_go_opens() -> None:
    verifier = Verifier.parse(GO_KEY)
    assert str(verifier) == GO_KEY
    assert verifier.open(GO_NOTE).endswith("what your problem is.\n")


def test_a_checkpoint_opens_as_it_was_signed() -> None:
    assert Checkpoint.open(NOTE, VERIFIER) == Checkpoint("example/log", 3, merkle.root(LEAVES))


def test_every_changed_byte_is_found() -> None:
    data = NOTE.encode()
    for at in range(len(data)):
        for other in (data[at] ^ 1, data[at] ^ 0x20):
            changed = data[:at] + bytes([other]) + data[at + 1 :]
            with pytest.raises(IntegrityFailure):
                Checkpoint.open(changed.decode("utf-8", "replace"), VERIFIER)


@pytest.mark.parametrize(
    ("what", "note"),
    [
        ("another log's", Checkpoint("example/other", 3, merkle.root(LEAVES)).sign(KEY)),
        ("another key's", Checkpoint("example/log", 3, merkle.root(LEAVES)).sign(Ed25519PrivateKey.generate())),
        ("not a note", "example/log\n3\n"),
        ("without signatures", NOTE.partition("\n\n")[0] + "\n\n"),
        ("more lines", Checkpoint("example/log\nmore", 3, merkle.root(LEAVES)).sign(KEY)),
    ],
)
def test_what_is_not_our_checkpoint_is_refused(what: str, note: str) -> None:
    with pytest.raises(IntegrityFailure):
        Checkpoint.open(note, VERIFIER)


def test_a_witness_signature_beside_ours_is_let_be() -> None:
    witnessed = NOTE + GO_NOTE.rpartition("\n\n")[2]
    assert Checkpoint.open(witnessed, VERIFIER).size == 3


def test_a_proof_shows_its_entry_and_no_other() -> None:
    proof = proof_text(1, merkle.inclusion_proof(LEAVES, 1), NOTE)
    assert check_proof(b"two", proof, VERIFIER).size == 3
    for entry, changed in ((b"one", proof), (b"two", proof.replace("index 1", "index 0")), (b"two", "no proof")):
        with pytest.raises(IntegrityFailure):
            check_proof(entry, changed, VERIFIER)


@pytest.mark.parametrize("changed", [GO_KEY.replace("c74f20a3", "c74f20a4"), "name+00000000+AAAA", "nothing"])
def test_a_damaged_public_key_is_refused(changed: str) -> None:
    with pytest.raises(IntegrityFailure):
        Verifier.parse(changed)
