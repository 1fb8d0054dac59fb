"""Code lists, in the words of the NHS Data Dictionary."""

from __future__ import annotations

from types import MappingProxyType

GENDER = MappingProxyType(
    # PDS, DBS and MPS gender.
    {"0": "not known", "1": "male", "2": "female", "9": "not specified"}
)

NHS_NUMBER_STATUS = MappingProxyType(
    # NHS NUMBER STATUS INDICATOR CODE, NHS Data Dictionary.
    {
        "01": "number present and verified",
        "02": "number present but not traced",
        "03": "trace required",
        "04": "trace attempted: no match or multiple match",
        "05": "trace needs to be resolved",
        "06": "trace in progress",
        "07": "number not present and trace not required",
        "08": "trace postponed (baby under six weeks)",
    }
)

ETHNIC_CATEGORY = MappingProxyType(
    # ETHNIC CATEGORY, England, NHS Data Dictionary.
    {
        "A": "White: British",
        "B": "White: Irish",
        "C": "White: any other",
        "D": "Mixed: White and Black Caribbean",
        "E": "Mixed: White and Black African",
        "F": "Mixed: White and Asian",
        "G": "Mixed: any other",
        "H": "Asian: Indian",
        "J": "Asian: Pakistani",
        "K": "Asian: Bangladeshi",
        "L": "Asian: any other",
        "M": "Black: Caribbean",
        "N": "Black: African",
        "P": "Black: any other",
        "R": "Chinese",
        "S": "any other ethnic group",
        "Z": "not stated",
        "99": "not known",
    }
)

ADMISSION_METHOD = MappingProxyType(
    # ADMISSION METHOD, NHS Data Dictionary. 25 and 2A to 2D took the place of 28, which old records still have.
    {
        "11": "elective: waiting list",
        "12": "elective: booked",
        "13": "elective: planned",
        "21": "emergency: emergency care department of this provider",
        "22": "emergency: general practitioner",
        "23": "emergency: bed bureau",
        "24": "emergency: consultant clinic",
        "25": "emergency: mental health crisis resolution team",
        "28": "emergency: other means",
        "2A": "emergency: emergency care department of another provider",
        "2B": "emergency: transfer of an admitted patient from another provider",
        "2C": "emergency: baby born at home as intended",
        "2D": "emergency: other",
        "31": "maternity: before delivery",
        "32": "maternity: after delivery",
        "81": "transfer of an admitted patient, not an emergency",
        "82": "birth of a baby in this provider",
        "83": "baby born outside the provider, not at home as intended",
        "98": "not applicable",
        "99": "not known",
    }
)

DISCHARGE_METHOD = MappingProxyType(
    # DISCHARGE METHOD, NHS Data Dictionary, as commissioning data sets have it.
    {
        "1": "on clinical advice or with clinical consent",
        "2": "discharged themselves, or by a relative or advocate",
        "3": "by a tribunal, the Home Secretary or a court",
        "4": "died",
        "5": "stillbirth",
        "8": "not applicable: not yet discharged",
        "9": "not known",
    }
)

WITHHELD_IDENTITY_REASON = MappingProxyType(
    # WITHHELD IDENTITY REASON, NHS Data Dictionary.
    {
        "01": "for legal or statutory reasons",
        "02": "at the request of the Caldicott Guardian",
        "03": "at the request of the patient",
        "97": "for another reason",
        "99": "for a reason not known",
    }
)

DATE_PRECISION = MappingProxyType({"Y": "year", "YM": "year and month", "YMD": "day"})

SET_ASIDE_KIND = MappingProxyType(
    {
        "rejected": "could not be read as a record",
        "excluded": "read, and left out by a rule",
    }
)

DECISION = MappingProxyType(
    {
        "link": "one register person is accepted",
        "review": "a person must decide",
        "none": "nobody in the register is likely enough",
    }
)
