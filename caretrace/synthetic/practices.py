"""A register as EMIS Web bulk extracts (specification 8.2) and SystmOne strategic reporting extracts (version 93) hold it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic.draw import Synthetic
from caretrace.synthetic.files import Extract, FileForm, coded, constant, month_name_date, shaped, year_first
from caretrace.synthetic.numbers import as_text

EMIS_PATIENT = tuple(
    (
        "PatientGuid OrganisationGuid UsualGpUserInRoleGuid Sex DateOfBirth DateOfDeath Title GivenName MiddleNames "
        "Surname DateOfRegistration NhsNumber PatientNumber PatientTypeDescription DummyType HouseNameFlatNumber "
        "NumberAndStreet Village Town County Postcode ResidentialInstituteCode NHSNumberStatus CarerName CarerRelation "
        "PersonGuid DateofDeactivation Deleted SpineSensitive IsConfidential EmailAddress HomePhone MobilePhone "
        "ExternalUsualGPGuid ExternalUsualGP ExternalUsualGPOrganisation ContactComments ProcessingId"
    ).split()
)
EMIS_ORGANISATION = tuple(
    (
        "OrganisationGuid CDB OrganisationName ODSCode ParentOrganisationGuid CCGOrganisationGuid OrganisationType "
        "OpenDate CloseDate MainLocationGuid ProcessingId"
    ).split()
)
EMIS_HISTORY = ("PatientGuid", "OrganisationGuid", "HistoryDate", "HistoryTime", "StatusDescription", "ProcessingId")
EMIS_AGREEMENT = ("OrganisationGuid", "IsActivated", "LastModifiedDate", "Disabled", "Deleted")
SR_PATIENT = tuple(
    (
        "RowIdentifier IDOrganisationVisibleTo Title FirstName MiddleNames Surname PreviousSurname NHSNumber DateBirth "
        "DateDeath BirthPlace Gender SpeaksEnglish EmailAddress TestPatient SSRef SpineMatched RemovedData"
    ).split()
)
SR_ADDRESS = tuple(
    (
        "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent IDProfileEnteredBy IDDoneBy "
        "TextualEventDoneBy IDOrganisationDoneAt NameOfBuilding NumberOfBuilding NameOfRoad NameOfLocality NameOfTown "
        "NameOfCounty FullPostCode DateTo AddressType IDEvent IDPatient IDOrganisation CcgOfResidence "
        "IDOrganisationRegisteredAt RemovedData"
    ).split()
)
SR_REGISTRATION = tuple(
    (
        "RowIdentifier IDOrganisationVisibleTo DateEventRecorded IDProfileEnteredBy DateRegistration DateDeRegistration "
        "RegistrationStatus PreferredPharmacy IDPatient IDOrganisation IDOrganisationRegisteredAt RemovedData"
    ).split()
)
SR_MANIFEST = ("FileName", "IsDelta", "IsReference", "DateExtractFrom", "DateExtractTo")
SR_MAPPING = ("RowIdentifier", "IdMappingGroup", "Mapping")
ADDRESS_TYPES = {"501": "Home", "502": "Temporary", "503": "Correspondence only"}
"""Mapping ids are each system's own; these are ours."""

ORGANISATION, PATIENT, _PERSON, _AGREEMENT = 1, 2, 3, 4
"""Kinds of thing that a GUID names."""

_SEX = {"1": "M", "2": "F", "0": "U", "9": "I"}
_TITLE = {"1": "Mr", "2": "Ms"}
_UPPER = {"true": "TRUE", "false": "FALSE"}


