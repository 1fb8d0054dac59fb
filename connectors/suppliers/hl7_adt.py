"""HL7 version 2 ADT messages of a patient administration system: files of messages, framed or not, in any order.

Fields: HL7 version 2.5, chapter 3, and the published receiver of Endeavour Health; NHS number status and organisation
codes as the ITK HL7 version 2 message specifications have them. Hospitals differ, so their habits are settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from connectors import values
from connectors.files.layouts import Layout
from connectors.supplier import Fill, Kind, Rule, Supplier
from connectors.suppliers.hospital import adt, habits, history
from connectors.suppliers.hospital.codes import among, coded, emergency, practice
from connectors.suppliers.hospital.hl7 import SEGMENTS, SUBCOMPONENT, day, first_part, repetitions, said
from connectors.values import Value, quoted, text
from schemas import ADDRESS, IDENTIFIER, NAME, PERSON, SPELL
from schemas.codes import ADMISSION_METHOD, DISCHARGE_METHOD, NHS_NUMBER_STATUS
from schemas.dates import Form

_FORMS = (Form.BASIC, Form.ISO, Form.UK)
# HL7 tables 0001 (A ambiguous, N not applicable, O other) beside the words of others.
_GENDERS = {**values.GENDER_WORDS, "9": (*values.GENDER_WORDS["9"], "a", "o"), "0": (*values.GENDER_WORDS["0"], "n")}

# Whose number it is, in the sender's words.
_SCHEME = "concat_ws(' ', item.authority, item.type)"


def supplier(settings: adt.Settings | None = None) -> Supplier:
    """The format under a hospital's own settings."""
    settings = settings or adt.Settings()
    return Supplier(
        name="hl7",
        kinds=(
            Kind(
                name="message",
                columns={name: (name,) for name in SEGMENTS},
                required=(),
                layout=Layout.MESSAGES,
                recognised=re.compile(rb"\A[\x0b\x1c\s]*(?:MSH|FHS|BHS)[^\w\s]"),
                prepare=f"SELECT r.*{_parts(settings)} FROM ({history.prepare(settings)}) r",
                key_columns=("PID",),
                record_id="r.local_id",
                source_org="r.organisation",
                exclude=tuple(
                    Rule(because, f"r.why = {quoted(why)}", (segment,)) for why, (because, segment) in adt.WHY.items()
                ),
                fills=(
                    _person(),
                    Fill(NAME, _name("item.name") | {"name_type": Value("item.type")}, each="r.other_names"),
                    Fill(ADDRESS, _address("item.place") | {"address_type": Value("item.type")}, each="r.addresses"),
                    Fill(
                        IDENTIFIER,
                        {
                            "scheme": Value(f"coalesce({said(_SCHEME)}, 'other')"),
                            "value": text(said("item.value")),
                        },
                        each="r.person.others",
                    ),
                    Fill(
                        IDENTIFIER,
                        {"scheme": text("r.alias.scheme"), "value": text(said("r.alias.value"))},
                        where="r.alias IS NOT NULL",
                    ),
                    _spell(settings),
                ),
            ),
        ),
    )


def _parts(settings: adt.Settings) -> str:
    """Columns of names and addresses as lists of {type, ...}, of the usual one of each, and of phone and e-mail."""
    names, aliases = repetitions("r.person.names"), repetitions("r.person.aliases")
    addresses = repetitions("r.person.addresses")
    untyped = "coalesce(x[7], '') = ''"
    usual, home = (
        among("upper(x[7])", settings.name_types["usual"]),
        among("upper(x[7])", settings.address_types["home"]),
    )
    others = {kind: types for kind, types in settings.name_types.items() if kind != "usual"}
    places = f"list_filter({addresses}, lambda x: len(list_filter(x[:5], lambda y: {said('y')} IS NOT NULL)) > 0)"
    first = " ".join(f"list_filter({names}, lambda x: {rule})[1]," for rule in (usual, untyped))
    at_home = ", ".join(f"list_filter({places}, lambda x: {rule})[1]" for rule in (home, untyped))
    known_as = f"list_transform({aliases}, lambda x: {{'type': 'known as', 'name': x}})"
    other = f"list_transform({names}, lambda x: {{'type': {_kind('x[7]', others)}, 'name': x}})"
    place = f"{{'type': {_kind('x[7]', settings.address_types, 'home', 'other')}, 'place': x}}"
    parts = {
        "usual_name": f"coalesce({first} {names}[1])",
        "other_names": (
            f"list_filter(list_concat(coalesce({other}, []), coalesce({known_as}, [])),"
            f" lambda x: x.type IS NOT NULL AND coalesce({said('x.name[1]')}, {said('x.name[2]')}) IS NOT NULL)"
        ),
        "home": f"coalesce({at_home})",
        "addresses": f"list_transform({places}, lambda x: {place})",
        "phone": _phone("r.person.phones", "r.person.work_phones"),
        "email": _email("r.person.phones"),
    }
    return "".join(f", {sql} AS {name}" for name, sql in parts.items())


def _kind(x: str, types: Mapping[str, tuple[str, ...]], untyped: str | None = None, unknown: str | None = None) -> str:
    """SQL of our word for a type."""
    arms = " ".join(f"WHEN {among(f'upper({x})', words)} THEN {quoted(kind)}" for kind, words in types.items())
    none = f"WHEN coalesce({x}, '') = '' THEN {quoted(untyped)}" if untyped else ""
    return f"CASE {none} {arms} ELSE {quoted(unknown) if unknown else 'NULL'} END"


