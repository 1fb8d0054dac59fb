"""Keys of made-up signatories, for examples and tests: anybody can make them, so they prove nothing.

They are made from their names, so that the examples are the same bytes everywhere.
"""

from __future__ import annotations

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement.signing import public_text

SIGNATORIES = (("X0X01", "Caldicott Guardian"), ("X0X01", "SIRO"), ("X0X02", "Caldicott Guardian"))


def example_key(organisation: str, role: str) -> Ed25519PrivateKey:
    """The key of a made-up signatory."""
    seed = sha256(f"caretrace example signatory, known to everybody: {organisation} {role}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


EXAMPLE_KEYS = {public_text(key): key for key in (example_key(*each) for each in SIGNATORIES)}
"""By their public lines, which must never stand for a real organisation."""
EXAMPLE_IDENTITY = "AGE-SECRET-KEY-19VVUE7V09CS7KETAHG7YFDMW4N6PLF06SSW4H72ML2SRKNNETX8SVXLV9P"
EXAMPLE_RECIPIENT = "age16ef6y3pcfussw3vjaghvv3l8zat8xd6txk37jrafu45n7wykdvqqllhjfs"
"""The age key pair of the made-up recipient."""
MADE_UP = "X0X"
"""How the ODS codes of made-up organisations begin."""
