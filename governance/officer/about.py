"""Questions about one person: what was shared about them, whom to tell of a correction, and being forgotten.

The person is named by names that only the asker knows (`governance.audit.persons`); neither they nor the answer is
logged, only that somebody asked, why, and when. It is logged before it is answered.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from governance import keys
from governance.audit import Entry, log, register
from governance.audit.log import Log
from governance.audit.persons import Index
from governance.request import Past, history
from schemas.errors import InputError

SHARED = (
    "release_id",
    "state",
    "release_date",
    "organisation",
    "organisation_id",
    "purpose",
    "project_title",
    "form",
    "datasets",
    "fields",
    "article_6",
    "article_9",
    "duty_of_confidentiality",
    "agreement",
    "retention_until",
    "destroyed",
)
"""Columns of `shared`, one row for each release that holds, or may hold, the person."""

RECALL = ("organisation", "organisation_id", "release_id", "release_date", "agreement", "retention_until", "to_do")
"""Columns of `recall`, one row for each release whose recipient is to be told."""


def shared(
    project: Path, keys_dir: Path, names: tuple[bytes, ...], *, reference: str, maker: str, now: datetime
) -> list[dict[str, Any]]:
    """What was shared about a person (Article 15; Caldicott2 recommendation 1), oldest first; keys are SHARED.

    `reference` is that of the request, such as a case number. Releases made before there was an index, and those of
    counts only, are not among them: see `unindexed`.
    """
    with log.opened(project / "audit", keys.load(keys_dir, project=project), now=now) as held:
        _asked(held, "SAR_QUERY", "shared", reference, maker, now)
        return _shared(held, Index(held.audit_dir, keys.load(keys_dir, project=project)), names)


def recall(
    project: Path, keys_dir: Path, names: tuple[bytes, ...], *, reference: str, maker: str, now: datetime
) -> list[dict[str, Any]]:
    """Each recipient to be told of a correction, erasure or restriction (Article 19), soonest end of retention first.

    Recipients who certified the destruction are left out: they hold nothing any more. Keys are RECALL.
    """
    with log.opened(project / "audit", keys.load(keys_dir, project=project), now=now) as held:
        _asked(held, "SAR_QUERY", "recall", reference, maker, now)
        found = _shared(held, Index(held.audit_dir, keys.load(keys_dir, project=project)), names)
    todo = "tell them, by their pseudonym under the agreement, and record it: caretrace officer recalled"
    rows = [{name: row.get(name, "") for name in RECALL} | {"to_do": todo} for row in found if not row["destroyed"]]
    return sorted(rows, key=lambda row: (row["retention_until"], row["release_id"]))


def recalled(
    project: Path, keys_dir: Path, releases: tuple[str, ...], *, reference: str, maker: str, now: datetime
) -> None:
    """Record that the recipients of these releases were told (Article 19); InputError where there is no such one."""
    with log.opened(project / "audit", keys.load(keys_dir, project=project), now=now) as held:
        known = {past.release_id for past in history(held.entries).releases}
        for name in releases:
            if name not in known:
                raise InputError(f"the log knows no release {name}; `caretrace audit register` lists them")
        body = {"releases": list(releases), "reference": _said(reference), "maker": maker}
        held.append([("RECALL_SENT", body)], now=now)


def forget(
    project: Path, keys_dir: Path, names: tuple[bytes, ...], *, reference: str, maker: str, now: datetime
) -> int:
    """Erase the person from the index (Article 17): no release can be traced to them from then on.

    Gives how many names were found. Whom to tell of the erasure is to be asked first: afterwards nobody can say.
    """
    with log.opened(project / "audit", keys.load(keys_dir, project=project), now=now) as held:
        _asked(held, "PERSON_FORGOTTEN", "forget", reference, maker, now)
        return Index(held.audit_dir, keys.load(keys_dir, project=project)).forget(names)


def unindexed(entries: list[Entry]) -> tuple[str, ...]:
    """Releases of people that left, or may have, before there was an index: to be looked through by hand."""
    left = {past.release_id for past in history(entries).releases if _left(past)}
    return tuple(
        entry["body"]["release_id"]
        for entry in entries
        if entry["type"] == "RELEASE_INTENT"
        and entry["body"]["release_id"] in left
        and "person_index" not in entry["body"]
    )


def _left(past: Past) -> bool:
    return past.state != "aborted"


def _shared(held: Log, index: Index, names: tuple[bytes, ...]) -> list[dict[str, Any]]:
    releases = {past.release_id: past for past in history(held.entries).releases if _left(past)}
    intents = {e["body"]["release_id"]: e["body"] for e in held.entries if e["type"] == "RELEASE_INTENT"}
    digests = {name: intents[name]["person_index"] for name in releases if intents[name].get("person_index")}
    holding = set(index.releases(names, digests))
    rows = []
    for row in register.rows(held.entries):
        if row["release_id"] in holding:
            more = {
                "fields": ", ".join(intents[row["release_id"]]["fields"]),
                "destroyed": "yes" if releases[row["release_id"]].destroyed else "",
            }
            rows.append({name: (row | more)[name] for name in SHARED})
    return rows


def _asked(held: Log, kind: str, what: str, reference: str, maker: str, now: datetime) -> None:
    held.append([(kind, {"question": what, "reference": _said(reference), "maker": maker})], now=now)


def _said(reference: str) -> str:
    said = " ".join(reference.split())
    if not said:
        raise InputError("a reference of the request is needed, such as a case number")
    return said
