"""Codes that the law restricts, as data, and rows that hold them: such rows do not leave (rule R26).

The approved list of codes under the Human Fertilisation and Embryology Act is published by TRUD to its subscribers and
is not copied here. The lists below are ICD-10 categories by their titles; that they are what each law means is assumed.
An agreement adds codes of its own (`disclosure.restricted_codes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CodeList:
    """ICD-10 codes without dots, by what they begin with, and what restricts them."""

    law: str
    begins: tuple[str, ...]
    standing: str = "assumed"


LISTS = (
    # N98 complications of artificial fertilization; Z31.1 to Z31.3 insemination, in vitro and other assisted methods.
    CodeList("Human Fertilisation and Embryology Act 1990", ("N98", "Z311", "Z312", "Z313")),
    # A50 to A64 predominantly sexual mode of transmission; B20 to B24, Z21 human immunodeficiency virus.
    CodeList(
        "NHS Trusts and Primary Care Trusts (Sexually Transmitted Diseases) Directions 2000",
        (*(f"A{n}" for n in range(50, 65)), *(f"B{n}" for n in range(20, 25)), "Z21"),
    ),
    # F64 gender identity disorders, which alone say nothing of a certificate.
    CodeList("Gender Recognition Act 2004, section 22", ("F64",)),
)

CODED = {"spell": "primary_diagnosis"}
"""The column of each table that holds clinical codes."""


def holds(table: str, more: Sequence[str]) -> str | None:
    """SQL that is true of rows with a restricted code, those in `more` included; None where a table holds no codes."""
    if table not in CODED:
        return None
    begins = [start for each in LISTS for start in each.begins] + [code.replace(".", "") for code in more]
    code = f"upper(replace(trim({CODED[table]}), '.', ''))"
    return "coalesce(" + " OR ".join(f"starts_with({code}, '{start}')" for start in begins) + ", false)"
