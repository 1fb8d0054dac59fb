"""Client Level Data of adult social care (CLD), Releases 1 and 2: a council's submission, a row an event.

Fields and rules: DHSC's published scripts (ASC-CLD-LA-Dashboard, MIT licence); what is known of the defined lists
stands in `lists/cld.toml`. Both forms of the titles are read, "LA Code" and LA_Code. Every row repeats the person, so
a row of the latest reporting period fills PERSON, and each row fills the table of its kind of event.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from connectors import values
from connectors.supplier import Fill, Kind, Lookup, Repeats, Rule, Supplier
from connectors.values import ETHNIC_WORDS, Value, quoted, text
from schemas import ASSESSMENT, CARE_REVIEW, PERSON, REQUEST, SERVICE
from schemas.codes import ETHNIC_CATEGORY
from schemas.dates import Form

RELEASES = (1, 2)
FORMS = (Form.UK, Form.ISO)
"""dd/mm/yyyy by the specification; a file that went through a database has ISO dates."""


@dataclass(frozen=True)
class Labels:
    """A field's defined list, as far as it is public; a label that ends in * stands for all that begin so."""

    labels: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    complete: tuple[int, ...] = ()
    """Releases whose list is known in full: only there is another label a fault."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Release 1 labels with the Release 2 label that says the same in other words."""


@dataclass(frozen=True)
class Field:
    """One checked field: its database name in lower case, its title in a council's file, and what it holds."""

    name: str
    title: str
    kind: str
    labels: Labels = Labels()


@cache
def fields() -> tuple[Field, ...]:
    """The 46 checked fields in the order of the specification."""
    known: dict[str, Any] = tomllib.loads((Path(__file__).parent / "lists" / "cld.toml").read_text(encoding="utf-8"))
    lists = {name: _labels(each) for name, each in known["list"].items()}
    return tuple(Field(f["name"], f["title"], f["kind"], lists.get(f["name"], Labels())) for f in known["field"])


def _labels(declared: Mapping[str, Any]) -> Labels:
    labels = {release: tuple(declared[f"r{release}"]) for release in RELEASES}
    return Labels(labels, tuple(declared["complete"]), declared.get("renamed", {}))


# Some councils send names too, though the checks know nothing of them.
FURTHER = {
    "first_name": ("First Name",),
    "last_name": ("Last Name",),
    "gp_practice_name": ("GP Practice Name",),
    "provider_cqc_location_name": ("Provider CQC Location Name",),
}
COLUMNS = {each.name: (each.title,) for each in fields()} | FURTHER
"""Field to title; capitals and punctuation make no difference, so a title stands for its database name too."""


def given(name: str, record: str = "r") -> str:
    """SQL of a field's text: the word NULL, which databases leave in exported files, is none."""
    return f"nullif({record}.{name}, 'NULL')"


def event_kind(record: str = "r") -> str:
    """SQL of the kind of event in lower case, null where the type is another word. A referral is an old request."""
    said = f"lower({record}.event_type)"
    arms = "".join(
        f" WHEN {said} LIKE '{kind}%' THEN '{kind}'" for kind in ("request", "assessment", "service", "review")
    )
    return f"CASE{arms} WHEN {said} LIKE 'referral%' THEN 'request' END"


_ETHNIC_DETAILS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "A": ("White", ("English, Welsh, Scottish, Northern Irish or British",)),
    "B": ("White", ("Irish",)),
    "C": ("White", ("Any other White background",)),
    "D": ("Mixed or multiple ethnic groups", ("White and Black Caribbean",)),
    "E": ("Mixed or multiple ethnic groups", ("White and Black African",)),
    "F": ("Mixed or multiple ethnic groups", ("White and Asian",)),
    # The ends of these two labels are not public; these are the words of the 2021 census [assumed].
    "G": ("Mixed or multiple ethnic groups", ("Any other Mixed or multiple ethnic background",)),
    "P": (
        "Black, Black British, Caribbean or African",
        (
            "Any other Black, Black British or Caribbean background",
            "Any other Black, Black British, or Caribbean background",
        ),
    ),
    "H": ("Asian or Asian British", ("Indian",)),
    "J": ("Asian or Asian British", ("Pakistani",)),
    "K": ("Asian or Asian British", ("Bangladeshi",)),
    "L": ("Asian or Asian British", ("Any other Asian background",)),
    "M": ("Black, Black British, Caribbean or African", ("Caribbean",)),
    "N": ("Black, Black British, Caribbean or African", ("African",)),
    "R": ("Asian or Asian British", ("Chinese",)),
    "S": ("Other ethnic group", ("Any other ethnic group",)),
    "Z": ("No data", ("Refused",)),
    "99": ("No data", ("Undeclared or not known",)),
}
ETHNIC_LABEL: Mapping[str, str] = {code: f"{group}: {details[0]}" for code, (group, details) in _ETHNIC_DETAILS.items()}
"""Release 2's label of each NHS ethnic category; the census categories Arab, Gypsy and Roma have no code there."""


def _ethnicity(x: str) -> Value:
    said = {
        code: (code, name, *ETHNIC_WORDS[code], *(f"{group}{sep}{each}" for sep in (": ", " - ") for each in details))
        for (code, name), (group, details) in ((item, _ETHNIC_DETAILS[item[0]]) for item in ETHNIC_CATEGORY.items())
    }
    fault = (
        "CASE WHEN regexp_matches({x}, 'gypsy|roma|traveller|arab', 'i')"
        " THEN 'a category that the NHS ethnic categories have no code for'"
        " ELSE 'not a word or code this column has' END"
    )
    return replace(values.words(x, said), fault=fault)


