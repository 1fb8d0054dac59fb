"""What happens after a release, put on record: destruction, incidents, a signatory's new key.

Each is an entry of the log that the rules read at the next release (R03, R14, R45). Nothing here tells of a person in
care, and nothing can be taken back: an incident is closed by another entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from governance import keys
from governance.audit import log
from governance.audit.log import Log
from governance.request import Past, history
from schemas.errors import InputError

_KEY = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=")


@contextmanager
def _held(project: Path, keys_dir: Path, now: datetime) -> Iterator[Log]:
    with log.opened(project / "audit", keys.load(keys_dir, project=project), now=now) as held:
        yield held


def destroyed(
    project: Path, keys_dir: Path, release_id: str, *, certificate: str, destroyed_on: date, maker: str, now: datetime
) -> None:
    """Record that the recipient has destroyed a release, with the reference of its certificate.

    InputError where there is no such release, nothing left of it to destroy, or the day is still to come.
    """
    with _held(project, keys_dir, now) as writing:
        past = _release(writing, release_id)
        if past.state not in ("released", "uncertain"):
            raise InputError(f"{release_id} never left ({past.state}), so nothing of it can be destroyed")
        if past.destroyed:
            raise InputError(f"a certificate of destruction for {release_id} is on record already")
        if destroyed_on > now.date():
            raise InputError(f"the day of destruction, {destroyed_on}, is still to come")
        body = {
            "certificate": _said(certificate, "a certificate's reference"),
            "destroyed_on": destroyed_on.isoformat(),
        }
        writing.append([("DESTRUCTION_CERT", {"release_id": release_id, **body, "maker": maker})], now=now)


def incident(project: Path, keys_dir: Path, release_id: str, *, about: str, maker: str, now: datetime) -> str:
    """Open an incident about a release, which freezes its agreement (R45); gives the incident's id."""
    with _held(project, keys_dir, now) as writing:
        _release(writing, release_id)
        incident_id = f"I{len(writing.entries):06d}"
        body = {"incident_id": incident_id, "release_id": release_id, "state": "open"}
        writing.append([("INCIDENT", body | {"about": _said(about, "a reason"), "maker": maker})], now=now)
        return incident_id


def close(project: Path, keys_dir: Path, incident_id: str, *, about: str, maker: str, now: datetime) -> None:
    """Close an incident with what came of it; InputError where it is not open."""
    with _held(project, keys_dir, now) as writing:
        last = [
            e["body"] for e in writing.entries if e["type"] == "INCIDENT" and e["body"]["incident_id"] == incident_id
        ]
        if not last or last[-1]["state"] != "open":
            raise InputError(
                f"there is no open incident {incident_id}; `caretrace audit due` lists those that are open"
            )
        body = {"incident_id": incident_id, "release_id": last[-1]["release_id"], "state": "closed"}
        writing.append([("INCIDENT", body | {"about": _said(about, "what came of it"), "maker": maker})], now=now)


def signer(
    project: Path, keys_dir: Path, *, organisation: str, role: str, key: str, reason: str, maker: str, now: datetime
) -> None:
    """Record a signatory's new public key, after asking them; until then R03 refers agreements signed with it."""
    if not _KEY.fullmatch(key):
        raise InputError("a public key looks like ed25519:... with 44 characters behind the colon")
    body = {"organisation": organisation, "role": role, "key": key, "reason": _said(reason, "a reason")}
    with _held(project, keys_dir, now) as writing:
        writing.append([("SIGNER_RECORDED", body | {"maker": maker})], now=now)


DUE = ("what", "id", "agreement", "recipient", "day", "state")
"""Columns of `due`."""


def due(entries: list[Mapping[str, Any]], *, today: date) -> list[dict[str, Any]]:
    """What waits for somebody: open incidents, ends of retention, reviews and ends of agreements; soonest first."""
    past = history(entries)
    rows = [
        _row("incident", each, agreement, "", None, "open: the agreement is frozen")
        for agreement, open_ones in past.incidents.items()
        for each in open_ones
    ]
    for each in past.releases:
        if each.state in ("released", "uncertain") and not each.destroyed and each.retention_until:
            over = each.retention_until < today
            state = "overdue: ask for the certificate of destruction" if over else "retention runs"
            rows.append(
                _row("destruction", each.release_id, each.agreement_id, each.recipient, each.retention_until, state)
            )
    newest: dict[str, Mapping[str, Any]] = {
        entry["body"]["agreement_id"]: entry["body"] for entry in entries if entry["type"] == "AGREEMENT_RECORDED"
    }
    for agreement, body in newest.items():
        for what, name in (("review", "review_date"), ("end of agreement", "effective_to")):
            if name in body:
                day = date.fromisoformat(body[name])
                rows.append(_row(what, agreement, agreement, "", day, "overdue" if day < today else "to come"))
    return sorted(rows, key=lambda row: (row["day"], row["what"], row["id"]))


def _row(what: str, its_id: str, agreement: str, recipient: str, day: date | None, state: str) -> dict[str, Any]:
    return dict(zip(DUE, (what, its_id, agreement, recipient, day.isoformat() if day else "", state), strict=True))


def _release(writing: Log, release_id: str) -> Past:
    for past in history(writing.entries).releases:
        if past.release_id == release_id:
            return past
    raise InputError(f"the log knows no release {release_id}; `caretrace audit register` lists them")


def _said(text: str, what: str) -> str:
    said = " ".join(text.split())
    if not said:
        raise InputError(f"{what} is needed")
    return said
