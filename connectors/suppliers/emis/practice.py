"""Admin_PatientHistory and Admin_Organisation: registrations over time, and the practices by their codes."""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill, Kind, Repeats, Row
from connectors.suppliers.emis.common import NEWEST, ORGANISATION, SOURCE_ORG, row, titles
from connectors.values import text
from schemas import REGISTRATION
from schemas.dates import Form

_ENTRY = ("HistoryDate", "HistoryTime", "StatusDescription")
HISTORY = Kind(
    name="patient_history",
    columns=titles("PatientGuid OrganisationGuid HistoryDate HistoryTime StatusDescription ProcessingId"),
    required=("PatientGuid", "OrganisationGuid", "HistoryDate", "StatusDescription"),
    organisations=(ORGANISATION,),
    record_id="r.PatientGuid",
    source_org=SOURCE_ORG,
    key_columns=("PatientGuid", "OrganisationGuid"),
    row=row("PatientGuid", *_ENTRY, removed="false", person="PatientGuid"),
    repeats=Repeats.LATEST,
    repeat_key=("source_org", "record_id", *_ENTRY),
    newest=NEWEST,
    dependant=True,
    versions=(("8.x", ()),),
    fills=(
        Fill(
            REGISTRATION,
            {
                "gp_practice_code": text("r.practice"),
                # [assumed] a registration status: the specification describes this column with another one's words.
                "registration_status": text("r.StatusDescription"),
                "start_date": values.day("r.HistoryDate", Form.ISO),
            },
        ),
    ),
    derived={"practice": "organisation.ODSCode"},
)

PRACTICE = Kind(
    name="organisation",
    columns=titles("OrganisationGuid ODSCode OrganisationName ProcessingId"),
    required=("OrganisationGuid", "ODSCode", "OrganisationName"),
    row=Row(("OrganisationGuid",)),
)
