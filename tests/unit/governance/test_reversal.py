"""Who is behind a pseudonym: only as agreed, with two keys, once, and on record."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from governance import audit, encryption
from governance.agreement import load
from governance.reversal import asking, sealing
from schemas.errors import InputError, IntegrityFailure, Refused, SettingsError

FIRST, SECOND, THIRD = "First Guardian", "Second Senior", "Third Person"
ASKED = {"purpose": "safeguarding", "reason": "a finding that her GP must know", "approvers": [FIRST, SECOND]}


class Office:
    """A desk under an agreement that provides for reversal, a release, and the approvers' keys."""

    def __init__(self, kit: Any, root: Path):
        self.desk = kit.desk()
        self.root = root
        self.keys = {name: root / f"{name}.key" for name in (FIRST, SECOND, THIRD)}
        public = {name: encryption.new_identity(path) for name, path in self.keys.items()}
        approvers = "\n".join(
            f'[[reidentification.approvers]]\nname = "{name}"\nrole = "approver"\nkey = "{key}"'
            for name, key in public.items()
        )
        day = (kit.today + timedelta(days=30)).isoformat()
        self.desk.agreement.write_text(
            self.desk.agreement.read_text("utf-8") + '\n[reidentification]\npurposes = ["safeguarding"]\n'
            f'consent = "minute 7"\nmost_people = 2\nuntil = {day}\n{approvers}\n',
            encoding="utf-8",
        )
        self.desk.edit()
        self.release = self.desk.make()
        opened = kit.opened(self.release.folder)
        self.pseudonyms = pq.read_table(opened / "person.parquet")["pseudonym"].to_pylist()
        self.now, self.asked = kit.now, 0

    def where(self, maker: str = "analyst", days: int = 0) -> asking.Where:
        return asking.Where(self.desk.project, self.desk.keys.folder, maker, self.now + timedelta(days=days))

    def ask(self, maker: str = "analyst", **changes: Any) -> Path:
        about = ASKED | {"pseudonyms": self.pseudonyms[:1], "release_id": self.release.release_id} | changes
        self.asked += 1
        path = self.root / f"asked {self.asked}.json"
        signed = load(self.desk.agreement)
        asking.ask(self.where(maker), signed, about.pop("release_id"), about.pop("pseudonyms"), to=path, **about)
        return path

    def approve(self, request: Path, name: str = FIRST) -> Path:
        to = request.with_name(f"{request.stem}-approved.json")
        asking.approve(self.where(), request, self.keys[name], to=to)
        return to

    def reveal(self, request: Path, name: str = SECOND, **when: Any) -> tuple[asking.Named, ...]:
        return asking.reveal(self.where(**when), load(self.desk.agreement), request, self.keys[name])

    def log(self) -> list[dict[str, Any]]:
        found = audit.verify(self.desk.audit, keys_dir=self.desk.keys.folder)
        return asking.rows(found.entries)


@pytest.fixture(scope="module")
def office(kit_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Office:
    root = tmp_path_factory.mktemp("office")
    return Office(kit_in(root), root)


def test_two_approvers_name_a_person_and_the_log_says_so(office: Office, kit: Any) -> None:
    request = office.ask(pseudonyms=office.pseudonyms[:2])
    named = office.reveal(office.approve(request))
    people = {who.number: f"C-{who.key[-6:]}" for who in kit.crowd()}
    assert [each.pseudonym for each in named] == office.pseudonyms[:2]
    assert all(people[each.nhs_number] == each.records[0]["record_id"] for each in named)
    assert len({each.nhs_number for each in named}) == 2
    row = office.log()[-1]
    assert (row["state"], row["people"], row["asked_by"]) == ("opened: people were named again", 2, "analyst")
    text = (office.desk.audit / "log.jsonl").read_text("utf-8")
    assert not any(each.pseudonym in text or each.nhs_number in text for each in named)


def test_a_pseudonym_of_nobody_in_the_release_names_nobody(office: Office) -> None:
    from governance.deidentify.pseudonym import pseudonyms

    stranger = pseudonyms(b"k" * 32, "person", ["somebody"]).to_pylist()
    [named] = office.reveal(office.approve(office.ask(pseudonyms=stranger)))
    assert (named.nhs_number, named.records) == (None, ())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purpose": "research"}, "no purpose"),
        ({"reason": "  "}, "no reason"),
        ({"approvers": [FIRST]}, "two different approvers"),
        ({"approvers": [FIRST, FIRST]}, "two different approvers"),
        ({"approvers": [FIRST, "Somebody Else"]}, "two different approvers"),
        ({"maker": FIRST.upper()}, "one of the approvers"),
        ({"release_id": "R999999"}, "no release under this agreement"),
    ],
)
def test_what_is_not_agreed_is_refused_and_logged(office: Office, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        office.ask(**changes)
    assert words in str(refused.value)
    assert office.log()[-1]["state"] == "refused"
    assert not (office.root / f"asked {office.asked}.json").exists()


def test_no_more_people_than_agreed(office: Office) -> None:
    with pytest.raises(Refused, match="3 people are asked for"):
        office.ask(pseudonyms=office.pseudonyms[:3])


def test_one_approver_alone_opens_nothing(office: Office) -> None:
    request = office.ask()
    for name in (SECOND, THIRD):
        with pytest.raises(SettingsError, match=f"waits for {FIRST}"):
            office.approve(request, name)
    with pytest.raises(InputError, match=f"waits for {FIRST}"):
        office.reveal(request)
    approved = office.approve(request)
    for name in (FIRST, THIRD):
        with pytest.raises(SettingsError, match=f"waits for {SECOND}"):
            office.reveal(approved, name)


def test_the_first_approver_cannot_skip_the_log(office: Office) -> None:
    """Whoever takes off the outer encryption by hand still lacks the entry that says it was approved."""
    request = office.ask()
    content = json.loads(request.read_text("utf-8"))
    import base64

    inner = encryption.decrypted(base64.b64decode(content["key"]), office.keys[FIRST], what="", path=request)
    content |= {"stage": "second", "key": base64.b64encode(inner).decode()}
    request.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Refused, match="no approval"):
        office.reveal(request)


