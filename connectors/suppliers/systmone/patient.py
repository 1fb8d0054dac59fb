"""SRPatient."""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill, Kind, Repeats, Rule
from connectors.suppliers.systmone.address import place
from connectors.suppliers.systmone.common import FORMS, IS_REMOVED, ROW, day, titles
from connectors.values import Value, text
from schemas import IDENTIFIER, NAME, PERSON

PATIENT = Kind(
    name="patient",
    columns=titles(
        "FirstName MiddleNames Surname PreviousSurname NHSNumber DateBirth DateDeath Gender EmailAddress TestPatient "
        "SSRef SpineMatched"
    ),
    required=("RowIdentifier", "IDOrganisationVisibleTo", "Surname", "NHSNumber", "DateBirth"),
    record_id="r.RowIdentifier",
    source_org="r.IDOrganisationVisibleTo",
    key_columns=("RowIdentifier",),
    row=ROW,
    repeats=Repeats.LATEST,
    versions=(("with RemovedData", ("RemovedData",)), ("without RemovedData", ())),
    exclude=(
        IS_REMOVED,
        Rule("no IDOrganisationVisibleTo", "r.IDOrganisationVisibleTo IS NULL", ("IDOrganisationVisibleTo",)),
        Rule("a test patient", values.is_true("r.TestPatient"), ("TestPatient",)),
    ),
    fills=(
        Fill(
            PERSON,
            {
                "nhs_number": values.nhs_number("r.NHSNumber"),
                "nhs_number_status": Value(
                    f"CASE WHEN {values.is_true('r.SpineMatched')} AND nhs_number(r.NHSNumber) IS NOT NULL"
                    " THEN '01' END"
                ),
                "family_name": text("r.Surname"),
                "given_name": text("r.FirstName"),
                "middle_names": text("r.MiddleNames"),
                "previous_family_name": text("r.PreviousSurname"),
                **values.birth_date("r.DateBirth", *FORMS),
                "gender": values.gender("r.Gender"),
                "death_date": day("r.DateDeath"),
                **{name: value.quietly() for name, value in place("home").items()},
                "gp_practice_code": text("gms.IDOrganisationVisibleTo"),
                "email": text("r.EmailAddress"),
            },
        ),
        Fill(
            NAME,
            {"name_type": values.constant("previous"), "family_name": text("r.PreviousSurname")},
            where="r.PreviousSurname IS NOT NULL",
        ),
        Fill(
            IDENTIFIER,
            {"scheme": values.constant("social services reference"), "value": text("r.SSRef")},
            where="r.SSRef IS NOT NULL",
        ),
    ),
)
