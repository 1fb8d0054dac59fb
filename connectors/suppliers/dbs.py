"""Replies of DBS, the Demographics Batch Service: a fixed-width header and trailer around 62 fields, fixed or CSV.

Positions as three public implementations agree on them (HSCIC's Java library, DfE's SUI_Matcher, UK Renal Registry);
none is the official text. What an answer means is its record type.
"""

from __future__ import annotations

import re

from connectors import commas, values
from connectors.files.layouts import Layout
from connectors.supplier import Kind, Rule, Supplier
from connectors.suppliers import tracing
from connectors.suppliers.trace_codes import DBS_CODES
from connectors.values import text
from schemas.dates import Form

_ASKED = (8, 8, 17, 10, 35, 35, 35, 35, 1, 35, 35, 35, 35, 35, 8, 35, 35, 35, 35, 35, 8, 8, 6, 8, 6)
_RETURNED = (8, 8, 3, 8, 8, *(8, 35) * 4, 8, 1, *(8, 35) * 6, 8, 8, 8, 6, 8, 5)
LENGTHS = (2, 20, 3, 10, *_ASKED, *_RETURNED)
"""Lengths of the 62 fields when the body is fixed width: 1130 characters."""

# Place among the 62, from 0. The fields of the request come back between 4 and 28.
_PLACES = {
    **{"code": 0, "reference": 1, "matched": 3, "requested": 7, "birth": 29, "death": 33, "family": 35, "given": 37},
    **{"previous": 39, "others": 41, "gender": 43, **{f"line_{n}": 43 + 2 * n for n in range(1, 6)}, "postcode": 55},
    "practice": 59,
}

_STEP = "CASE WHEN r.code IN ('20', '33') THEN 'alphanumeric' WHEN r.code IN ('30', '40') THEN 'cross-check' END"
_HEADER, _TRAILER = "(r.record = 1 AND starts_with(r.text, '00'))", "starts_with(r.text, '99')"

_STARTS = [1 + sum(LENGTHS[:at]) for at in range(len(LENGTHS))]
_ROWS = {len(LENGTHS): {name: at + 1 for name, at in _PLACES.items()}}
# The header says what the body is, and is fixed width itself.
_AS_CSV = "(r.file IN (SELECT file FROM raw_reply WHERE record = 1 AND substr(text, 7, 1) = '1'))"
_PREPARED_ON = "(SELECT substr(h.text, 36, 8) FROM raw_reply h WHERE h.file = r.file AND h.record = 1)"
_JUDGED = tracing.judged(commas.records("reply", _ROWS, _AS_CSV), DBS_CODES, _STEP, "CAST(NULL AS DOUBLE)")
_ANSWERS = "(SELECT count(*) FROM prepared_reply a WHERE a.file = r.file AND a.answers)"
_FOUND = tracing.fills(
    {
        "family_name": text("r.family"),
        "given_name": text("r.given"),
        "middle_names": text("r.others"),
        "previous_family_name": text("r.previous"),
        **values.birth_date("r.birth", Form.BASIC),
        "gender": values.gender("r.gender"),
        "death_date": tracing.day("r.death"),
        **{f"address_line_{n}": text(f"r.line_{n}") for n in range(1, 6)},
        "postcode": values.postcode("r.postcode"),
        "gp_practice_code": text("r.practice"),
    },
    traced_on=tracing.day("r.prepared_on"),
)

DBS = Supplier(
    name="dbs",
    held_by="tracing service",
    kinds=(
        Kind(
            name="reply",
            layout=Layout.LINES,
            recognised=re.compile(rb"\A00[01][012]01[01][^\r\n]{56}(\r|\n|\Z)"),
            columns={"text": ("text",)},
            fixed=re.compile(rb".{6}0"),
            positions={"text": (1, 63), **{name: (_STARTS[at], LENGTHS[at]) for name, at in _PLACES.items()}},
            rows=_ROWS,
            required=(),
            prepare=(
                f"SELECT * EXCLUDE (f), {_PREPARED_ON} AS prepared_on,"
                f" NOT continued AND NOT {_HEADER} AND NOT {_TRAILER} AS answers"
                f" FROM ({_JUDGED}) r"
            ),
            record_id="CASE WHEN r.answers THEN r.reference END",
            source_org=tracing.PLACE,
            refuse=(
                Rule(tracing.A_REQUEST, "starts_with(text, '000') AND record = 1"),
                Rule(
                    tracing.CUT,
                    f"record = 1 AND TRY_CAST(substr(text, 58, 6) AS BIGINT) IS DISTINCT FROM {_ANSWERS}",
                ),
                Rule(
                    "has no trailer: it was cut short; fetch it again",
                    "record = 1 AND NOT EXISTS"
                    " (SELECT 1 FROM raw_reply t WHERE t.file = r.file AND starts_with(t.text, '99'))",
                ),
            ),
            exclude=(
                Rule("the header", _HEADER),
                Rule("the trailer", _TRAILER),
                tracing.CONTINUED,
                tracing.UNREADABLE,
                tracing.REPEATED,
            ),
            fills=_FOUND,
        ),
    ),
)
