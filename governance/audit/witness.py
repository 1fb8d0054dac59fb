"""A second organisation cosigns the log, after seeing that nothing was taken out of it since it last did.

    ask     by the log's owner: what the witness saw last, proof that the log has only grown since, the checkpoint
    cosign  by the witness: checks all of it, remembers the checkpoint, and signs it with the time
    keep    by the log's owner: checks the cosignature and keeps it in `witnessed/` beside the checkpoint

The forms are those of C2SP: a request is the body of tlog-witness `add-checkpoint`, the answer a tlog-cosignature
(Ed25519). A witness sees a size and hashes, never an entry. It is worth what its independence is: its key must never
be where the log's key is.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.audit import merkle
from governance.audit.anchors import WITNESSED
from governance.audit.checkpoint import Checkpoint, Verifier, unbase64
from governance.audit.verification import CHECKPOINT, Examined
from governance.files import held, write_durably
from schemas.errors import Busy, InputError, IntegrityFailure, Refused

_COSIGNS = b"\x04"
_DASH = "\u2014"


@dataclass(frozen=True)
class Witness:
    """The name and public key of who cosigns."""

    name: str
    public: bytes

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey) -> Witness:
        """A witness that signs with `key`; InputError for a name that a signature line cannot hold."""
        if not name or any(letter.isspace() or letter == "+" for letter in name):
            raise InputError("a witness needs a name without spaces and plus signs, such as partner.example/witness")
        return cls(name, key.public_key().public_bytes_raw())

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys apart."""
        return sha256(self.name.encode() + b"\n" + _COSIGNS + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_COSIGNS + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Witness:
        """Read the one-line form; InputError where it is none."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        with suppress(IntegrityFailure):
            data = unbase64(encoded)
            found = cls(name, data[1:])
            if data[:1] == _COSIGNS and len(found.public) == 32 and found.key_id.hex() == key_id:
                return found
        raise InputError("this is no witness's public key (name+identifier+key, of the kind that cosigns)")

    def signed_at(self, note: str) -> datetime | None:
        """When this witness signed the checkpoint in `note`; None where it did not, IntegrityFailure if altered."""
        text, _, lines = note.rpartition("\n\n")
        for line in lines.removesuffix("\n").split("\n"):
            name, _, encoded = line.removeprefix(f"{_DASH} ").partition(" ")
            signature = unbase64(encoded) if name == self.name else b""
            if signature[:4] != self.key_id:
                continue
            seconds = int.from_bytes(signature[4:12], "big")
            try:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature[12:], _message(seconds, text + "\n"))
                return datetime.fromtimestamp(seconds, UTC)
            except (InvalidSignature, ValueError, OverflowError, OSError):
                raise IntegrityFailure(f"the cosignature of {self.name} is wrong: it was altered") from None
        return None


def _message(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def ask(audit_dir: Path, found: Examined, *, since: int | None = None) -> str:
    """A request to cosign the log as it stands; `since`: entries the witness saw last, else by what is kept."""
    size = found.checkpoint.size
    if since is None:
        since = max(
            (int(path.name.partition("-")[0]) for path in (audit_dir / WITNESSED).glob("*.checkpoint")), default=0
        )
    if not 0 <= since <= size:
        raise InputError(f"the log has {size} entries, so nobody can have seen {since}")
    proof = merkle.consistency_proof(found.leaves, since) if since else []
    note = (audit_dir / CHECKPOINT).read_text("utf-8")
    if Checkpoint.open(note, found.verifier) != found.checkpoint:
        raise Busy("the log has just grown; ask again")
    return f"old {since}\n" + "".join(base64.b64encode(node).decode() + "\n" for node in proof) + f"\n{note}"


def cosign(request: str, log: Verifier, name: str, key: Ed25519PrivateKey, seen: Path, *, now: datetime) -> str:
    """The signature line for a request, once it is consistent with what this witness signed before.

    `seen` is the file in which the witness remembers each log; the new state is durable before the line is given.
    Refused where the request does not continue it; IntegrityFailure where the log was rewritten or cut.
    """
    witness = Witness.of(name, key)
    head, blank, note = request.partition("\n\n")
    old, *proof = head.split("\n")
    if not blank or not old.startswith("old ") or not (old[4:].isascii() and old[4:].isdigit()):
        raise InputError("this is no request to cosign a log (C2SP tlog-witness, add-checkpoint)")
    checkpoint = Checkpoint.open(note, log)
    seen.parent.mkdir(parents=True, exist_ok=True)
    with held(seen.with_name(f"{seen.name}.lock")):
        states = _states(seen)
        if log.name in states:
            _check_grown(Checkpoint.open(states[log.name], log), checkpoint, int(old[4:]), proof)
        elif int(old[4:]):
            raise Refused(f"this witness never saw {log.name}; ask with --since 0")
        write_durably(seen, json.dumps(states | {log.name: note}, indent=1).encode())
    seconds = int(now.timestamp())
    signature = key.sign(_message(seconds, checkpoint.text))
    stamped = base64.b64encode(witness.key_id + seconds.to_bytes(8, "big") + signature).decode()
    return f"{_DASH} {name} {stamped}\n"


def _check_grown(last: Checkpoint, new: Checkpoint, old_size: int, proof: list[str]) -> None:
    if new.size < last.size:
        raise IntegrityFailure(
            f"{new.origin}: this witness saw {last.size} entries, the log now holds {new.size}; an older copy"
        )
    if old_size != last.size:
        raise Refused(f"this witness last saw {last.size} entries; ask with --since {last.size}")
    path = [unbase64(line) for line in proof]
    if last.size and not merkle.consistency_holds(last.size, new.size, path, last.root, new.root):
        raise IntegrityFailure(f"{new.origin}: the log is not the one this witness saw with {last.size} entries")


def _states(seen: Path) -> dict[str, str]:
    if not seen.exists():
        return {}
    try:
        return {str(origin): str(note) for origin, note in json.loads(seen.read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        raise IntegrityFailure(f"{seen}: what this witness saw before cannot be read; restore it from backup") from None


def keep(audit_dir: Path, found: Examined, request: str, line: str, witness: Witness) -> Path:
    """Keep a cosignature of the checkpoint in `request` beside the log; InputError unless it is by `witness`."""
    note = request.partition("\n\n")[2]
    checkpoint = Checkpoint.open(note, found.verifier)
    if not line.endswith("\n") or line.count("\n") != 1 or witness.signed_at(note + line) is None:
        raise InputError(f"this is no cosignature of {witness.name} for this request")
    folder = audit_dir / WITNESSED
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{checkpoint.size:09d}-{witness.key_id.hex()}.checkpoint"
    write_durably(path, (note + line).encode())
    return path


def newest(audit_dir: Path, found: Examined, witness: Witness) -> tuple[int, datetime]:
    """How many entries the witness cosigned last, and when; IntegrityFailure where it never did."""
    cosigned = []
    for path in (audit_dir / WITNESSED).glob("*.checkpoint"):
        note = path.read_text("utf-8")
        if at := witness.signed_at(note):
            cosigned.append((Checkpoint.open(note, found.verifier).size, at))
    if not cosigned:
        raise IntegrityFailure(f"{audit_dir}: no checkpoint is cosigned by {witness.name}")
    return max(cosigned)
