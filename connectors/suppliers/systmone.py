"""TPP SystmOne Strategic Reporting Extract (SRE), layouts 87 to 93: a folder of unpacked `SR*.csv` files.

Column names and rules: the published readers of Endeavour Health and the University of Cambridge (CRATE). Versions
differ chiefly in `RemovedData` and `IDOrganisationRegisteredAt`, so the header tells them.
"""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill, Kind, Lookup, Repeats, Rule, Supplier
from connectors.values import Value, text
from schemas import ADDRESS, IDENTIFIER, NAME, PERSON, REGISTRATION
from schemas.dates import Form

_FORMS = (Form.MONTH_NAME, Form.ISO)
_LAYOUTS = (
    ("89, 90 or 93", ("IDOrganisationRegisteredAt", "RemovedData")),
    ("88, 91 or 92", ("IDOrganisationRegisteredAt",)),
    ("87 or older", ()),
)
_REMOVED = Rule("removed (RemovedData)", values.is_true("r.RemovedData"), ("RemovedData",))
_NO_PATIENT = Rule("no IDPatient", "r.IDPatient IS NULL", ("IDPatient",))


def _titles(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: (name,) for name in ("RowIdentifier", "IDOrganisationVisibleTo", *names, "RemovedData")}


def _day(x: str) -> Value:
    return values.day(x, *_FORMS)


# Rows of one file are re-sent as they change: the last one with the same row id is the one that holds.
_RESENT = ("source_org", "RowIdentifier")

# A patient has many addresses; only one of them is where they live: open, the latest, and of a kind one lives at.
# Where SRMapping is not in the folder the kind cannot be told, and every address is taken.
_HOME = Lookup(
    alias="home",
    kinds=("address",),
    where="home.DateTo IS NULL AND coalesce(home.kind_of_address, 'Home') ILIKE '%home%'",
    order=f"{_day('DateEvent').parsed} DESC NULLS LAST",
)
_GMS = Lookup(
    alias="gms",
    kinds=("registration",),
    where="gms.DateDeRegistration IS NULL",
    order=f"{_day('DateRegistration').parsed} DESC NULLS LAST",
)
_ADDRESS_KINDS = {"home": "%home%", "temporary": "%temporary%", "correspondence": "%correspondence%"}


def _address(record: str) -> dict[str, Value]:
    return {
        "address_line_1": text(f"{record}.NameOfBuilding"),
        "address_line_2": text(f"nullif(concat_ws(' ', {record}.NumberOfBuilding, {record}.NameOfRoad), '')"),
        "address_line_3": text(f"{record}.NameOfLocality"),
        "address_line_4": text(f"{record}.NameOfTown"),
        "address_line_5": text(f"{record}.NameOfCounty"),
        "postcode": values.postcode(f"{record}.FullPostCode"),
    }


_PATIENT = Kind(
    name="patient",
    columns=_titles(
        *("FirstName", "MiddleNames", "Surname", "PreviousSurname", "NHSNumber", "DateBirth", "DateDeath", "Gender"),
        *("EmailAddress", "TestPatient", "SSRef", "SpineMatched"),
    ),
    required=("RowIdentifier", "IDOrganisationVisibleTo", "Surname", "NHSNumber", "DateBirth"),
    record_id="r.RowIdentifier",
    source_org="r.IDOrganisationVisibleTo",
    key_columns=("RowIdentifier",),
    repeats=Repeats.LATEST,
    versions=(("with RemovedData", ("RemovedData",)), ("without RemovedData", ())),
    exclude=(
        _REMOVED,
        # A removal may name nothing but the row: then it holds for the file it stands in.
        Rule(
            "removed by another record (RemovedData)",
            "(r.file, r.RowIdentifier) IN (SELECT (removed.file, removed.RowIdentifier) FROM raw_patient removed"
            f" WHERE {values.is_true('removed.RemovedData')} AND removed.IDOrganisationVisibleTo IS NULL)",
            ("RemovedData",),
        ),
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
                **values.birth_date("r.DateBirth", *_FORMS),
                "gender": values.gender("r.Gender"),
                "death_date": _day("r.DateDeath"),
                **{name: value.quietly() for name, value in _address("home").items()},
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

_ADDRESS = Kind(
    name="address",
    columns=_titles(
        *("DateEvent", "NameOfBuilding", "NumberOfBuilding", "NameOfRoad", "NameOfLocality", "NameOfTown"),
        *("NameOfCounty", "FullPostCode", "DateTo", "AddressType", "IDPatient"),
    ),
    required=("RowIdentifier", "IDPatient", "FullPostCode", "DateTo", "AddressType"),
    organisations=(
        Lookup(
            alias="mapping",
            kinds=("mapping",),
            where="mapping.Mapping IS NOT NULL",
            order="RowIdentifier",
            on=(("RowIdentifier", "r.AddressType"),),
            raw=True,
        ),
    ),
    # Some copies hold the word in place of the number.
    derived={
        "kind_of_address": "coalesce(mapping.Mapping,"
        " CASE WHEN TRY_CAST(r.AddressType AS BIGINT) IS NULL THEN r.AddressType END)"
    },
    record_id="r.IDPatient",
    source_org="r.IDOrganisationVisibleTo",
    key_columns=("RowIdentifier",),
    repeats=Repeats.LATEST,
    repeat_key=_RESENT,
    exclude=(_REMOVED, _NO_PATIENT),
    dependant=True,
    versions=_LAYOUTS,
    fills=(
        Fill(
            ADDRESS,
            {
                "address_type": Value(
                    "CASE "
                    + " ".join(
                        f"WHEN r.kind_of_address ILIKE '{p}' THEN '{word}'" for word, p in _ADDRESS_KINDS.items()
                    )
                    + " ELSE 'other' END"
                ),
                **_address("r"),
                "from_date": _day("r.DateEvent"),
                "to_date": _day("r.DateTo"),
            },
        ),
    ),
)

_REGISTRATION = Kind(
    name="registration",
    columns=_titles("DateRegistration", "DateDeRegistration", "RegistrationStatus", "IDPatient", "IDOrganisation"),
    required=("RowIdentifier", "IDPatient", "DateRegistration", "RegistrationStatus", "IDOrganisation"),
    record_id="r.IDPatient",
    source_org="r.IDOrganisationVisibleTo",
    key_columns=("RowIdentifier",),
    repeats=Repeats.LATEST,
    repeat_key=_RESENT,
    exclude=(
        _REMOVED,
        _NO_PATIENT,
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
    dependant=True,
    versions=_LAYOUTS,
    fills=(
        Fill(
            REGISTRATION,
            {
                "gp_practice_code": text("r.IDOrganisationVisibleTo"),
                "registration_type": values.constant("GMS"),
                "registration_status": text("r.RegistrationStatus"),
                "start_date": _day("r.DateRegistration"),
                "end_date": _day("r.DateDeRegistration"),
            },
        ),
    ),
)

SYSTMONE = Supplier(
    name="systmone",
    encodings=("utf-8", "cp1252"),  # Windows-1252 by the supplier; some copies were saved again as UTF-8
    kinds=(
        _PATIENT,
        _ADDRESS,
        _REGISTRATION,
        Kind(
            "mapping", {n: (n,) for n in ("RowIdentifier", "IdMappingGroup", "Mapping")}, ("RowIdentifier", "Mapping")
        ),
        Kind("manifest", {n: (n,) for n in ("FileName", "IsDelta")}, ("FileName", "IsDelta")),
    ),
    lookups=(_HOME, _GMS),
    manifest="manifest",
)