def emis(synthetic: Synthetic, practices: pa.Array | None = None) -> Extract:
    """One bulk extract of the register rows at `practices` (all where None): UTF-8, every cell quoted."""
    rows = _of(synthetic.register, practices)
    n = len(rows)
    stamp = f"{synthetic.as_at:%Y%m%d}020304"
    organisation = guids(rows["gp_practice_code"], ORGANISATION)
    patient = guids(rows["record_id"], PATIENT)
    registered = _registered(synthetic.as_at, rows)
    number = pc.coalesce(rows["nhs_number"], rows["record_id"])
    house, street, town = _address(rows)
    mobile = pc.fill_null(pc.starts_with(rows["phone"], "07"), False)
    none = pa.scalar(None, pa.string())
    sequence = as_text(np.arange(n, dtype=np.int64) + 1)
    patients = shaped(
        EMIS_PATIENT,
        {
            "PatientGuid": patient,
            "OrganisationGuid": organisation,
            "Sex": coded(rows["gender"], _SEX),
            "DateOfBirth": year_first(rows["birth_date"]),
            "DateOfDeath": rows["death_date"],
            "Title": pc.fill_null(coded(rows["gender"], _TITLE), ""),
            "GivenName": rows["given_name"],
            "MiddleNames": rows["middle_names"],
            "Surname": rows["family_name"],
            "DateOfRegistration": registered,
            "NhsNumber": rows["nhs_number"],
            "PatientNumber": sequence,
            "PatientTypeDescription": constant("Regular", n),
            "DummyType": constant("FALSE", n),
            "HouseNameFlatNumber": house,
            "NumberAndStreet": street,
            "Town": town,
            "Postcode": pc.replace_substring(rows["postcode"], " ", ""),
            # One person has one PersonGuid at every practice.
            "PersonGuid": guids(number, _PERSON),
            "DateofDeactivation": rows["death_date"],
            "Deleted": constant("FALSE", n),
            "SpineSensitive": coded(rows["restricted"], _UPPER),
            "IsConfidential": coded(rows["restricted"], _UPPER),
            "EmailAddress": rows["email"],
            "HomePhone": pc.if_else(mobile, none, rows["phone"]),
            "MobilePhone": pc.if_else(mobile, rows["phone"], none),
            "ProcessingId": sequence,
        },
        n,
    )
    history = shaped(
        EMIS_HISTORY,
        {
            "PatientGuid": patient,
            "OrganisationGuid": organisation,
            "HistoryDate": registered,
            "HistoryTime": constant("00:00:00", n),
            "StatusDescription": constant("Registered", n),
            "ProcessingId": sequence,
        },
        n,
    )
    codes = pc.unique(rows["gp_practice_code"]).sort()
    tables = {
        ("Admin", "Patient"): patients,
        ("Admin", "Organisation"): _organisations(codes),
        ("Admin", "PatientHistory"): history,
        ("Agreements", "SharingOrganisation"): _agreements(codes, synthetic.as_at),
    }
    agreement = guids(pa.array([str(synthetic.seed)]), _AGREEMENT)[0].as_py().strip("{}")
    named = {f"291_{schema}_{table}_{stamp}_{agreement}.csv": data for (schema, table), data in tables.items()}
    return Extract(FileForm(line_end="\r\n"), named)


