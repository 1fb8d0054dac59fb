"""Plan, check, make: what leaves, what never does, and that nothing leaves when anything is wrong."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from governance import audit, bundle, example, keys, making, release
from governance.audit import anchors, log, register
from governance.audit.checkpoint import Verifier, check_proof
from governance.audit.log import Log
from governance.deidentify import pseudonym
from schemas.errors import Busy, InputError, IntegrityFailure, Refused, SettingsError
from schemas.nhs_number import fault

if TYPE_CHECKING:
    from conftest import Desk, Kit

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PSEUDONYM = re.compile("ct1_[A-Z2-7]{27}")


def full(kit: Kit) -> Desk:
    """A desk whose run has people and services."""
    people = kit.crowd()
    return kit.desk(people, service=[kit.service(who, n) for who in people for n in (1, 2)])


def entries(desk: Desk) -> list[str]:
    found = audit.verify(desk.audit, keys_dir=desk.keys.folder).entries
    return [entry["type"] for entry in found]


def nothing_left(desk: Desk) -> bool:
    return not any((desk.project / "releases").glob("*"))


def test_what_leaves(kit: Kit) -> None:
    desk = full(kit)
    made = desk.make()
    person = pq.read_table(kit.opened(made.folder) / "person.parquet").to_pylist()
    service = pq.read_table(kit.opened(made.folder) / "service.parquet").to_pylist()
    assert len(person) == 12
    assert len(service) == 24
    assert {row["pseudonym"] for row in person} == {row["pseudonym"] for row in service}
    for row in person:
        assert PSEUDONYM.fullmatch(row["pseudonym"])
        assert {name: row[name] for name in row if name != "pseudonym"} == {
            "birth_date": "75-79",
            "gender": "2",
            "postcode": "ZE1",
        }
    assert {row["start_date"] for row in service} == {"2026-03"}
    assert len({row["event_id"] for row in service}) == 24
    assert all(PSEUDONYM.fullmatch(row["event_id"]) for row in service)


def test_no_identifier_is_in_any_byte_that_leaves_or_is_logged(kit: Kit) -> None:
    desk = full(kit)
    made = desk.make()
    run = desk.run / "linked"
    secret: set[str] = set()
    for table, columns in {
        "person": ["nhs_number", "record_id", "family_name", "given_name", "address_line_1", "phone", "email"],
        "person_key": ["person_key"],
        "service": ["event_id"],
    }.items():
        read = pq.read_table(run / f"{table}.parquet")
        secret |= {value for column in columns for value in read[column].to_pylist() if value}
    assert len(secret) > 100
    written = [path for path in [*made.folder.iterdir(), *desk.audit.iterdir()] if path.is_file()]
    # Parquet is compressed, so its values are compared as read; every other file as its bytes.
    texts = [path.read_bytes().decode("utf-8", "replace") for path in written if path.suffix != ".parquet"]
    texts += [str(pq.read_table(path).to_pylist()) for path in written if path.suffix == ".parquet"]
    assert not [value for value in secret for text in texts if value in text]
    assert not [
        n for text in texts for n in re.findall(r"(?<![0-9a-zA-Z])[0-9]{10}(?![0-9a-zA-Z])", text) if not fault(n)
    ]


def test_the_same_person_has_one_pseudonym_in_a_domain_and_unrelated_ones_for_two_recipients(kit: Kit) -> None:
    desk = kit.desk()

    def people(to: str) -> set[str]:
        return set(pq.read_table(kit.opened(desk.make(to=to).folder) / "person.parquet")["pseudonym"].to_pylist())

    first, again = people("a"), people("b")
    desk.edit(("X0X02", "X0X03"), ('version = "1.0"', 'version = "1.1"'))
    other = people("c")
    assert first == again
    assert len(first) == len(other) == 12
    assert not first & other


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


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_only_the_owner_reads_a_release(kit: Kit) -> None:
    folder = full(kit).make().folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_nobody_who_opted_out_is_in_any_table(kit: Kit) -> None:
    people = kit.crowd(20)
    allowed, opted_out = people[::2], people[1::2]
    desk = kit.desk(people, allowed=[who.number for who in allowed], service=[kit.service(who) for who in people])
    made = desk.make()
    domain: dict[str, Any] = {"agreement_id": "DSA-EXAMPLE-01", "recipient": "X0X02", "epoch": "1", "key_version": 1}
    key = pseudonym.derive(desk.keys.root, **domain)
    expected = set(pseudonym.pseudonyms(key, pseudonym.PERSON, [who.key for who in allowed]).to_pylist())
    forbidden = set(pseudonym.pseudonyms(key, pseudonym.PERSON, [who.key for who in opted_out]).to_pylist())
    for table in ("person", "service"):
        assert set(pq.read_table(kit.opened(made.folder) / f"{table}.parquet")["pseudonym"].to_pylist()) == expected
        assert not [
            one for one in forbidden if one in (kit.opened(made.folder) / f"{table}.csv").read_text("utf-8-sig")
        ]


def test_few_people_left_out_are_hidden_from_the_recipient(kit: Kit) -> None:
    people = kit.crowd()
    desk = kit.desk(people, allowed=[who.number for who in people[1:]])
    made = desk.make()
    assert "  1: national data opt-out" in desk.plan().to_text()
    plan = json.loads((made.folder / "manifest.json").read_text("utf-8"))["plan"]
    assert [row["people"] for row in plan["left_out"]] == ["fewer than 5"]
    assert "fewer than 5: national data opt-out" in (made.folder / "plan.txt").read_text("utf-8")
    for name in ("released.json", "intent.json"):
        assert "left_out" not in (made.folder / name).read_text("utf-8")
    [row] = register.rows(audit.verify(desk.audit).entries)
    assert row["left_out"] == "R20 1"


def test_formulas_are_neutralised_in_csv_and_nowhere_else(kit: Kit) -> None:
    people = kit.crowd()
    desk = kit.desk(people, service=[kit.service(who, service_type='=HYPERLINK("x")') for who in people])
    made = desk.make()
    data = (kit.opened(made.folder) / "service.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 13
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    assert {row["service_type"] for row in rows} == {'\'=HYPERLINK("x")'}
    read = pq.read_table(kit.opened(made.folder) / "service.parquet")["service_type"].to_pylist()
    assert set(read) == {'=HYPERLINK("x")'}


def test_the_same_plan_gives_the_same_data_bytes(kit: Kit) -> None:
    desk = full(kit)
    first, second = desk.make(to="a"), desk.make(to="b")
    one, two = (json.loads((made.folder / "manifest.json").read_text("utf-8"))["data"] for made in (first, second))
    assert {name: facts["plain_sha256"] for name, facts in one.items()} == {
        name: facts["plain_sha256"] for name, facts in two.items()
    }
    # Encrypted, the same data is never the same bytes.
    assert not {facts["sha256"] for facts in one.values()} & {facts["sha256"] for facts in two.values()}


def test_one_row_a_person_the_clients_own_before_the_registers(kit: Kit) -> None:
    people = kit.crowd()
    for who in people:
        who.register = {"gender": "1"}
    made = kit.desk(people).make()
    assert set(pq.read_table(kit.opened(made.folder) / "person.parquet")["gender"].to_pylist()) == {"2"}


@pytest.mark.parametrize(("below", "share", "people", "against"), [
    ("refuse", 0.05, 15, "smallest group of look-alikes has 3 people, k = 5"),
    ("withhold", 0.5, 12, None),
    ("withhold", 0.05, 12, "20.0% of people would be withheld"),
])  # fmt: skip
def test_groups_that_are_too_small(kit: Kit, below: str, share: float, people: int, against: str | None) -> None:
    few = [kit.someone(n, person={"gender": "1"}) for n in (30, 31, 32)]
    desk = kit.desk([*kit.crowd(), *few])
    desk.edit(
        ('below_k = "withhold"', f'below_k = "{below}"'), ("max_withheld_share = 0.10", f"max_withheld_share = {share}")
    )
    planned = desk.plan()
    assert planned.people == people
    assert planned.allowed is (against is None)
    assert against is None or against in " ".join(planned.reasons)
    if planned.allowed:
        released = desk.make(planned)
        assert set(pq.read_table(kit.opened(released.folder) / "person.parquet")["gender"].to_pylist()) == {"2"}


HIDDEN: list[tuple[str, Callable[[Any, int], str], str]] = [
    (
        "NHS numbers of people",
        lambda who, n: f"care for {who.number}" if n == 7 else "care",
        "NHS numbers of people in",
    ),
    ("NHS numbers", lambda who, n: "9434765919", "looks like NHS numbers in 100%"),
    ("postcodes", lambda who, n: "SW1A 1AA", "looks like postcodes"),
    ("e-mails", lambda who, n: "somebody@example.net", "looks like e-mail addresses"),
    ("phones", lambda who, n: "+44 1632 960999", "looks like phone numbers"),
    ("dates", lambda who, n: "15/06/1950", "looks like full dates"),
    ("names", lambda who, n: f"Surname{who.key[-6:]}", "stand in the input's identifying columns"),
]


@pytest.mark.parametrize(("what", "value", "words"), HIDDEN, ids=[row[0] for row in HIDDEN])
def test_a_column_that_holds_something_else_than_its_name_says(
    kit: Kit, what: str, value: Callable[[Any, int], str], words: str
) -> None:
    people = kit.crowd()
    desk = kit.desk(people, service=[kit.service(who, service_type=value(who, n)) for n, who in enumerate(people)])
    planned = desk.plan()
    assert [r for r in planned.reasons if r.startswith("R19a") and words in r and "service.service_type" in r]
    with pytest.raises(Refused, match="R19a"):
        desk.make(planned)
    assert nothing_left(desk)


def test_a_direct_identifier_agreed_by_mistake_is_dropped(kit: Kit) -> None:
    desk = full(kit)
    desk.edit(('{ name = "gender", transform = "keep"', '{ name = "family_name", transform = "keep"'))
    planned = desk.plan()
    assert [field.name for field in planned.fields if not field.leaves] == ["family_name"]
    assert "family_name" not in pq.read_table(kit.opened(desk.make(planned).folder) / "person.parquet").schema.names


def test_every_reason_is_given_at_once(kit: Kit) -> None:
    desk = full(kit)
    desk.edit(("dpia_reference", "ethics_reference"))
    desk.edit(
        ('article_6 = "6(1)(e) public task"\n', ""),
        (f"review_date = {TODAY + timedelta(days=150)}", "review_date = 2026-11-21"),
    )
    planned = desk.plan()
    with pytest.raises(Refused) as refused:
        release.check(planned)
    assert "REFUSED:\n  R02: its review was due on 2026-11-21" in planned.to_text()
    assert [reason.partition(":")[0] for reason in refused.value.reasons] == ["R02", "R04", "R07"]


def test_a_refusal_when_making_is_logged_with_its_reasons(kit: Kit) -> None:
    desk = full(kit)
    with pytest.raises(Refused, match="R40: maker and checker are the same"):
        desk.make(approved_by=" MAKER ")
    assert entries(desk) == ["LOG_CREATED", "DECISION"]
    assert nothing_left(desk)


def stale(desk: Desk) -> None:
    path = desk.root / "agreements" / f"{example.LIST_NAME}.receipt.toml"
    path.write_text("checked_on = 2026-11-01")


def spoil(name: str, data: bytes | None) -> Callable[[Desk], None]:
    def act(desk: Desk) -> None:
        path = desk.root / name
        path.unlink()
        if data is not None:
            path.write_bytes(data)

    return act


def altered_run(desk: Desk) -> None:
    path = desk.run / "linked" / "person.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")


def log_unwritable(desk: Desk) -> None:
    desk.audit.write_text("a file where the folder should be")


LIST = f"agreements/{example.LIST_NAME}"
# Everything here is done between a plan that was allowed and the making: nothing may leave, and the message says why.
CLOSED: list[tuple[str, Callable[[Desk], None], type[Exception], str]] = [
    ("list stale", stale, Refused, "21 days old"),
    ("list missing", spoil(LIST, None), Refused, "cannot be read"),
    ("list garbage", spoil(LIST, b"PK\x03\x04\xff"), Refused, "another SHA-256"),
    ("list of another check", spoil(LIST, b"9000000009,\n"), Refused, "another SHA-256"),
    ("list empty", spoil(LIST, b""), Refused, "another SHA-256"),
    ("root key missing", spoil("keys/root-1.key", None), SettingsError, "no root key"),
    ("root key damaged", spoil("keys/root-1.key", b"caretrace"), SettingsError, "damaged"),
    ("signing key missing", spoil("keys/log-signing.key", None), SettingsError, "missing"),
    ("run altered", altered_run, IntegrityFailure, "person.parquet"),
    ("run gone", spoil("project/runs/one/manifest.json", None), InputError, "no finished run"),
    ("log unwritable", log_unwritable, Refused, "cannot be written"),
]


@pytest.mark.parametrize(("what", "act", "error", "words"), CLOSED, ids=[row[0] for row in CLOSED])
def test_it_fails_closed(kit: Kit, what: str, act: Callable[[Desk], None], error: type[Exception], words: str) -> None:
    desk = full(kit)
    planned = desk.plan()
    release.check(planned)
    act(desk)
    with pytest.raises(error, match=words):
        desk.make(planned)
    assert nothing_left(desk)


def test_keys_inside_the_project_are_refused(kit: Kit) -> None:
    desk = full(kit)
    inside = desk.project / "keys"
    shutil.copytree(desk.keys.folder, inside)
    planned = desk.plan(keys_dir=inside)
    with pytest.raises(Refused, match="lies inside the project folder"):
        release.check(planned)
    with pytest.raises(SettingsError, match="lies inside the project folder"):
        desk.make(planned)
    with pytest.raises(SettingsError, match="lies inside"):
        keys.create(desk.project / "new", project=desk.project)


@pytest.mark.parametrize("before", [timedelta(days=2), timedelta(days=-2)])
def test_a_plan_of_another_day_is_refused(kit: Kit, before: timedelta) -> None:
    desk = full(kit)
    with pytest.raises(Refused, match="plan again today"):
        desk.make(now=NOW + before)


def test_what_changed_since_the_plan_is_refused(kit: Kit) -> None:
    people = kit.crowd()
    desk = kit.desk(people)
    planned = desk.plan()
    example.write_allowed_list(desk.root / "agreements", [who.number for who in people[3:]], checked_on=TODAY)
    with pytest.raises(Refused, match="changed since the plan"):
        desk.make(planned)
    assert nothing_left(desk)


@pytest.mark.parametrize("sealed", [True, False])
def test_a_run_that_changed_since_the_plan_is_refused(kit: Kit, sealed: bool) -> None:
    desk = kit.desk()
    planned = desk.plan()
    path = desk.run / "linked" / "person.parquet"
    rows = pq.read_table(path)
    pq.write_table(rows.set_column(rows.schema.get_field_index("gender"), "gender", rows["side"]), path)
    if sealed:  # linked again, to something else of as many people
        kit.seal(desk.run)
    with pytest.raises(Refused if sealed else IntegrityFailure, match=r"changed since|not the file"):
        desk.make(planned)
    assert nothing_left(desk)


def test_what_is_worked_on_at_a_time_changes_nothing(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = full(kit)
    read = [json.loads((desk.make(to="a").folder / "manifest.json").read_text("utf-8"))["data"]]
    monkeypatch.setattr(bundle, "_AT_ONCE", 5)
    read.append(json.loads((desk.make(to="b").folder / "manifest.json").read_text("utf-8"))["data"])
    one, two = ({name: facts["plain_sha256"] for name, facts in data.items()} for data in read)
    assert one == two


def test_a_target_that_exists_is_refused(kit: Kit) -> None:
    desk = full(kit)
    (desk.project / "releases" / "one").mkdir(parents=True)
    with pytest.raises(InputError, match="never written over"):
        desk.make()


def test_an_agreement_changed_without_a_new_version_is_refused(kit: Kit) -> None:
    desk = full(kit)
    desk.make(to="a")
    desk.edit(("Need for care differs by age.", "Because."))
    with pytest.raises(Refused, match="R01"):
        desk.make(to="b")


def test_the_agreed_number_of_releases_is_the_limit(kit: Kit) -> None:
    desk = full(kit)
    desk.edit(("releases_allowed = 12", "releases_allowed = 1"))
    desk.make(to="a")
    with pytest.raises(Refused, match="R13"):
        desk.make(to="b")


def test_another_run_holding_the_log_is_waited_for_by_a_person(kit: Kit) -> None:
    from governance.audit import log

    desk = full(kit)
    planned = desk.plan()
    with log.opened(desk.audit, desk.keys, now=NOW), pytest.raises(Busy):
        desk.make(planned)


class Killed(BaseException):
    """Stands for a process that ends here: nothing of ours catches it."""


# Where the process ends, what stands at the target, and what the next release says of it.
KILLED: list[tuple[str, Any, str, str]] = [
    ("before a byte is written", (bundle, "write_data"), "nothing", "RELEASE_ABORTED"),
    ("half-written", (bundle, "write_words"), "nothing", "RELEASE_ABORTED"),
    ("renamed, outcome not logged", (making.Making, "_released"), "folder", "RELEASE_UNCERTAIN"),
]


@pytest.mark.parametrize(("when", "where", "stands", "outcome"), KILLED, ids=[row[0] for row in KILLED])
def test_a_crash_leaves_an_intent_that_the_next_release_settles(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, when: str, where: tuple[Any, str], stands: str, outcome: str
) -> None:
    desk = full(kit)

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(*where, die)
        with pytest.raises(Killed):
            desk.make(to="a")
    assert (desk.project / "releases" / "a").exists() is (stands == "folder")
    assert entries(desk)[-1] == "RELEASE_INTENT"
    assert any("was begun and has no outcome" in note for note in desk.plan().notes)
    made = desk.make(to="b")
    assert made.settled == ("R000001",)
    assert entries(desk).count(outcome) == 1
    assert not list((desk.project / "releases").glob(".*"))
    states = [row["state"] for row in register.rows(audit.verify(desk.audit).entries)]
    assert len(states) == 2
    assert states[1] == "released"


@pytest.mark.parametrize("where", [(bundle, "write_words"), (making.Making, "_released")])
def test_a_full_disk_leaves_nothing(kit: Kit, monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str]) -> None:
    desk = full(kit)

    def no_space(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*where, no_space)
    with pytest.raises(Refused, match="No space left"):
        desk.make()
    assert nothing_left(desk)
    assert entries(desk)[-2:] == ["RELEASE_INTENT", "RELEASE_ABORTED"]


def test_when_the_outcome_cannot_be_logged_the_data_is_taken_back(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = full(kit)
    append = Log.append

    def refuses_outcomes(self: Log, items: Any, *, now: datetime) -> Any:
        if any(kind.startswith("RELEASE") and kind != "RELEASE_INTENT" for kind, _ in items):
            raise Refused("the audit log cannot be written")
        return append(self, items, now=now)

    monkeypatch.setattr(Log, "append", refuses_outcomes)
    with pytest.raises(Refused, match="cannot be written"):
        desk.make()
    assert nothing_left(desk)
    assert entries(desk)[-1] == "RELEASE_INTENT"


def test_identifiable_data_for_direct_care(kit: Kit) -> None:
    desk = full(kit)
    desk.edit(
        ('code = "commissioning"', 'code = "direct care"\nlegitimate_relationship = "caseload of the team"'),
        ('form = "pseudonymised_limited"', 'form = "identifiable"'),
        ('{ name = "gender", transform = "keep"', '{ name = "person_nhs_number", transform = "keep"'),
        ('transform = "five_year_band"', 'transform = "keep"'),
        ('national_data_opt_out = "applied"', 'national_data_opt_out = "exempt"'),
        ('common_law = "section 251"', 'common_law = "direct care"'),
    )
    with pytest.raises(Refused, match="Caldicott Guardian"):
        desk.make()
    made = desk.make(approved_by="Example Guardian of the Council", to="two")
    rows = pq.read_table(kit.opened(made.folder) / "person.parquet").to_pylist()
    assert {row["person_nhs_number"] for row in rows} == {kit.nhs_number(n) for n in range(1, 13)}
    assert {row["birth_date"] for row in rows} == {date(1950, 6, 15)}


def test_the_register_reads_like_the_hdr_one(kit: Kit) -> None:
    desk = full(kit)
    desk.make()
    [row] = register.rows(audit.verify(desk.audit).entries)
    assert tuple(row) == register.COLUMNS
    assert row["organisation"] == "Exampleshire Integrated Care Board"
    assert row["national_data_opt_out_applied"] == "yes"
    assert (row["people"], row["rows"]) == (12, "person 12, service 24")
    assert (row["made_by"], row["approved_by"]) == ("maker", example.APPROVER)


def test_two_recipients_need_a_choice(kit: Kit) -> None:
    desk = full(kit)
    desk.edit(('role = "controller"', 'role = "recipient"'))
    with pytest.raises(SettingsError, match="2 recipients"):
        desk.plan()
    assert desk.plan(recipient="X0X02").request.recipient == "X0X02"


def test_a_run_without_a_table_is_not_finished(kit: Kit) -> None:
    desk = full(kit)
    (desk.run / "linked" / "opt_out.parquet").unlink()
    kit.seal(desk.run)
    with pytest.raises(InputError, match=r"opt_out\.parquet"):
        desk.plan()


def test_the_folder_can_be_anywhere(kit: Kit, tmp_path: Path) -> None:
    desk = full(kit)
    made = desk.make(to=str(tmp_path / "elsewhere"))
    assert made.folder == tmp_path / "elsewhere"
    assert entries(desk)[-1] == "RELEASED"
