"""The files of a mapping that hang on the person file: addresses, identifiers, names, phones, marks and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors import values
from connectors.supplier import Fill, Kind, Rule
from connectors.suppliers.mapped import beside, texts
from connectors.suppliers.mapped.fields import EVENTS, KINDS, PLACE, is_date, is_number
from connectors.suppliers.mapped.settings import Mapped
from connectors.values import Value, quoted, text
from schemas import ADDRESS, IDENTIFIER, NAME


def kind(settings: Mapped, name: str) -> Kind:
    """A kind of file that is not the person file."""
    if name in ("mark", "phone"):
        # They only help to read the people.
        return _kind(settings, name, ())
    if name in EVENTS:
        fill = Fill(EVENTS[name], _event(settings, name))
        return _kind(settings, name, (fill,), dependant=True, exclude=(texts.DAMAGED,), derived=texts.until("end_date"))
    fill, needed = {"address": _address, "identifier": _identifier, "name": _name}[name](settings)
    excluded = (texts.DAMAGED, needed)
    if name == "address":
        return _kind(settings, name, (fill,), dependant=True, exclude=excluded, prepare=_places(settings))
    return _kind(settings, name, (fill,), dependant=True, exclude=excluded, derived=texts.until())


def _kind(settings: Mapped, name: str, fills: tuple[Fill, ...], **more: Any) -> Kind:
    declared = settings.kinds[name]
    marks = [rule.field for rule in settings.leave_out if rule.titles] if name == "mark" else []
    return Kind(
        name=name,
        columns={field: declared.columns.get(field, ()) for field in (*KINDS[name], *marks)},
        required=declared.required,
        fills=fills,
        record_id=texts.survivor(settings) if fills else texts.padded(settings, "r.person_id"),
        key_columns=("person_id",),
        **more,
    )


def _address(settings: Mapped) -> tuple[Fill, Rule]:
    nothing = Rule("no address in the record", f"NOT {texts.anywhere('r')}", ("address_line_1",))
    return Fill(ADDRESS, beside.address(settings)), nothing


def _places(settings: Mapped) -> str:
    """The addresses with their lines parted once: they are gone through for what is left out, for homes and for all."""
    kept = ("file", "record", "line", *(field for field in KINDS["address"] if field not in _PARTED))
    made = texts.until() | texts.place(settings, "address", parted="r.parts")
    columns = [*(f"r.{field}" for field in kept), *(f"{sql} AS {name}" for name, sql in made.items())]
    return f"SELECT {', '.join(columns)} FROM (SELECT r.*, {texts.parts(settings)} AS parts FROM standing_address r) r"


_PARTED = {*PLACE, "address_type", "to_date"} - {"main_address", "uprn"}
"""What is in `texts.place` and `texts.until`, and is not looked at itself."""


def _identifier(settings: Mapped) -> tuple[Fill, Rule]:
    is_number = texts.is_nhs_number(settings, "r")
    # PERSON reports a number that fails, once; here it is kept out without another word.
    columns = {
        "scheme": Value(f"CASE WHEN {is_number} THEN 'nhs number' ELSE r.scheme END"),
        "value": Value(f"CASE WHEN {is_number} THEN nhs_number(r.value) ELSE r.value END"),
        **texts.period(settings),
    }
    nothing = "r.value IS NULL OR r.scheme IS NULL"
    return Fill(IDENTIFIER, columns), Rule("no identifier in the record", nothing, ("scheme", "value"))


def _name(settings: Mapped) -> tuple[Fill, Rule]:
    family, given = (texts.known(settings, f"r.{name}") for name in ("family_name", "given_name"))
    arms = " ".join(
        f"WHEN lower(r.name_type) IN ({values.listed(words)}) THEN {quoted(kind)}"
        for kind, words in settings.name_types.items()
        if words
    )
    columns: Mapping[str, Value] = {
        "name_type": Value(f"CASE {arms} END" if arms else "NULL"),
        "family_name": text(family),
        "given_name": text(given),
        **texts.period(settings),
    }
    needed = Rule("no name in the record", f"coalesce({family}, {given}) IS NULL", ("family_name", "given_name"))
    return Fill(NAME, columns), needed


def _event(settings: Mapped, name: str) -> dict[str, Value]:
    columns = {}
    for field in KINDS[name]:
        if field == "person_id":
            continue
        x = f"r.{field}"
        if is_date(field):
            columns[field] = texts.day(settings, "r.until" if field == "end_date" else x)
        else:
            columns[field] = values.number(x) if is_number(name, field) else text(x)
    return columns
