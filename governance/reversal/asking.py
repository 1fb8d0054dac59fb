"""Asking for a reversal, approving it, and opening it: three people, three entries in the log before anybody is named.

    ask      decides by rule R43, logs who asks for what and why, and writes the request that the approvers pass on
    approve  the first approver takes off the outer encryption
    reveal   the second takes off the inner one; the log says who is named again before the names are handed over

A request is opened once. Pseudonyms stand in the log as hashes: whoever has the release can find them, nobody else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import rfc8785

from governance import keys
from governance.agreement import Signed
from governance.audit import log
from governance.audit.log import Log
from governance.decide import decide
from governance.deidentify.pseudonym import is_whole
from governance.files import write_durably
from governance.request import Request, ReversalFacts, Stage, history
from governance.reversal import sealing
from governance.rules.rule import Outcome
from schemas.errors import InputError, IntegrityFailure, Refused

ASKED, APPROVED, REVEALED, REFUSED = (
    *("REIDENTIFICATION_ASKED", "REIDENTIFICATION_APPROVED"),
    *("REIDENTIFIED", "REIDENTIFICATION_REFUSED"),
)
COLUMNS = ("reversal_id", "state", "at", "release_id", "purpose", "reason", "people", "asked_by", "approvers")


@dataclass(frozen=True)
class Where:
    """A project, and whose hand writes what when."""

    project: Path
    keys_dir: Path
    maker: str
    now: datetime


@dataclass(frozen=True)
class Named:
    """Who is behind a pseudonym; both empty where the release does not hold it."""

    pseudonym: str
    nhs_number: str | None
    records: tuple[Mapping[str, str], ...]


def ask(
    where: Where,
    signed: Signed,
    release_id: str,
    pseudonyms: Sequence[str],
    *,
    purpose: str,
    reason: str,
    approvers: Sequence[str],
    to: Path,
) -> str:
    """Ask for the people behind some pseudonyms of a release; writes the request to `to` and gives its id.

    Raises Refused with every reason of R43, which is logged too, and InputError for a mistyped pseudonym.
    """
    if to.exists():
        raise InputError("exists already; a request is never written over anything", path=to)
    wanted = tuple(dict.fromkeys(pseudonyms))
    for place, each in enumerate(wanted, 1):
        if not is_whole(each):
            raise InputError(f"pseudonym number {place} is mistyped or cut: its check character does not fit")
    asked = ReversalFacts(release_id, purpose, " ".join(reason.split()), len(wanted), tuple(approvers))
    with _held(where) as held:
        _decided(held, signed, asked, where, where.maker)
        agreed = signed.agreement.reidentification
        names = [each.name for each in map(agreed.approver, approvers) if each] if agreed else []
        key = sealing.wrapped_key(where.project, release_id, *names)
        request = {
            "format": 1,
            "reversal_id": f"V{len(held.entries):06d}",
            "release_id": release_id,
            "agreement_id": signed.agreement.id,
            "agreement_sha256": signed.sha256,
            "pseudonyms": list(wanted),
            "purpose": purpose,
            "reason": asked.reason,
            "approvers": names,
            "asked_by": where.maker,
        }
        body = {name: request[name] for name in request if name not in ("format", "pseudonyms")}
        body |= {"people": len(wanted), "pseudonyms_sha256": _hashes(wanted), "request_sha256": _hash(request)}
        held.append([(ASKED, body)], now=where.now)
    _write(to, request, "first", key)
    return str(request["reversal_id"])


def approve(where: Where, request: Path, identity: Path, *, to: Path) -> str:
    """The first approver opens the outer encryption with the age identity in `identity`; gives their name."""
    if to.exists():
        raise InputError("exists already; a request is never written over anything", path=to)
    asked, stage, key = _read(request)
    if stage != "first":
        raise InputError("was approved by the first approver already; the second one opens it", path=request)
    with _held(where) as held:
        _standing(held, asked, request)
        inner = _opened(key, identity, asked["approvers"][0], request)
        by = str(asked["approvers"][0])
        body = {"reversal_id": asked["reversal_id"], "release_id": asked["release_id"], "by": by, "maker": where.maker}
        held.append([(APPROVED, body)], now=where.now)
    _write(to, asked, "second", inner)
    return by


def reveal(where: Where, signed: Signed, request: Path, identity: Path) -> tuple[Named, ...]:
    """The second approver opens the request: who is behind each pseudonym, in the order asked.

    R43 is asked again, for today. Raises Refused, IntegrityFailure where request or sealed file were altered.
    """
    asked, stage, key = _read(request)
    if stage != "second":
        raise InputError(f"waits for {asked['approvers'][0]} to approve it first", path=request)
    with _held(where) as held:
        entries = _standing(held, asked, request)
        if APPROVED not in entries:
            raise Refused("the log knows no approval of this request by its first approver")
        facts = ReversalFacts(
            asked["release_id"], asked["purpose"], asked["reason"], len(asked["pseudonyms"]), tuple(asked["approvers"])
        )
        _decided(held, signed, facts, where, asked["asked_by"])
        if signed.agreement.id != asked["agreement_id"]:
            raise InputError(f"the request is under {asked['agreement_id']}", path=request)
        secret = _opened(key, identity, asked["approvers"][1], request)
        people = sealing.unseal(signed.agreement, where.project, asked["release_id"], asked["pseudonyms"], key=secret)
        body = {
            "reversal_id": asked["reversal_id"],
            "release_id": asked["release_id"],
            "purpose": asked["purpose"],
            "approvers": asked["approvers"],
            "people": sum(each is not None for each in people),
            "pseudonyms_sha256": _hashes(asked["pseudonyms"]),
            "maker": where.maker,
        }
        held.append([(REVEALED, body)], now=where.now)
    return tuple(
        Named(pseudonym, (found or {}).get("nhs_number"), tuple((found or {}).get("records") or ()))
        for pseudonym, found in zip(asked["pseudonyms"], people, strict=True)
    )


def rows(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The re-identification log: a row for each request, oldest first; keys are COLUMNS. Holds nobody."""
    found: dict[str, dict[str, Any]] = {}
    states = {APPROVED: "approved by the first", REVEALED: "opened: people were named again"}
    for entry in entries:
        body, kind = entry["body"], entry["type"]
        if kind == REFUSED:
            found[f"refused {len(found)}"] = _row(entry, "", "refused")
        elif kind == ASKED:
            found[body["reversal_id"]] = _row(entry, body["reversal_id"], "asked")
        elif kind in states:
            found[body["reversal_id"]]["state"] = states[kind]
    return list(found.values())


