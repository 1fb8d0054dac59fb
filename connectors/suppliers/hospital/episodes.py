"""What episodes of admitted patient care say in the end, as SQL: which are in force, each patient, and each spell.

Each step is a table. They are put in order and judged by the few columns that this hangs on: to carry names and
addresses through a sort takes longer than all else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from connectors.spells import spells
from connectors.suppliers.hospital.codes import among
from connectors.values import listed, quoted
from schemas.codes import WITHHELD_IDENTITY_REASON

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

TEST, DELETED, REPLACED, BULK = "test", "deleted", "replaced", "bulk"
SHIFTED, OTHER_TYPE, NOBODY, FURTHER, WITHHELD = "shifted", "type", "nobody", "further", "withheld "
"""Why a record is left out; behind `withheld ` stands the code of the reason."""

_NO_NUMBER = ("0000000000", "9999999999")
# Of a 5-character site code only the trust's own default ending says nothing: RYJ00 is RYJ.
_TRUST = "regexp_replace(provider_code, '^([A-Z0-9]{3})00$', '\\1')"
_PLACE_FIELDS = ("line_1", "line_2", "line_3", "line_4", "line_5", "whole_address", "postcode")
_STAY_DAYS = ("spell_start", "discharge_date", "episode_start", "episode_end")
_KEY = "file, record, line, provider_code, local_id, organisation"


def steps(
    given: Collection[str], record_types: Sequence[str], *, bulk: bool, open_spells: bool, by_place: bool
) -> dict[str, str]:
    """SQL of the tables that lead to what `prepare` reads, of a format with the fields `given`.

    `record_types` are episodes of a stay; `bulk` says whether later bulk submissions replace earlier ones, and
    `open_spells` whether a spell without a discharge is one; `by_place` that fields are told by where they stand in a
    line, so that one character too many or too few moves all behind it.
    """
    absent = "".join(f", CAST(NULL AS VARCHAR) AS {name}" for name in FIELDS if name not in given)
    raw = f"(SELECT *{absent} FROM standing_episode)"
    live = (
        f"(SELECT r.*, j.organisation, j.newness, {_TRUST.replace('provider_code', 'r.provider_code')} AS provider"
        f" FROM {raw} r JOIN judged_episode j USING (file, record) WHERE j.why IS NULL AND r.provider_code IS NOT NULL)"
    )
    return {
        "sent": _sent(raw),
        "judged": _judged(raw, record_types, bulk, by_place),
        "patient": _people(live),
        "person": _placed("person", "SELECT told_at, person FROM patient_episode"),
        "stay": _stays(live, open_spells),
        "spell": _placed("spell", "SELECT one.admission.place AS told_at, one AS spell FROM stay_episode one"),
        "further": f"""
            SELECT {_KEY}, coalesce(why, {quoted(FURTHER)}) AS why FROM judged_episode j
            ANTI JOIN person_episode p ON p.file = j.file AND p.record = j.record
            ANTI JOIN spell_episode s ON s.file = j.file AND s.record = j.record""",
    }


def prepare() -> str:
    """SQL of records that fill a table (structures `person`, `spell`), and of those that are left out (`why`)."""
    return "FROM further_episode UNION ALL BY NAME FROM person_episode UNION ALL BY NAME FROM spell_episode"


def _placed(name: str, rows: str) -> str:
    """What is told, with the record that it was told by."""
    return f"SELECT {_KEY}, {name} FROM judged_episode JOIN ({rows}) ON told_at = newness"


def _sent(raw: str) -> str:
    """When each record was sent: `newness` is its place among all, `taken` and the days are for bulk submissions."""
    return f"""
    SELECT file, record, taken, active, period_begins, period_ends, row_number() OVER (
        ORDER BY coalesce(applied, taken, arrived) NULLS FIRST, arrived NULLS FIRST, active NULLS FIRST, file, record
    ) AS newness
    FROM (
        SELECT file, record,
            CAST({_moment("applicable")} AS BIGINT) AS applied, CAST({_moment("extracted")} AS BIGINT) AS taken,
            CAST({_moment("submitted")} AS BIGINT) AS arrived,
            coalesce({_day("activity_date")}, {_day("episode_end")}, {_day("episode_start")}) AS active,
            {_day("period_start")} AS period_begins, {_day("period_end")} AS period_ends
        FROM {raw}
    )"""


def _judged(raw: str, record_types: Sequence[str], bulk: bool, by_place: bool) -> str:
    """Every record with `why` it is left out, null where it is in force and may be matched."""
    reason = "lpad(withheld_reason, 2, '0')"
    withheld = "withheld_reason IS NOT NULL OR coalesce(upper(withheld_flag) IN ('Y', '1'), false)"
    replaced = f" WHEN {_SUPERSEDED} THEN {quoted(BULK)}" if bulk else ""
    shifted = f" WHEN {_shifted()} THEN {quoted(SHIFTED)}" if by_place else ""
    return f"""
    WITH dated AS NOT MATERIALIZED (
        SELECT *, coalesce(upper(test_indicator) IN ('1', 'Y', 'T', 'TEST'), false) AS is_test
        FROM {raw} JOIN sent_episode USING (file, record)
    ), latest AS (
        SELECT cds_id, max(newness) AS newest FROM dated WHERE cds_id IS NOT NULL AND NOT is_test
        GROUP BY cds_id HAVING count(*) > 1
    ), bulk AS (
        SELECT DISTINCT sender, bulk_group, period_begins, period_ends, taken FROM dated
        WHERE bulk_group IS NOT NULL AND NOT is_test AND coalesce(protocol, '020') = '020'
    )
    SELECT file, record, line, provider_code, local_id, coalesce(local_id_org, {_TRUST}) AS organisation, newness, CASE
        WHEN is_test THEN {quoted(TEST)}
        WHEN newness < newest THEN {quoted(REPLACED)}
        WHEN update_type = '1' THEN {quoted(DELETED)}{replaced}
        WHEN record_type IS NOT NULL AND NOT {among("record_type", record_types)} THEN {quoted(OTHER_TYPE)}{shifted}
        WHEN {reason} IN ({listed(WITHHELD_IDENTITY_REASON)}) THEN {quoted(WITHHELD)} || {reason}
        WHEN {withheld} THEN {quoted(WITHHELD)}
        WHEN local_id IS NULL THEN {quoted(NOBODY)}
    END AS why FROM dated e LEFT JOIN latest USING (cds_id)"""


def _shifted() -> str:
    """SQL: of the days of the stay at least two are given, and none of them is one of our time."""
    given = " + ".join(f"CAST({name} IS NOT NULL AS TINYINT)" for name in _STAY_DAYS)
    none = " AND ".join(f"coalesce({_day(name)} < DATE '1900-01-01', true)" for name in _STAY_DAYS)
    return f"{given} > 1 AND {none}"


_SUPERSEDED = (
    "EXISTS (SELECT 1 FROM bulk b WHERE b.sender IS NOT DISTINCT FROM e.sender AND b.bulk_group = e.bulk_group"
    " AND b.taken > e.taken AND e.active BETWEEN b.period_begins AND b.period_ends)"
)
"""Whether a later bulk submission of the same sender and group covers the day of a record sent in bulk."""


def _people(live: str) -> str:
    """One row for each patient: what the latest record that says it says, kept together where it belongs together.

    Verified records leave names and addresses out, so what is known of a person is spread over the submissions.
    """

    def last(*names: str, when: str | None = None) -> str:
        together = ", ".join(f"'{name}': {name}" for name in names)
        return f"arg_max({{{together}}}, newness) FILTER (WHERE {when or f'{names[0]} IS NOT NULL'})"

    def rather(name: str, when: str) -> str:
        return f"coalesce(arg_max({name}, newness) FILTER (WHERE {when}), arg_max({name}, newness))"

    number = f"nhs_number NOT IN ({listed(_NO_NUMBER)})"
    somewhere = f"coalesce({', '.join(_PLACE_FIELDS)}) IS NOT NULL"
    named = "coalesce(family_name, full_name) IS NOT NULL"
    return f"""
    SELECT max(newness) AS told_at, {{
        'number': {last("nhs_number", "nhs_number_status", when=number)},
        'status': arg_max(nhs_number_status, newness),
        'several': min(nhs_number) FILTER (WHERE {number}) <> max(nhs_number) FILTER (WHERE {number}),
        'name': {last("family_name", "given_name", "full_name", when=named)},
        'born': arg_max(birth_date, newness), 'gender': {rather("gender", "gender IN ('1', '2')")},
        'ethnicity': {rather("ethnicity", "ethnicity NOT IN ('Z', '99')")},
        'home': {last(*_PLACE_FIELDS, when=somewhere)},
        'practice': arg_max(practice, newness)
    }} AS person
    FROM {live} GROUP BY organisation, local_id"""


def _stays(live: str, open_spells: bool) -> str:
    """One row for each spell."""
    ended = "" if open_spells else " WHERE discharge_date IS NOT NULL"
    episodes = f"""
        SELECT *, newness AS place, TRY_CAST(episode_number AS INTEGER) AS episode,
            coalesce(last_episode = '1', false) AS is_last, {_day("spell_start")} AS begins,
            {_day("episode_start")} AS starts, {_day("discharge_date")} AS ends FROM {live}"""
    return f"FROM ({spells(episodes)}){ended}"


def _moment(x: str) -> str:
    """SQL of a date with or without a time as 14 digits, which stand in order."""
    turned = f"regexp_replace({x}, '^([0-9]{{2}})/([0-9]{{2}})/([0-9]{{4}})', '\\3\\2\\1')"
    digits = f"CASE WHEN regexp_full_match({x}, '[0-9]+') THEN {x} ELSE regexp_replace({turned}, '[^0-9]', '', 'g') END"
    return f"CASE WHEN {x} IS NOT NULL THEN rpad({digits}, 14, '0') END"


def _day(x: str) -> str:
    """SQL of the day, to put records in order by; what is said of a date that is none is said where it is used."""
    # Nearly every one is eight digits, and to fill them up takes longer than to read them.
    digits = f"CASE WHEN regexp_full_match({x}, '[0-9]{{8}}') THEN {x} ELSE ({_moment(x)})[:8] END"
    return f"CAST(try_strptime({digits}, '%Y%m%d') AS DATE)"
