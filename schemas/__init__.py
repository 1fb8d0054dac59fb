"""What things are: the standard tables, the values in them, and the errors.

In: nothing of ours. Out: declarations that every other room reads.
Begin with `schemas.TABLES` (each table as data), `schemas.NhsNumber` (a value that parses or fails) and
`schemas.errors` (the one family of errors). `schemas.sql.install_macros` gives the same values as DuckDB macros.
"""

from __future__ import annotations

from schemas.choices import OBJECTION, OPT_OUT
from schemas.dates import PartialDate
from schemas.errors import Busy, CaretraceError, InputError, IntegrityFailure, Refused, SettingsError
from schemas.events import ASSESSMENT, CARE_REVIEW, REGISTRATION, REQUEST, SERVICE, SPELL
from schemas.nhs_number import NhsNumber
from schemas.outcome import CANDIDATE, DATA_QUALITY, LINK, PERSON_KEY, SET_ASIDE, VERDICT
from schemas.person import ADDRESS, IDENTIFIER, NAME, PERSON
from schemas.postcode import Postcode
from schemas.table import Column, Identifies, Table, Type
from schemas.trace import TRACE

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        PERSON,
        ADDRESS,
        NAME,
        IDENTIFIER,
        REGISTRATION,
        SERVICE,
        ASSESSMENT,
        REQUEST,
        CARE_REVIEW,
        SPELL,
        OPT_OUT,
        OBJECTION,
        TRACE,
        SET_ASIDE,
        DATA_QUALITY,
        LINK,
        CANDIDATE,
        VERDICT,
        PERSON_KEY,
    )
}

SOURCE_TABLES: tuple[Table, ...] = tuple(TABLES[name] for name in list(TABLES)[: list(TABLES).index("LINK")])
"""What a connector may fill: everything before LINK."""

EVENT_TABLES: tuple[Table, ...] = (REGISTRATION, SERVICE, ASSESSMENT, REQUEST, CARE_REVIEW, SPELL)

__all__ = [
    "ADDRESS",
    "ASSESSMENT",
    "CANDIDATE",
    "CARE_REVIEW",
    "DATA_QUALITY",
    "EVENT_TABLES",
    "IDENTIFIER",
    "LINK",
    "NAME",
    "OBJECTION",
    "OPT_OUT",
    "PERSON",
    "PERSON_KEY",
    "REGISTRATION",
    "REQUEST",
    "SERVICE",
    "SET_ASIDE",
    "SOURCE_TABLES",
    "SPELL",
    "TABLES",
    "TRACE",
    "VERDICT",
    "Busy",
    "CaretraceError",
    "Column",
    "Identifies",
    "InputError",
    "IntegrityFailure",
    "NhsNumber",
    "PartialDate",
    "Postcode",
    "Refused",
    "SettingsError",
    "Table",
    "Type",
]