# Rows of one person may hold several NHS numbers; then nobody can say which is theirs, and none is used.
def _numbered(alias: str, direction: str) -> Lookup:
    number = f"nhs_number({alias}.nhs_number)"
    return Lookup(alias, ("event",), where=f"{number} IS NOT NULL", order=f"{number} {direction}")


_DIFFERENT = "the rows of this person hold different NHS numbers"
_NUMBER = replace(
    values.nhs_number("coalesce(lowest.nhs_number, nullif(r.nhs_number, 'NULL'))", record="lowest"),
    parsed="CASE WHEN nhs_number(lowest.nhs_number) = nhs_number(highest.nhs_number)"
    " THEN nhs_number(lowest.nhs_number) END",
    fault=f"CASE WHEN nhs_number({{x}}) IS NULL THEN nhs_number_fault({{x}}) ELSE {quoted(_DIFFERENT)} END",
)


def _day(name: str) -> Value:
    return values.day(given(name), *FORMS)


_PERIOD_END = _day("reporting_period_end_date").parsed
# What makes two rows one event, by DHSC's definition, with the costs besides: rows that differ in their costs alone
# both stay. A service's end is no part of it, for a service open in one period is ended in a later one.
_EVENT = (
    *("source_org", "record_id", "client_type", "event_kind", "event_start_date"),
    "CASE WHEN r.event_kind <> 'service' THEN r.event_end_date END",
    *("request_route_of_access", "assessment_type", "service_type", "service_component", "delivery_mechanism"),
    *("provider_cqc_location_id", "unit_cost", "cost_frequency_unit_type", "planned_units_per_week", "review_reason"),
)
_SAME_EVENT = ", ".join(each if each.startswith("CASE") else f"lower(r.{each})" for each in _EVENT)
_LATER = "r.file DESC, r.record DESC"

_EVENT_COLUMNS = {
    "event_id": text(given("event_reference")),
    "start_date": _day("event_start_date"),
    "end_date": _day("event_end_date"),
    "outcome": text(given("event_outcome")),
    "client_type": text(given("client_type")),
    "primary_support_reason": text(given("primary_support_reason")),
}
_EVENTS = {
    "service": (
        SERVICE,
        {
            "service_type": text(given("service_type")),
            "service_component": text(given("service_component")),
            "delivery_mechanism": text(given("delivery_mechanism")),
            "provider": text("coalesce(nullif(r.provider_cqc_location_id, 'NULL'), r.provider_cqc_location_name)"),
            "unit_cost": values.number(given("unit_cost")),
            "cost_unit": text(given("cost_frequency_unit_type")),
            "units_per_week": values.number(given("planned_units_per_week")),
        },
    ),
    "assessment": (
        ASSESSMENT,
        {
            "assessment_type": text(given("assessment_type")),
            "eligible_needs": text(given("eligible_needs_identified")),
            "method": text(given("method_of_assessment")),
        },
    ),
    "request": (REQUEST, {"route_of_access": text(given("request_route_of_access"))}),
    "review": (
        CARE_REVIEW,
        {
            "review_reason": text(given("review_reason")),
            "outcomes_achieved": text(given("review_outcomes_achieved")),
            "method": text(given("method_of_review")),
        },
    ),
}

CLD = Supplier(
    name="cld",
    lookups=(_numbered("lowest", "ASC"), _numbered("highest", "DESC")),
    kinds=(
        Kind(
            name="event",
            columns=COLUMNS,
            # Without the code nobody could say whose ids they are; the name of a folder is no council.
            required=("la_code", "la_person_unique_identifier", "client_type", "event_type", "event_start_date"),
            source_org=given("la_code"),
            record_id=given("la_person_unique_identifier"),
            key_columns=("la_person_unique_identifier",),
            derived={"event_kind": event_kind()},
            repeats=Repeats.FOLD,
            newest=f"{_PERIOD_END} DESC NULLS LAST, file DESC",
            keep_repeats="r.event_kind IS NOT NULL",
            exclude=(
                Rule(
                    "no LA Person Unique Identifier but the word NULL",
                    "r.record_id IS NULL",
                    ("la_person_unique_identifier",),
                ),
                Rule("no LA Code, so whose id it is cannot be told", f"{given('la_code')} IS NULL", ("la_code",)),
                Rule(
                    "superseded: a later file holds the same council and reporting period",
                    "r.file < max(r.file) OVER (PARTITION BY r.source_org, r.reporting_period_start_date,"
                    " r.reporting_period_end_date)",
                    ("reporting_period_start_date", "reporting_period_end_date"),
                ),
                Rule(
                    "an event type that is none of Request, Assessment, Service and Review",
                    f"r.event_kind IS NULL AND {given('event_type')} IS NOT NULL",
                    ("event_type",),
                ),
                Rule(
                    "the same event stands in a later row",
                    f"r.event_kind IS NOT NULL AND row_number() OVER (PARTITION BY {_SAME_EVENT}"
                    f" ORDER BY {_PERIOD_END} DESC NULLS LAST, {_LATER}) > 1",
                    ("event_type", "event_start_date"),
                ),
            ),
            fills=(
                Fill(
                    PERSON,
                    {
                        "nhs_number": _NUMBER,
                        "family_name": text(given("last_name")),
                        "given_name": text(given("first_name")),
                        **values.birth_date(given("date_of_birth"), *FORMS),
                        "gender": values.gender(given("gender")),
                        "death_date": _day("date_of_death"),
                        "postcode": values.postcode(given("postcode")),
                        "gp_practice_code": text(given("gp_practice_code")),
                        "ethnicity": _ethnicity(given("ethnicity")),
                    },
                    once=True,
                ),
                *(
                    Fill(table, {**_EVENT_COLUMNS, **columns}, where=f"r.event_kind = '{kind}'")
                    for kind, (table, columns) in _EVENTS.items()
                ),
            ),
        ),
    ),
)
