"""Where each field applies and where it is mandatory, as the data quality script that DHSC publishes has it.

Source: DataS-DHSC/ASC-CLD-LA-Dashboard (MIT licence), GetDQValues, written for Release 1. The conditions are taken to
hold for Release 2 with its own labels [assumed]. SQL over the columns that `helpers` adds; never null.
"""

from __future__ import annotations

from connectors.suppliers.cld import FORMS, event_kind
from connectors.values import day

PLAIN_MACRO = "cld_plain(x) AS lower(translate(x, ' -\u2013\u2014:;,./()&''\"', ''))"
"""How labels are compared: without case, spaces and punctuation."""

_EVENT = "client <> 'by association'"
_USER = "client = 'user'"
_CARER = "client IN ('carer', 'by association')"


def _of(kind: str) -> str:
    return f"{_EVENT} AND kind = '{kind}'"


_FINANCIAL = "starts_with(assessment, 'financialassessment')"
_COSTED = (
    f"{_EVENT} AND kind = 'service' AND NOT contains(mechanism, 'cassrcommissionedsupport')"
    " AND (starts_with(service, 'longterm') OR contains(service, 'carersupport')"
    " OR component IN ('shorttermresidentialcare', 'shorttermnursingcare', 'carerrespite', 'unpaidcarerrespite'))"
)
_MANDATORY = ("true", "true")
_OPTIONAL = ("true", "false")

CONDITIONS: dict[str, tuple[str, str]] = {
    "la_code": _MANDATORY,
    "reporting_period_start_date": _MANDATORY,
    "reporting_period_end_date": _MANDATORY,
    "nhs_number": _MANDATORY,
    "la_person_unique_identifier": _MANDATORY,
    "gp_practice_code": _OPTIONAL,
    "gender": _MANDATORY,
    "ethnicity": _MANDATORY,
    "date_of_birth": _MANDATORY,
    "date_of_death": _OPTIONAL,
    "client_type": _MANDATORY,
    "primary_support_reason": ("true", "kind <> 'request'"),
    "postcode": _MANDATORY,
    "accommodation_status": _MANDATORY,
    # The script reckons age in days / 365.25; here it is the age on the calendar.
    "employment_status": ("true", f"{_USER} AND age BETWEEN 18 AND 64 AND reason = 'learningdisabilitysupport'"),
    "has_unpaid_carer": _MANDATORY,
    "autism_spectrum_disorder_asd": (_USER, "false"),
    "visual_impairment": (_USER, "false"),
    "hearing_impairment": (_USER, "false"),
    "dementia": (_USER, "false"),
    "client_funding_status": (
        _USER,
        f"{_USER} AND (kind = 'assessment' AND {_FINANCIAL} OR kind IN ('service', 'review'))",
    ),
    "event_type": (_EVENT, _EVENT),
    "event_reference": (_EVENT, "false"),
    "event_start_date": (_EVENT, _EVENT),
    # A service may be open, unless the person has died.
    "event_end_date": (_EVENT, "kind <> 'service' OR has_died"),
    "event_description": (_EVENT, "false"),
    "event_outcome": (_EVENT, "assessment <> 'financialassessment'"),
    "request_route_of_access": (_of("request"), "true"),
    "assessment_type": (_of("assessment"), "true"),
    "eligible_needs_identified": (_of("assessment"), "false"),
    "method_of_assessment": (_of("assessment"), f"NOT {_FINANCIAL}"),
    "total_hrs_caring_per_week": (_CARER, "false"),
    "no_of_adults_being_cared_for": (_CARER, "false"),
    "adult_1_linked_person_id": (_CARER, "false"),
    "adult_2_linked_person_id": (_CARER, "false"),
    "adult_3_linked_person_id": (_CARER, "false"),
    "service_type": (_of("service"), "true"),
    "service_component": (_of("service"), "true"),
    "delivery_mechanism": (_of("service"), "false"),
    "provider_cqc_location_id": (_of("service"), "false"),
    "review_reason": (_of("review"), "true"),
    # Release 1 asks for the outcome of a review whose reason is "Planned"; Release 2 has more words after it.
    "review_outcomes_achieved": (_of("review"), "starts_with(review, 'planned')"),
    "method_of_review": (_of("review"), "true"),
    "unit_cost": (_of("service"), _COSTED),
    "cost_frequency_unit_type": (_of("service"), _COSTED),
    "planned_units_per_week": (_of("service"), _COSTED),
}
"""Field to SQL of where it applies, and of where it must not be blank if it applies."""


def parsed_day(name: str) -> str:
    """SQL of a date field's date in the forms that are read; null where it is none."""
    return day(f"r.{name}", *FORMS).parsed


def helpers() -> str:
    """SQL of the columns that conditions speak of, over the rows `r`."""
    said = "coalesce(cld_plain(r.client_type), '')"
    plain = {
        "assessment": "assessment_type",
        "reason": "primary_support_reason",
        "service": "service_type",
        "component": "service_component",
        "mechanism": "delivery_mechanism",
        "review": "review_reason",
    }
    born, end = parsed_day("date_of_birth"), parsed_day("reporting_period_end_date")
    had_birthday = "strftime(d_period_end, '%m%d') >= strftime(d_born, '%m%d')"
    return ", ".join(
        (
            f"coalesce({event_kind()}, '') AS kind",
            f"CASE WHEN contains({said}, 'knownbyassociation') THEN 'by association' WHEN contains({said}, 'carer')"
            f" THEN 'carer' WHEN starts_with({said}, 'serviceuser') THEN 'user' ELSE '' END AS client",
            *(f"coalesce(cld_plain(r.{name}), '') AS {alias}" for alias, name in plain.items()),
            f"{born} AS d_born, {end} AS d_period_end, {parsed_day('reporting_period_start_date')} AS d_period_start",
            f"{parsed_day('event_start_date')} AS d_start, {parsed_day('event_end_date')} AS d_end",
            f"{parsed_day('date_of_death')} AS d_died, r.date_of_death IS NOT NULL AS has_died",
            f"coalesce(year(d_period_end) - year(d_born) - CASE WHEN {had_birthday} THEN 0 ELSE 1 END, -1) AS age",
        )
    )
