"""HL7 ADT messages under a hospital's habits: what is read of them, and why a message fills nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.suppliers.hospital.codes import EMERGENCY_METHODS

MERGES = ("A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47")
READ = (
    *(f"A{n:02}" for n in range(1, 17)),
    *("A21", "A22", "A23", "A24", "A25", "A26", "A27", "A28", "A29", "A31", "A32", "A33", "A37", "A38", "A45"),
    *MERGES,
)
"""Events whose PID is a state of the patient. Merges of accounts and visits alone, queries and bed states are not."""


@dataclass(frozen=True)
class Settings:
    """A hospital's habits, each assumed and open to change; docs/connectors/hl7-adt.md says where each comes from."""

    nhs_number_types: tuple[str, ...] = ("NH", "NHS", "NHSNO", "NHSNUMBER")
    nhs_number_authorities: tuple[str, ...] = ("NHS", "NHSNO", "NHSNUMBER", "2.16.840.1.113883.2.1.4.1")
    """PID-3: identifier types (CX.5) and assigning authorities (CX.4) of NHS numbers, without spaces and capitals."""
    nhs_number_fields: tuple[str, ...] = ()
    """Where else an NHS number stands, whatever its type: PID-19, PID-2, or PID-3(2) for the second repetition."""
    nhs_number_status_field: str = "PID-32"
    patient_id_types: tuple[str, ...] = ("MR", "PI", "MRN")
    """PID-3: types of the hospital's own number, the likeliest first; else the first that is no NHS number."""
    patient_id_authorities: tuple[str, ...] = ()
    """PID-3: only numbers of these authorities are the hospital's own."""
    organisation: str = "authority"
    """Whose ids they are: the authority of the id ("authority") or the sending facility, MSH-4 ("facility")."""
    name_types: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "usual": ("L", "U", "C", "D", "CURRENT", "USUAL", "LEGAL"),
            "maiden": ("M", "B", "MAIDEN", "BIRTH"),
            # P is a partner's name in the standard, and a previous one to some.
            "previous": ("PREVIOUS", "OLD"),
            "known as": ("A", "N", "K", "ALIAS", "PREFERRED", "NICKNAME"),
        }
    )
    address_types: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "home": ("H", "P", "L", "HOME", "PERMANENT"),
            "temporary": ("C", "TMP", "TEMP", "TEMPORARY"),
            "correspondence": ("M", "MAIL", "CORRESPONDENCE"),
        }
    )
    practice_fields: tuple[str, ...] = ("PD1-3", "PD1-4")
    ethnicity_field: str = "PID-22.1"
    order_by: tuple[str, ...] = ("EVN-2", "MSH-7")
    """The times that put messages in order, the first first; the place in the file decides last."""
    visit_events: tuple[str, ...] = ("A01", "A02", "A03", "A06", "A07", "A11", "A12", "A13")
    """Events that need a PV1; a message without one was cut short."""
    inpatient_classes: tuple[str, ...] = ("I", "INPATIENT", "DAYCASE", "DAY CASE")
    """PV1-2: classes of patient whose visits are hospital spells."""
    visit_number_field: str = "PV1-19.1"
    admission_method_field: str = "PV1-4.1"
    discharge_method_field: str = "PV1-36.1"
    discharge_destination_field: str = "PV1-37.1"
    admitted_field: str = "PV1-44.1"
    discharged_field: str = "PV1-45.1"
    emergency_methods: tuple[str, ...] = EMERGENCY_METHODS
    test_modes: tuple[str, ...] = ("T", "D")
    """MSH-11: training and debugging."""


PLACES = {
    "names": "PID-5",
    "born": "PID-7.1",
    "gender": "PID-8.1",
    "aliases": "PID-9",
    "addresses": "PID-11",
    "phones": "PID-13",
    "work_phones": "PID-14",
    "died": "PID-29.1",
    "dead": "PID-30.1",
}
STATE = (*PLACES, "ethnicity", "practice")
"""What is known of a patient, each kept until a later message says otherwise."""

WHY = {
    "adt": ("no ADT message", "MSH"),
    "event": ("an event that says nothing of a patient's state", "MSH"),
    "test": ("not a message of the live system (MSH-11)", "MSH"),
    "cut": ("no PV1, which its event must have: cut short", "PV1"),
    "nobody": ("no number of the hospital's own (PID-3)", "PID"),
    "nothing": ("a merge without the number that was merged (MRG-1)", "MRG"),
    "merged": ("its patient was merged into another one, which keeps the number as an identifier", "PID"),
    "deleted": ("its patient was deleted (A29)", "PID"),
    "cancelled": ("its admission was cancelled", "PV1"),
    "earlier": ("an earlier message of the same patient; what later ones leave unsaid is taken from it", "PID"),
}
"""Why a message fills nothing, and the segment that says so."""
