"""One record at a time: `linkage.clean` in Python.

In: the standard columns of PERSON as text, date and number (what `connectors` would have made of them), with rows of
NAME and ADDRESS. Out: `Record`, a row of `<side>_record`. The two forms are held equal by a property test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from linkage.clean import DUMMY_BIRTH_DATES
from linkage.lookup.names import name_value, root, sound, upper
from linkage.lookup.texts import duckdb_hash
from schemas import nhs_number
from schemas.person import NHS_NUMBER_AS_ENTERED, SUPERSEDED_NHS_NUMBER

Row = Mapping[str, Any]

_DUMMIES = frozenset(date.fromisoformat(day) for day in DUMMY_BIRTH_DATES)
_NUMBERS = re.compile("[0-9]+(?:[^0-9]+[0-9]+)?")
_NO_DIGITS, _NO_LETTERS = re.compile("[^0-9]+"), re.compile("[^A-Z]+")
_AFTER_NUMBER = re.compile("[0-9][A-Z]?[^A-Z0-9]+([A-Z]{2,12}(?: [A-Z]+)?)")
_AT_FIRST = re.compile("[^A-Z0-9]*([A-Z]{2,12}(?: [A-Z]+)?)")


@dataclass(frozen=True, slots=True)
class Record:
    """What the comparisons look at, under the names the columns of `<side>_record` have; a list of nothing is empty."""

    nhs: int | None = None
    given: str | None = None
    middle: str | None = None
    family: str | None = None
    other_givens: tuple[str, ...] = ()
    other_families: tuple[str, ...] = ()
    birth_date: date | None = None
    birth_year: int | None = None
    birth_month: int | None = None
    birth_day: int | None = None
    gender: int | None = None
    unit: str | None = None
    house: str | None = None
    street: str | None = None
    town: str | None = None
    other_units: tuple[str, ...] = ()
    nhs_entered: str | None = None
    former_nhs: tuple[int, ...] = ()
    ids: tuple[int, ...] = ()
    schemes: tuple[int, ...] = ()
    source: str | None = None
    """The client system, whose error rates may be its own."""

    @property
    def given_root(self) -> str | None:
        """One formal name for a family of nicknames."""
        return root(self.given) if self.given else None

    @property
    def given_sound(self) -> str | None:
        """Soundex of the given name."""
        return sound(self.given) if self.given else None

    @property
    def family_sound(self) -> str | None:
        """Soundex of the family name."""
        return sound(self.family) if self.family else None

    @property
    def district(self) -> str | None:
        """Postcode district, or the town where there is no postcode."""
        return self.unit[:-4] if self.unit else self.town

    @property
    def place(self) -> str | None:
        """Postcode unit, or house and street where there is none."""
        return self.unit or (f"{self.house} {self.street[:6]}" if self.house and self.street else None)


def record(
    person: Row, names: Iterable[Row] = (), addresses: Iterable[Row] = (), identifiers: Iterable[Row] = ()
) -> Record:
    """The record of one row of PERSON and the rows of NAME, ADDRESS and IDENTIFIER that hang on it."""
    given, middle = name_value(person.get("given_name")), name_value(person.get("middle_names"))
    family, previous = name_value(person.get("family_name")), name_value(person.get("previous_family_name"))
    others = [(name_value(row.get("given_name")), name_value(row.get("family_name"))) for row in names]
    unit, number = person.get("postcode"), person.get("nhs_number")
    address = " ".join(line for n in (1, 2) if (line := person.get(f"address_line_{n}")) is not None)
    return Record(
        nhs=int(number) if number else None,
        given=given.first,
        middle=given.second or middle.first,
        family=family.joined,
        other_givens=(*given.rest, *middle.words, *_sorted(word for each, _ in others for word in each.words)),
        other_families=(
            *family.parts,
            *previous.parts,
            *((previous.joined,) if previous.joined else ()),
            *_sorted(part for _, each in others for part in (*each.parts, each.joined) if part),
        ),
        **_birth(person.get("birth_date"), person.get("birth_date_precision")),
        gender=int(person["gender"]) if person.get("gender") in ("1", "2") else None,
        unit=unit,
        house=_house(address),
        street=_street(person.get("address_line_1"), person.get("address_line_2")),
        town=_town(person),
        other_units=_sorted(
            row["postcode"]
            for row in addresses
            if row.get("postcode") and row["postcode"] != unit and row.get("address_type") != "correspondence"
        ),
        **_identifiers(identifiers),
        source=person.get("source"),
    )


def _sorted(words: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(set(words)))


def _birth(day: date | None, precision: str | None) -> dict[str, Any]:
    if day is None or day in _DUMMIES:
        return {}
    whole = precision == "YMD"
    return {
        "birth_date": day if whole else None,
        "birth_year": day.year,
        "birth_month": day.month if precision in ("YM", "YMD") else None,
        "birth_day": day.day if whole else None,
    }


def _capitals(text: str) -> str:
    return text.upper() if text.isascii() else "".join(map(upper, text))


def _house(address: str) -> str | None:
    """The numbers of an address, or the letters it begins with where it has none."""
    if found := _NUMBERS.search(address):
        return _NO_DIGITS.sub(" ", found[0], count=1)
    return _NO_LETTERS.sub("", _capitals(address))[:12] or None


def _street(one: str | None, two: str | None) -> str | None:
    """The first words of a line after its number, or of the first line where no line has one."""
    first, second = _capitals(one or ""), _capitals(two or "")
    found = _AFTER_NUMBER.search(first) or _AFTER_NUMBER.search(second) or _AT_FIRST.match(first)
    return found[1] if found else None


def _town(person: Row) -> str | None:
    line = person.get("address_line_3")
    line = person.get("address_line_4") if line is None else line
    return None if line is None else _NO_LETTERS.sub("", _capitals(line)) or None


def _identifiers(rows: Iterable[Row]) -> dict[str, Any]:
    held = [(row["scheme"], row["value"]) for row in rows if row.get("scheme") and row.get("value")]
    others = [each for each in held if each[0] not in (SUPERSEDED_NHS_NUMBER, NHS_NUMBER_AS_ENTERED)]
    former = [value for scheme, value in held if scheme == SUPERSEDED_NHS_NUMBER and nhs_number.fault(value) is None]
    return {
        "nhs_entered": min((value for scheme, value in held if scheme == NHS_NUMBER_AS_ENTERED), default=None),
        "former_nhs": _sorted(int(nhs_number.NhsNumber.parse(value).digits) for value in former),
        "ids": _sorted(duckdb_hash(scheme, _capitals(value)) for scheme, value in others),
        "schemes": _sorted(duckdb_hash(scheme) for scheme, _ in others),
    }
