"""FHIR R4 Patient resources by the UK Core profile, from NDJSON, a Bundle or bare resources; CareConnect forms too.

Element by element: HL7 FHIR R4 Patient and HL7 UK's UK Core Patient. The JSON is parsed once, into the columns of
`parsed`; what follows works on lists in columns. Which of several names, addresses and numbers is the present one is
said by `use` and `period`, and by the rank of telecom.
"""

from __future__ import annotations

import re
from dataclasses import replace

from connectors import values
from connectors.files.layouts import Layout
from connectors.supplier import Fill, Kind, Repeats, Rule, Supplier
from connectors.suppliers.fhir_json import ELSEWHERE, PREPARE, TAKEN
from connectors.suppliers.fhir_lists import clean
from connectors.values import Value, quoted, text
from schemas import ADDRESS, IDENTIFIER, NAME, PERSON
from schemas.codes import NHS_NUMBER_STATUS
from schemas.dates import Form
from schemas.person import SUPERSEDED_NHS_NUMBER

REPLACED_RECORD = "replaced record"
"""Scheme of the id of a record that this one stands for since they were merged (link.type = replaces)."""

_STATUS_WORDS = {
    # The codes of UK Core's code systems for England and Wales, of CareConnect and, as PDS sends them, of the retired
    # textual one. Two of its words stand in public examples; the others are made of the displays alike [assumed].
    "01": ("01", "number-present-and-verified"),
    "02": ("02", "number-present-but-not-traced"),
    "03": ("03", "trace-required"),
    "04": ("04", "trace-attempted-no-match-or-multiple-match-found"),
    "05": ("05", "trace-needs-to-be-resolved-nhs-number-or-patient-detail-conflict"),
    "06": ("06", "trace-in-progress"),
    "07": ("07", "number-not-present-and-trace-not-required"),
    "08": ("08", "trace-postponed-baby-under-six-weeks-old"),
}
if _STATUS_WORDS.keys() != NHS_NUMBER_STATUS.keys():
    raise TypeError("the words of the verification statuses are not those of NHS_NUMBER_STATUS")

_GENDER = {"1": ("male",), "2": ("female",), "9": ("other",), "0": ("unknown",)}
_SEVERAL_NUMBERS = "several current NHS numbers in one resource"
_SEVERAL_CODES = "several verification statuses for one NHS number"

_number = values.nhs_number("r.number")
_NUMBER = replace(
    _number,
    parsed="CASE WHEN NOT r.numbers_differ THEN nhs_number(r.number) END",
    fault=f"CASE WHEN nhs_number({{x}}) IS NULL THEN nhs_number_fault({{x}}) ELSE {quoted(_SEVERAL_NUMBERS)} END",
)
_status = values.words("r.status_code", _STATUS_WORDS)
_STATUS = replace(
    _status,
    parsed=f"CASE WHEN NOT r.statuses_differ THEN {_status.parsed} END",
    final="CASE WHEN v_nhs_number IS NOT NULL THEN {v} END",
    given=f"CASE WHEN r.statuses_differ THEN {quoted(_SEVERAL_CODES)} ELSE r.status_code END",
    fault=f"CASE WHEN v_nhs_number IS NULL THEN NULL WHEN {{x}} = {quoted(_SEVERAL_CODES)} THEN {{x}}"
    " ELSE 'not one of the codes of this column' END",
)


def _day(x: str) -> Value:
    """A date, or the date of a date and time; of a year or month its first day."""
    return values.day(f"left({x}, 10)", Form.ISO)


def _last_day(x: str) -> Value:
    """The same, of a year or month its last day: what ended in 2020 may have lasted until its end."""
    whole = (
        f"CASE WHEN regexp_full_match({x}, '[0-9]{{4}}') THEN {x} || '-12-31'"
        f" WHEN regexp_full_match({x}, '[0-9]{{4}}-(0[1-9]|1[0-2])')"
        f" THEN CAST(last_day(CAST({x} || '-01' AS DATE)) AS VARCHAR) ELSE left({x}, 10) END"
    )
    return replace(values.day(whole, Form.ISO), given=x)


_FROM_TO = {"from_date": _day("r.item.from_date"), "to_date": _last_day("r.item.to_date")}
_LINES = {f"address_line_{n}": n for n in range(1, 6)}


