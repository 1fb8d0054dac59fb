"""Approvals of single releases: of one plan, by one key, for one release; in the log, and checked there by anybody."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import governance
from governance import agreement, approval, audit, example
from governance.agreement.example_keys import example_key
from governance.audit import merkle
from governance.audit.checkpoint import Checkpoint
from schemas.errors import InputError, IntegrityFailure, Refused, SettingsError

if TYPE_CHECKING:
    from conftest import Desk, Kit

SIGNED = ("[pseudonyms]", "[approval]\nsigned = true\n\n[pseudonyms]")
GUARDIAN, SIRO = example_key("X0X01", "Caldicott Guardian"), example_key("X0X01", "SIRO")
BOARD = example_key("X0X02", "Caldicott Guardian")


def approved(desk: Desk, kit: Kit, *, key: Ed25519PrivateKey = SIRO, day: date | None = None, to: str = "plan") -> str:
    """The text of an approval of the desk's plan as it is now."""
    path = desk.root / f"{to}.json"
    approval.write(desk.plan(), path)
    said, _ = approval.shown(path)
    return approval.load(approval.sign(agreement.load(desk.agreement), path, said, key, today=day or kit.today))


@pytest.fixture
def desk(kit: Kit) -> Desk:
    desk = kit.desk()
    desk.edit(SIGNED)
    return desk


def test_a_signature_approves_and_a_name_does_not(desk: Desk, kit: Kit) -> None:
    with pytest.raises(Refused, match="R40: the agreement asks for a signed approval"):
        desk.make()
    made = desk.make(approval=approved(desk, kit), approved_by="")
    found = audit.verify(desk.audit, keys_dir=desk.keys.folder).entries
    [intent] = [e["body"] for e in found if e["type"] == "RELEASE_INTENT"]
    assert (intent["release_id"], intent["approved_by"]) == (made.release_id, "Example Risk Owner of the Council")
    assert "R40.2 ALLOW" in [e["body"] for e in found if e["type"] == "DECISION"][-1]["trace"]
    assert approval.check(found) == (1, 0)


def test_an_approval_is_good_for_one_release(desk: Desk, kit: Kit) -> None:
    note = approved(desk, kit)
    desk.make(approval=note)
    with pytest.raises(Refused, match="R40: the approval is of another plan"):
        desk.make(approval=note, to="two")
    desk.make(approval=approved(desk, kit, to="second"), to="two")


def test_an_approval_may_be_of_another_day_than_the_release(desk: Desk, kit: Kit) -> None:
    note, day = approved(desk, kit), timedelta(days=1)
    desk.make(desk.plan(today=kit.today + day), approval=note, now=kit.now + day)


def test_an_approval_holds_for_the_days_agreed(desk: Desk, kit: Kit) -> None:
    desk.edit(("signed = true", "signed = true\nvalid_days = 3"))
    with pytest.raises(Refused, match="R40: the approval is dated in the future"):
        desk.make(approval=approved(desk, kit, day=kit.today + timedelta(days=1)))
    note, later = approved(desk, kit, to="second"), timedelta(days=4)
    with pytest.raises(Refused, match="R40: the approval is older than the 3 days agreed"):
        desk.make(desk.plan(today=kit.today + later), approval=note, now=kit.now + later)


OTHERWISE: list[tuple[str, Callable[[Desk], None]]] = [
    ("another run", lambda desk: manifest(desk, "run-1", "run-2")),
    ("the run's files otherwise", lambda desk: manifest(desk, "{", "{ ")),
    ("another field", lambda desk: desk.edit(("five_year_band", "ten_year_band"))),
    ("another list", lambda desk: allowed(desk)),
]  # fmt: skip


def manifest(desk: Desk, before: str, after: str) -> None:
    path = desk.run / "manifest.json"
    path.write_text(path.read_text("utf-8").replace(before, after, 1), encoding="utf-8")


def allowed(desk: Desk) -> None:
    """Two people fewer may be used."""
    numbers = (desk.agreement.parent / example.LIST_NAME).read_text("ascii").replace(",", "").split()
    example.write_allowed_list(desk.agreement.parent, numbers[:-2], checked_on=date(2026, 11, 21))


