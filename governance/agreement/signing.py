"""Signatures of an agreement: detached, over the exact bytes of the file, one for each signatory.

A signature is a C2SP signed note beside the agreement, `<agreement>.<ODS code>.<role>.sig`: a few lines of text that
say what was signed, by whom and when, and an Ed25519 signature of those lines. It holds while the file keeps its
SHA-256; a changed letter needs new signatures, as a changed agreement does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.model import Agreement
from governance.agreement.parties import Party, Signatory
from governance.audit.checkpoint import Verifier, signed_note, unbase64
from schemas.errors import InputError, IntegrityFailure

HEADER = "caretrace agreement signature v1"
_KEY_PREFIX = "ed25519:"


@dataclass(frozen=True)
class Signature:
    """A signatory who has signed, and when by their own account."""

    organisation: str
    role: str
    name: str
    key: str
    date: date


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half of a key as agreements write it: `ed25519:` and base64."""
    import base64

    return _KEY_PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def fingerprint(key: str) -> str:
    """A public key as people compare it over the telephone: sixteen hex digits of its SHA-256, in fours."""
    digest = sha256(unbase64(key.removeprefix(_KEY_PREFIX))).hexdigest()[:16]
    return " ".join(digest[at : at + 4] for at in range(0, 16, 4))


def signature_path(agreement: Path, party: Party, signatory: Signatory) -> Path:
    """Where a signatory's signature stands."""
    slug = re.sub(r"[^a-z0-9]+", "-", signatory.role.casefold()).strip("-")
    return agreement.with_name(f"{agreement.name}.{party.ods_code}.{slug}.sig")


def sign(agreement: Agreement, path: Path, data: bytes, key: Ed25519PrivateKey, *, today: date) -> Path:
    """Write the signature of whoever in `agreement` holds `key`; gives its path.

    `data` are the bytes of the file at `path`. InputError where nobody in the agreement holds the key, or several do.
    """
    target, note = signature(agreement, path, data, key, today=today)
    target.write_text(note, encoding="utf-8", newline="\n")
    return target


def signature(
    agreement: Agreement, path: Path, data: bytes, key: Ed25519PrivateKey, *, today: date
) -> tuple[Path, str]:
    """The signature as `sign` writes it, and where it belongs."""
    party, signatory = holder(agreement, path, key)
    text = _text(agreement, data, party, signatory, today)
    return signature_path(path, party, signatory), signed_note(text, verifier(party, signatory), key)


def holder(agreement: Agreement, path: Path, key: Ed25519PrivateKey) -> tuple[Party, Signatory]:
    """Whose key it is in the agreement at `path`; InputError where it is nobody's, or stands for several."""
    public = public_text(key)
    mine = [(party, each) for party, each in agreement.signatories if each.key == public]
    if not mine:
        raise InputError(
            f"no signatory of the agreement has this key ({fingerprint(public)}); put its public line into the"
            " agreement first",
            path=path,
        )
    if len(mine) > 1:
        raise InputError("one key stands for two signatories of the agreement; each needs their own", path=path)
    return mine[0]


def signatures(agreement: Agreement, path: Path, data: bytes) -> tuple[tuple[Signature, ...], tuple[str, ...]]:
    """Signatures beside the agreement that hold, and what is wrong with those that do not."""
    held, faults = [], []
    for party, signatory in agreement.signatories:
        place = signature_path(path, party, signatory)
        if not place.exists():
            continue
        try:
            signed_on = _check(agreement, data, party, signatory, place.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            faults.append(f"the signature of the {signatory.role} of {party.ods_code} cannot be read")
        except (IntegrityFailure, InvalidSignature, ValueError):
            faults.append(
                f"the signature of the {signatory.role} of {party.ods_code} does not belong to this text: it was"
                " changed after it was signed, or somebody else signed it"
            )
        else:
            held.append(Signature(party.ods_code, signatory.role, signatory.name, signatory.key, signed_on))
    return tuple(held), tuple(faults)


def _check(agreement: Agreement, data: bytes, party: Party, signatory: Signatory, note: str) -> date:
    text = verifier(party, signatory).open(note)
    signed_on = date.fromisoformat(text.rstrip("\n").rpartition("\n")[2])
    if text != _text(agreement, data, party, signatory, signed_on):
        raise IntegrityFailure("the signature is of another text")
    return signed_on


def _text(agreement: Agreement, data: bytes, party: Party, signatory: Signatory, day: date) -> str:
    lines = (
        *(HEADER, sha256(data).hexdigest(), f"{agreement.id} {agreement.version}"),
        *(party.ods_code, signatory.role, signatory.name, day.isoformat()),
    )
    return "".join(f"{line}\n" for line in lines)


def verifier(party: Party, signatory: Signatory) -> Verifier:
    """What a signatory's signatures are checked against."""
    name = f"{party.ods_code}/{re.sub(r'[^a-z0-9]+', '-', signatory.role.casefold()).strip('-')}"
    return Verifier(name, unbase64(signatory.key.removeprefix(_KEY_PREFIX)))
