"""Replies of MPT (Master Patient Trace), the predecessor of PDS MESH, closed to new users but still on many disks.

A header row of four or five fields, no titles, then rows of 33 or 34 columns (Data Services Platform, MPS schema), or
of 26 where a record is invalid (seen in one client's tests).
"""

from __future__ import annotations

import re

from connectors import commas
from connectors.files.layouts import Layout
from connectors.supplier import Kind, Rule, Supplier
from connectors.suppliers import pds_mesh, tracing
from connectors.suppliers.trace_codes import PDS_CODES

_WHOLE = {
    **{"reference": 1, "requested": 2, "FAMILY_NAME": 3, "GIVEN_NAME": 4, "OTHER_GIVEN_NAME": 5, "GENDER": 6},
    **{"DATE_OF_BIRTH": 7, "DATE_OF_DEATH": 8, **{f"ADDRESS_LINE{n}": 8 + n for n in range(1, 6)}, "POSTCODE": 14},
    **{"GP_PRACTICE_CODE": 15, "AS_AT_DATE": 17, "TELEPHONE_NUMBER": 20, "MOBILE_NUMBER": 21, "EMAIL_ADDRESS": 22},
    **{"SENSITIVITY_FLAG": 23, "code": 25, "matched": 26, "indicator": 27, "percentage": 28},
}
_SHORT = {"reference": 1, "requested": 2, "code": 18, "matched": 19, "indicator": 20}
_ROWS = {33: _WHOLE, 34: _WHOLE, 26: _SHORT}
"""Place of each field by the number of values in a row; the 34th, PERSON_ID, is not read."""

_HEADER = "(r.record = 1 AND NOT r.continued)"
_COUNTED = "TRY_CAST(f[len(f) - 1] AS BIGINT)"
_CODE = "lpad(f[len(f)], 2, '0')"
_FIRST = "(SELECT h.{0} FROM prepared_reply h WHERE h.file = r.file AND h.record = 1)"


def _refuse(because: str, when: str) -> Rule:
    """Said of the header row; `_refuse` is asked of raw lines, so the fields are looked up."""
    return Rule(because, f"r.record = 1 AND {when}")


MPT = Supplier(
    name="mpt",
    held_by="tracing service",
    kinds=(
        Kind(
            name="reply",
            layout=Layout.LINES,
            recognised=re.compile(rb'\A"?[^",\r\n]*"?,"?(SPINE_MPT|DSP_MPS)[^,\r\n]*,'),
            columns={"text": ("text",)},
            required=(),
            rows=_ROWS,
            prepare=(
                f"SELECT * EXCLUDE (text, f), CASE WHEN {_HEADER} THEN {_COUNTED} END AS counted,"
                f" CASE WHEN {_HEADER} THEN {_CODE} END AS file_code"
                f" FROM ({pds_mesh.judged(commas.records('reply', _ROWS))}) r"
            ),
            record_id="r.reference",
            source_org=tracing.PLACE,
            refuse=(
                _refuse(tracing.A_REQUEST, "starts_with(text, 'MPTREQ_')"),
                *(
                    _refuse(
                        f"the service refused the whole request, code {each.code}: {each.meaning}",
                        f"{_FIRST.format('file_code')} = '{each.code}'",
                    )
                    for each in PDS_CODES
                    if each.whole_file
                ),
                _refuse(
                    tracing.CUT,
                    f"{_FIRST.format('counted')} IS DISTINCT FROM (SELECT count(*) FROM prepared_reply a"
                    " WHERE a.file = r.file AND a.record > 1 AND NOT a.continued)",
                ),
            ),
            exclude=(
                Rule("the header row", _HEADER),
                tracing.CONTINUED,
                tracing.UNREADABLE,
                tracing.REPEATED,
            ),
            fills=pds_mesh.FILLS,
        ),
    ),
)
