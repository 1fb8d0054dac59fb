"""The register of disclosures: one row for each release, from the log, in the columns of the HDR UK Data Use Register.

Columns that an agreement of ours does not hold (funders, applicants) are left out rather than left empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from governance.agreement.parties import Role

if TYPE_CHECKING:
    from governance.agreement import Signed

COLUMNS = (
    "release_id",
    "state",
    "release_date",
    "organisation",
    "organisation_id",
    "project_title",
    "lay_summary",
    "public_benefit",
    "purpose",
    "form",
    "datasets",
    "linkage_description",
    "cohort",
    "article_6",
    "article_9",
    "duty_of_confidentiality",
    "national_data_opt_out_applied",
    "frequency",
    "start_date",
    "end_date",
    "sub_licence",
    "people",
    "rows",
    "left_out",
    "agreement",
    "retention_until",
    "made_by",
    "approved_by",
)

_STATES = {
    "RELEASED": "released",
    "RELEASE_ABORTED": "aborted, nothing left",
    "RELEASE_UNCERTAIN": "interrupted: must be taken for disclosed",
}


def rows(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each release begun, oldest first; values are text or numbers, keys are COLUMNS."""
    agreements: dict[tuple[str, str], Mapping[str, Any]] = {}
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        body, kind = entry["body"], entry["type"]
        if kind == "AGREEMENT_RECORDED":
            agreements[body["agreement_id"], body["agreement_version"]] = body
        elif kind == "RELEASE_INTENT":
            facts = agreements[body["agreement_id"], body["agreement_version"]]
            found[body["release_id"]] = _begun(entry, facts)
        elif kind == "PEOPLE_LEFT_OUT":
            counts = body["left_out"].items()
            found[body["release_id"]]["left_out"] = ", ".join(f"{rule} {count}" for rule, count in counts)
        elif kind in _STATES:
            row = found[body["release_id"]]
            row["state"] = _STATES[kind]
            if kind == "RELEASED":
                row |= _outcome(body)
    return list(found.values())


def facts(signed: Signed) -> dict[str, Any]:
    """What the register says about an agreement, to be logged with it; no person is in it."""
    agreement, chosen = signed.agreement, signed.agreement.choices
    return {
        "title": agreement.title,
        "recipients": {party.ods_code: party.name for party in agreement.recipients},
        "controllers": {party.ods_code: party.name for party in agreement.parties if party.role is Role.CONTROLLER},
        "territory": list(agreement.handling.territory),
        "schedule_1": agreement.lawfulness.schedule_1 or "",
        "statement": agreement.purpose.statement,
        "benefits": agreement.purpose.benefits,
        "article_6": agreement.lawfulness.article_6 or "",
        "article_9": agreement.lawfulness.article_9 or "",
        "common_law": agreement.lawfulness.common_law or "",
        "opt_out": chosen.national_data_opt_out,
        "exemption": chosen.exemption or "",
        "frequency": agreement.data.frequency,
        "linkage_description": agreement.data.linkage_description,
        "cohort_description": agreement.data.cohort_description,
        "effective_from": agreement.dates.effective_from.isoformat(),
        "effective_to": agreement.dates.effective_to.isoformat(),
        "review_date": agreement.dates.review_date.isoformat(),
        "sub_licence": agreement.handling.sub_licence_clause or "none",
        "signers": [
            {"organisation": each.organisation, "role": each.role, "key": each.key, "signed_on": each.date.isoformat()}
            for each in signed.signatures
        ],
    }


def _begun(entry: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    body = entry["body"]
    applied = "yes" if facts["opt_out"] == "applied" else f"no: {facts['exemption'] or 'direct care'}"
    tables = sorted({field.partition(".")[0] for field in body["fields"]})
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    return row | {
        "release_id": body["release_id"],
        "state": "begun, no outcome",
        "release_date": entry["at"][:10],
        "organisation": facts["recipients"].get(body["recipient"], ""),
        "organisation_id": body["recipient"],
        "project_title": facts["title"],
        "lay_summary": facts["statement"],
        "public_benefit": facts["benefits"],
        "purpose": body["purpose"],
        "form": body["form"],
        "datasets": ", ".join(tables),
        "linkage_description": facts["linkage_description"],
        "cohort": facts["cohort_description"],
        "article_6": facts["article_6"],
        "article_9": facts["article_9"],
        "duty_of_confidentiality": facts["common_law"],
        "national_data_opt_out_applied": applied,
        "frequency": facts["frequency"],
        "start_date": facts["effective_from"],
        "end_date": facts["effective_to"],
        "sub_licence": facts["sub_licence"],
        "agreement": f"{body['agreement_id']} {body['agreement_version']}",
        "made_by": body["maker"],
        "approved_by": body["approved_by"],
    }


def _outcome(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "people": body["people"],
        "rows": ", ".join(f"{table} {count}" for table, count in body["rows"].items()),
        "retention_until": body["retention_until"],
    }
