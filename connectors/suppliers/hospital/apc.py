"""Admitted patient care as it is sent to the Secondary Uses Service: one kind of record for SUS+ CSV and CDS lines.

Rows are consultant episodes. What is in force is settled first (tests, deletions, re-submissions, bulk replacements),
then who may be matched (anonymised records are counted and left), then each patient and each spell is told once.
Rules: NHS Data Dictionary, Commissioning Data Set Submission Protocol, WITHHELD IDENTITY REASON, and "Security Issues
and Patient Confidentiality" (names and addresses are removed where a valid NHS number stands).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from connectors import values
from connectors.spells import icd10, spells
from connectors.supplier import Fill, Kind, Rule
from connectors.suppliers.hospital.codes import EMERGENCY_METHODS, among, coded, emergency, practice
from connectors.values import Value, listed, quoted, text
from schemas import PERSON, SPELL
from schemas.codes import ADMISSION_METHOD, DISCHARGE_METHOD, NHS_NUMBER_STATUS, WITHHELD_IDENTITY_REASON
from schemas.dates import Form

FIELDS = (
    *("record_type", "cds_id", "update_type", "protocol", "bulk_group", "test_indicator", "applicable", "extracted"),
    *("submitted", "period_start", "period_end", "activity_date", "sender"),
    *("local_id", "local_id_org", "nhs_number", "nhs_number_status", "withheld_flag", "withheld_reason", "birth_date"),
    *("full_name", "family_name", "given_name", "line_1", "line_2", "line_3", "line_4", "line_5", "whole_address"),
    *("postcode", "gender", "ethnicity", "practice", "provider_code"),
    *("spell_number", "admission_method", "spell_start", "discharge_destination", "discharge_method", "discharge_date"),
    "ready_date",
    *("episode_number", "last_episode", "episode_start", "episode_end", "primary_diagnosis"),
)
"""What a format may say; a field that it lacks stays null."""

_FORMS = (Form.BASIC, Form.ISO, Form.UK)
# Texts that are dates, numbers and flags from there on; the narrower a row, the cheaper to put in order.
_READ_OUT = (
    *("applicable", "extracted", "submitted", "period_start", "period_end", "activity_date", "episode_end"),
    *("test_indicator", "last_episode", "episode_number"),
)
_NO_NUMBER = ("0000000000", "9999999999")
# Of a 5-character site code only the trust's own default ending says nothing: RYJ00 is RYJ.
_TRUST = "regexp_replace(provider_code, '^([A-Z0-9]{3})00$', '\\1')"
_PLACE_FIELDS = ("line_1", "line_2", "line_3", "line_4", "line_5", "whole_address", "postcode")


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
    """The kind of file whose `fields` (names from FIELDS) have these titles; `how` goes to Kind as it is."""
    given = {*fields, *how.get("positions", ())}
    return Kind(
        name="episode",
        columns=fields,
        required=required,
        prepare=_prepare(given, settings),
        key_columns=("provider_code",),
        record_id="r.local_id",
        source_org="r.organisation",
        exclude=_rules(settings),
        fills=(_person(), _spell(settings)),
        **how,
    )


_TEST, _DELETED, _REPLACED, _BULK = "test", "deleted", "replaced", "bulk"
_OTHER_TYPE, _NOBODY, _FURTHER, _WITHHELD = "type", "nobody", "further", "withheld "


def _rules(settings: Settings) -> tuple[Rule, ...]:
    """Why a record is left out, by what `_prepare` wrote in `why`."""
    withheld = {**WITHHELD_IDENTITY_REASON, "": "another reason"}
    said = {
        _TEST: ("marked as a test", ("test_indicator",)),
        _DELETED: ("a deletion (CDS update type 1)", ("update_type",)),
        _REPLACED: ("replaced by a later submission with the same CDS unique identifier", ("cds_id",)),
        _BULK: ("replaced by a later bulk submission for its period", ("bulk_group", "period_start", "period_end")),
        _OTHER_TYPE: (
            f"not an episode of a hospital stay (CDS types {', '.join(settings.record_types)})",
            ("record_type",),
        ),
        **{
            f"{_WITHHELD}{code}": (f"anonymised, and counted only: {meaning}", ("withheld_reason",))
            for code, meaning in withheld.items()
        },
        _NOBODY: ("no local patient identifier", ("local_id",)),
        _FURTHER: ("another episode or submission of a patient and a spell that are told once", ("spell_number",)),
    }
    return tuple(Rule(because, f"r.why = {quoted(why)}", columns) for why, (because, columns) in said.items())


def _prepare(fields: Collection[str], settings: Settings) -> str:
    """Every record with `why` it is left out, or the structures `person` and `spell` of what it is to fill."""
    absent = "".join(f", CAST(NULL AS VARCHAR) AS {name}" for name in FIELDS if name not in fields)
    reason = "lpad(withheld_reason, 2, '0')"
    withheld = "withheld_reason IS NOT NULL OR coalesce(upper(withheld_flag) IN ('Y', '1'), false)"
    known = listed(WITHHELD_IDENTITY_REASON)
    replaced = f" WHEN {_superseded()} THEN {quoted(_BULK)}" if settings.bulk_replacement else ""
    ended = "" if settings.open_spells else " WHERE discharge_date IS NOT NULL"
    return f"""
