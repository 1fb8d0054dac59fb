"""One record as a dictionary of standard columns, read as `connectors` reads a row: the values, and what was not used.

Used for a client to be looked up and for single rows of a register. The two forms are held equal by a property test.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from connectors.called import called
from schemas import ADDRESS, IDENTIFIER, NAME, PERSON
from schemas import nhs_number as numbers
from schemas import postcode as postcodes
from schemas.dates import Fault, Form, PartialDate
from schemas.dates import fault as date_fault
from schemas.errors import InputError
from schemas.person import NHS_NUMBER_AS_ENTERED
from schemas.table import Table

_SPACE = " \t\n\r\u00a0"
_KEY = ("source", "source_org", "record_id")
_WHO = ("nhs_number", "family_name", "given_name", "birth_date")
_HANGING = {"names": NAME, "addresses": ADDRESS, "identifiers": IDENTIFIER}
"""Lists of rows that may stand beside the columns of PERSON."""
_PRECISIONS = ("Y", "YM", "YMD")
_EXACT = 2**53


@dataclass(frozen=True)
class Read:
    """A record: its row of PERSON, the rows that hang on it, and the columns not used with the reason."""

    person: dict[str, Any]
    names: tuple[dict[str, Any], ...]
    addresses: tuple[dict[str, Any], ...]
    identifiers: tuple[dict[str, Any], ...]
    not_used: dict[str, str]


def read(given: Mapping[str, Any], *, as_at: date, test_numbers: bool) -> Read:
    """Read one record.

    `as_at` settles what is in the future; without `test_numbers` NHS numbers of the test range are not used. A value
    that cannot be used is None afterwards and named in `not_used`, as a batch notes it in DATA_QUALITY. Raises
    InputError, naming columns and never values, for what is no record: unknown columns, values of a kind no column has,
    nothing that says who it is, or a record marked as a test.
    """
    texts = _texts(given, PERSON, "record", also=tuple(_HANGING))
    if not set(_WHO) & given.keys():
        raise InputError(f"the record says nothing about who it is; give at least one of {', '.join(_WHO)}")
    if (texts.get("test_record") or "").lower() in ("true", "t", "1", "y", "yes"):
        raise InputError("the record is marked as a test record (test_record); such records are not used")
    not_used: dict[str, str] = {}
    person = texts | {
        "nhs_number": _number(texts.get("nhs_number"), not_used, test_numbers=test_numbers),
        "postcode": _postcode(texts.get("postcode"), not_used, "postcode"),
        "gender": _gender(texts.get("gender"), not_used),
        **_birth(texts.get("birth_date"), texts.get("birth_date_precision"), as_at, not_used),
    }
    rows = {what: _rows(given.get(what), what, table, not_used) for what, table in _HANGING.items()}
    identifiers = (*rows["identifiers"], *_as_entered(texts.get("nhs_number")))
    return Read(person, rows["names"], rows["addresses"], identifiers, not_used)


def key_of(given: Mapping[str, Any], *, origins: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
    """Source, organisation and id of a register row; the first two may be left out where the register has only one."""
    texts = {name: text for name in _KEY if name in given and (text := _text(given[name], name)) is not None}
    if "record_id" not in texts:
        raise InputError("the register row has no record_id; give the id it has in its own system")
    fitting = [each for each in origins if each[0] == texts.get("source", each[0])]
    fitting = [each for each in fitting if each[1] == texts.get("source_org", each[1])]
    if "source" in texts and "source_org" in texts:
        return texts["source"], texts["source_org"], texts["record_id"]
    if len(fitting) != 1:
        raise InputError(
            f"the register holds {len(origins)} sources and organisations, so a row needs source and source_org"
            " beside its record_id"
        )
    return *fitting[0], texts["record_id"]


def _rows(given: object, what: str, table: Table, not_used: dict[str, str]) -> tuple[dict[str, Any], ...]:
    if given is None:
        return ()
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence):
        raise InputError(f"{what} holds something else than a list of dictionaries with columns of {table.name}")
    rows = []
    for row in given:
        texts = _texts(row, table, what)
        if "postcode" in texts:
            texts["postcode"] = _postcode(texts["postcode"], not_used, f"{what}.postcode")
        rows.append(texts)
    return tuple(rows)


def _texts(given: object, table: Table, what: str, *, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every value as trimmed text, None where it is missing."""
    if not isinstance(given, Mapping):
        raise InputError(f"{what} is a {type(given).__name__}; give a dictionary with columns of {table.name}")
    if unknown := [str(name) for name in given if name not in table.names and name not in also]:
        words = ", ".join(map(repr, called(unknown)))
        raise InputError(f"{what}: {table.name} has no column {words}{_meant(unknown[0], table)}; see docs/tables.md")
    return {name: _text(value, name) for name, value in given.items() if name not in also}


def _meant(name: object, table: Table) -> str:
    near = difflib.get_close_matches(str(name), table.names, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _text(value: Any, column: str) -> str | None:
    """A value as the text it would be in a file; InputError for what has none."""
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InputError(f"the column {column} holds half a character (a lone surrogate); decode its text again")
        return value.strip(_SPACE) or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ", timespec="seconds")
    if isinstance(value, date | int):
        return str(value)
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) <= _EXACT else str(value)
    raise InputError(f"the column {column} holds a {type(value).__name__}; give text, a number or a date")


def _number(text: str | None, not_used: dict[str, str], *, test_numbers: bool) -> str | None:
    if text is None:
        return None
    if fault := numbers.fault(text):
        not_used["nhs_number"] = fault.value
        return None
    number = numbers.NhsNumber.parse(text)
    if not test_numbers and number.range is numbers.Range.TEST:
        not_used["nhs_number"] = "a test number, refused by setting"
        return None
    return number.digits


def _as_entered(text: str | None) -> tuple[dict[str, Any], ...]:
    """Ten digits that are no number but may be one slip from one are kept, as an identifier."""
    if numbers.fault(text) is not numbers.Fault.CHECK_DIGIT:
        return ()
    digits = "".join(letter for letter in text or "" if letter.isdigit())
    return ({"scheme": NHS_NUMBER_AS_ENTERED, "value": digits},)


def _postcode(text: str | None, not_used: dict[str, str], column: str) -> str | None:
    if text is None:
        return None
    if fault := postcodes.fault(text):
        not_used[column] = fault.value
        return None
    return postcodes.Postcode.parse(text).unit


def _gender(text: str | None, not_used: dict[str, str]) -> str | None:
    from connectors.values import GENDER_WORDS

    if text is None:
        return None
    found = next((code for code, words in GENDER_WORDS.items() if text.lower() in words), None)
    if found is None:
        not_used["gender"] = "not a word or code this column has"
    return found


def _birth(text: str | None, precision: str | None, as_at: date, not_used: dict[str, str]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"birth_date": None, "birth_date_precision": None}
    if text is None:
        return nothing
    if fault := date_fault(text, Form.ISO, as_at=as_at):
        not_used["birth_date"] = Fault.IMPOSSIBLE.value if fault is Fault.IMPOSSIBLE else Fault.FORM.value
        return nothing
    read = PartialDate.parse(text, Form.ISO, as_at=as_at)
    if read.first_day > as_at:
        not_used["birth_date"] = "in the future"
        return nothing
    said = (precision or "").upper()
    # Y, YM and YMD stand in the order of the alphabet, and the less precise of two is the first.
    known = min(read.precision, said) if said in _PRECISIONS else read.precision
    day = read.first_day
    first = {"Y": day.replace(month=1, day=1), "YM": day.replace(day=1), "YMD": day}[known]
    return {"birth_date": first, "birth_date_precision": known}
