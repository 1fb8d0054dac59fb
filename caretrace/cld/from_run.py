"""Rows of a submission from the events of a run's own clients, for a council that has no file of its own yet.

Only what the standard tables hold is filled: the checks then say which mandatory fields the council must still give.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from caretrace.trace.opening import parquet
from connectors.suppliers.cld import ETHNIC_LABEL, fields
from connectors.values import quoted

_GENDER = {"1": "Male", "2": "Female", "9": "Other", "0": "Unknown"}
_EVENT = {
    "client_type": "e.client_type",
    "primary_support_reason": "e.primary_support_reason",
    "event_reference": "e.event_id",
    "event_outcome": "e.outcome",
}
_KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "service": (
        "Service",
        {
            "service_type": "e.service_type",
            "service_component": "e.service_component",
            "delivery_mechanism": "e.delivery_mechanism",
            "unit_cost": "CAST(CAST(e.unit_cost AS DECIMAL(18, 2)) AS VARCHAR)",
            "cost_frequency_unit_type": "e.cost_unit",
            "planned_units_per_week": "CAST(CAST(e.units_per_week AS DECIMAL(18, 2)) AS VARCHAR)",
        },
    ),
    "assessment": (
        "Assessment",
        {
            "assessment_type": "e.assessment_type",
            "eligible_needs_identified": "e.eligible_needs",
            "method_of_assessment": "e.method",
        },
    ),
    "request": ("Request", {"request_route_of_access": "e.route_of_access"}),
    "care_review": (
        "Review",
        {
            "review_reason": "e.review_reason",
            "review_outcomes_achieved": "e.outcomes_achieved",
            "method_of_review": "e.method",
        },
    ),
}


def rows_sql(run: Path, *, la_code: str, start: date, end: date, release: int, chosen: str) -> str:
    """SELECT of `file`, `record`, `line` and the fields as text: events of the period, by client.

    Services are those open on some day of the period; requests, assessments and reviews those completed in it (CLD
    guidance on events). A date of birth that is not known to the day is left blank, as the specification asks.
    `chosen` is SQL over the client's person row `p`.
    """
    parts = " UNION ALL BY NAME ".join(_events(run, table, start, end, release, chosen) for table in _KINDS)
    columns = ", ".join(
        {
            "la_code": f"{quoted(la_code)} AS la_code",
            "reporting_period_start_date": f"{quoted(f'{start:%d/%m/%Y}')} AS reporting_period_start_date",
            "reporting_period_end_date": f"{quoted(f'{end:%d/%m/%Y}')} AS reporting_period_end_date",
        }.get(field.name, field.name)
        for field in fields()
    )
    order = "la_person_unique_identifier, event_type, place_start, event_reference"
    blank = ", ".join(f"CAST(NULL AS VARCHAR) AS {field.name}" for field in fields())
    return (
        f"SELECT 1 AS file, row_number() OVER (ORDER BY {order}, rest) AS record, CAST(NULL AS BIGINT) AS line,"
        f" {columns}"
        f" FROM (SELECT {blank} WHERE false UNION ALL BY NAME {parts})"
    )


def _events(run: Path, table: str, start: date, end: date, release: int, chosen: str) -> str:
    kind, columns = _KINDS[table]
    event = parquet(run / "linked" / f"{table}.parquet")
    person = parquet(run / "linked" / "person.parquet")
    gender = " ".join(f"WHEN {quoted(code)} THEN {quoted(label)}" for code, label in _GENDER.items())
    ethnic = " ".join(
        f"WHEN {quoted(code)} THEN {quoted(label if release == 2 else label.replace(': ', ' - ', 1))}"
        for code, label in ETHNIC_LABEL.items()
    )
    first, last = f"DATE '{start.isoformat()}'", f"DATE '{end.isoformat()}'"
    within = (
        f"coalesce(e.start_date <= {last}, true) AND coalesce(e.end_date >= {first}, true)"
        if table == "service"
        else f"e.end_date BETWEEN {first} AND {last}"
    )
    values = {
        "nhs_number": "p.nhs_number",
        "la_person_unique_identifier": "p.record_id",
        "gp_practice_code": "p.gp_practice_code",
        "gender": f"CASE p.gender {gender} END",
        "ethnicity": f"CASE p.ethnicity {ethnic} END",
        "date_of_birth": f"CASE WHEN p.birth_date_precision = 'YMD' THEN {_uk('p.birth_date')} END",
        "date_of_death": _uk("p.death_date"),
        "postcode": "p.postcode",
        "event_type": quoted(kind),
        "event_start_date": _uk("e.start_date"),
        "event_end_date": _uk("e.end_date"),
        **_EVENT,
        **columns,
    }
    select = ", ".join(f"{sql} AS {name}" for name, sql in values.items())
    return (
        f"SELECT {select}, e.start_date AS place_start, (e.extract_file, e.extract_record) AS rest"
        f" FROM {event} e JOIN {person} p USING (side, source, source_org, record_id)"
        f" WHERE side = 'client' AND {within} AND {chosen}"
    )


def _uk(day: str) -> str:
    return f"strftime({day}, '%d/%m/%Y')"
