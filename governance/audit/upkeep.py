"""What the log knows of the project's own keeping: backups, purges, erasures, what stood in plain text and was
encrypted, and a log put back from a backup.

A backup is one entry, made before anything is copied, so that the copy holds it and nothing of the log comes after the
copy: what was put back from the newest backup then agrees with the anchor in the keys folder. Only a backup that
failed has a second entry; one that a power cut ended is taken for made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from governance.audit import anchors
from governance.audit.checkpoint import Checkpoint, Verifier
from governance.audit.log import Log, opened_after
from governance.audit.verification import CHECKPOINT, examine
from governance.keys import Keys
from schemas.errors import InputError, IntegrityFailure, Refused

BACKUP, BACKUP_FAILED = "BACKUP", "BACKUP_FAILED"
PURGING, PURGED = "PURGING", "PURGED"
ERASING, ERASED = "ERASING", "ERASED"
ENCRYPTING, ENCRYPTED = "ENCRYPTING", "ENCRYPTED"
PUT_BACK = "LOG_PUT_BACK"

COLUMNS = ("at", "what", "id", "state", "about", "made_by")


def rows(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """One row for each backup, purge, erasure, encryption and put-back log, oldest first; keys are COLUMNS."""
    found: dict[str, dict[str, str]] = {}
    for entry in entries:
        body, kind = entry["body"], entry["type"]
        if kind in _BEGUN:
            what, state, about = _BEGUN[kind]
            row = dict(zip(COLUMNS, (entry["at"][:19] + "Z", what, body["id"], state, about(body)), strict=False))
            found[body["id"]] = row | {"made_by": body["maker"]}
        elif kind in _ENDED and body["id"] in found:
            found[body["id"]]["state"] = _ENDED[kind]
    return list(found.values())


def unfinished(entries: Iterable[Mapping[str, Any]], kind: str = PURGING) -> tuple[str, ...]:
    """The purges (or others) that were begun and have no end: a program died, or is at it now."""
    what, state, _ = _BEGUN[kind]
    return tuple(row["id"] for row in rows(entries) if (row["what"], row["state"]) == (what, state))


def _backed_up(body: Mapping[str, Any]) -> str:
    return f"{body['file']}, " + (f"encrypted to {'; '.join(to)}" if (to := body["encrypted_to"]) else "not encrypted")


def _purged(body: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {kind}" for kind, count in body["counts"].items())
    return f"{counts}: {'; '.join(body['paths'])}"


def _erased(body: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {kind}" for kind, count in body["counts"].items())
    said = f"{body['reference']}: {counts}" + (", kept out from now on" if body["kept_out"] else "")
    return said + (f"; removed {'; '.join(body['paths'])}" if body["paths"] else "")


def _encrypted(body: Mapping[str, Any]) -> str:
    return f"what stood in plain text: {', '.join(f'{count} {kind}' for kind, count in body['counts'].items())}"


def _put_back(body: Mapping[str, Any]) -> str:
    return f"{body['lost']} entries from {body['from']} on are lost: {body['reason']}"


_BEGUN: Mapping[str, tuple[str, str, Callable[[Mapping[str, Any]], str]]] = {
    BACKUP: ("backup", "made, or must be taken for made", _backed_up),
    PURGING: ("purge", "begun, no end", _purged),
    ERASING: ("erasure", "begun, no end", _erased),
    ENCRYPTING: ("encryption", "begun, no end", _encrypted),
    PUT_BACK: ("log put back", "accepted", _put_back),
}
_ENDED = {BACKUP_FAILED: "failed, nothing left", PURGED: "ended", ERASED: "ended", ENCRYPTED: "ended"}


def digests(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """SHA-256 of files for other systems that were encrypted where they stood, by name and what it was before."""
    bodies = (entry["body"] for entry in entries if entry["type"] == ENCRYPTED)
    return {(name, told["was"]): told["is"] for body in bodies for name, told in body["files"].items()}


def put_back(audit_dir: Path, keys: Keys, *, reason: str, maker: str, now: datetime) -> int:
    """Accept a log that was put back from a backup and lacks its newest entries; gives how many are lost.

    The keys folder saw a longer log and would refuse this one for good. An entry says so, with what was seen and why it
    is accepted, and the keys folder then follows the log as it stands. Whoever holds a later proof or checkpoint (a
    recipient, a witness) still sees the gap, as they should. Refused while the longer log stands in another place:
    then this one is a copy. InputError where nothing is missing.
    """
    said = " ".join(reason.split())
    if not said:
        raise InputError("a reason is needed")
    origin = _origin(audit_dir)
    verifier = Verifier(origin, keys.signing.public_key().public_bytes_raw())
    seen = _seen(audit_dir, keys, verifier)
    with opened_after(audit_dir, keys, lambda: examine(audit_dir, verifier=verifier), now=now) as held:
        held_entries = len(held.entries)
        if seen.size <= held_entries:
            raise InputError(f"nothing is missing: the log holds {held_entries} entries, the keys folder saw no more")
        for place in anchors.places(keys.folder, origin):
            if place != audit_dir.resolve() and _origin(place) == origin:
                raise Refused(
                    f"the log stands in {place} too, so this is a copy of that project; take that one, or, where it is"
                    " damaged for good, move it away first"
                )
        _append(held, seen, said, maker, now)
    return seen.size - held_entries


def _seen(audit_dir: Path, keys: Keys, verifier: Verifier) -> Checkpoint:
    """The newest state of this log that the keys folder saw."""
    for anchor in anchors.of_keys(keys.folder, audit_dir, verifier.name):
        if anchor.origin != verifier.name:
            raise IntegrityFailure(
                f"{audit_dir}: {anchor.where} knows another log of this place; restore into a folder of its own"
            )
        return Checkpoint.open(anchor.note, verifier)
    raise InputError("the keys folder knows nothing of this log, so nothing can be missing", path=audit_dir)


def _append(held: Log, seen: Checkpoint, reason: str, maker: str, now: datetime) -> None:
    first = len(held.entries)
    body = {
        "id": f"L{first:06d}",
        "from": first,
        "lost": seen.size - first,
        "seen_root": seen.root.hex(),
        "reason": reason,
        "maker": maker,
    }
    held.append([(PUT_BACK, body)], now=now)


def _origin(audit_dir: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return (audit_dir / CHECKPOINT).read_text("utf-8").partition("\n")[0]
    return ""
