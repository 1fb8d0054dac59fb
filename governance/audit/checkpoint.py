"""Signed tree heads in the C2SP forms: `signed-note`, `tlog-checkpoint` and `tlog-proof` (c2sp.org, read July 2026).

A checkpoint says how many entries a log has and what their Merkle root is, signed with Ed25519. The forms are those of
the Go checksum database, Sigstore and Tessera, so that other people's tools can check ours.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.audit import merkle
from schemas.errors import IntegrityFailure

_ED25519 = b"\x01"
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"


def unbase64(text: str) -> bytes:
    """Decode base64 and refuse a second spelling of the same bytes, or a changed letter could go unseen."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise IntegrityFailure("a base64 field of a signed note cannot be read") from None
    if base64.b64encode(data).decode() != text:
        raise IntegrityFailure("a base64 field of a signed note is not in its one canonical spelling")
    return data


@dataclass(frozen=True)
class Verifier:
    """The name and public key that signatures are checked against."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; an identifier, no security rests on it."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read the one-line form `name+id+key`; IntegrityFailure where its parts contradict each other."""
        name, _, rest = text.strip().partition("+")
        key_id, _, key = rest.partition("+")
        encoded = unbase64(key)
        found = cls(name, encoded[1:])
        if encoded[:1] != _ED25519 or len(found.public) != 32 or found.key_id.hex() != key_id:
            raise IntegrityFailure("the verifier key is damaged: its parts do not belong together")
        return found

    def open(self, note: str) -> str:
        """The text of a signed note; IntegrityFailure unless this key signed it.

        Exactly one signature is accepted from our own key; others (witnesses) are left to those who know their keys.
        """
        text, blank, signatures = note.rpartition("\n\n")
        if not blank or not signatures.endswith("\n"):
            raise IntegrityFailure("a checkpoint is not a signed note: text, an empty line, signature lines")
        text += "\n"
        ours = 0
        for line in signatures[:-1].split("\n"):
            dash, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            signature = unbase64(encoded)
            if dash != "\u2014" or len(signature) < 5:
                raise IntegrityFailure("a checkpoint has a line that is no signature")
            if (name, signature[:4]) == (self.name, self.key_id):
                try:
                    Ed25519PublicKey.from_public_bytes(self.public).verify(signature[4:], text.encode())
                except InvalidSignature:
                    raise IntegrityFailure("a checkpoint's signature is wrong: it was altered") from None
                ours += 1
        if ours != 1:
            raise IntegrityFailure("a checkpoint is not signed by the key of this log, or more than once")
        return text


def signed_note(text: str, verifier: Verifier, key: Ed25519PrivateKey) -> str:
    """`text`, which ends with a line feed, signed by the key whose public half `verifier` names."""
    signature = base64.b64encode(verifier.key_id + key.sign(text.encode())).decode()
    return f"{text}\n\u2014 {verifier.name} {signature}\n"


@dataclass(frozen=True)
class Checkpoint:
    """A log's size and Merkle root at one moment."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def sign(self, key: Ed25519PrivateKey) -> str:
        """The signed note; the key's name is the origin, as the form recommends."""
        return signed_note(self.text, Verifier(self.origin, key.public_key().public_bytes_raw()), key)

    @classmethod
    def open(cls, note: str, verifier: Verifier) -> Checkpoint:
        """Read a signed checkpoint; IntegrityFailure where it is altered, malformed or another log's."""
        lines = verifier.open(note).split("\n")
        if len(lines) != 4 or not lines[1].isascii() or not lines[1].isdigit():
            raise IntegrityFailure("a checkpoint does not have its three lines: origin, size, root")
        found = cls(lines[0], int(lines[1]), unbase64(lines[2]))
        if found.origin != verifier.name or found.text != "\n".join(lines):
            raise IntegrityFailure("a checkpoint belongs to another log or is not in canonical form")
        return found


def proof_text(index: int, path: Sequence[bytes], note: str) -> str:
    """A self-contained offline proof that an entry is in the log (C2SP tlog-proof)."""
    hashes = "".join(base64.b64encode(node).decode() + "\n" for node in path)
    return f"{_PROOF_HEADER}\nindex {index}\n{hashes}\n{note}"


def note_in(text: str) -> str | None:
    """The signed checkpoint in a tlog-proof or checkpoint, not yet checked; None where there is none."""
    note = text.partition("\n\n")[2] if text.startswith(_PROOF_HEADER + "\n") else text
    return note if "\n\n\u2014 " in note else None


def check_proof(entry: bytes, proof: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint that shows `entry` in the log of `verifier`; IntegrityFailure unless the proof does."""
    head, blank, note = proof.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 2 or lines[0] != _PROOF_HEADER or not lines[1].startswith("index "):
        raise IntegrityFailure("a proof is not in the form c2sp.org/tlog-proof@v1")
    if not lines[1][6:].isdigit():
        raise IntegrityFailure("a proof does not say the entry's place in the log")
    found = Checkpoint.open(note, verifier)
    path = [unbase64(line) for line in lines[2:]]
    if not merkle.inclusion_holds(merkle.leaf_hash(entry), int(lines[1][6:]), found.size, path, found.root):
        raise IntegrityFailure("the proof does not lead from this entry to the signed root")
    return found