def _place(record: str) -> dict[str, Value]:
    """Lines, then district and city; what is more than five stands in the fifth."""
    lines = {name: text(f"{record}.lines[{n}]") for name, n in _LINES.items()}
    lines["address_line_5"] = text(f"nullif(array_to_string({record}.lines[5:], ', '), '')")
    return {**lines, "postcode": values.postcode(f"{record}.postcode"), "uprn": text(f"{record}.uprn")}


_DEAD = Value(
    "CASE WHEN length(r.deceased) >= 10 THEN " + _day("r.deceased").parsed + " END",
    "r.deceased",
    "CASE WHEN {x} = 'true' THEN 'dead, and no date is given'"
    " WHEN length({x}) < 10 THEN 'known to the year or month only' ELSE 'not a date' END",
)


def _is_text(x: str) -> str:
    """Whether it is no list and no object: DSTU2 has the family name in a list."""
    return f"""({x} NOT LIKE '["%"]' AND {x} NOT LIKE '{{"%}}')"""


_FAMILY = Value(
    f"CASE WHEN {_is_text('r.called.family')} THEN r.called.family END",
    "coalesce(r.called.family, r.called.words)",
    f"CASE WHEN {_is_text('{x}')} THEN 'the name is given as one text only, which is not taken apart'"
    " ELSE 'a list or an object where FHIR R4 has a text' END",
)

FHIR = Supplier(
    name="fhir",
    encodings=("utf-8",),
    kinds=(
        Kind(
            name="resource",
            columns={"resource_type": ("resource_type",), "json": ("json",)},
            required=(),
            layout=Layout.RESOURCES,
            recognised=re.compile(rb'"resourceType"\s*:'),
            taken=TAKEN,
            prepare=PREPARE,
            record_id="r.id",
            source_org="r.custodian",
            key_columns=("id",),
            repeats=Repeats.LATEST,
            repeat_key=("resource_type", "source_org", "record_id"),
            newest="last_updated DESC NULLS LAST, version DESC NULLS LAST",
            exclude=(
                Rule("another type of resource than Patient", ELSEWHERE, ("resourceType",)),
                Rule(
                    "not shaped as FHIR R4 has it: a list, object or text stands where another is due",
                    "NOT r.is_sound",
                ),
                Rule("marked as test data (HTEST)", "r.test", ("meta.security",)),
                Rule("replaced by another record (link.type = replaced-by)", "r.replaced", ("link",)),
                Rule("not in use (active = false)", "r.active = 'false'", ("active",)),
            ),
            fills=(
                Fill(
                    PERSON,
                    {
                        "nhs_number": _NUMBER,
                        "nhs_number_status": _STATUS,
                        "family_name": _FAMILY,
                        "given_name": text("r.called.given[1]"),
                        "middle_names": text("nullif(array_to_string(r.called.given[2:], ' '), '')"),
                        "previous_family_name": text("r.former"),
                        **values.birth_date("r.birth_date", Form.ISO),
                        "gender": values.words("r.gender", _GENDER),
                        "death_date": _DEAD,
                        **{name: value.quietly() for name, value in _place("r.home").items()},
                        "gp_practice_code": text("r.practice"),
                        "phone": text("r.phone"),
                        "email": text("r.email"),
                        "ethnicity": values.ethnicity("r.ethnicity"),
                        "restricted": Value("r.restricted"),
                    },
                ),
                Fill(
                    ADDRESS,
                    {"address_type": text("r.item.kind"), **_place("r.item"), **_FROM_TO},
                    each="r.addresses",
                ),
                Fill(
                    NAME,
                    {
                        "name_type": text("r.item.kind"),
                        "family_name": text("r.item.family"),
                        "given_name": text("r.item.given[1]"),
                        **_FROM_TO,
                    },
                    each="r.names",
                    where="coalesce(r.item.family, r.item.given[1]) IS NOT NULL"
                    f" AND coalesce({_is_text('r.item.family')}, true)",
                ),
                Fill(
                    IDENTIFIER,
                    {"scheme": text(clean("r.item.scheme")), "value": text("r.item.value"), **_FROM_TO},
                    each="r.identifiers",
                ),
                Fill(
                    IDENTIFIER,
                    {
                        "scheme": values.constant(SUPERSEDED_NHS_NUMBER),
                        "value": values.nhs_number("r.item.value"),
                        **_FROM_TO,
                    },
                    each="r.old_numbers",
                    where="nhs_number(r.item.value) IS NOT NULL",
                ),
                Fill(
                    IDENTIFIER,
                    {"scheme": values.constant(REPLACED_RECORD), "value": text("r.item")},
                    each="r.replaces",
                ),
            ),
        ),
    ),
)
