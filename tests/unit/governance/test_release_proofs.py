"""What a release proves of itself and of the log, and what is found by it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from governance import audit, bundle, example, keys, release
from governance.audit import anchors, log
from governance.audit.checkpoint import Verifier, check_proof
from schemas.errors import IntegrityFailure
from tests.unit.governance.releasing import NOW, TODAY, full

if TYPE_CHECKING:
    from conftest import Desk, Kit


def test_the_bundle_proves_itself_offline(kit: Kit) -> None:
    made = full(kit).make()
    verifier = Verifier.parse((made.folder / audit.VKEY).read_text("ascii"))
    for name in ("intent", "released"):
        proof = (made.folder / f"{name}.tlog-proof").read_text("utf-8")
        check_proof((made.folder / f"{name}.json").read_bytes(), proof, verifier)
    released = json.loads((made.folder / "released.json").read_bytes())
    for name, digest in released["body"]["files"].items():
        assert bundle.sha256_of(made.folder / name) == digest
    manifest = json.loads((made.folder / "manifest.json").read_text("utf-8"))
    assert "section 171" in manifest["notice"]
    assert manifest["files"]["person.csv.age"]["sha256"] == released["body"]["files"]["person.csv.age"]


def test_an_anchor_from_a_bundle_finds_a_rollback(kit: Kit) -> None:
    desk = full(kit)
    desk.make(to="a")
    shutil.copytree(desk.audit, desk.root / "older")
    proof = desk.make(to="b").folder / "released.tlog-proof"
    with pytest.raises(IntegrityFailure, match="older copy"):
        audit.verify(desk.root / "older", anchors=[anchors.given(proof)])


def _begun_anew(desk: Desk, project: Path) -> None:
    shutil.rmtree(project / "audit")
    with log.opened(project / "aside" / "audit", desk.keys, now=NOW):
        pass
    (project / "aside" / "audit").rename(project / "audit")


def _put_back(desk: Desk, project: Path) -> None:
    shutil.rmtree(project / "audit")
    shutil.copytree(desk.root / "older", project / "audit")


ERASED: list[tuple[str, Callable[[Desk, Path], None]]] = [
    ("removed", lambda _, project: shutil.rmtree(project / "audit")),
    ("begun anew", _begun_anew),
    ("put back", _put_back),
]


@pytest.mark.parametrize(("how", "erase"), ERASED, ids=[row[0] for row in ERASED])
@pytest.mark.parametrize("how_moved", ["copied", "renamed"])
def test_a_log_erased_after_the_project_was_moved_is_found_by_its_releases(
    kit: Kit, how_moved: str, how: str, erase: Callable[[Desk, Path], None]
) -> None:
    desk = full(kit)
    desk.make(to="a")
    shutil.copytree(desk.audit, desk.root / "older")
    desk.make(to="b")
    project = desk.root / "elsewhere"
    if how_moved == "copied":
        shutil.copytree(desk.project, project)
    else:
        desk.project.rename(project)
    assert audit.verify(project / "audit", keys_dir=desk.keys.folder).anchored
    erase(desk, project)
    shutil.rmtree(desk.keys.folder / "anchors")  # what the keys folder knows is not what is asked here
    named = re.escape(str(project / "releases"))
    with pytest.raises(IntegrityFailure, match=named):
        audit.verify(project / "audit", keys_dir=desk.keys.folder)
    with pytest.raises(IntegrityFailure, match=named):
        audit.verify(project / "audit")
    with pytest.raises(IntegrityFailure, match=named), log.opened(project / "audit", desk.keys, now=NOW):
        pass
    with pytest.raises(IntegrityFailure, match=named):
        release.past(project, desk.keys.folder)


def test_an_altered_proof_of_a_release_is_found_and_another_key_s_is_left_alone(kit: Kit) -> None:
    desk = full(kit)
    proof = desk.make(to="a").folder / "released.tlog-proof"
    other = keys.create(desk.root / "other keys", project=desk.project)
    with log.opened(desk.root / "other" / "audit", other, now=NOW) as held:
        received = desk.project / "releases" / "received"
        received.mkdir()
        (received / "released.tlog-proof").write_bytes(held.proof(0).encode())
    assert audit.verify(desk.audit, keys_dir=desk.keys.folder).size
    text = proof.read_text("utf-8")
    for altered in (text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:], text[:30], ""):
        proof.write_text(altered, encoding="utf-8", newline="\n")
        with pytest.raises(IntegrityFailure, match=r"releases.*proof of this release was altered"):
            audit.verify(desk.audit, keys_dir=desk.keys.folder)


def _list_missing(desk: Desk) -> None:
    (desk.agreement.parent / example.LIST_NAME).unlink()


def _list_altered(desk: Desk) -> None:
    path = desk.agreement.parent / example.LIST_NAME
    path.write_bytes(path.read_bytes()[12:])


def _list_stale(desk: Desk) -> None:
    example.write_allowed_list(desk.agreement.parent, [], checked_on=TODAY - timedelta(days=30))


def _keys_missing_and_nobody_alike(desk: Desk) -> None:
    shutil.rmtree(desk.keys.folder)
    _nobody_alike(desk)


def _nobody_alike(desk: Desk) -> None:
    desk.edit(("k = 5", "k = 50"))


@pytest.mark.parametrize(
    ("spoil", "order"),
    [
        (_list_missing, ["R21", "R36", "R13"]),
        (_list_altered, ["R21", "R36", "R13"]),
        (_list_stale, ["R21", "R36", "R13"]),
        (_keys_missing_and_nobody_alike, ["R31", "R36", "R13"]),
        (_nobody_alike, ["R36", "R13"]),
    ],
)
def test_the_cause_is_told_before_what_follows_from_it(
    kit: Kit, spoil: Callable[[Desk], None], order: list[str]
) -> None:
    desk = full(kit)
    spoil(desk)
    assert [reason.partition(":")[0] for reason in desk.plan().reasons] == order
