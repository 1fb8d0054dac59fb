"""A source record in plain words, as a reader sees it: names, dates, addresses, with the earlier ones beneath."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_EARLIER_SHOWN = 4
"""Earlier addresses and names beyond these would fill the screen."""


@dataclass(frozen=True)
class Record:
    """A source record: its PERSON row, its ADDRESS and NAME rows."""

    person: Mapping[str, Any]
    addresses: Sequence[Mapping[str, Any]] = ()
    names: Sequence[Mapping[str, Any]] = ()

    def get(self, column: str) -> str:
        """A text of the PERSON row, empty where null."""
        return self.person.get(column) or ""

    @property
    def restricted(self) -> bool:
        """Whether its source says that not everybody may see where the person is."""
        return bool(self.person.get("restricted"))


def letters(text: str) -> str:
    """Only the letters, in capitals and without accents: what survives a spreadsheet, and what is compared."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in plain if each.isalpha()).upper()


def families(record: Record) -> list[str]:
    """The present family name, then the others on the record."""
    earlier = [record.get("previous_family_name"), *(each["family_name"] or "" for each in record.names)]
    return _distinct([record.get("family_name"), *earlier])


def givens(record: Record) -> list[str]:
    """The first given name, then the others on the record."""
    known_as = [each["given_name"] or "" for each in record.names]
    return _distinct([record.get("given_name"), *record.get("middle_names").split(), *known_as])


def _distinct(names: Sequence[str]) -> list[str]:
    """The first is the present one, kept even where empty; the rest once each, as far as they differ from it."""
    by_letters = {letters(name): name for name in reversed(names) if letters(name)}
    first = letters(names[0])
    return [names[0], *(name for key, name in reversed(by_letters.items()) if key != first)]


def show_family(record: Record) -> str:
    """The present family name, the others beneath."""
    present, *earlier = families(record)
    return "\n".join([present, *(f"also: {name}" for name in earlier[:_EARLIER_SHOWN])])


def show_given(record: Record) -> str:
    """The given names in use, the others beneath."""
    usual = f"{record.get('given_name')} {record.get('middle_names')}".strip()
    in_use = {letters(part) for part in usual.split()}
    others = [name for name in givens(record)[1:] if letters(name) not in in_use]
    return "\n".join([usual, *(f"also: {name}" for name in others[:_EARLIER_SHOWN])])


def in_words(day: date | None, precision: str | None = "YMD") -> str:
    """A date with its month as a word, so that no spreadsheet swaps day and month; as far as it is known."""
    if day is None:
        return ""
    parts = {"Y": f"{day.year}", "YM": f"{_MONTHS[day.month - 1]} {day.year}"}
    return parts.get(precision or "YMD", f"{day.day} {_MONTHS[day.month - 1]} {day.year}")


def show_birth(record: Record) -> str:
    """The date of birth, as far as it is known."""
    return in_words(record.person.get("birth_date"), record.person.get("birth_date_precision"))


def address(row: Mapping[str, Any]) -> str:
    """An address in one line, its postcode last; empty where there is none."""
    parts = [row.get(f"address_line_{n}") for n in range(1, 6)]
    return ", ".join(part for part in (*parts, row.get("postcode")) if part)


def addresses(record: Record) -> list[Mapping[str, Any]]:
    """The present address, then the others, each once."""
    by_text = {letters_and_digits(address(row)): row for row in (record.person, *record.addresses) if address(row)}
    by_text.pop(letters_and_digits(address(record.person)), None)
    return [record.person, *by_text.values()]


def letters_and_digits(text: str) -> str:
    """What is compared of an address."""
    return "".join(each for each in text.casefold() if each.isalnum())


def show_addresses(record: Record) -> str:
    """The present address, the others beneath with the day they ended."""
    present, *others = addresses(record)
    lines = [address(present)]
    for row in others[:_EARLIER_SHOWN]:
        until = in_words(row.get("to_date"))
        lines.append(f"{f'until {until}' if until else 'also'}: {address(row)}")
    if len(others) > _EARLIER_SHOWN:
        lines.append(f"and {len(others) - _EARLIER_SHOWN} more")
    return "\n".join(lines).strip()


def show_number(record: Record) -> str:
    """The NHS number in its three groups."""
    # In groups it is read more easily, and no spreadsheet takes it for a number and rounds or shortens it.
    number = record.get("nhs_number")
    return f"{number[:3]} {number[3:6]} {number[6:]}".strip()


CONTACTS = {"phone": "phone", "email": "e-mail", "gp_practice_code": "GP practice"}
"""Columns of PERSON, and what a reader calls them."""


def show_contacts(record: Record) -> str:
    """Each way to reach the person on a line."""
    return "\n".join(f"{words}: {record.get(column)}" for column, words in CONTACTS.items() if record.get(column))


def show_death(record: Record) -> str:
    """The date of death."""
    return in_words(record.person.get("death_date"))
