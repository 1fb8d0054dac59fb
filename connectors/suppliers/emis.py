"""EMIS Web bulk extract ("EMIS Extract Service"), specification 5.0 to 8.x: one folder for any number of practices.

Column names: EMIS Extract Service specification 8.2, and the published 5.x readers of Endeavour Health. Titles are
compared without capitals, extra columns are allowed, and the version is told by the header, never by the date.
"""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill, Kind, Lookup, Repeats, Rule, Supplier
from connectors.values import Value, text
from schemas import IDENTIFIER, PERSON, REGISTRATION
from schemas.codes import NHS_NUMBER_STATUS
from schemas.dates import Form

# GUIDs repeat across organisations, so a record is known by both; the ODS code is the organisation's name to others.
_ORGANISATION = Lookup(
    alias="organisation",
    kinds=("organisation",),
    where="organisation.ODSCode IS NOT NULL",
    order="TRY_CAST(ProcessingId AS BIGINT) DESC NULLS LAST",
    on=(("OrganisationGuid", "r.OrganisationGuid"),),
    raw=True,
)
_SOURCE_ORG = "coalesce(organisation.ODSCode, r.OrganisationGuid)"
_NEWEST = "TRY_CAST(ProcessingId AS BIGINT) DESC NULLS LAST"

# Patient types that are not the registered list (Endeavour's patient-type map); any other word is "another type".
_OTHER_TYPES = (
    "Temporary",
    "Emergency",
    "Immediately Necessary",
    "Private",
    "Community Registered",
    "Contraceptive",
    "Maternity",
    "Child Health",
    "Walk-In",
    "Minor Surgery",
    "Sexual Health",
    "Pre Registration",
    "Yellow Fever",
    "Externally Registered",
    "Other",
)
_TYPE = "lower(r.PatientTypeDescription)"


def _titles(*names: str, **aliases: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {name: (name, *aliases.get(name, ())) for name in names}


_PATIENT = Kind(
    name="patient",
    columns=_titles(
        *(
            "PatientGuid",
            "OrganisationGuid",
            "Sex",
            "DateOfBirth",
            "DateOfDeath",
            "GivenName",
            "MiddleNames",
            "Surname",
        ),
        *("DateOfRegistration", "NhsNumber", "PatientTypeDescription", "DummyType", "HouseNameFlatNumber"),
        *("NumberAndStreet", "Village", "Town", "County", "Postcode", "NHSNumberStatus", "PersonGuid"),
        *("DateofDeactivation", "Deleted", "SpineSensitive", "IsConfidential", "EmailAddress", "HomePhone"),
        *("MobilePhone", "ProcessingId"),
    ),
    required=("PatientGuid", "OrganisationGuid", "Surname", "DateOfBirth", "PatientTypeDescription", "Deleted"),
    organisations=(_ORGANISATION,),
    record_id="r.PatientGuid",
    source_org=_SOURCE_ORG,
    key_columns=("PatientGuid", "OrganisationGuid"),
    repeats=Repeats.LATEST,
    newest=_NEWEST,
    exclude=(
        Rule(
            "marked as deleted: the patient fell out of the extract's scope", values.is_true("r.Deleted"), ("Deleted",)
        ),
        Rule("a dummy patient", f"{values.is_true('r.DummyType')} OR {_TYPE} = 'dummy'", ("DummyType",)),
        *(
            Rule(f"not a regular registration: {kind}", f"{_TYPE} = '{kind.lower()}'", ("PatientTypeDescription",))
            for kind in _OTHER_TYPES
        ),
        Rule("not a regular registration: Emergency", f"{_TYPE} = 'emg'", ("PatientTypeDescription",)),
        Rule("not a regular registration: no type given", f"{_TYPE} IS NULL", ("PatientTypeDescription",)),
        Rule("not a regular registration: another type", f"{_TYPE} <> 'regular'", ("PatientTypeDescription",)),
    ),
    versions=(("8.x", ("ContactComments",)), ("5.0-5.1", ("ExternalUsusalGP",)), ("5.2-7.x", ())),
    fills=(
        Fill(
            PERSON,
            {
                "nhs_number": values.nhs_number("r.NhsNumber"),
                "nhs_number_status": values.code("r.NHSNumberStatus", NHS_NUMBER_STATUS),
                "family_name": text("r.Surname"),
                "given_name": text("r.GivenName"),
                "middle_names": text("r.MiddleNames"),
                **values.birth_date("r.DateOfBirth", Form.ISO),
                "gender": values.gender("r.Sex"),
                "death_date": values.day("r.DateOfDeath", Form.ISO),
                "address_line_1": text("r.HouseNameFlatNumber"),
                "address_line_2": text("r.NumberAndStreet"),
                "address_line_3": text("r.Village"),
                "address_line_4": text("r.Town"),
                "address_line_5": text("r.County"),
                "postcode": values.postcode("r.Postcode"),
                "gp_practice_code": text("r.practice"),
                "phone": text("coalesce(r.MobilePhone, r.HomePhone)"),
                "email": text("r.EmailAddress"),
                "restricted": Value(f"{values.is_true('r.SpineSensitive')} OR {values.is_true('r.IsConfidential')}"),
            },
        ),
        Fill(
            IDENTIFIER,
            {"scheme": values.constant("emis person"), "value": text("r.PersonGuid")},
            where="r.PersonGuid IS NOT NULL",
        ),
        Fill(
            REGISTRATION,
            {
                "gp_practice_code": text("r.practice"),
                "registration_type": text("r.PatientTypeDescription"),
                "start_date": values.day("r.DateOfRegistration", Form.ISO),
                "end_date": values.day("r.DateofDeactivation", Form.ISO),
            },
        ),
    ),
    derived={"practice": "organisation.ODSCode"},
)

_HISTORY = Kind(
    name="patient_history",
    columns=_titles(
        "PatientGuid", "OrganisationGuid", "HistoryDate", "HistoryTime", "StatusDescription", "ProcessingId"
    ),
    required=("PatientGuid", "OrganisationGuid", "HistoryDate", "StatusDescription"),
    organisations=(_ORGANISATION,),
    record_id="r.PatientGuid",
    source_org=_SOURCE_ORG,
    key_columns=("PatientGuid", "OrganisationGuid"),
    repeats=Repeats.LATEST,
    repeat_key=("source_org", "record_id", "HistoryDate", "HistoryTime", "StatusDescription"),
    newest=_NEWEST,
    dependant=True,
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

EMIS = Supplier(
    name="emis",
    encodings=("utf-8",),
    kinds=(
        _PATIENT,
        _HISTORY,
        Kind(
            name="organisation",
            columns=_titles("OrganisationGuid", "ODSCode", "OrganisationName", "ProcessingId"),
            required=("OrganisationGuid", "ODSCode", "OrganisationName"),
        ),
        Kind(
            name="sharing_agreement",
            columns=_titles("OrganisationGuid", "IsActivated", "Disabled", "Deleted"),
            required=("OrganisationGuid", "IsActivated", "Disabled"),
            refuse=(
                Rule(
                    "a sharing agreement is disabled, so its files may be empty or mass deletions; hold this extract"
                    " until the agreement is settled, or take that organisation's files out of the folder",
                    values.is_true("r.Disabled"),
                ),
            ),
        ),
    ),
)
