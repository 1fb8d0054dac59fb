"""How a returned row is known: by a code that names pair, reader and export at once, and by the names beside it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from caretrace.review.decisions import Pair
from caretrace.review.marks import NAMES
from caretrace.review.plain import letters
from caretrace.review.sheets import CLIENT, REGISTER

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so no words; no digits, so nothing that a spreadsheet takes for a number or a date."""

NAME_COLUMNS = tuple(f"{side}{title}" for title in NAMES for side in (CLIENT, REGISTER))
"""Titles of the columns that `name_prints` takes, in order."""


def code(export_id: str, reader: str, pair: Pair) -> str:
    """Twelve letters in three groups, 51 bits; another for each reader, so that two files cannot be mixed up."""
    number = int.from_bytes(sha256(repr((export_id, reader, pair)).encode()).digest()[:16], "big")
    text = ""
    for _ in range(12):
        number, at = divmod(number, len(_LETTERS))
        text += _LETTERS[at]
    return "-".join((text[:4], text[4:8], text[8:]))


def name_prints(row_code: str, names: Sequence[str]) -> list[str]:
    """What a row's names come to, to see on return that answers still stand beside the pair they are about.

    Twice: with accents folded and with accented letters left out, since a spreadsheet that saves CSV in an old encoding
    loses one or the other. Hashed with the row's code, so that what we keep holds no names.
    """
    folded = tuple("".join(each for each in letters(name) if each.isascii()) for name in names)
    plain = tuple("".join(each for each in name.upper() if each.isascii() and each.isalpha()) for name in names)
    return [
        sha256("\x1f".join((row_code, *texts)).encode()).hexdigest()[:16] for texts in dict.fromkeys((folded, plain))
    ]