def _row(entry: Mapping[str, Any], reversal_id: str, state: str) -> dict[str, Any]:
    body = entry["body"]
    kept = {name: body[name] for name in ("release_id", "purpose", "reason", "people", "asked_by")}
    return {"reversal_id": reversal_id, "state": state, "at": entry["at"][:19] + "Z", **kept} | {
        "approvers": ", ".join(body["approvers"])
    }


@contextmanager
def _held(where: Where) -> Iterator[Log]:
    secrets = keys.load(where.keys_dir, project=where.project)
    with log.opened(where.project / "audit", secrets, now=where.now) as held:
        yield held


def _decided(held: Log, signed: Signed, asked: ReversalFacts, where: Where, asked_by: str) -> None:
    """Raise Refused with every reason, logged, or return nothing."""
    request = Request.of(signed.agreement, recipient="", maker=asked_by)
    request = replace(request, stage=Stage.REVERSE, evidence=replace(request.evidence, reversal=asked))
    decision = decide(signed, request, None, where.now.date(), history(held.entries))
    if decision.outcome is Outcome.ALLOW:
        return
    body = {
        "release_id": asked.release_id,
        "agreement_id": signed.agreement.id,
        "purpose": asked.purpose,
        "reason": asked.reason,
        "people": asked.people,
        "approvers": list(asked.approvers),
        "asked_by": asked_by,
        "reasons": list(decision.reasons),
    }
    held.append([(REFUSED, body)], now=where.now)
    raise Refused(f"nobody is named again from {asked.release_id}:", decision.reasons)


def _standing(held: Log, asked: Mapping[str, Any], request: Path) -> set[str]:
    """What the log holds of the request; IntegrityFailure where it is another than was asked, Refused where used."""
    own = [e for e in held.entries if e["body"].get("reversal_id") == asked["reversal_id"]]
    begun = [e["body"] for e in own if e["type"] == ASKED]
    if not begun or begun[0]["request_sha256"] != _hash({name: asked[name] for name in asked}):
        raise IntegrityFailure(f"{request}: is not the request that the log holds; ask again")
    kinds = {e["type"] for e in own}
    if REVEALED in kinds:
        raise Refused(f"{asked['reversal_id']} was opened before; each request is opened once, ask again")
    return kinds


def _opened(key: bytes, identity: Path, approver: str, request: Path) -> bytes:
    from governance.encryption import decrypted

    return decrypted(key, identity, what=f"the request waits for {approver}", path=request)


def _read(path: Path) -> tuple[dict[str, Any], str, bytes]:
    """The request as asked, its stage, and the key it carries."""
    try:
        content = json.loads(path.read_text("utf-8"))
        asked, stage, key = dict(content["request"]), str(content["stage"]), base64.b64decode(content["key"])
        needed = ("reversal_id", "release_id", "agreement_id", "purpose", "reason", "asked_by", "pseudonyms")
        if any(name not in asked for name in needed) or len(asked["approvers"]) != 2:
            raise ValueError(path)
    except OSError as error:
        raise InputError(f"the request cannot be read ({error.strerror})", path=path) from None
    except (ValueError, KeyError, TypeError):
        raise InputError("is no request for a reversal", path=path) from None
    return asked, stage, key


def _write(path: Path, asked: Mapping[str, Any], stage: str, key: bytes) -> None:
    content = {"stage": stage, "request": asked, "key": base64.b64encode(key).decode()}
    write_durably(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def _hashes(pseudonyms: Sequence[str]) -> list[str]:
    return [sha256(each.encode()).hexdigest() for each in pseudonyms]


def _hash(value: Any) -> str:
    return sha256(rfc8785.dumps(value)).hexdigest()
