"""How the two records of a pair compare, field by field, in words.

The marks come from the two records alone, never from the model: a reader must not see what the model made of a pair.
They are words first; a colour only repeats them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from caretrace.review.plain import (
    CONTACTS,
    Record,
    address,
    addresses,
    families,
    givens,
    letters,
    letters_and_digits,
    show_addresses,
    show_birth,
    show_contacts,
    show_death,
    show_family,
    show_given,
    show_number,
)
from schemas.codes import GENDER

WITHHELD = "withheld: a restricted record"


class Kind(Enum):
    """How two values compare."""

    SAME = "same"
    NEARLY = "NEARLY"
    DIFFERENT = "DIFFERENT"
    UNKNOWN = "not on both"


@dataclass(frozen=True)
class Mark:
    """The comparison of one field; `detail` says more where there is more to say."""

    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        return f"({self.kind.value}: {self.detail})" if self.detail else f"({self.kind.value})"


@dataclass(frozen=True)
class Shown:
    """One field of a pair as a reader sees it."""

    client: str
    register: str
    mark: Mark


@dataclass(frozen=True)
class Field:
    """A column pair of the sheet."""

    title: str
    show: Callable[[Record], str]
    compare: Callable[[Record, Record], Mark]
    reveals_place: bool = False
    """Not shown where either record is restricted: who may know the address is decided in the source system."""

    def shown(self, client: Record, register: Record) -> Shown:
        """Both values and how they compare."""
        if self.reveals_place and (client.restricted or register.restricted):
            return Shown(WITHHELD, WITHHELD, Mark(Kind.UNKNOWN))
        return Shown(self.show(client), self.show(register), self.compare(client, register))


def _one_slip(one: str, other: str) -> bool:
    import jellyfish

    return len(one) > 2 and len(other) > 2 and jellyfish.damerau_levenshtein_distance(one, other) == 1


def _alike(one: str, other: str) -> Mark | None:
    if not one or not other:
        return Mark(Kind.UNKNOWN)
    if one == other:
        return Mark(Kind.SAME)
    return Mark(Kind.NEARLY, "one letter differs, or two are swapped") if _one_slip(one, other) else None


def _swapped(client: Record, register: Record) -> bool:
    crossed = [("given_name", "family_name"), ("family_name", "given_name")]
    return all(letters(client.get(a)) and letters(client.get(a)) == letters(register.get(b)) for a, b in crossed)


def _compare_family(client: Record, register: Record) -> Mark:
    mine, theirs = families(client), families(register)
    if mark := _alike(letters(mine[0]), letters(theirs[0])):
        return mark
    if _swapped(client, register):
        return Mark(Kind.NEARLY, "given and family name stand in each other's place")
    if {letters(name) for name in mine} & {letters(name) for name in theirs}:
        return Mark(Kind.NEARLY, "the same as another name on the record")
    parts, other_parts = ({letters(part) for part in re.split(r"[\s-]+", each[0])} for each in (mine, theirs))
    return Mark(Kind.NEARLY, "one part is the same") if (parts & other_parts) - {""} else Mark(Kind.DIFFERENT)


def _compare_given(client: Record, register: Record) -> Mark:
    mine, theirs = givens(client), givens(register)
    one, other = letters(mine[0]), letters(theirs[0])
    if mark := _alike(one, other):
        return mark
    if _swapped(client, register):
        return Mark(Kind.NEARLY, "given and family name stand in each other's place")
    if one.startswith(other) or other.startswith(one):
        return Mark(Kind.NEARLY, "one is the beginning of the other")
    if {letters(name) for name in mine} & {letters(name) for name in theirs}:
        return Mark(Kind.NEARLY, "the same as another name on the record")
    return Mark(Kind.DIFFERENT)


def _compare_birth(client: Record, register: Record) -> Mark:
    one, other = client.person.get("birth_date"), register.person.get("birth_date")
    if one is None or other is None:
        return Mark(Kind.UNKNOWN)
    known = min((record.person.get("birth_date_precision") or "YMD" for record in (client, register)), key=len)
    parts = ("year", "month", "day")[: len(known)]
    differ = [part for part in parts if getattr(one, part) != getattr(other, part)]
    if not differ:
        less = {"Y": "as far as it is known: the year", "YM": "as far as it is known: year and month"}
        return Mark(Kind.SAME, less.get(known, ""))
    if differ == ["month", "day"] and (one.month, one.day) == (other.day, other.month):
        return Mark(Kind.NEARLY, "day and month swapped")
    return Mark(Kind.NEARLY, f"only the {differ[0]} differs") if len(differ) == 1 < len(parts) else Mark(Kind.DIFFERENT)


def _compare_gender(client: Record, register: Record) -> Mark:
    one, other = client.get("gender"), register.get("gender")
    if one not in ("1", "2") or other not in ("1", "2"):
        return Mark(Kind.UNKNOWN)
    return Mark(Kind.SAME if one == other else Kind.DIFFERENT)


def _compare_address(client: Record, register: Record) -> Mark:
    mine, theirs = addresses(client), addresses(register)
    texts, other_texts = ([letters_and_digits(address(row)) for row in rows if address(row)] for rows in (mine, theirs))
    if not texts or not other_texts:
        return Mark(Kind.UNKNOWN)
    one, other = mine[0], theirs[0]
    if address(one) and letters_and_digits(address(one)) == letters_and_digits(address(other)):
        return Mark(Kind.SAME)
    if one.get("postcode") and one.get("postcode") == other.get("postcode"):
        house, other_house = (re.findall(r"\d+", row.get("address_line_1") or "") for row in (one, other))
        return Mark(Kind.SAME, "by house number and postcode") if house and house == other_house else _SAME_POSTCODE
    if set(texts) & set(other_texts):
        return Mark(Kind.NEARLY, "the same as an earlier or other address")
    codes, other_codes = ({row.get("postcode") for row in rows} - {None} for rows in (mine, theirs))
    return Mark(Kind.NEARLY, "an earlier or other postcode is the same") if codes & other_codes else _ELSEWHERE


_SAME_POSTCODE = Mark(Kind.NEARLY, "only the postcode is the same")
_ELSEWHERE = Mark(Kind.DIFFERENT)


def _compare_number(client: Record, register: Record) -> Mark:
    one, other = client.get("nhs_number"), register.get("nhs_number")
    return Mark(Kind.UNKNOWN) if not one or not other else Mark(Kind.SAME if one == other else Kind.DIFFERENT)


def _compare_contacts(client: Record, register: Record) -> Mark:
    both = [column for column in CONTACTS if client.get(column) and register.get(column)]
    if not both:
        return Mark(Kind.UNKNOWN)
    same = [c for c in both if letters_and_digits(client.get(c)) == letters_and_digits(register.get(c))]
    if len(same) == len(both):
        return Mark(Kind.SAME)
    if not same:
        return Mark(Kind.DIFFERENT)
    return Mark(Kind.NEARLY, f"the same {' and '.join(CONTACTS[column] for column in same)}")


def _compare_death(client: Record, register: Record) -> Mark:
    one, other = client.person.get("death_date"), register.person.get("death_date")
    if one is None or other is None:
        return Mark(Kind.UNKNOWN)
    return Mark(Kind.SAME if one == other else Kind.DIFFERENT)


FIELDS: tuple[Field, ...] = (
    Field("family name", show_family, _compare_family),
    Field("given names", show_given, _compare_given),
    Field("born", show_birth, _compare_birth),
    Field("gender", lambda record: GENDER.get(record.get("gender"), ""), _compare_gender),
    Field("address", show_addresses, _compare_address, reveals_place=True),
    Field("NHS number", show_number, _compare_number),
    Field("contacts", show_contacts, _compare_contacts, reveals_place=True),
    Field("died", show_death, _compare_death),
)
"""What a reader sees, in the order of the sheet."""

NAMES = ("family name", "given names")
"""The fields by which a returned row is known to be the one that was sent."""