def test_a_request_is_opened_once(office: Office) -> None:
    approved = office.approve(office.ask())
    office.reveal(approved)
    with pytest.raises(Refused, match="opened before"):
        office.reveal(approved)


@pytest.mark.parametrize("field", ["pseudonyms", "purpose", "release_id", "approvers", "asked_by"])
def test_an_altered_request_is_found(office: Office, field: str) -> None:
    approved = office.approve(office.ask())
    content = json.loads(approved.read_text("utf-8"))
    old = content["request"][field]
    content["request"][field] = office.pseudonyms[1:2] if field == "pseudonyms" else old[::-1]
    approved.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(IntegrityFailure, match="not the request that the log holds"):
        office.reveal(approved)


def test_the_end_of_the_agreed_time_counts_on_the_day_it_is_opened(kit: Any, tmp_path: Path) -> None:
    office = Office(kit, tmp_path)
    first, second = office.approve(office.ask()), office.approve(office.ask())
    assert office.reveal(first, days=30)
    with pytest.raises(Refused, match="allowed it until"):
        office.reveal(second, days=31)


def test_a_mistyped_pseudonym_is_told_by_its_place(office: Office) -> None:
    wrong = office.pseudonyms[0][:-1] + ("A" if office.pseudonyms[0][-1] != "A" else "B")
    with pytest.raises(InputError, match="number 2 is mistyped"):
        office.ask(pseudonyms=[office.pseudonyms[1], wrong])


def test_an_altered_sealed_file_is_found(office: Office) -> None:
    approved = office.approve(office.ask())
    path = sealing.folder(office.desk.project, office.release.release_id) / "people.parquet"
    rows = pq.read_table(path)
    bad = rows.set_column(1, "sealed", [[each[:-1] + bytes([each[-1] ^ 1]) for each in rows["sealed"].to_pylist()]])
    pq.write_table(bad, path)
    with pytest.raises(IntegrityFailure, match="altered"):
        office.reveal(approved)
    pq.write_table(rows, path)
    assert office.reveal(approved)


def test_without_the_part_in_the_agreement_nothing_is_sealed(kit: Any) -> None:
    desk = kit.desk()
    made = desk.make()
    assert not (desk.project / sealing.FOLDER).exists()
    where = asking.Where(desk.project, desk.keys.folder, "analyst", kit.now)
    with pytest.raises(Refused, match="nobody is named again"):
        asking.ask(where, load(desk.agreement), made.release_id, [], to=desk.root / "x.json", **ASKED)


def test_nothing_stays_sealed_of_a_release_that_failed(kit: Any, tmp_path: Path, monkeypatch: Any) -> None:
    office = Office(kit, tmp_path)
    sealed = sorted((office.desk.project / sealing.FOLDER).iterdir())
    monkeypatch.setattr("governance.making.move", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(Refused, match="could not be written"):
        office.desk.make(to="two")
    assert sorted((office.desk.project / sealing.FOLDER).iterdir()) == sealed


def test_a_bridge_leads_from_one_epoch_to_the_next(kit: Any) -> None:
    desk = kit.desk()
    with pytest.raises(Refused, match="from which a bridge is to lead"):
        desk.edit(('epoch = "1"', 'epoch = "2"\nbridge_from = "1"'), ('version = "1.0"', 'version = "1.1"'))
        desk.make(to="early")
    desk.edit(('epoch = "2"\nbridge_from = "1"', 'epoch = "1"'))
    first = pq.read_table(kit.opened(desk.make(to="first").folder) / "person.parquet")["pseudonym"].to_pylist()
    desk.edit(('epoch = "1"', 'epoch = "2"\nbridge_from = "1"'), ('version = "1.1"', 'version = "1.2"'))
    folder = kit.opened(desk.make(to="second").folder)
    second = pq.read_table(folder / "person.parquet")["pseudonym"].to_pylist()
    bridge = pq.read_table(folder / "bridge.parquet")
    assert sorted(bridge["earlier_pseudonym"].to_pylist()) == sorted(first)
    assert sorted(bridge["pseudonym"].to_pylist()) == sorted(second)
    assert not set(first) & set(second)
