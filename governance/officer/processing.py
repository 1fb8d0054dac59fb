"""Rows for the record of processing (UK GDPR Article 30(1)): one for each agreement, in its newest version.

What the log does not hold, such as the data protection officer's contact, is an empty column to be filled in: it is
the organisation's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = (
    "agreement",
    "title",
    "controllers",
    "data_protection_officer",
    "purposes",
    "categories_of_people",
    "categories_of_data",
    "recipients",
    "third_countries_and_safeguards",
    "retention_until",
    "security",
    "article_6",
    "article_9",
    "schedule_1",
    "duty_of_confidentiality",
    "releases",
    "last_release",
)

_SECURITY = "decided rule by rule before each release; encrypted to the recipient (age v1); signed log of every release"


def rows(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each agreement recorded, by its id; a version that was replaced is not shown."""
    found: dict[str, dict[str, Any]] = {}
    agreement_of: dict[str, str] = {}
    for entry in entries:
        body, kind = entry["body"], entry["type"]
        if kind == "AGREEMENT_RECORDED":
            before = found.get(body["agreement_id"], {})
            found[body["agreement_id"]] = _row(body, before)
        elif kind == "RELEASE_INTENT":
            row = found[body["agreement_id"]]
            agreement_of[body["release_id"]] = body["agreement_id"]
            row["categories_of_data"] = ", ".join(body["fields"])
            row["security"] = f"{body['form']}; {_SECURITY}"
        elif kind in ("RELEASED", "RELEASE_UNCERTAIN"):
            row = found[agreement_of[body["release_id"]]]
            row["releases"] += 1
            row["last_release"] = entry["at"][:10]
            row["retention_until"] = max(row["retention_until"], body.get("retention_until", ""))
    return [found[name] for name in sorted(found)]


def _row(body: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("categories_of_data", "security", "retention_until", "last_release")
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {name: before.get(name, "") for name in kept}
    territory = ", ".join(body.get("territory", ()))
    return row | {
        "agreement": f"{body['agreement_id']} {body['agreement_version']}",
        "title": body["title"],
        "controllers": _named(body.get("controllers", {})),
        "purposes": body["statement"],
        "categories_of_people": body["cohort_description"],
        "recipients": _named(body["recipients"]),
        "third_countries_and_safeguards": f"held in: {territory}" if territory else "",
        "article_6": body["article_6"],
        "article_9": body["article_9"],
        "schedule_1": body.get("schedule_1", ""),
        "duty_of_confidentiality": body["common_law"],
        "releases": before.get("releases", 0),
    }


def _named(parties: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({code})" for code, name in sorted(parties.items()))