def systmone(synthetic: Synthetic, practices: pa.Array | None = None) -> Extract:
    """One strategic reporting extract of the register rows at `practices` (all where None): Windows-1252, all quoted."""
    rows = _of(synthetic.register, practices)
    n = len(rows)
    person, practice = _row_identifier(rows["record_id"]), rows["gp_practice_code"]
    verified = pc.and_(rows["nhs_number"].is_valid(), pc.equal(rows["nhs_number_status"], "01"))
    patients = shaped(
        SR_PATIENT,
        {
            "RowIdentifier": person,
            "IDOrganisationVisibleTo": practice,
            "Title": coded(rows["gender"], _TITLE),
            "FirstName": rows["given_name"],
            "MiddleNames": rows["middle_names"],
            "Surname": rows["family_name"],
            "PreviousSurname": rows["previous_family_name"],
            "NHSNumber": rows["nhs_number"],
            "DateBirth": month_name_date(rows["birth_date"], time=" 00:00"),
            "DateDeath": month_name_date(rows["death_date"], time=" 00:00"),
            "Gender": coded(rows["gender"], _SEX),
            "EmailAddress": rows["email"],
            "TestPatient": constant("FALSE", n),
            "SpineMatched": pc.if_else(verified, "TRUE", "FALSE"),
            "RemovedData": constant("0", n),
        },
        n,
    )
    registrations = shaped(
        SR_REGISTRATION,
        {
            "RowIdentifier": person,
            "IDOrganisationVisibleTo": practice,
            "DateEventRecorded": month_name_date(_registered(synthetic.as_at, rows), time=" 09:00:00"),
            "DateRegistration": month_name_date(_registered(synthetic.as_at, rows), time=" 00:00:00"),
            "RegistrationStatus": constant("GMS,Registered", n),
            "IDPatient": person,
            "IDOrganisation": practice,
            "IDOrganisationRegisteredAt": practice,
            "RemovedData": constant("0", n),
        },
        n,
    )
    mapping = shaped(
        SR_MAPPING,
        {
            "RowIdentifier": pa.array(list(ADDRESS_TYPES)),
            "IdMappingGroup": constant("50", len(ADDRESS_TYPES)),
            "Mapping": pa.array(list(ADDRESS_TYPES.values())),
        },
        len(ADDRESS_TYPES),
    )
    tables = {
        "SRPatient": patients,
        "SRPatientAddressHistory": _systmone_addresses(synthetic, rows),
        "SRPatientRegistration": registrations,
        "SRMapping": mapping,
    }
    files = {f"{name}.csv": table for name, table in tables.items()}
    return Extract(
        FileForm(encoding="cp1252", line_end="\r\n"), {"SRManifest.csv": _manifest(tables, synthetic.as_at), **files}
    )


def split(synthetic: Synthetic) -> tuple[pa.Array, pa.Array]:
    """The practices of an area with both suppliers: EMIS has three in five, SystmOne the others."""
    codes = pc.unique(synthetic.register["gp_practice_code"]).sort()
    at = np.arange(len(codes)) % 5
    return codes.filter(pa.array(np.isin(at, (0, 2, 4)))), codes.filter(pa.array(np.isin(at, (1, 3))))