@pytest.mark.parametrize(("what", "change"), OTHERWISE, ids=[row[0] for row in OTHERWISE])
def test_another_plan_needs_another_approval(desk: Desk, kit: Kit, what: str, change: Callable[[Desk], None]) -> None:
    note = approved(desk, kit)
    change(desk)
    with pytest.raises(Refused, match="R40: the approval is of another plan"):
        desk.make(approval=note)


TAMPERED: list[tuple[str, Callable[[str], str]]] = [
    ("the name", lambda note: note.replace("Risk Owner", "Risk Maker")),
    ("the role", lambda note: note.replace("\nSIRO\n", "\nCaldicott Guardian\n")),
    ("a role that is nobody's", lambda note: note.replace("\nSIRO\n", "\nChief\n")),
    ("the organisation", lambda note: note.replace("\nX0X01\n", "\nX0X02\n")),
    ("the day", lambda note: note.replace("\n2026-11-22\n", "\n2026-11-21\n")),
    ("no day", lambda note: note.replace("\n2026-11-22\n", "\nsoon\n")),
    ("the plan", lambda note: note.replace(note.split("\n")[1], "0" * 64)),
    ("the signature", lambda note: note[:-6] + ("A" if note[-6] != "A" else "B") + note[-5:]),
    ("cut short", lambda note: note[: len(note) // 2]),
    ("no signature", lambda note: note.partition("\n\n")[0]),
    ("something else", lambda _: "I approve."),
]  # fmt: skip


@pytest.fixture(scope="module")
def held(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Any, str]:
    """A desk, its plan, and an approval of it by the SIRO."""
    kit = kit_in(tmp_path_factory.mktemp("held"))
    desk = kit.desk()
    desk.edit(SIGNED)
    return desk, desk.plan(), approved(desk, kit)


@pytest.mark.parametrize(("what", "tamper"), TAMPERED, ids=[row[0] for row in TAMPERED])
def test_an_altered_approval_is_none(held: tuple[Desk, Any, str], what: str, tamper: Callable[[str], str]) -> None:
    _, planned, note = held
    assert approval.read(note, planned).fault is None
    assert tamper(note) != note
    assert approval.read(tamper(note), planned).fault


def test_every_single_changed_letter_of_an_approval_is_found(held: tuple[Desk, Any, str]) -> None:
    _, planned, note = held
    data = note.encode()
    for place in range(len(data)):
        changed = (data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]).decode("utf-8", "replace")
        assert approval.read(changed, planned).fault, place


def test_only_a_controllers_signatory_signs_and_only_what_is_allowed(desk: Desk, kit: Kit) -> None:
    with pytest.raises(Refused, match="not asked by the agreement to approve"):
        approved(desk, kit, key=BOARD)
    with pytest.raises(InputError, match="no signatory of the agreement has this key"):
        approved(desk, kit, key=Ed25519PrivateKey.generate(), to="second")
    path = desk.root / "plan.json"
    said, _ = approval.shown(path)
    for changed in ({"outcome": "REFER"}, {"outcome": "DENY", "reasons": ["R01: no"]}):
        with pytest.raises(Refused, match="cannot be approved"):
            approval.sign(agreement.load(desk.agreement), path, said | changed, SIRO, today=kit.today)
    desk.edit(("signed = true", "signed = true\nvalid_days = 3"))
    with pytest.raises(InputError, match="under another text"):
        approval.sign(agreement.load(desk.agreement), path, said, SIRO, today=kit.today)


def test_roles_that_may_approve_are_those_agreed(desk: Desk, kit: Kit) -> None:
    desk.edit(("signed = true", 'signed = true\nroles = ["Caldicott Guardian"]'))
    with pytest.raises(Refused, match="not asked by the agreement to approve"):
        approved(desk, kit)
    desk.make(approval=approved(desk, kit, key=GUARDIAN, to="second"))


def test_a_role_that_nobody_holds_is_no_agreement(desk: Desk) -> None:
    with pytest.raises(SettingsError, match=r"approval\.roles: no signatory of a controller has the role 'Chief'"):
        desk.edit(("signed = true", 'signed = true\nroles = ["Chief"]'))


def test_what_is_shown_is_what_is_signed(desk: Desk) -> None:
    path = desk.root / "plan.json"
    planned = desk.plan()
    approval.write(planned, path)
    _, words = approval.shown(path)
    assert words == "".join(line for line in _without_notes(planned.to_text()))
    assert "release approve" in words
    with pytest.raises(InputError, match="never written over"):
        approval.write(planned, path)
    for text in ("{", "[]", '{"plan": {}}', '{"plan": 1}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="is no plan of a release"):
            approval.shown(path)


def _without_notes(text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    if "Notes:\n" not in lines:
        return lines
    start = lines.index("Notes:\n")
    end = next(n for n in range(start + 1, len(lines)) if not lines[n].startswith("  "))
    return lines[:start] + lines[end:]


# --- In the log -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone() -> ModuleType:
    """The auditor's file, as they would run it."""
    file = Path(governance.__file__).with_name("verify_audit_log.py")
    spec = importlib.util.spec_from_file_location("verify_alone", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _forged(desk: Desk, change: Callable[[dict[str, Any]], None]) -> None:
    """What the holder of the log's key could do: alter an entry and sign the log anew."""
    import rfc8785

    entries = [json.loads(line) for line in (desk.audit / audit.LOG).read_bytes().splitlines()]
    for entry in entries:
        if entry["type"] == "RELEASE_INTENT":
            change(entry["body"])
    lines = [rfc8785.dumps(entry) for entry in entries]
    leaves = [merkle.leaf_hash(line) for line in lines]
    (desk.audit / audit.LOG).write_bytes(b"\n".join(lines) + b"\n")
    (desk.audit / audit.LEAVES).write_bytes(b"".join(leaves))
    origin = (desk.audit / audit.CHECKPOINT).read_text("utf-8").partition("\n")[0]
    note = Checkpoint(origin, len(lines), merkle.root(leaves)).sign(desk.keys.signing)
    (desk.audit / audit.CHECKPOINT).write_text(note, encoding="utf-8", newline="\n")


FORGED: list[tuple[str, dict[str, Any]]] = [
    ("another recipient", {"recipient": "X0X09"}),
    ("another run", {"run_id": "run-9"}),
    ("another plan", {"approved_sha256": "0" * 64}),
    ("another agreement", {"agreement_sha256": "0" * 64}),
    ("another version", {"agreement_version": "9"}),
    ("another approver", {"approved_by": "Somebody Else"}),
    ("no signature", {"approval": "caretrace release approval v1"}),
]


@pytest.fixture(scope="module")
def logged(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a release that was approved by a signature."""
    kit = kit_in(tmp_path_factory.mktemp("logged"))
    desk = kit.desk()
    desk.edit(SIGNED)
    desk.make(approval=approved(desk, kit))
    return desk


@pytest.mark.parametrize(("what", "change"), FORGED, ids=[row[0] for row in FORGED])
def test_a_forged_approval_is_found_by_both_checks(
    logged: Desk, alone: ModuleType, capsys: pytest.CaptureFixture[str], what: str, change: dict[str, Any]
) -> None:
    whole = {path: path.read_bytes() for path in logged.audit.iterdir() if path.is_file()}
    entries = audit.verify(logged.audit).entries
    assert approval.check(entries) == (1, 0)
    assert alone.main([str(logged.audit)]) == 0
    assert "Of 1 releases begun, 1 carry the approver's signature" in capsys.readouterr().out
    _forged(logged, lambda body: body.update(change))
    try:
        # Whoever holds the log's key can sign another log, but not another's approval in it.
        with pytest.raises(IntegrityFailure, match="approval"):
            approval.check(_entries(logged))
        assert alone.main([str(logged.audit)]) == 4
    finally:
        for path, data in whole.items():
            path.write_bytes(data)


def test_a_signature_by_another_key_is_found_by_both_checks(logged: Desk, alone: ModuleType) -> None:
    whole = {path: path.read_bytes() for path in logged.audit.iterdir() if path.is_file()}
    _forged(logged, lambda body: body.update(approval=_signed_by(Ed25519PrivateKey.generate(), body["approval"])))
    try:
        with pytest.raises(IntegrityFailure, match="not signed by the key"):
            approval.check(_entries(logged))
        assert alone.main([str(logged.audit)]) == 4
    finally:
        for path, data in whole.items():
            path.write_bytes(data)


def _signed_by(key: Ed25519PrivateKey, note: str) -> str:
    from governance.audit.checkpoint import Verifier, signed_note

    text = note.partition("\n\n")[0] + "\n"
    return signed_note(text, Verifier("X0X01/siro", key.public_key().public_bytes_raw()), key)


def _entries(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (desk.audit / audit.LOG).read_bytes().splitlines()]
