"""What the replies of all tracing services have in common: which tables an answer fills, and by which rules.

An answer fills TRACE; where it names one person it fills PERSON as well, so that replies can stand among the register
as its best evidence, and IDENTIFIER where a number replaced another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors import values
from connectors.supplier import Fill, Rule
from connectors.suppliers.trace_codes import Code
from connectors.values import Value, text
from schemas import IDENTIFIER, PERSON, TRACE
from schemas.dates import Form
from schemas.person import SUPERSEDED_NHS_NUMBER

PLACE = "'PDS'"
"""Whose records the answers are: there is one Personal Demographics Service."""

SENTINELS = {"none": "0000000000", "ambiguous": "9999999999"}
"""Numbers that stand for nobody and for several people. Both pass Modulus 11."""

REPEATED = Rule(
    "answered more than once: none of its answers is used",
    "r.record_id IS NOT NULL AND count(*) OVER (PARTITION BY r.record_id) > 1",
)

_SURE = "('cross-check', 'alphanumeric')"


def number(x: str) -> str:
    """SQL of an NHS number's text without the two that stand for no number."""
    return f"CASE WHEN {x} NOT IN ({values.listed(SENTINELS.values())}) THEN {x} END"


def outcome(code: str, matched: str, codes: Iterable[Code]) -> str:
    """SQL of what an answer means: by its code, but found only where there is a number."""
    arms = " ".join(f"WHEN {values.quoted(each.code)} THEN {values.quoted(each.outcome)}" for each in codes)
    by_code = f"CASE {code} {arms} ELSE 'unknown' END"
    return (
        f"CASE WHEN {by_code} NOT IN ('found', 'replaced', 'sensitive') THEN {by_code}"
        f" WHEN {matched} = {values.quoted(SENTINELS['ambiguous'])} THEN 'ambiguous'"
        f" WHEN nhs_number({matched}) IS NULL THEN 'none' ELSE {by_code} END"
    )


def status(source: str) -> str:
    """SQL of the NHS number status an answer gives: 01 only where the search itself was exact.

    Found by resemblance is 05, to be resolved; `caretrace trace read` decides by its settings.
    """
    exact = f"{source}.step IN {_SURE} AND coalesce({source}.confidence, 100) >= 100"
    return (
        f"CASE {source}.outcome WHEN 'suppressed' THEN '05' WHEN 'none' THEN '04' WHEN 'ambiguous' THEN '04'"
        f" WHEN 'not asked' THEN '03' WHEN 'failed' THEN '03' WHEN 'unknown' THEN '05'"
        f" ELSE CASE WHEN {exact} THEN '01' ELSE '05' END END"
    )


def fills(
    person: Mapping[str, Value],
    *,
    matched: str,
    requested: str,
    code: str,
    traced_on: Value,
    flagged: str = "FALSE",
) -> tuple[Fill, ...]:
    """The tables an answer fills.

    `r` has the derived columns `outcome`, `step` and `confidence` (a number); the rest are its texts. `person` are the
    columns of PERSON but number, status and restriction; `flagged` says whether the answer marks the record sensitive.
    """
    found = "r.outcome IN ('found', 'replaced', 'sensitive')"
    return (
        Fill(
            TRACE,
            {
                "code": text(code),
                "outcome": text("r.outcome"),
                "nhs_number": values.nhs_number(number(matched)),
                "requested_nhs_number": values.nhs_number(requested).quietly(),
                "nhs_number_status": Value(status("r")),
                "step": text("r.step"),
                "confidence": Value("r.confidence"),
                "traced_on": traced_on,
            },
        ),
        Fill(
            PERSON,
            {
                "nhs_number": values.nhs_number(number(matched)).quietly(),
                "nhs_number_status": Value(status("r")),
                **person,
                "restricted": Value(f"r.outcome = 'sensitive' OR {flagged}"),
            },
            where=found,
        ),
        Fill(
            IDENTIFIER,
            {"scheme": values.constant(SUPERSEDED_NHS_NUMBER), "value": Value(f"nhs_number({requested})")},
            where=f"r.outcome = 'replaced' AND nhs_number({requested}) <> nhs_number({matched})",
        ),
    )


def day(x: str) -> Value:
    """A date as trace files write it."""
    return values.day(x, Form.BASIC)


CSV_SHAPE = '(?:,(?:"(?:[^"]|"")*"|[^",]*))*'
"""A line of CSV with a comma before it, where every quotation mark stands where one may stand."""


def csv_fields(x: str) -> str:
    """SQL of the fields of a line of CSV as a list of texts, to be cut out with `field`; null where it is none."""
    bare = "CASE WHEN starts_with(s, '\"') THEN replace(s[2:-2], '\"\"', '\"') ELSE s END"
    # Nearly all lines have no quotation mark, and a split costs a tenth of the patterns.
    return (
        f"CASE WHEN NOT contains({x}, '\"') THEN string_split({x}, ',')"
        f" WHEN regexp_full_match(',' || {x}, {values.quoted(CSV_SHAPE)}) THEN list_transform("
        f"""regexp_extract_all(',' || {x}, ',("(?:[^"]|"")*"|[^",]*)', 1), lambda s: {bare}) END"""
    )


def field(place: int) -> str:
    """SQL of a field of the list `f`, from 1: trimmed, null where empty."""
    return f"nullif(trim(f[{place}]), '')"


def whole_lines(kind: str, quoted: str = "TRUE") -> str:
    """SQL: the lines of `raw_<kind>`, where one whose quotation marks do not pair runs on to the next that closes them.

    Gives file, record, line, text, `whole` (with spaces for line breaks) and `continued`: carriage returns inside PDS
    addresses break records over lines. `quoted` is SQL over `r` of whether quotation marks mean anything in its file.
    """
    # Few lines run on, and most files have none: the windows are over the others' numbers alone.
    return f"""
        WITH parity AS (SELECT file, record, contains(text, '"') AND {quoted}
                AND (length(text) - length(replace(text, '"', ''))) % 2 = 1 AS odd FROM raw_{kind} r),
            opened AS (SELECT file, record, CAST(odd AS INTEGER) AS odd,
                coalesce(sum(CAST(odd AS INTEGER)) OVER (PARTITION BY file ORDER BY record
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) % 2 AS inside
                FROM parity WHERE file IN (SELECT file FROM parity WHERE odd)),
            answers AS (SELECT file, record, inside = 1 AS continued,
                sum(1 - inside) OVER (PARTITION BY file ORDER BY record) AS answer FROM opened),
            tails AS (SELECT file, answer, string_agg(text, ' ' ORDER BY record) AS tail
                FROM answers JOIN raw_{kind} USING (file, record) WHERE continued GROUP BY ALL)
        SELECT r.*, coalesce(a.continued, false) AS continued,
            CASE WHEN t.tail IS NULL THEN r.text ELSE r.text || ' ' || t.tail END AS whole
        FROM raw_{kind} r LEFT JOIN answers a USING (file, record)
        LEFT JOIN tails t ON t.file = a.file AND t.answer = a.answer"""


A_REQUEST = "this is a request, not the reply to one; give the file that came back"
CUT = "holds another number of answers than its header says: it was cut or altered; fetch it again"
"""Why a whole file of answers is refused."""

CONTINUED = Rule("the rest of the record on the line above", "r.continued")

UNREADABLE = Rule(
    "another number of fields than an answer has, or quotation marks that do not pair",
    "r.reference IS NULL OR r.code IS NULL",
)
