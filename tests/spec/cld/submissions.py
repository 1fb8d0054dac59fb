"""Rows of Client Level Data for the tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

from connectors.suppliers.cld import fields

AS_AT = date(2026, 11, 22)
NUMBER, OTHER = "9434765919", "9434765870"
Row = dict[str, str]

# A row of Release 2 without a fault.
SERVICE: Row = {
    "la_code": "318",
    "reporting_period_start_date": "01/07/2026",
    "reporting_period_end_date": "30/09/2026",
    "nhs_number": NUMBER,
    "la_person_unique_identifier": "P1",
    "gp_practice_code": "A81001",
    "gender": "Female",
    "ethnicity": "White: English, Welsh, Scottish, Northern Irish or British",
    "date_of_birth": "01/02/1950",
    "client_type": "Service user",
    "primary_support_reason": "Mental Health Support",
    "postcode": "BR1 1AA",
    "accommodation_status": "Tenant",
    "has_unpaid_carer": "No",
    "client_funding_status": "Full cost client",
    "event_type": "Service",
    "event_reference": "E1",
    "event_start_date": "01/05/2026",
    "event_outcome": "Continuation of support or services",
    "service_type": "Long term support: Community",
    "service_component": "Home support or domiciliary care",
    "delivery_mechanism": "CASSR commissioned support",
}
_NO_SERVICE = dict.fromkeys(("service_type", "service_component", "delivery_mechanism"), "")
ASSESSMENT = SERVICE | _NO_SERVICE | {
    "event_type": "Assessment", "event_end_date": "03/07/2026", "assessment_type": "Long term assessment",
    "eligible_needs_identified": "Yes", "method_of_assessment": "Service user only",
}  # fmt: skip
REQUEST = SERVICE | _NO_SERVICE | {
    "event_type": "Request", "event_end_date": "03/07/2026", "request_route_of_access": "Community / other route",
}  # fmt: skip
REVIEW = SERVICE | _NO_SERVICE | {
    "event_type": "Review", "event_end_date": "03/07/2026", "review_reason": "Planned",
    "review_outcomes_achieved": "Fully achieved", "method_of_review": "Service user only",
}  # fmt: skip
ASSOCIATED = {
    name: SERVICE[name] for name in SERVICE if not name.startswith(("event_", "service_", "delivery_", "client_"))
} | {"client_type": "Unpaid carer known by association", "la_person_unique_identifier": "C1", "nhs_number": OTHER}


def csv_of(records: Sequence[Row], *, database_names: bool = False) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(each.name.upper() if database_names else each.title for each in fields())
    writer.writerows([record.get(each.name, "") for each in fields()] for record in records)
    return text.getvalue()


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM clients.{table} ORDER BY ALL").fetchall()
