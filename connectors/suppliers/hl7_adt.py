"""HL7 version 2 ADT messages of a patient administration system: files of messages, framed or not, in any order.

Fields: HL7 version 2.5, chapter 3, and the published receiver of Endeavour Health; NHS number status and organisation
codes as the ITK HL7 version 2 message specifications have them. Hospitals differ, so their habits are settings.
"""

from __future__ import annotations

import re
from pathlib import Path

from connectors import values
from connectors.files.layouts import Layout
from connectors.supplier import Fill, Kind, Rule, Supplier
from connectors.suppliers.hospital import adt, contacts, habits, history, told
from connectors.suppliers.hospital.codes import coded, emergency, practice
from connectors.suppliers.hospital.hl7 import SEGMENTS, said
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
        held_by="hospital",
        kinds=(
            Kind(
                name="message",
                columns={name: (name,) for name in (*SEGMENTS, *told.fields(settings))},
                required=(),
                layout=Layout.MESSAGES,
                recognised=re.compile(rb"\A[\x0b\x1c\s]*(?:MSH|FHS|BHS)[^\w\s]"),
                steps=history.steps(settings),
                prepare=history.prepare(),
                key_columns=("PID",),
                record_id="r.local_id",
                source_org="r.organisation",
                exclude=tuple(
                    Rule(because, f"r.why = {quoted(why)}", (segment,)) for why, (because, segment) in adt.WHY.items()
                ),
                fills=(
                    _person(),
                    Fill(
                        NAME,
                        _name("item.name") | {"name_type": Value("item.type")},
                        each="r.person.other_names",
                    ),
                    Fill(
                        ADDRESS,
                        _address("item.place") | {"address_type": Value("item.type")},
                        each="r.person.places",
                    ),
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


def _name(x: str) -> dict[str, Value]:
    """Family and given name."""
    return {"family_name": text(f"{x}.family"), "given_name": text(f"{x}.given")}


def _address(x: str) -> dict[str, Value]:
    lines = {f"address_line_{n}": text(f"{x}.line_{n}") for n in range(1, len(contacts.LINES) + 1)}
    return {**lines, "postcode": values.postcode(f"{x}.postcode")}


def _person() -> Fill:
    number = values.nhs_number("r.person.held.number")
    several = "CASE WHEN {v}.several THEN 'earlier messages of this patient carry another number' END"
    born = values.birth_date("r.person.born", *_FORMS)
    return Fill(
        PERSON,
        {
            "nhs_number": Value(
                f"{{'number': {number.parsed}, 'several': r.person.several}}",
                number.given,
                f"CASE WHEN contains({{x}}, {quoted(told.SEVERAL)}) THEN 'several numbers in one message, and which of"
                f" them is the patient''s nobody knows' ELSE {number.fault} END",
                f"coalesce({(number.warning or '').replace('{v}', '{v}.number')}, {several})",
                final="{v}.number",
                kept=number.kept,
            ),
            "nhs_number_status": values.code("coalesce(r.person.held.status, r.person.status)", NHS_NUMBER_STATUS),
            **_name("r.person.usual"),
            "middle_names": text("r.person.usual.middle"),
            "previous_family_name": text("r.person.previous_name"),
            **born,
            "gender": values.words("r.person.gender", _GENDERS),
            "death_date": _death(),
            # ADDRESS reports what is wrong with it.
            **{name: value.quietly() for name, value in _address("r.person.home").items()},
            "gp_practice_code": practice("r.person.practice"),
            "phone": text("r.person.phone"),
            "email": text("r.person.email"),
            "ethnicity": values.ethnicity("r.person.ethnicity"),
        },
        where="r.person IS NOT NULL",
    )


def _death() -> Value:
    """The day, unless the indicator says that the patient lives; a death without a day is pointed out."""
    when, dead = "r.person.died", "upper(r.person.dead)"
    stamp = values.day(when, *_FORMS)
    return Value(
        f"{{'day': {stamp.parsed}, 'given': {when} IS NOT NULL, 'dead': {dead}}}",
        f"coalesce({stamp.given}, CASE WHEN {dead} = 'Y' THEN 'Y' END)",
        "CASE WHEN {v}.dead = 'N' THEN 'given, though the death indicator says no'"
        f" WHEN NOT {{v}}.given THEN 'dead, on a day that is not given' ELSE {stamp.fault} END",
        final="CASE WHEN {v}.dead IS DISTINCT FROM 'N' THEN {v}.day END",
    )


def _spell(settings: adt.Settings) -> Fill:
    end = values.day("r.spell.ended", *_FORMS)
    method = "upper(r.spell.method)"
    return Fill(
        SPELL,
        {
            "event_id": text("r.spell.number"),
            "provider": text("r.spell.facility"),
            "admission_method": coded(method, ADMISSION_METHOD),
            "emergency": emergency(method, settings.emergency_methods),
            "discharge_destination": text("r.spell.destination"),
            "discharge_method": coded("r.spell.discharge_method", DISCHARGE_METHOD),
            "start_date": values.day("r.spell.admitted", *_FORMS),
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
