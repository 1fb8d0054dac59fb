"""What tracing services answered: where an NHS number comes from, how it was found, and how sure the service is."""

from __future__ import annotations

from types import MappingProxyType

from schemas.codes import NHS_NUMBER_STATUS
from schemas.person import KEY_COLUMNS, PROVENANCE_COLUMNS
from schemas.table import Column, Identifies, Table, Type

TRACE_OUTCOME = MappingProxyType(
    {
        "found": "one person was found",
        "replaced": "the number asked about was replaced by another, which is given",
        "sensitive": "one person was found, whose address is withheld for their safety",
        "suppressed": "the service withholds everything, the number too: do not use the number; refer it",
        "ambiguous": "several people fit; more must be asked with, or a person must look",
        "none": "nobody was found",
        "not asked": "too little or something wrong was asked, so nothing was looked up",
        "failed": "the service failed; ask again",
        "unknown": "an answer that is not in the published list",
    }
)

TRACE_STEP = MappingProxyType(
    {
        "cross-check": "number and date of birth",
        "simple": "simple trace",
        "alphanumeric": "exact search by name, date of birth and more",
        "algorithmic": "search by resemblance; its score is no probability",
    }
)

TRACE = Table(
    "TRACE",
    "one row per answer of a tracing service; record_id is the reference that was asked under, never a client's id",
    (
        *KEY_COLUMNS,
        Column("code", Type.TEXT, "The service's own code: ERROR/SUCCESS_CODE, or the record type of DBS."),
        Column("outcome", Type.TEXT, "What the code means.", codes=TRACE_OUTCOME),
        Column("nhs_number", Type.TEXT, "The number answered, where one was.", Identifies.DIRECT),
        Column("requested_nhs_number", Type.TEXT, "The number asked about, where one was.", Identifies.DIRECT),
        Column("nhs_number_status", Type.TEXT, "Status the answer gives a number.", codes=NHS_NUMBER_STATUS),
        Column("step", Type.TEXT, "How the person was found. Null where not said.", codes=TRACE_STEP),
        Column("confidence", Type.REAL, "The service's score of 0 to 100; not a probability."),
        Column("traced_on", Type.DATE, "Day the service says it answered for, where it does.", Identifies.INDIRECT),
        *PROVENANCE_COLUMNS,
    ),
)
