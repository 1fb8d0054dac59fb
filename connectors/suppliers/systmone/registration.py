"""SRPatientRegistration: the GMS registrations of the organisation itself."""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill, Rule
from connectors.suppliers.systmone.common import day, of_a_patient
from connectors.values import text
from schemas import REGISTRATION as REGISTRATION_TABLE

REGISTRATION = of_a_patient(
    "registration",
    "DateRegistration DateDeRegistration RegistrationStatus IDOrganisation",
    ("DateRegistration", "RegistrationStatus", "IDOrganisation"),
    (
        Fill(
            REGISTRATION_TABLE,
            {
                "gp_practice_code": text("r.IDOrganisationVisibleTo"),
                "registration_type": values.constant("GMS"),
                "registration_status": text("r.RegistrationStatus"),
                "start_date": day("r.DateRegistration"),
                "end_date": day("r.DateDeRegistration"),
            },
        ),
    ),
    (
        Rule(
            "a shared record's row about another organisation",
            "r.IDOrganisation IS DISTINCT FROM r.IDOrganisationVisibleTo",
            ("IDOrganisation",),
        ),
        Rule(
            "not a GMS registration",
            # The status is a list of words parted by commas.
            "NOT coalesce(regexp_matches(r.RegistrationStatus, '(^|,)\\s*GMS\\b', 'i'), false)",
            ("RegistrationStatus",),
        ),
    ),
)
