"""Admin_Patient: people, and their registration with a practice."""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill, Kind, Repeats, Rule
from connectors.suppliers.emis.common import IS_DELETED, NEWEST, ORGANISATION, SOURCE_ORG, row, titles
from connectors.values import Value, text
from schemas import IDENTIFIER, PERSON, REGISTRATION
from schemas.codes import NHS_NUMBER_STATUS
from schemas.dates import Form

# Patient types that are not the registered list (Endeavour's patient-type map); any other word is "another type".
_OTHER_TYPES = (
    *("Temporary", "Emergency", "Immediately Necessary", "Private", "Community Registered", "Contraceptive"),
    *("Maternity", "Child Health", "Walk-In", "Minor Surgery", "Sexual Health", "Pre Registration", "Yellow Fever"),
    *("Externally Registered", "Other"),
)
_TYPE = "lower(r.PatientTypeDescription)"


def _not_regular(what: str, when: str) -> Rule:
    # Nearly all are regular to the letter, which is asked before any word is put into small letters.
    strange = f"r.PatientTypeDescription IS DISTINCT FROM 'Regular' AND {when}"
    return Rule(f"not a regular registration: {what}", strange, ("PatientTypeDescription",))


def _restricted(*marks: str) -> Value:
    """Whether any of the marks says anything but no: what cannot be understood keeps a record back, and is reported."""
    # Nearly all say no to the letter, which is asked before any word is put into small letters.
    no = values.listed(values.FALSE_WORDS)
    marked = {mark: f"coalesce({mark} <> 'false' AND lower({mark}) NOT IN ({no}), false)" for mark in marks}
    strange = " OR ".join(f"{is_marked} AND NOT {values.is_true(mark)}" for mark, is_marked in marked.items())
    return Value(
        f"{{'restricted': {' OR '.join(marked.values())}, 'strange': {strange}}}",
        warning="CASE WHEN {v}.strange THEN 'a mark that is neither yes nor no, taken for yes' END",
        final="{v}.restricted",
    )


PATIENT = Kind(
    name="patient",
    columns=titles(
        "PatientGuid OrganisationGuid Sex DateOfBirth DateOfDeath GivenName MiddleNames Surname DateOfRegistration "
        "NhsNumber PatientTypeDescription DummyType HouseNameFlatNumber NumberAndStreet Village Town County Postcode "
        "NHSNumberStatus PersonGuid DateofDeactivation Deleted SpineSensitive IsConfidential EmailAddress HomePhone "
        "MobilePhone ProcessingId"
    ),
    required=("PatientGuid", "OrganisationGuid", "Surname", "DateOfBirth", "PatientTypeDescription", "Deleted"),
    organisations=(ORGANISATION,),
    record_id="r.PatientGuid",
    source_org=SOURCE_ORG,
    key_columns=("PatientGuid", "OrganisationGuid"),
    row=row("PatientGuid"),
    repeats=Repeats.LATEST,
    newest=NEWEST,
    exclude=(
        Rule("marked as deleted: the patient fell out of the extract's scope", IS_DELETED, ("Deleted",)),
        Rule("a dummy patient", f"{values.is_true('r.DummyType')} OR {_TYPE} = 'dummy'", ("DummyType",)),
        *(_not_regular(kind, f"{_TYPE} = '{kind.lower()}'") for kind in _OTHER_TYPES),
        _not_regular("Emergency", f"{_TYPE} = 'emg'"),
        _not_regular("no type given", f"{_TYPE} IS NULL"),
        _not_regular("another type", f"{_TYPE} <> 'regular'"),
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
                "restricted": _restricted("r.SpineSensitive", "r.IsConfidential"),
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