def _phone(*fields: str) -> str:
    """The first number of the first field that has one: XTN.1, or area code and local number."""
    whole = f"coalesce({said('x[1]')}, {said('x[12]')}, nullif(concat_ws(' ', {said('x[6]')}, {said('x[7]')}), ''))"
    mail = "coalesce(upper(x[2]) = 'NET' OR upper(x[3]) IN ('INTERNET', 'X.400'), false) OR contains(x[1], '@')"
    found = [
        f"list_filter(list_transform({repetitions(field)}, lambda x: CASE WHEN NOT coalesce({mail}, false)"
        f" THEN {whole} END), lambda x: x IS NOT NULL)[1]"
        for field in fields
    ]
    return f"coalesce({', '.join(found)})"


def _email(field: str) -> str:
    address = f"coalesce({said('x[4]')}, CASE WHEN contains(x[1], '@') THEN {said('x[1]')} END)"
    return f"list_filter(list_transform({repetitions(field)}, lambda x: {address}), lambda x: contains(x, '@'))[1]"


def _name(x: str) -> dict[str, Value]:
    """Family and given name of an XPN."""
    return {"family_name": text(said(first_part(f"{x}[1]"))), "given_name": text(said(f"{x}[2]"))}


def _address(x: str) -> dict[str, Value]:
    """The lines of an XAD; a street may be parted into number and name."""
    street = f"replace({x}[1], {SUBCOMPONENT}, ' ')"
    lines = (said(street), *(said(f"{x}[{n}]") for n in (2, 3, 4, 8)))
    return {
        **{f"address_line_{n}": text(line) for n, line in enumerate(lines, start=1)},
        "postcode": values.postcode(said(f"{x}[5]")),
    }


def _person() -> Fill:
    number = values.nhs_number("r.person.held.number")
    several = "CASE WHEN {v}.several THEN 'earlier messages of this patient carry another number' END"
    born = values.birth_date(day(said("r.person.born")), *_FORMS)
    return Fill(
        PERSON,
        {
            "nhs_number": Value(
                f"{{'number': {number.parsed}, 'several': r.person.numbers > 1}}",
                number.given,
                number.fault,
                f"coalesce({(number.warning or '').replace('{v}', '{v}.number')}, {several})",
                final="{v}.number",
                kept=number.kept,
            ),
            "nhs_number_status": values.code("coalesce(r.person.held.status, r.person.status)", NHS_NUMBER_STATUS),
            **_name("r.usual_name"),
            "middle_names": text(said("r.usual_name[3]")),
            "previous_family_name": text("list_filter(r.other_names, lambda x: x.type = 'previous')[1].name[1]"),
            **born,
            "gender": values.words(said("r.person.gender"), _GENDERS),
            "death_date": _death(),
            # ADDRESS reports what is wrong with it.
            **{name: value.quietly() for name, value in _address("r.home").items()},
            "gp_practice_code": practice(said("r.person.practice")),
            "phone": text("r.phone"),
            "email": text("r.email"),
            "ethnicity": values.ethnicity(said("r.person.ethnicity")),
        },
        where="r.person IS NOT NULL",
    )


def _death() -> Value:
    """The day, unless the indicator says that the patient lives; a death without a day is pointed out."""
    when, dead = said("r.person.died"), f"upper({said('r.person.dead')})"
    stamp = values.day(day(when), *_FORMS)
    return Value(
        f"{{'day': {stamp.parsed}, 'given': {when} IS NOT NULL, 'dead': {dead}}}",
        f"coalesce({stamp.given}, CASE WHEN {dead} = 'Y' THEN 'Y' END)",
        "CASE WHEN {v}.dead = 'N' THEN 'given, though the death indicator says no'"
        f" WHEN NOT {{v}}.given THEN 'dead, on a day that is not given' ELSE {stamp.fault} END",
        final="CASE WHEN {v}.dead IS DISTINCT FROM 'N' THEN {v}.day END",
    )


def _spell(settings: adt.Settings) -> Fill:
    ended = "r.spell.ended IS NOT NULL AND NOT r.spell.ended.is_undone"
    end = values.day(day(said(f"CASE WHEN {ended} THEN r.spell.ended.day END")), *_FORMS)
    method = f"upper({said('r.spell.method')})"
    return Fill(
        SPELL,
        {
            "event_id": text(said("r.spell.number")),
            "provider": text("nullif(r.spell.facility, '')"),
            "admission_method": coded(method, ADMISSION_METHOD),
            "emergency": emergency(method, settings.emergency_methods),
            "discharge_destination": text(f"CASE WHEN {ended} THEN {said('r.spell.destination')} END"),
            "discharge_method": coded(
                f"CASE WHEN {ended} THEN {said('r.spell.discharge_method')} END", DISCHARGE_METHOD
            ),
            "start_date": values.day(day(said("r.spell.admitted")), *_FORMS),
            "end_date": Value(
                end.parsed, end.given, end.fault, "CASE WHEN {v} < v_start_date THEN 'before the admission' END"
            ),
        },
        where="r.spell IS NOT NULL",
    )


def with_habits(mapping: Path) -> Supplier:
    """The format under the settings of a TOML file; SettingsError where it has others."""
    return supplier(habits.changed(adt.Settings(), mapping))


HL7 = supplier()
