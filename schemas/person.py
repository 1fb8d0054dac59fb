"""PERSON and the tables that hang on it: ADDRESS, NAME and IDENTIFIER. Words follow PDS and the NHS Data Dictionary."""

from __future__ import annotations

from schemas.codes import DATE_PRECISION, ETHNIC_CATEGORY, GENDER, NHS_NUMBER_STATUS
from schemas.table import Column, Identifies, Table, Type

_DIRECT, _INDIRECT = Identifies.DIRECT, Identifies.INDIRECT

KEY_COLUMNS = (
    Column(
        "source",
        Type.TEXT,
        "The kind of system the record comes from, such as carefirst or emis.",
        required=True,
    ),
    Column(
        "source_org",
        Type.TEXT,
        "Which organisation's copy of that system: an ODS code, a council name, or the folder's name. Never null.",
        required=True,
    ),
    Column("record_id", Type.TEXT, "The record's own id in that system.", _DIRECT, required=True),
)
"""What names a source record in every table. An id alone is not unique: EMIS GUIDs repeat across organisations."""

PROVENANCE_COLUMNS = (
    Column("extract_file", Type.TEXT, "Name of the file the record was read from."),
    Column("extract_record", Type.INTEGER, "Number of the record in that file, the header not counted, from 1."),
    Column("extract_line", Type.INTEGER, "Line of the file on which the record begins, the header being line 1."),
)

PERSON = Table(
    "PERSON",
    "one row per source record",
    (
        *KEY_COLUMNS,
        Column(
            "nhs_number",
            Type.TEXT,
            "Ten digits that pass Modulus 11, no spaces. Null if absent or not valid.",
            _DIRECT,
        ),
        Column(
            "nhs_number_status",
            Type.TEXT,
            "NHS number status indicator, where the source says.",
            codes=NHS_NUMBER_STATUS,
        ),
        Column("family_name", Type.TEXT, "Family name as held.", _DIRECT),
        Column("given_name", Type.TEXT, "First given name as held.", _DIRECT),
        Column("middle_names", Type.TEXT, "Other given names, separated by spaces.", _DIRECT),
        Column("previous_family_name", Type.TEXT, "Family name before the present one.", _DIRECT),
        Column("birth_date", Type.DATE, "First day of the known period; see birth_date_precision.", _INDIRECT),
        Column(
            "birth_date_precision",
            Type.TEXT,
            "How much of birth_date is known. Null where it is null.",
            codes=DATE_PRECISION,
        ),
        Column("gender", Type.TEXT, "PDS gender.", _INDIRECT, codes=GENDER),
        Column("death_date", Type.DATE, "Date of death.", _INDIRECT),
        *(
            Column(f"address_line_{n}", Type.TEXT, f"Line {n} of the current usual address.", _DIRECT)
            for n in range(1, 6)
        ),
        Column(
            "postcode",
            Type.TEXT,
            "Postcode unit with its space, upper case. Null for ZZ99 and placeholders.",
            _INDIRECT,
        ),
        Column("uprn", Type.TEXT, "Unique property reference number.", _DIRECT),
        Column("gp_practice_code", Type.TEXT, "ODS code of the GP practice.", _INDIRECT),
        Column("phone", Type.TEXT, "Phone number as held.", _DIRECT),
        Column("email", Type.TEXT, "E-mail address as held.", _DIRECT),
        Column("ethnicity", Type.TEXT, "Ethnic category.", _INDIRECT, codes=ETHNIC_CATEGORY),
        Column(
            "restricted",
            Type.FLAG,
            "True where the source marks the record sensitive, confidential or restricted.",
        ),
        Column("test_record", Type.FLAG, "True for a record marked as a test; such records are set aside."),
        *PROVENANCE_COLUMNS,
    ),
    key=("source", "source_org", "record_id"),
)

_FROM_TO = (
    Column("from_date", Type.DATE, "First day it held, where known.", _INDIRECT),
    Column("to_date", Type.DATE, "Last day it held. Null while it still holds.", _INDIRECT),
)

ADDRESS = Table(
    "ADDRESS",
    "one row per address a source record has or had",
    (
        *KEY_COLUMNS,
        Column(
            "address_type",
            Type.TEXT,
            "home, temporary, correspondence or other.",
            codes={
                "home": "usual residence",
                "temporary": "staying there for a time",
                "correspondence": "letters only",
                "other": "anything else or not said",
            },
        ),
        *(Column(f"address_line_{n}", Type.TEXT, f"Line {n}.", _DIRECT) for n in range(1, 6)),
        Column("postcode", Type.TEXT, "Postcode unit with its space, upper case.", _INDIRECT),
        Column("uprn", Type.TEXT, "Unique property reference number.", _DIRECT),
        *_FROM_TO,
        *PROVENANCE_COLUMNS,
    ),
)

NAME = Table(
    "NAME",
    "one row per name beside the usual one",
    (
        *KEY_COLUMNS,
        Column(
            "name_type",
            Type.TEXT,
            "What kind of name it is.",
            codes={
                "previous": "used before",
                "maiden": "family name at birth",
                "known as": "used in daily life",
            },
        ),
        Column("family_name", Type.TEXT, "Family name. Null where only the given name differs.", _DIRECT),
        Column("given_name", Type.TEXT, "Given name. Null where only the family name differs.", _DIRECT),
        *_FROM_TO,
        *PROVENANCE_COLUMNS,
    ),
)

NHS_NUMBER_AS_ENTERED = "NHS number as entered"
"""Scheme of ten digits that fail the check digit: no NHS number, but one slip from somebody's."""
SUPERSEDED_NHS_NUMBER = "superseded NHS number"
"""Scheme of a number that the person had before another replaced it."""

IDENTIFIER = Table(
    "IDENTIFIER",
    "one row per id that a source record carries for another system",
    (
        *KEY_COLUMNS,
        Column(
            "scheme",
            Type.TEXT,
            "Whose id it is, such as 'carefirst', 'social services reference' or 'emis person'; 'NHS number as entered'"
            " for ten digits that fail the check digit, 'superseded NHS number' for one that another replaced.",
        ),
        Column("value", Type.TEXT, "The id as held.", _DIRECT),
        *_FROM_TO,
        *PROVENANCE_COLUMNS,
    ),
)
