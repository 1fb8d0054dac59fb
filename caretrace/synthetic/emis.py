"""A register as an EMIS Web bulk extract holds it: specification 8.2, UTF-8, every cell quoted."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from caretrace.synthetic.draw import Synthetic
from caretrace.synthetic.files import Extract, FileForm, coded, columns, constant, shaped, year_first
from caretrace.synthetic.numbers import counted
from caretrace.synthetic.practices import ORGANISATION, PATIENT, SEX, TITLE, address, guids, registered_on, rows_of

EMIS_PATIENT = columns(
    "PatientGuid OrganisationGuid UsualGpUserInRoleGuid Sex DateOfBirth DateOfDeath Title GivenName MiddleNames "
    "Surname DateOfRegistration NhsNumber PatientNumber PatientTypeDescription DummyType HouseNameFlatNumber "
    "NumberAndStreet Village Town County Postcode ResidentialInstituteCode NHSNumberStatus CarerName CarerRelation "
    "PersonGuid DateofDeactivation Deleted SpineSensitive IsConfidential EmailAddress HomePhone MobilePhone "
    "ExternalUsualGPGuid ExternalUsualGP ExternalUsualGPOrganisation ContactComments ProcessingId"
)
EMIS_ORGANISATION = columns(
    "OrganisationGuid CDB OrganisationName ODSCode ParentOrganisationGuid CCGOrganisationGuid OrganisationType "
    "OpenDate CloseDate MainLocationGuid ProcessingId"
)
EMIS_HISTORY = ("PatientGuid", "OrganisationGuid", "HistoryDate", "HistoryTime", "StatusDescription", "ProcessingId")
EMIS_AGREEMENT = ("OrganisationGuid", "IsActivated", "LastModifiedDate", "Disabled", "Deleted")

_PERSON, _AGREEMENT = 3, 4
_UPPER = {"true": "TRUE", "false": "FALSE"}


def emis(synthetic: Synthetic, practices: pa.Array | None = None) -> Extract:
    """One extract of the register rows at `practices`, all where None."""
    rows = rows_of(synthetic.register, practices)
    codes = pc.unique(rows["gp_practice_code"]).sort()
    tables = {
        "Admin_Patient": _patients(rows, synthetic.as_at),
        "Admin_Organisation": _organisations(codes),
        "Admin_PatientHistory": _history(rows, synthetic.as_at),
        "Agreements_SharingOrganisation": _agreements(codes, synthetic.as_at),
    }
    stamp = f"{synthetic.as_at:%Y%m%d}020304"
    agreement = guids(pa.array([str(synthetic.seed)]), _AGREEMENT)[0].as_py().strip("{}")
    named = {f"291_{table}_{stamp}_{agreement}.csv": data for table, data in tables.items()}
    return Extract(FileForm(line_end="\r\n"), named)


def _patients(rows: pa.Table, as_at: date) -> pa.Table:
    n = len(rows)
    house, street, town = address(rows)
    mobile = pc.fill_null(pc.starts_with(rows["phone"], "07"), False)
    none = pa.scalar(None, pa.string())
    return shaped(
        EMIS_PATIENT,
        {
            "PatientGuid": guids(rows["record_id"], PATIENT),
            "OrganisationGuid": guids(rows["gp_practice_code"], ORGANISATION),
            "Sex": coded(rows["gender"], SEX),
            "DateOfBirth": year_first(rows["birth_date"]),
            "DateOfDeath": rows["death_date"],
            "Title": pc.fill_null(coded(rows["gender"], TITLE), ""),
            "GivenName": rows["given_name"],
            "MiddleNames": rows["middle_names"],
            "Surname": rows["family_name"],
            "DateOfRegistration": registered_on(as_at, rows),
            "NhsNumber": rows["nhs_number"],
            "PatientNumber": counted(n),
            "PatientTypeDescription": constant("Regular", n),
            "DummyType": constant("FALSE", n),
            "HouseNameFlatNumber": house,
            "NumberAndStreet": street,
            "Town": town,
            "Postcode": pc.replace_substring(rows["postcode"], " ", ""),
            # One person has one PersonGuid at every practice.
            "PersonGuid": guids(pc.coalesce(rows["nhs_number"], rows["record_id"]), _PERSON),
            "DateofDeactivation": rows["death_date"],
            "Deleted": constant("FALSE", n),
            "SpineSensitive": coded(rows["restricted"], _UPPER),
            "IsConfidential": coded(rows["restricted"], _UPPER),
            "EmailAddress": rows["email"],
            "HomePhone": pc.if_else(mobile, none, rows["phone"]),
            "MobilePhone": pc.if_else(mobile, rows["phone"], none),
            "ProcessingId": counted(n),
        },
        n,
    )


def _history(rows: pa.Table, as_at: date) -> pa.Table:
    n = len(rows)
    return shaped(
        EMIS_HISTORY,
        {
            "PatientGuid": guids(rows["record_id"], PATIENT),
            "OrganisationGuid": guids(rows["gp_practice_code"], ORGANISATION),
            "HistoryDate": registered_on(as_at, rows),
            "HistoryTime": constant("00:00:00", n),
            "StatusDescription": constant("Registered", n),
            "ProcessingId": counted(n),
        },
        n,
    )


def _organisations(codes: pa.Array) -> pa.Table:
    n = len(codes)
    return shaped(
        EMIS_ORGANISATION,
        {
            "OrganisationGuid": guids(codes, ORGANISATION),
            "CDB": counted(n, 10_001),
            "OrganisationName": pc.binary_join_element_wise("Synthetic Surgery", codes, " "),
            "ODSCode": codes,
            "OrganisationType": constant("General Practice", n),
            "OpenDate": constant("1974-04-01", n),
            "ProcessingId": counted(n),
        },
        n,
    )


def _agreements(codes: pa.Array, as_at: date) -> pa.Table:
    n = len(codes)
    return shaped(
        EMIS_AGREEMENT,
        {
            "OrganisationGuid": guids(codes, ORGANISATION),
            "IsActivated": constant("TRUE", n),
            "LastModifiedDate": constant(f"{as_at:%Y-%m-%d} 00:00:00", n),
            "Disabled": constant("FALSE", n),
            "Deleted": constant("FALSE", n),
        },
        n,
    )
