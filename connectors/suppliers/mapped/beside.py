"""What the person's own row fills beside PERSON: an address, other names, other ids, a registration, a choice."""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill
from connectors.suppliers.mapped import texts
from connectors.suppliers.mapped.settings import Mapped
from connectors.values import Value, text
from schemas import ADDRESS, IDENTIFIER, NAME, OPT_OUT, REGISTRATION


def fills(settings: Mapped) -> tuple[Fill, ...]:
    """One for each table of which the mapping names a column; what it does not name costs nothing."""
    found = [Fill(ADDRESS, address(settings), where=texts.anywhere("r"))] if texts.has_place(settings, "person") else []
    found += [_name(*name) for name in _OTHER_NAMES if settings.has("person", name[0])]
    found += _identifiers(settings)
    if any(settings.has("person", name) for name in _REGISTERED):
        found.append(_registration(settings))
    if marks := _objections(settings):
        columns = {"scheme": values.constant("local"), "opted_out": Value("true")}
        found.append(Fill(OPT_OUT, columns, where=" OR ".join(map(texts.said, marks)), once=True))
    return tuple(found)


def address(settings: Mapped) -> dict[str, Value]:
    """The columns of ADDRESS from a record with the columns of `texts.place`."""
    return {"address_type": text("r.kind_of_address"), **texts.places("r"), **texts.period(settings)}


_OTHER_NAMES = (
    ("previous_family_name", "previous", "r.previous", "NULL"),
    ("maiden_name", "maiden", "r.maiden", "NULL"),
    ("known_as", "known as", "NULL", "r.daily"),
)
"""The field, the type of name, and where its two parts stand."""


def _name(_: str, kind: str, family: str, given: str) -> Fill:
    columns = {"name_type": values.constant(kind), "family_name": text(family), "given_name": text(given)}
    return Fill(NAME, columns, where=f"coalesce({family}, {given}) IS NOT NULL", once=True)


def _identifiers(settings: Mapped) -> list[Fill]:
    """Ids of other systems that stand in columns of their own."""
    return [
        Fill(
            IDENTIFIER,
            {"scheme": values.constant(scheme), "value": text(f"r.identifier_{n}")},
            where=f"{texts.known(settings, f'r.identifier_{n}')} IS NOT NULL",
            once=True,
        )
        for n, scheme in enumerate(settings.identifiers, start=1)
    ]


_REGISTERED = ("registration_type", "registration_date", "deduction_date")


def _registration(settings: Mapped) -> Fill:
    """The registration at a GP practice, for systems that know it."""
    return Fill(
        REGISTRATION,
        {
            "gp_practice_code": text("r.gp_practice_code"),
            "registration_type": text("r.registration_type"),
            "start_date": values.day("r.registration_date", *settings.forms),
            "end_date": values.day("r.deduction_date", *settings.forms),
        },
        where=f"coalesce({', '.join(f'r.{name}' for name in _REGISTERED)}) IS NOT NULL",
        once=True,
    )


def _objections(settings: Mapped) -> list[str]:
    fields = ("objection", *(["restricted"] if settings.restricted_is_objection else []))
    return [f"r.{field}" for field in fields if settings.has("person", field)]
