"""Which columns of a run folder can be released, and how far each identifies; the schemas say so, once."""

from __future__ import annotations

from schemas import PERSON, SOURCE_TABLES
from schemas.table import Column, Identifies, Type

RUN_COLUMNS = (
    Column("person_key", Type.TEXT, "Our own id of the person, the same in every release.", Identifies.DIRECT),
    Column("person_nhs_number", Type.TEXT, "The person's NHS number, linked or held.", Identifies.DIRECT),
    Column("side", Type.TEXT, "Whether the record came from the client list or the register."),
)
"""What each table under `linked/` begins with, before its declared columns."""

# Choices govern what leaves and are not themselves released: a national opt-out result is used for nothing else, and
# who objected is nobody else's business (NHS Digital, check for national data opt-outs, terms of use).
# Answers of a tracing service say how a number was found; whoever may have the number gets it with PERSON.
_KEPT_HOME = {"set_aside", "data_quality", "opt_out", "objection", "trace"}

RELEASABLE = {table.name.lower(): table for table in SOURCE_TABLES if table.name.lower() not in _KEPT_HOME}

# Where a record stood in an extract is a way back to it for whoever holds the extract, and serves no purpose outside.
_PROVENANCE = {"extract_file", "extract_record", "extract_line"}
_NEVER = {"test_record", "restricted"} | _PROVENANCE


def column(table: str, name: str) -> Column | None:
    """The declaration of a releasable column, or None; person_key never leaves, a pseudonym stands in its place."""
    if name in _NEVER or name == "person_key":
        return None
    declared = RELEASABLE[table]
    if name in declared:
        return declared[name]
    return next((found for found in RUN_COLUMNS if found.name == name), None)


DIRECT_PERSON_COLUMNS = tuple(c.name for c in PERSON.columns if c.identifies is Identifies.DIRECT)