WITH raw AS NOT MATERIALIZED (
    SELECT *{absent} FROM standing_episode
), dated AS NOT MATERIALIZED (
    SELECT * EXCLUDE ({", ".join(_READ_OUT)}), {_TRUST} AS provider, coalesce(local_id_org, {_TRUST}) AS organisation,
        {_moment("applicable")} AS applied, {_moment("extracted")} AS taken, {_moment("submitted")} AS arrived,
        {_day("period_start")} AS period_begins, {_day("period_end")} AS period_ends,
        coalesce({_day("activity_date")}, {_day("episode_end")}, {_day("episode_start")}) AS active,
        {_day("spell_start")} AS begins, {_day("episode_start")} AS starts, {_day("discharge_date")} AS ends,
        TRY_CAST(episode_number AS INTEGER) AS episode, coalesce(last_episode = '1', false) AS is_last,
        coalesce(upper(test_indicator) IN ('1', 'Y', 'T', 'TEST'), false) AS is_test
    FROM raw
), ordered AS (
    SELECT *, row_number() OVER () AS place, row_number() OVER (
        ORDER BY coalesce(applied, taken, arrived) NULLS FIRST, arrived NULLS FIRST, active NULLS FIRST, file, record
    ) AS newness FROM dated
), latest AS (
    SELECT cds_id, max(newness) AS newest FROM ordered WHERE cds_id IS NOT NULL AND NOT is_test GROUP BY cds_id
), bulk AS (
    SELECT DISTINCT sender, bulk_group, period_begins, period_ends, taken FROM ordered
    WHERE bulk_group IS NOT NULL AND NOT is_test AND coalesce(protocol, '020') = '020'
), judged AS (
    SELECT e.place, file, record, line, provider_code, local_id, organisation, CASE
        WHEN is_test THEN {quoted(_TEST)}
        WHEN newness < newest THEN {quoted(_REPLACED)}
        WHEN update_type = '1' THEN {quoted(_DELETED)}{replaced}
        WHEN record_type IS NOT NULL AND NOT {among("record_type", settings.record_types)} THEN {quoted(_OTHER_TYPE)}
        WHEN {reason} IN ({known}) THEN {quoted(_WITHHELD)} || {reason}
        WHEN {withheld} THEN {quoted(_WITHHELD)}
        WHEN local_id IS NULL THEN {quoted(_NOBODY)}
    END AS why FROM ordered e LEFT JOIN latest USING (cds_id)
), live AS NOT MATERIALIZED (
    SELECT e.* FROM ordered e SEMI JOIN judged j ON j.place = e.place AND j.why IS NULL WHERE provider IS NOT NULL
), people AS NOT MATERIALIZED ({_people()}
), stays AS NOT MATERIALIZED (
    SELECT * FROM ({spells("SELECT * FROM live")}){ended}
)
SELECT e.file, e.record, e.line, e.provider_code, e.local_id, e.organisation,
    CASE WHEN why IS NULL AND person IS NULL AND spell IS NULL THEN {quoted(_FURTHER)} ELSE why END AS why,
    person, spell
FROM judged e
LEFT JOIN people ON people.told_at = e.place
LEFT JOIN (SELECT stays AS spell FROM stays) ON spell.admission.place = e.place
"""


def _superseded() -> str:
    """Whether a later bulk submission of the same sender and group covers the day of a record sent in bulk."""
    return (
        "EXISTS (SELECT 1 FROM bulk b WHERE b.sender IS NOT DISTINCT FROM e.sender AND b.bulk_group = e.bulk_group"
        " AND b.taken > e.taken AND e.active BETWEEN b.period_begins AND b.period_ends)"
    )


def _people() -> str:
    """One row for each patient: what the latest record that says it says, kept together where it belongs together.

    Verified records leave names and addresses out, so what is known of a person is spread over the submissions.
    """

    def last(*names: str, when: str | None = None) -> str:
        together = ", ".join(f"'{name}': {name}" for name in names)
        return f"arg_max({{{together}}}, newness) FILTER (WHERE {when or f'{names[0]} IS NOT NULL'})"

    number = f"nhs_number IS NOT NULL AND nhs_number NOT IN ({listed(_NO_NUMBER)})"
    somewhere = f"coalesce({', '.join(_PLACE_FIELDS)}) IS NOT NULL"
    named = "coalesce(family_name, full_name) IS NOT NULL"
    return f"""
    SELECT arg_max(place, newness) AS told_at, {{
        'number': {last("nhs_number", "nhs_number_status", when=number)},
        'status': arg_max(nhs_number_status, newness),
        'numbers': count(DISTINCT nhs_number) FILTER (WHERE {number}),
        'name': {last("family_name", "given_name", "full_name", when=named)},
        'born': arg_max(birth_date, newness), 'gender': arg_max(gender, row(gender IN ('1', '2'), newness)),
        'ethnicity': arg_max(ethnicity, row(ethnicity NOT IN ('Z', '99'), newness)),
        'home': {last(*_PLACE_FIELDS, when=somewhere)},
        'practice': arg_max(practice, newness)
    }} AS person
    FROM live GROUP BY organisation, local_id"""


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
                f"{{'number': {held.parsed}, 'several': r.person.numbers > 1}}",
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


def _moment(x: str) -> str:
    """SQL of a date with or without a time as 14 digits, which stand in order."""
    turned = f"regexp_replace({x}, '^([0-9]{{2}})/([0-9]{{2}})/([0-9]{{4}})', '\\3\\2\\1')"
    digits = f"CASE WHEN regexp_full_match({x}, '[0-9]+') THEN {x} ELSE regexp_replace({turned}, '[^0-9]', '', 'g') END"
    return f"CASE WHEN {x} IS NOT NULL THEN rpad({digits}, 14, '0') END"


def _day(x: str) -> str:
    """SQL of the day, to put records in order by; what is said of a date that is none is said where it is used."""
    return f"CAST(try_strptime(({_moment(x)})[:8], '%Y%m%d') AS DATE)"
