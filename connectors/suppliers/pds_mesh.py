"""Replies of PDS MESH, the batch trace of today: CSV with the column names in its first row (29 or 33 columns).

Which of the two the live service sends is not published, so columns are found by name, with the spellings that were
seen in other people's code.
"""

from __future__ import annotations

from connectors import values
from connectors.supplier import Kind, Supplier
from connectors.suppliers import tracing
from connectors.suppliers.trace_codes import PDS_CODES
from connectors.values import text
from schemas.dates import Form

STEPS = {"1": "cross-check", "2": "simple", "3": "alphanumeric", "4": "algorithmic"}
"""MATCHED_ALGORITHM_INDICATOR; 0 is none run, or no match."""

COLUMNS = {
    "reference": ("UNIQUE REFERENCE",),
    "requested": ("REQ_NHS_NUMBER", "REQ_NHS_NO"),
    **{name: (name,) for name in ("FAMILY_NAME", "GIVEN_NAME", "OTHER_GIVEN_NAME", "GENDER", "DATE_OF_BIRTH")},
    **{name: (name,) for name in ("DATE_OF_DEATH", *(f"ADDRESS_LINE{n}" for n in range(1, 6)), "POSTCODE")},
    **{name: (name,) for name in ("GP_PRACTICE_CODE", "AS_AT_DATE", "TELEPHONE_NUMBER", "MOBILE_NUMBER")},
    "EMAIL_ADDRESS": ("EMAIL_ADDRESS",),
    "SENSITIVITY_FLAG": ("SENSITIVITY_FLAG", "SENSITIVTY_FLAG"),
    "code": ("ERROR/SUCCESS_CODE",),
    "matched": ("MATCHED_NHS_NO",),
    "indicator": ("MATCHED_ALGORITHM_INDICATOR",),
    "percentage": ("MATCHED_CONFIDENCE_PERCENTAGE",),
}

_ARMS = " ".join(f"WHEN {values.quoted(code)} THEN {values.quoted(step)}" for code, step in STEPS.items())


def judged(answers: str) -> str:
    """SQL: answers with these columns and what they mean."""
    step, confidence = f"CASE r.indicator {_ARMS} END", "TRY_CAST(r.percentage AS DOUBLE)"
    return tracing.judged(answers, PDS_CODES, step, confidence)


PERSON = {
    "family_name": text("r.FAMILY_NAME"),
    "given_name": text("r.GIVEN_NAME"),
    "middle_names": text("r.OTHER_GIVEN_NAME"),
    **values.birth_date("r.DATE_OF_BIRTH", Form.BASIC),
    "gender": values.gender("r.GENDER"),
    "death_date": tracing.day("r.DATE_OF_DEATH"),
    **{f"address_line_{n}": text(f"r.ADDRESS_LINE{n}") for n in range(1, 6)},
    "postcode": values.postcode("r.POSTCODE"),
    "gp_practice_code": text("r.GP_PRACTICE_CODE"),
    "phone": text("coalesce(r.MOBILE_NUMBER, r.TELEPHONE_NUMBER)"),
    "email": text("r.EMAIL_ADDRESS"),
}
# Which words the flag has is not published: whatever does not plainly say no counts as yes [assumed].
_FLAGGED = "coalesce(upper(r.SENSITIVITY_FLAG) NOT IN ('N', 'NO', 'U', '0', 'FALSE'), false)"
FILLS = tracing.fills(PERSON, traced_on=tracing.day("r.AS_AT_DATE"), flagged=_FLAGGED)

PDS_MESH = Supplier(
    name="pds_mesh",
    held_by="tracing service",
    kinds=(
        Kind(
            name="reply",
            columns=COLUMNS,
            required=("reference", "code", "matched", "indicator"),
            record_id="r.reference",
            source_org=tracing.PLACE,
            key_columns=("reference",),
            prepare=judged("FROM standing_reply"),
            exclude=(tracing.REPEATED,),
            versions=(
                ("33 columns", ("ALGORITHMIC_TRACE_DOB_SCORE_PERC",)),
                ("29 columns", ("GP_REGISTRATION_DATE",)),
            ),
            fills=FILLS,
        ),
    ),
)
