"""The breach pack: what the log knows of an incident, for the notification under UK GDPR Article 33 (72 hours)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from governance.audit import Entry, register
from schemas.errors import InputError

COLUMNS = ("part", "what", "said")

HOURS = 72
"""From when the controller becomes aware; the log knows only when the incident was opened here."""

_TO_SAY = (
    "when and how the organisation became aware, if before this",
    "likely consequences for the people",
    "measures taken or proposed",
    "contact of the data protection officer",
    "whether the people have to be told (Article 34)",
)
"""What Article 33(3) and 34 ask for and no log can know [assumed as to the wording]."""


def rows(entries: Sequence[Entry], incident_id: str) -> list[dict[str, Any]]:
    """The pack as rows of part, what and said; InputError where there is no such incident."""
    about = [e for e in entries if e["type"] == "INCIDENT" and e["body"]["incident_id"] == incident_id]
    if not about:
        raise InputError(f"the log knows no incident {incident_id}; `caretrace audit due` lists those that are open")
    release_id = about[0]["body"]["release_id"]
    [row] = [each for each in register.rows(entries) if each["release_id"] == release_id]
    opened = datetime.fromisoformat(about[0]["at"])
    found = [
        _row("incident", "id", incident_id),
        _row("incident", "opened in the log", f"{opened:%Y-%m-%d %H:%M} UTC"),
        _row("incident", f"notify by ({HOURS} hours)", f"{opened + timedelta(hours=HOURS):%Y-%m-%d %H:%M} UTC"),
        *(_row("incident", e["body"]["state"], e["body"]["about"]) for e in about),
        *(_row("what was released", name.replace("_", " "), value) for name, value in row.items()),
    ]
    intent = next(e["body"] for e in entries if e["type"] == "RELEASE_INTENT" and e["body"]["release_id"] == release_id)
    found += [_row("fields", *field.split(" ", 1)) for field in intent["fields"]]
    for entry in entries:
        if entry["body"].get("release_id") == release_id:
            if entry["type"] == "RELEASED":
                found += [_row("files (SHA-256)", name, digest) for name, digest in entry["body"]["files"].items()]
            found.append(_row("what happened", entry["at"][:19] + "Z", f"{entry['type']}, entry {entry['seq']}"))
    for each in register.rows(entries):
        if each["organisation_id"] == row["organisation_id"] and each["release_id"] != release_id:
            found.append(_row("other releases to this recipient", each["release_id"], each["state"]))
    return found + [_row("still to be said", what, "") for what in _TO_SAY]


def _row(part: str, what: str, said: Any) -> dict[str, Any]:
    return dict(zip(COLUMNS, (part, what, said), strict=True))
