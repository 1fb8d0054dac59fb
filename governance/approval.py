"""A signed approval of one release: by a controller's signatory, of exactly the plan they were shown.

    write   the maker writes the plan to a file, which goes to whoever approves
    sign    they read it in plain words, made from what they sign, and sign it with their own key (C2SP signed note)
    read    the maker hands the signature to `release.make`; whether it will do is rule R40's business
    check   whoever reads the log checks every signature in it again, with the keys that the log knows them by

An approval is of a plan's hash without its day (`plan.to_approve`): what would leave, to whom, from which run, under
which agreement, and which release to this recipient it is. So it is good for one release and no other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.agreement import Agreement, Party, Signatory, Signed
from governance.agreement.signing import holder, signature_path, verifier
from governance.audit.checkpoint import Verifier, signed_note, unbase64
from governance.files import write_durably
from governance.plan import ReleasePlan, to_approve
from governance.plan_text import text as in_words
from governance.request import ApprovalFacts
from schemas.errors import InputError, IntegrityFailure, Refused

HEADER = "caretrace release approval v1"
LINES = (
    *("header", "plan_sha256", "agreement", "agreement_sha256", "recipient", "run_id"),
    *("organisation", "role", "name", "signed_on"),
)
"""What each line of the signed text says."""


def write(planned: ReleasePlan, to: Path) -> None:
    """Write the plan for whoever approves; InputError where the file exists or cannot be written."""
    if to.exists():
        raise InputError("exists already; a plan is never written over anything", path=to)
    content = {"format": 1, "plan": planned.to_json()}
    try:
        write_durably(to, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", path=to) from None


def shown(path: Path) -> tuple[dict[str, Any], str]:
    """A plan that was written, and its words without notes, which are not signed; InputError where it is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
        said = dict(content["plan"])
        # All that is needed to sign it, or it is no plan.
        words, _ = in_words(said | {"notes": []}), (to_approve(said), said["agreement"]["sha256"], said["reasons"])
        return said, words
    except OSError as error:
        raise InputError(f"the plan cannot be read ({error.strerror})", path=path) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError("is no plan of a release; `caretrace release plan --to FILE` writes one", path=path) from None


def sign(signed: Signed, path: Path, said: Mapping[str, Any], key: Ed25519PrivateKey, *, today: date) -> Path:
    """Write the approval of the plan `said`, read from `path`, beside it; gives its place.

    Refused where something stands against the plan, or the holder of the key may not approve.
    """
    party, signatory = holder(signed.agreement, signed.path, key)
    if said["agreement"]["sha256"] != signed.sha256:
        raise InputError(f"is a plan under another text than {signed.path}; plan again", path=path)
    against = list(said["reasons"])
    if not against and said["outcome"] not in ("ALLOW", "TRANSFORM"):
        against = ["the plan is not allowed"]
    if not party.controls or not signed.agreement.approval.may(signatory.role):
        against.append(f"R40: the {signatory.role} of {party.ods_code} is not asked by the agreement to approve")
    if against:
        raise Refused(f"{path}: this cannot be approved:", tuple(against))
    target = signature_path(path, party, signatory)
    note = signed_note(_text(signed, said, party, signatory, today), verifier(party, signatory), key)
    try:
        write_durably(target, note.encode())
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", path=target) from None
    return target


def _text(signed: Signed, said: Mapping[str, Any], party: Party, signatory: Signatory, day: date) -> str:
    agreement = signed.agreement
    lines = (
        *(HEADER, to_approve(said), f"{agreement.id} {agreement.version}", signed.sha256),
        *(said["recipient"], said["run_id"], party.ods_code, signatory.role, signatory.name, day.isoformat()),
    )
    return "".join(f"{line}\n" for line in lines)


def load(path: Path) -> str:
    """The text of an approval's file; whether it holds is asked later. InputError where it cannot be read."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise InputError(f"the approval cannot be read ({error.strerror})", path=path) from None
    except UnicodeDecodeError:
        raise InputError("is no approval: it is not text", path=path) from None


def read(note: str, planned: ReleasePlan) -> ApprovalFacts:
    """Who approved the plan, or what is wrong with their approval."""
    signed, said = planned.signed, planned.to_json()
    fields = _fields(note)
    found = _signatory(signed.agreement, fields)
    if found is None:
        return ApprovalFacts(fault="the approval is not by a signatory of the agreement, or is none")
    party, signatory = found
    who = ApprovalFacts(party.ods_code, signatory.role, signatory.name, signatory.key)
    try:
        signed_text = verifier(party, signatory).open(note)
        day = date.fromisoformat(fields["signed_on"])
    except (IntegrityFailure, ValueError):
        return replace(who, fault="the approval's signature is wrong: it was altered, or somebody else's")
    if signed_text != _text(signed, said, party, signatory, day):
        return replace(who, fault="the approval is of another plan; show the plan as it is now and ask again")
    return replace(who, signed_on=day, controls=party.controls, note=note)


def _fields(note: str) -> dict[str, str]:
    lines = note.partition("\n\n")[0].split("\n")
    return dict(zip(LINES, lines, strict=True)) if len(lines) == len(LINES) and lines[0] == HEADER else {}


def _signatory(agreement: Agreement, fields: Mapping[str, str]) -> tuple[Party, Signatory] | None:
    wanted = fields.get("organisation"), fields.get("role")
    return next((pair for pair in agreement.signatories if (pair[0].ods_code, pair[1].role) == wanted), None)


def check(entries: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """How many releases in the log were approved by a signature that holds, and how many by a name only.

    IntegrityFailure where a signature is not of the release it stands with, or not by a key the log knows.
    """
    signers: dict[tuple[str, str, str], dict[tuple[str, str], str]] = {}
    by_signature = by_name = 0
    for entry in entries:
        body = entry["body"]
        about = (body.get("agreement_id", ""), body.get("agreement_version", ""), body.get("agreement_sha256", ""))
        if entry["type"] == "AGREEMENT_RECORDED":
            signers[about] = {(each["organisation"], each["role"]): each["key"] for each in body.get("signers", ())}
        elif entry["type"] == "RELEASE_INTENT" and (note := body.get("approval")):
            _check_one(entry, note, signers.get(about, {}))
            by_signature += 1
        elif entry["type"] == "RELEASE_INTENT":
            by_name += 1
    return by_signature, by_name


def _check_one(entry: Mapping[str, Any], note: str, signers: Mapping[tuple[str, str], str]) -> None:
    body, fields = entry["body"], _fields(note)
    expected = {
        "plan_sha256": body.get("approved_sha256"),
        "agreement": f"{body['agreement_id']} {body['agreement_version']}",
        "agreement_sha256": body["agreement_sha256"],
        "recipient": body["recipient"],
        "run_id": body["run_id"],
        "name": body["approved_by"],
    }
    key = signers.get((fields.get("organisation", ""), fields.get("role", "")), "")
    where = f"audit log, entry {entry['seq']}"
    if any(fields.get(name) != value for name, value in expected.items()):
        raise IntegrityFailure(f"{where}: the approval in it is of another release than {body['release_id']}")
    name = note.rpartition("\n\u2014 ")[2].partition(" ")[0]
    try:
        Verifier(name, unbase64(key.removeprefix("ed25519:"))).open(note)
    except (IntegrityFailure, ValueError):
        raise IntegrityFailure(
            f"{where}: the approval of {body['release_id']} is not signed by the key that the log knows its"
            " signatory by"
        ) from None