def guids(ids: pa.Array, kind: int) -> pa.Array:
    """A GUID for each id by its digits, upper case in braces; the same digits and kind give the same GUID.

    The bits are splitmix64 (Steele, Lea and Flood 2014) of the digits: spread well, and made in columns.
    """
    digits = pc.replace_substring_regex(_flat(ids), "[^0-9]", "")
    number = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False).astype(np.uint64)
    halves = np.stack([_mix(number + np.uint64(kind << 40)), _mix(number + np.uint64((kind + 100) << 40))], axis=1)
    nibbles = np.frombuffer(b"0123456789ABCDEF", np.uint8)
    octets = np.ascontiguousarray(halves.astype(">u8")).view(np.uint8).reshape(len(number), 16)
    text = np.full((len(number), 38), ord("-"), np.uint8)
    text[:, 0], text[:, 37] = ord("{"), ord("}")
    places = [place for place in range(1, 37) if place not in (9, 14, 19, 24)]
    text[:, places] = np.stack([nibbles[octets >> 4], nibbles[octets & 15]], axis=2).reshape(len(number), 32)
    return pc.cast(pa.array(np.ascontiguousarray(text).view("S38").reshape(-1)), pa.string())


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _flat(column: pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _of(register: pa.Table, practices: pa.Array | None) -> pa.Table:
    return register if practices is None else register.filter(pc.is_in(register["gp_practice_code"], practices))


def _row_identifier(record_id: pa.Array) -> pa.Array:
    """SystmOne's ids are plain numbers."""
    return pc.utf8_ltrim(record_id, "R0")


def _registered(as_at: date, rows: pa.Table) -> pa.Array:
    """A day of registration after birth, settled by the record's own id."""
    ids = pc.cast(_row_identifier(_flat(rows["record_id"])), pa.int64()).to_numpy().astype(np.uint64)
    today = (as_at - date(1970, 1, 1)).days
    days = today - (_mix(ids) % np.uint64(7300)).astype(np.int64)
    born = pc.cast(year_first(pc.fill_null(_flat(rows["birth_date"]), "1900-01-01")), pa.date32())
    after_birth = np.maximum(days, pc.cast(born, pa.int32()).to_numpy().astype(np.int64))
    return pc.cast(pa.array(after_birth.astype("datetime64[D]")), pa.string())


def _address(rows: pa.Table) -> tuple[pa.Array, pa.Array, pa.Array]:
    """House or flat, number and street, town: a flat has the first line to itself."""
    flat = rows["address_line_3"].is_valid()
    house = pc.if_else(flat, rows["address_line_1"], pa.scalar(None, pa.string()))
    street = pc.if_else(flat, rows["address_line_2"], rows["address_line_1"])
    return house, street, pc.if_else(flat, rows["address_line_3"], rows["address_line_2"])


def _organisations(codes: pa.Array) -> pa.Table:
    n = len(codes)
    return shaped(
        EMIS_ORGANISATION,
        {
            "OrganisationGuid": guids(codes, ORGANISATION),
            "CDB": as_text(np.arange(n, dtype=np.int64) + 10_001),
            "OrganisationName": pc.binary_join_element_wise("Synthetic Surgery", codes, " "),
            "ODSCode": codes,
            "OrganisationType": constant("General Practice", n),
            "OpenDate": constant("1974-04-01", n),
            "ProcessingId": as_text(np.arange(n, dtype=np.int64) + 1),
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


def _systmone_addresses(synthetic: Synthetic, rows: pa.Table) -> pa.Table:
    homes = synthetic.register_addresses
    owner = pc.index_in(_flat(homes["record_id"]), value_set=_flat(rows["record_id"]))
    homes, owner = homes.filter(owner.is_valid()), owner.drop_null()
    practice = rows["gp_practice_code"].take(owner)
    building, street, town = _address(homes)
    since = month_name_date(homes["from_date"], time=" 00:00:00")
    n = len(homes)
    # A street that begins with a number gives it to a field of its own.
    number = pc.struct_field(pc.extract_regex(street, "^(?P<number>[0-9]+) "), "number")
    return shaped(
        SR_ADDRESS,
        {
            "RowIdentifier": as_text(np.arange(n, dtype=np.int64) + 1),
            "IDOrganisationVisibleTo": practice,
            "DateEventRecorded": since,
            "DateEvent": since,
            "NameOfBuilding": building,
            "NumberOfBuilding": number,
            "NameOfRoad": pc.replace_substring_regex(street, "^[0-9]+ ", ""),
            "NameOfTown": town,
            "FullPostCode": homes["postcode"],
            "DateTo": month_name_date(homes["to_date"], time=" 00:00:00"),
            "AddressType": constant("501", n),
            "IDPatient": _row_identifier(homes["record_id"]),
            "IDOrganisation": practice,
            "IDOrganisationRegisteredAt": practice,
            "RemovedData": constant("0", n),
        },
        n,
    )


def _manifest(tables: Mapping[str, pa.Table], as_at: date) -> pa.Table:
    """What is in the extract; every table in full."""
    n = len(tables)
    reference = pa.array(["Y" if name == "SRMapping" else "N" for name in tables])
    return shaped(
        SR_MANIFEST,
        {
            "FileName": pa.array(list(tables)),
            "IsDelta": constant("N", n),
            "IsReference": reference,
            "DateExtractFrom": constant("19000101_0000", n),
            "DateExtractTo": constant(f"{as_at:%Y%m%d}_0200", n),
        },
        n,
    )
