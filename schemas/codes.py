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
