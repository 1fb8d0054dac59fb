"""A client list as CareFirst and Swift would export it. Their titles are assumed: connectors/suppliers/profiles."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from caretrace.synthetic.draw import Synthetic
from caretrace.synthetic.files import (
    Extract,
    FileForm,
    coded,
    constant,
    flat,
    month_name_date,
    spaced_number,
    uk_date,
)
from schemas.codes import ETHNIC_CATEGORY

_SEX = {"1": "Male", "2": "Female", "0": "Unknown", "9": "Indeterminate"}
_YES_NO = {"true": "Y", "false": "N"}
_ETHNICITY = {code: words.capitalize() if code == "Z" else words for code, words in ETHNIC_CATEGORY.items()}
_UNITS = {"week": "Week"}
_CAREFIRST_TYPES = {"home": "Home", "temporary": "Temporary", "correspondence": "Mailing"}
_SWIFT_TYPES = {"home": "MAIN ADDRESS", "temporary": "PLACEMENT", "correspondence": "POSTAL"}


def carefirst(synthetic: Synthetic) -> Extract:
    """A person report with a row for each address, and a service report; Windows-1252, dd/mm/yyyy, spaced numbers."""
    form = FileForm(encoding="cp1252", line_end="\r\n", empty_quoted=False)
    agreements = _carefirst_agreements(synthetic.client_services)
    return Extract(form, {"CareFirst Persons.csv": _carefirst_persons(synthetic), "CareFirst Services.csv": agreements})


def _carefirst_persons(synthetic: Synthetic) -> pa.Table:
    clients, homes = _with_addresses(synthetic)
    return pa.table(
        {
            "CareFirst ID": clients["record_id"],
            "NHS Number": spaced_number(clients["nhs_number"]),
            "Surname": clients["family_name"],
            "Forename": clients["given_name"],
            "Middle Names": clients["middle_names"],
            "Previous Surname": clients["previous_family_name"],
            "Date of Birth": uk_date(clients["birth_date"]),
            "DOB Estimated": _estimated(clients["birth_date"]),
            "Gender": coded(clients["gender"], _SEX),
            "Ethnicity": coded(clients["ethnicity"], _ETHNICITY),
            "Date of Death": uk_date(clients["death_date"]),
            "Address Line 1": homes["address_line_1"],
            "Address Line 2": homes["address_line_2"],
            "Address Line 3": homes["address_line_3"],
            "Postcode": homes["postcode"],
            "Address Type": coded(homes["address_type"], _CAREFIRST_TYPES),
            "Address From": uk_date(homes["from_date"]),
            "Address To": uk_date(homes["to_date"]),
            "Telephone": clients["phone"],
            "Email": clients["email"],
            "GP Practice Code": clients["gp_practice_code"],
            "Restricted": coded(clients["restricted"], _YES_NO),
        }
    )


def _carefirst_agreements(services: pa.Table) -> pa.Table:
    return pa.table(
        {
            "CareFirst ID": services["record_id"],
            "Agreement ID": services["event_id"],
            "Service": services["service_type"],
            "Element": services["service_component"],
            "Service Start": uk_date(services["start_date"]),
            "Service End": uk_date(services["end_date"]),
            "Provider": services["provider"],
            "End Reason": services["end_reason"],
            "Cost": services["unit_cost"],
            "Cost Unit": coded(services["cost_unit"], _UNITS),
        }
    )


def swift(synthetic: Synthetic) -> Extract:
    """Persons, addresses, references (the NHS number among them) and services; dd-Mon-yyyy."""
    tables = {
        "swift_persons.csv": _swift_persons(synthetic.clients),
        "swift_addresses.csv": _swift_addresses(synthetic.client_addresses),
        "swift_references.csv": _swift_references(synthetic.clients),
        "swift_services.csv": _swift_services(synthetic.client_services),
    }
    return Extract(FileForm(line_end="\r\n"), tables)


def _swift_persons(clients: pa.Table) -> pa.Table:
    given = pc.binary_join_element_wise(clients["given_name"], pc.fill_null(clients["middle_names"], ""), " ")
    return pa.table(
        {
            "SWIFT_NUMBER": clients["record_id"],
            "SURNAME": pc.utf8_upper(clients["family_name"]),
            "FORENAMES": pc.utf8_rtrim_whitespace(given),
            "PREVIOUS_SURNAME": clients["previous_family_name"],
            "DATE_OF_BIRTH": _oracle(clients["birth_date"]),
            "DOB_ESTIMATED": _estimated(clients["birth_date"]),
            "GENDER": coded(clients["gender"], _SEX),
            "ETHNICITY": coded(clients["ethnicity"], _ETHNICITY),
            "DATE_OF_DEATH": _oracle(clients["death_date"]),
            "TELEPHONE": clients["phone"],
            "EMAIL": clients["email"],
            "GP_PRACTICE_CODE": clients["gp_practice_code"],
            "RESTRICTED": coded(clients["restricted"], _YES_NO),
        }
    )


def _swift_addresses(homes: pa.Table) -> pa.Table:
    lines = ("address_line_1", "address_line_2", "address_line_3", "postcode")
    return pa.table(
        {
            "SWIFT_NUMBER": homes["record_id"],
            "ADDRESS_TYPE": coded(homes["address_type"], _SWIFT_TYPES),
            **{name.upper(): homes[name] for name in lines},
            "START_DATE": _oracle(homes["from_date"]),
            "END_DATE": _oracle(homes["to_date"]),
        }
    )


def _swift_references(clients: pa.Table) -> pa.Table:
    """A row for each NHS number, and one for the id each client had in the system before."""
    held = clients.filter(clients["nhs_number"].is_valid())
    former = pc.binary_join_element_wise("L", clients["record_id"], "")
    n = len(held) + len(clients)
    return pa.table(
        {
            "SWIFT_NUMBER": _below(held["record_id"], clients["record_id"]),
            "REFERENCE_TYPE": _below(constant("NHS", len(held)), constant("LEGACY ID", len(clients))),
            "REFERENCE_VALUE": _below(held["nhs_number"], former),
            "START_DATE": constant(None, n),
            "END_DATE": constant(None, n),
        }
    )


def _swift_services(services: pa.Table) -> pa.Table:
    return pa.table(
        {
            "SWIFT_NUMBER": services["record_id"],
            "PACKAGE_LINE_ID": services["event_id"],
            "SERVICE_TYPE": services["service_type"],
            "SERVICE_ELEMENT": services["service_component"],
            "PROVIDER": services["provider"],
            "START_DATE": _oracle(services["start_date"]),
            "END_DATE": _oracle(services["end_date"]),
            "END_REASON": services["end_reason"],
            "UNIT_COST": services["unit_cost"],
            "COST_UNIT": coded(services["cost_unit"], _UNITS),
        }
    )


def _with_addresses(synthetic: Synthetic) -> tuple[pa.Table, pa.Table]:
    """Clients and addresses side by side, a row for each address, those of a client together, the current first."""
    homes = synthetic.client_addresses
    owner = pc.index_in(homes["record_id"].combine_chunks(), value_set=synthetic.clients["record_id"].combine_chunks())
    order = np.argsort(owner.to_numpy(), kind="stable")
    return synthetic.clients.take(owner.take(pa.array(order))), homes.take(pa.array(order))


def _oracle(iso: pa.Array) -> pa.Array:
    return month_name_date(iso, "-")


def _estimated(birth_date: pa.Array) -> pa.Array:
    """Y where only the year is known."""
    return pc.if_else(pc.fill_null(pc.equal(pc.utf8_length(birth_date), 4), False), "Y", "N")


def _below(*columns: pa.Array) -> pa.ChunkedArray:
    return pa.chunked_array([flat(column) for column in columns])
