"""Opt-outs as they were applied: how many people each release left out, of which kind, by which list; never who.

From the log alone. A person is counted once in a release, under the first rule that leaves them out, in the order of
KINDS: somebody with a national data opt-out and an objection counts as the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from governance.agreement import DIRECT_CARE

COLUMNS = (
    "release_id",
    "release_date",
    "state",
    "agreement",
    "organisation",
    "kind",
    "rule",
    "applied",
    "people_left_out",
    "list_checked_on",
    "list_numbers",
    "list_sha256",
)
"""`people_left_out` is empty where it is not known; small counts say something about who opted out: for inside only."""

KINDS = {
    "R20": "national data opt-out",
    "R23": "Type 1 opt-out",
    "R24": "objection or local opt-out",
    "R25": "no NHS number, so no opt-out could be looked up",
}
_LISTED = ("R20", "R25")
"""Kinds that are told by the list of allowed numbers."""
_STATES = {"RELEASED": "released", "RELEASE_UNCERTAIN": "uncertain"}


def rows(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each release that left, or may have, and each kind of opt-out; keys are COLUMNS."""
    agreements: dict[tuple[str, str], Mapping[str, Any]] = {}
    intents: dict[str, Mapping[str, Any]] = {}
    left_out: dict[str, Mapping[str, Any]] = {}
    found: list[dict[str, Any]] = []
    for entry in entries:
        body, kind = entry["body"], entry["type"]
        if kind == "AGREEMENT_RECORDED":
            agreements[body["agreement_id"], body["agreement_version"]] = body
        elif kind == "RELEASE_INTENT":
            intents[body["release_id"]] = entry
        elif kind == "PEOPLE_LEFT_OUT":
            left_out[body["release_id"]] = body
        elif kind in _STATES:
            intent = intents[body["release_id"]]
            facts = agreements[intent["body"]["agreement_id"], intent["body"]["agreement_version"]]
            counted = left_out.get(body["release_id"], {})
            found += [_row(rule, intent, facts, counted) | {"state": _STATES[kind]} for rule in KINDS]
    return found


def _row(rule: str, intent: Mapping[str, Any], facts: Mapping[str, Any], counted: Mapping[str, Any]) -> dict[str, Any]:
    body = intent["body"]
    applied = _applied(rule, body, facts)
    listed = counted.get("allowed_list", {}) if applied and rule in _LISTED else {}
    return {
        "release_id": body["release_id"],
        "release_date": intent["at"][:10],
        "state": "",
        "agreement": f"{body['agreement_id']} {body['agreement_version']}",
        "organisation": facts["recipients"].get(body["recipient"], body["recipient"]),
        "kind": KINDS[rule],
        "rule": rule,
        "applied": "yes" if applied else f"no: {facts['exemption'] or DIRECT_CARE}",
        "people_left_out": counted["left_out"].get(rule, 0) if counted else "",
        "list_checked_on": listed.get("checked_on", ""),
        "list_numbers": listed.get("numbers", ""),
        "list_sha256": listed.get("sha256", ""),
    }


def _applied(rule: str, body: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    if rule in _LISTED:
        return bool(facts["opt_out"] == "applied")
    return rule != "R23" or body["purpose"] != DIRECT_CARE
