"""Admitted patient care as it is sent to the Secondary Uses Service: one kind of record for SUS+ CSV and CDS lines.

Rows are consultant episodes. What is in force is settled first (tests, deletions, re-submissions, bulk replacements),
then who may be matched (anonymised records are counted and left), then each patient and each spell is told once.
Rules: NHS Data Dictionary, Commissioning Data Set Submission Protocol, WITHHELD IDENTITY REASON, and "Security Issues
and Patient Confidentiality" (names and addresses are removed where a valid NHS number stands).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import values
from connectors.spells import icd10
from connectors.supplier import Fill, Kind, Rule
from connectors.suppliers.hospital import episodes
from connectors.suppliers.hospital.codes import EMERGENCY_METHODS, coded, emergency, practice
from connectors.values import Value, quoted, text
from schemas import PERSON, SPELL
from schemas.codes import ADMISSION_METHOD, DISCHARGE_METHOD, NHS_NUMBER_STATUS, WITHHELD_IDENTITY_REASON
from schemas.dates import Form

_FORMS = (Form.BASIC, Form.ISO, Form.UK)


@dataclass(frozen=True)
class Settings:
    """Project decisions about admitted patient care, each open to change; docs/connectors/sus.md says why."""

    record_types: tuple[str, ...] = ("120", "130", "140", "180", "190", "200")
    """CDS types that are episodes of a hospital stay; a record that names no type is taken for one."""
    emergency_methods: tuple[str, ...] = EMERGENCY_METHODS
    """Admission methods that make an admission an emergency."""
    bulk_replacement: bool = True
    """Whether a later bulk submission replaces what was sent for its period before."""
    open_spells: bool = True
    """Whether a spell without a discharge is counted."""


def kind(fields: Mapping[str, tuple[str, ...]], required: tuple[str, ...], settings: Settings, **how: Any) -> Kind:
    """The kind of file whose `fields` (names from `episodes.FIELDS`) have these titles; `how` goes to Kind as it is."""
    given = {*fields, *how.get("positions", ())}
    return Kind(
        name="episode",
        columns=fields,
        required=required,
        steps=episodes.steps(
            given,
            settings.record_types,
            bulk=settings.bulk_replacement,
            open_spells=settings.open_spells,
            by_place="positions" in how,
        ),
        prepare=episodes.prepare(),
        key_columns=("provider_code",),
        record_id="r.local_id",
        source_org="r.organisation",
        exclude=_rules(settings),
        fills=(_person(), _spell(settings)),
        **how,
    )


def _rules(settings: Settings) -> tuple[Rule, ...]:
    """Why a record is left out, by what `episodes` wrote in `why`."""
    withheld = {**WITHHELD_IDENTITY_REASON, "": "another reason"}
    said = {
        episodes.TEST: ("marked as a test", ("test_indicator",)),
        episodes.DELETED: ("a deletion (CDS update type 1)", ("update_type",)),
        episodes.REPLACED: ("replaced by a later submission with the same CDS unique identifier", ("cds_id",)),
        episodes.BULK: (
            "replaced by a later bulk submission for its period",
            ("bulk_group", "period_start", "period_end"),
        ),
        episodes.OTHER_TYPE: (
            f"not an episode of a hospital stay (CDS types {', '.join(settings.record_types)})",
            ("record_type",),
        ),
        episodes.SHIFTED: (
            "none of its days is a day: the line has a character too many or too few, so that no field is in its place",
            ("spell_start", "discharge_date", "episode_start", "episode_end"),
        ),
        **{
            f"{episodes.WITHHELD}{code}": (f"anonymised, and counted only: {meaning}", ("withheld_reason",))
            for code, meaning in withheld.items()
        },
        episodes.NOBODY: ("no local patient identifier", ("local_id",)),
        episodes.FURTHER: (
            "another episode or submission of a patient and a spell that are told once",
            ("spell_number",),
        ),
    }
    return tuple(Rule(because, f"r.why = {quoted(why)}", columns) for why, (because, columns) in said.items())


def _person() -> Fill:
    number, name, home = "r.person.number", "r.person.name", "r.person.home"
    held = values.nhs_number(f"{number}.nhs_number")
    several = "CASE WHEN {v}.several THEN 'other records of this patient carry another number' END"
    lines = [f"coalesce({home}.line_{n}, {_part(f'{home}.whole_address', n)})" for n in range(1, 6)]
    # ETHNIC CATEGORY has room for a second character of the sender's own.
    own = "length(r.person.ethnicity) = 2 AND r.person.ethnicity[1] >= 'A'"
    return Fill(
        PERSON,
        {
            "nhs_number": Value(
                f"{{'number': {held.parsed}, 'several': r.person.several}}",
                held.given,
                held.fault,
                f"coalesce({(held.warning or '').replace('{v}', '{v}.number')}, {several})",
                final="{v}.number",
                kept=held.kept,
            ),
            "nhs_number_status": values.code(
                f"lpad(coalesce({number}.nhs_number_status, r.person.status), 2, '0')", NHS_NUMBER_STATUS
            ),
            "family_name": Value(
                f"{name}.family_name",
                f"coalesce({name}.family_name, {name}.full_name)",
                quoted("a whole name, not parted into family and given names"),
            ),
            "given_name": text(f"{name}.given_name"),
            **values.birth_date("r.person.born", *_FORMS),
            "gender": values.gender("r.person.gender"),
            "ethnicity": values.ethnicity(f"CASE WHEN {own} THEN r.person.ethnicity[1] ELSE r.person.ethnicity END"),
            **{f"address_line_{n}": text(line) for n, line in enumerate(lines, start=1)},
            "postcode": values.postcode(f"{home}.postcode"),
            "gp_practice_code": practice("r.person.practice"),
        },
        where="r.person IS NOT NULL",
    )


def _spell(settings: Settings) -> Fill:
    admission = "r.spell.admission"
    method = f"upper({admission}.method)"
    start, end = values.day(f"{admission}.start", *_FORMS), values.day("r.spell.discharge_date", *_FORMS)
    return Fill(
        SPELL,
        {
            "event_id": text("r.spell.spell_number"),
            "provider": text("r.spell.provider"),
            "admission_method": coded(method, ADMISSION_METHOD),
            "emergency": emergency(method, settings.emergency_methods),
            "primary_diagnosis": Value(
                f"{{'code': {icd10(f'{admission}.diagnosis')}, 'is_admission': {admission}.is_admission}}",
                f"{admission}.diagnosis",
                "CASE WHEN {v}.is_admission THEN 'not a code of ICD-10'"
                " ELSE 'of a later episode: the admission episode is not in the extract' END",
                final="CASE WHEN {v}.is_admission THEN {v}.code END",
            ),
            "discharge_destination": text("r.spell.discharge.destination"),
            "discharge_method": coded("r.spell.discharge.method", DISCHARGE_METHOD),
            "discharge_ready_date": values.day("r.spell.ready_date", *_FORMS),
            "start_date": start,
            "end_date": Value(
                end.parsed, end.given, end.fault, "CASE WHEN {v} < v_start_date THEN 'before the admission' END"
            ),
            "episodes": Value("r.spell.episodes"),
        },
        where="r.spell IS NOT NULL",
    )


def _part(x: str, n: int) -> str:
    """Line `n` of an address in one text: five lines of 35 characters, or parted by commas."""
    # The parts of a text with commas; the fifth is all that is left.
    rest = f"nullif(trim(array_to_string(string_split({x}, ',')[5:], ',')), '')"
    part = rest if n == 5 else f"nullif(trim(string_split({x}, ',')[{n}]), '')"
    return f"CASE WHEN contains({x}, ',') THEN {part} ELSE nullif(trim({x}[{n * 35 - 34}:{n * 35}]), '') END"
