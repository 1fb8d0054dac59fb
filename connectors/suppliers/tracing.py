"""What the replies of all tracing services have in common: which tables an answer fills, and by which rules.

An answer fills TRACE; where it names one person it fills PERSON as well, so that replies can stand among the register
as its best evidence, and IDENTIFIER where a number replaced another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

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


def judged(answers: str, codes: Iterable[Code], step: str, confidence: str) -> str:
    """SQL: `answers` (with code, matched and requested) and what each means, worked out once for all tables.

    Adds `number` and `asked`, the numbers found and asked about, `step`, `confidence`, and `outcome`: by the code, but
    found only where there is a number.
    """
    arms = " ".join(f"WHEN {values.quoted(each.code)} THEN {values.quoted(each.outcome)}" for each in codes)
    return f"""
        SELECT * EXCLUDE (by_code), CASE WHEN by_code NOT IN ('found', 'replaced', 'sensitive') THEN by_code
            WHEN matched = {values.quoted(SENTINELS["ambiguous"])} THEN 'ambiguous'
            WHEN number IS NULL THEN 'none' ELSE by_code END AS outcome
        FROM (SELECT r.*, CASE r.code {arms} ELSE 'unknown' END AS by_code, nhs_number(r.matched) AS number,
            nhs_number(r.requested) AS asked, {step} AS step, {confidence} AS confidence FROM ({answers}) r)"""


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


def fills(person: Mapping[str, Value], *, traced_on: Value, flagged: str = "FALSE") -> tuple[Fill, ...]:
    """The tables an answer fills, of what `judged` gives.

    `person` are the columns of PERSON but number, status and restriction; `flagged` says whether the answer marks the
    record sensitive.
    """
    found = replace(values.nhs_number(number("r.matched")), parsed="r.number")
    return (
        Fill(
            TRACE,
            {
                "code": text("r.code"),
                "outcome": text("r.outcome"),
                "nhs_number": found,
                "requested_nhs_number": replace(values.nhs_number("r.requested"), parsed="r.asked").quietly(),
                "nhs_number_status": Value(status("r")),
                "step": text("r.step"),
                "confidence": Value("r.confidence"),
                "traced_on": traced_on,
            },
        ),
        Fill(
            PERSON,
            {
                "nhs_number": found.quietly(),
                "nhs_number_status": Value(status("r")),
                **person,
                "restricted": Value(f"r.outcome = 'sensitive' OR {flagged}"),
            },
            where="r.outcome IN ('found', 'replaced', 'sensitive')",
        ),
        Fill(
            IDENTIFIER,
            {"scheme": values.constant(SUPERSEDED_NHS_NUMBER), "value": Value("r.asked")},
            where="r.outcome = 'replaced' AND r.asked <> r.number",
        ),
    )


def day(x: str) -> Value:
    """A date as trace files write it."""
    return values.day(x, Form.BASIC)


A_REQUEST = "this is a request, not the reply to one; give the file that came back"
CUT = "holds another number of answers than its header says: it was cut or altered; fetch it again"
"""Why a whole file of answers is refused."""

CONTINUED = Rule("the rest of the record on the line above", "r.continued")

UNREADABLE = Rule(
    "another number of fields than an answer has, or quotation marks that do not pair",
    "r.reference IS NULL OR r.code IS NULL",
)
