"""The weak schemes as SQL: a text made of candidates, hashed without a secret or with one that everybody tries.

A scheme's expression stands over a candidate: `x` is its text (for numbers the ten digits), `n` the number itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HASHES: dict[str, tuple[str, int]] = {
    "MD5": ("md5", 32),
    "SHA-1": ("sha1", 40),
    "SHA-256": ("sha256", 64),
    "SHA-512": ("sha512", 128),
}
"""Its SQL function over text or bytes, and the hex digits it gives."""
_BLOCK = 64

# Words people put there; years and the joints between are added below [our own choice].
_WORDS = (
    "salt", "Salt", "SALT", "secret", "Secret", "password", "Password", "password1", "Password1", "pepper", "key",
    "nhs", "NHS", "nhsno", "NHSNo", "nhsnumber", "NHSNumber", "nhs_number", "NHS_NUMBER", "hscic", "nhsdigital",
    "patient", "pseudo", "pseudonym", "Pseudonym", "research", "council", "england", "data", "linkage", "link", "hash",
    "test", "Test", "abc", "ABC", "abc123", "admin", "letmein", "qwerty", "changeme", "default", "mysalt", "s3cr3t",
    "0", "1", "00", "01", "123", "1234", "12345", "123456", "12345678", "123456789", "0000", "9999",
    "Key", "sha256", "openpseudonymiser", "caretrace",
)  # fmt: skip
COMMON_SALTS: tuple[str, ...] = (*_WORDS, *map(str, range(2010, 2031)))
_JOINTS = ("", "|", "-", "_", ":")


@dataclass(frozen=True)
class Form:
    """How a number is written before it is hashed."""

    words: str
    text: str


# SQL Server's HASHBYTES takes NVARCHAR as UTF-16 and BIGINT as eight bytes, the most significant first.
PLAIN = Form("", "x")
FORMS: tuple[Form, ...] = (
    PLAIN,
    Form(", written with spaces", "x[1:3] || ' ' || x[4:6] || ' ' || x[7:10]"),
    Form(", written with hyphens", "x[1:3] || '-' || x[4:6] || '-' || x[7:10]"),
    Form(", as SQL Server's NVARCHAR", "unhex(regexp_replace(hex(x), '(..)', '\\1' || '00', 'g'))"),
    Form(", as SQL Server's BIGINT", "unhex(lpad(hex(n), 16, '0'))"),
)


@dataclass(frozen=True)
class Scheme:
    """Words for a person, the hash's length in hex digits, and its expression."""

    words: str
    length: int
    expression: str


def plain(of: str, forms: Sequence[Form]) -> Iterator[Scheme]:
    """Hashes without a key of `of`, which says what the candidates are."""
    for form in forms:
        for name, (function, length) in HASHES.items():
            # SHA-512 is a function of ours over text alone.
            if function == "sha512" and form.text.startswith("unhex"):
                continue
            yield Scheme(f"{name} of {of} without a key{form.words}", length, f"{function}({form.text})")


def salted(of: str) -> Iterator[Scheme]:
    """Hashes with a salt in the columns `front` and `behind` of the candidates."""
    for name, (function, length) in HASHES.items():
        words = f"{name} of {of} with a common salt"
        yield Scheme(f"{words} in front", length, f"{function}(front || x)")
        yield Scheme(f"{words} behind", length, f"{function}(x || behind)")


def keyed(of: str) -> Iterator[Scheme]:
    """HMAC (RFC 2104) under a common word, whose padded forms are the columns `inner_pad` and `outer_pad`."""
    for name, (function, length) in HASHES.items():
        if function != "sha512":
            made = f"{function}(outer_pad || unhex({function}(inner_pad || encode(x))))"
            yield Scheme(f"HMAC with {name} of {of} under a common word", length, made)


def salts(given: Sequence[str]) -> list[tuple[str, str]]:
    """Each salt as it stands in front and behind, with what people put between."""
    return [(salt + joint, joint + salt) for joint in _JOINTS for salt in dict.fromkeys((*given, *COMMON_SALTS))]


def pads(given: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """Inner and outer pad of each word as an HMAC key, for hashes with blocks of 64 bytes."""
    words = [word.encode() for word in dict.fromkeys((*given, *COMMON_SALTS))]
    keys = [word.ljust(_BLOCK, b"\0") for word in words if len(word) <= _BLOCK]
    return [(bytes(each ^ 0x36 for each in key), bytes(each ^ 0x5C for each in key)) for key in keys]
