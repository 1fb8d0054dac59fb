"""What the log knows of files with identifiers that were written for the organisation's own systems and for national
services: trace requests, load-back files, opt-out checks, submissions. Releases to others are in `register`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

INTENT, WRITTEN, ABORTED, UNCERTAIN = "WRITING_INTENT", "WRITTEN", "WRITING_ABORTED", "WRITING_UNCERTAIN"

COLUMNS = (
    "writing_id",
    "state",
    "at",
    "kind",
    "purpose",
    "recipient",
    "rows",
    "files",
    "folder",
    "made_by",
    "run_id",
    "sha256",
)

_BEGUN = "begun, no outcome"
_STATES = {
    WRITTEN: "written",
    ABORTED: "aborted, nothing left",
    UNCERTAIN: "interrupted: must be taken for written",
}


def rows(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each writing begun, oldest first; values are text or numbers, keys are COLUMNS."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        body, kind = entry["body"], entry["type"]
        if kind == INTENT:
            found[body["writing_id"]] = _begun(entry["at"], body)
        elif kind in _STATES:
            row = found[body["writing_id"]]
            row["state"] = _STATES[kind]
            if kind == WRITTEN:
                row |= {"rows": body["rows"], "sha256": ", ".join(body["files"].values())}
    return list(found.values())


def unfinished(entries: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The intents that have no outcome: a program died, or is at it now."""
    intents: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if entry["type"] == INTENT:
            intents[entry["body"]["writing_id"]] = entry["body"]
        elif entry["type"] in _STATES:
            intents.pop(entry["body"]["writing_id"], None)
    return tuple(intents.values())


def _begun(at: str, body: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    return row | {
        "writing_id": body["writing_id"],
        "state": _BEGUN,
        "at": at[:19] + "Z",
        "kind": body["kind"],
        "purpose": body["purpose"],
        "recipient": body["recipient"] or "",
        "files": ", ".join(body["files"]),
        "folder": body["folder"],
        "made_by": body["maker"],
        "run_id": body["run_id"] or "",
    }
