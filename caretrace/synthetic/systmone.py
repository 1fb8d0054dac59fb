"""A register as a SystmOne strategic reporting extract holds it: version 93, Windows-1252, every cell quoted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from caretrace.synthetic.draw import Synthetic
from caretrace.synthetic.files import Extract, FileForm, coded, columns, constant, flat, month_name_date, shaped
from caretrace.synthetic.numbers import counted
from caretrace.synthetic.practices import SEX, TITLE, address, registered_on, row_identifier, rows_of

SR_PATIENT = columns(
    "RowIdentifier IDOrganisationVisibleTo Title FirstName MiddleNames Surname PreviousSurname NHSNumber DateBirth "
    "DateDeath BirthPlace Gender SpeaksEnglish EmailAddress TestPatient SSRef SpineMatched RemovedData"
)
SR_ADDRESS = columns(
    "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent IDProfileEnteredBy IDDoneBy "
    "TextualEventDoneBy IDOrganisationDoneAt NameOfBuilding NumberOfBuilding NameOfRoad NameOfLocality NameOfTown "
    "NameOfCounty FullPostCode DateTo AddressType IDEvent IDPatient IDOrganisation CcgOfResidence "
    "IDOrganisationRegisteredAt RemovedData"
)
SR_REGISTRATION = columns(
    "RowIdentifier IDOrganisationVisibleTo DateEventRecorded IDProfileEnteredBy DateRegistration DateDeRegistration "
    "RegistrationStatus PreferredPharmacy IDPatient IDOrganisation IDOrganisationRegisteredAt RemovedData"
)
SR_MANIFEST = ("FileName", "IsDelta", "IsReference", "DateExtractFrom", "DateExtractTo")
SR_MAPPING = ("RowIdentifier", "IdMappingGroup", "Mapping")
ADDRESS_TYPES = {"501": "Home", "502": "Temporary", "503": "Correspondence only"}
"""Mapping ids are each system's own; these are ours."""


def systmone(synthetic: Synthetic, practices: pa.Array | None = None) -> Extract:
    """One extract of the register rows at `practices`, all where None."""
    rows = rows_of(synthetic.register, practices)
    tables = {
        "SRPatient": _patients(rows),
        "SRPatientAddressHistory": _addresses(synthetic.register_addresses, rows),
        "SRPatientRegistration": _registrations(rows, synthetic.as_at),
        "SRMapping": _mapping(),
    }
    tables = {"SRManifest": _manifest(tables, synthetic.as_at), **tables}
    form = FileForm(encoding="cp1252", line_end="\r\n")
    return Extract(form, {f"{name}.csv": table for name, table in tables.items()})


def _patients(rows: pa.Table) -> pa.Table:
    n = len(rows)
    verified = pc.and_(rows["nhs_number"].is_valid(), pc.equal(rows["nhs_number_status"], "01"))
    return shaped(
        SR_PATIENT,
        {
            "RowIdentifier": row_identifier(rows["record_id"]),
            "IDOrganisationVisibleTo": rows["gp_practice_code"],
            "Title": coded(rows["gender"], TITLE),
            "FirstName": rows["given_name"],
            "MiddleNames": rows["middle_names"],
            "Surname": rows["family_name"],
            "PreviousSurname": rows["previous_family_name"],
            "NHSNumber": rows["nhs_number"],
            "DateBirth": month_name_date(rows["birth_date"], time=" 00:00"),
            "DateDeath": month_name_date(rows["death_date"], time=" 00:00"),
            "Gender": coded(rows["gender"], SEX),
            "EmailAddress": rows["email"],
            "TestPatient": constant("FALSE", n),
            "SpineMatched": pc.if_else(verified, "TRUE", "FALSE"),
            "RemovedData": constant("0", n),
        },
        n,
    )


def _registrations(rows: pa.Table, as_at: date) -> pa.Table:
    n = len(rows)
    person, practice, since = row_identifier(rows["record_id"]), rows["gp_practice_code"], registered_on(as_at, rows)
    return shaped(
        SR_REGISTRATION,
        {
            "RowIdentifier": person,
            "IDOrganisationVisibleTo": practice,
            "DateEventRecorded": month_name_date(since, time=" 09:00:00"),
            "DateRegistration": month_name_date(since, time=" 00:00:00"),
            "RegistrationStatus": constant("GMS,Registered", n),
            "IDPatient": person,
            "IDOrganisation": practice,
            "IDOrganisationRegisteredAt": practice,
            "RemovedData": constant("0", n),
        },
        n,
    )


def _mapping() -> pa.Table:
    return shaped(
        SR_MAPPING,
        {
            "RowIdentifier": pa.array(list(ADDRESS_TYPES)),
            "IdMappingGroup": constant("50", len(ADDRESS_TYPES)),
            "Mapping": pa.array(list(ADDRESS_TYPES.values())),
        },
        len(ADDRESS_TYPES),
    )


def _addresses(homes: pa.Table, rows: pa.Table) -> pa.Table:
    owner = pc.index_in(flat(homes["record_id"]), value_set=flat(rows["record_id"]))
    homes, owner = homes.filter(owner.is_valid()), owner.drop_null()
    practice = rows["gp_practice_code"].take(owner)
    building, street, town = address(homes)
    since = month_name_date(homes["from_date"], time=" 00:00:00")
    n = len(homes)
    # A street that begins with a number gives it to a field of its own.
    number = pc.struct_field(pc.extract_regex(street, "^(?P<number>[0-9]+) "), "number")
    return shaped(
        SR_ADDRESS,
        {
            "RowIdentifier": counted(n),
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
            "IDPatient": row_identifier(homes["record_id"]),
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
