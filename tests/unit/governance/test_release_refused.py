"""When a release is refused: every reason, closed whatever fails, nothing changed since the plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from governance import bundle, example, keys, release
from schemas.errors import Busy, InputError, IntegrityFailure, Refused, SettingsError
from tests.unit.governance.releasing import NOW, TODAY, entries, full, nothing_left

if TYPE_CHECKING:
    from conftest import Desk, Kit


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
    one = kit.opened(desk.make(to="a").folder)
    monkeypatch.setattr(bundle, "_AT_ONCE", 5)
    two = kit.opened(desk.make(to="b").folder)
    assert {path.name: path.read_bytes() for path in one.iterdir()} == {
        path.name: path.read_bytes() for path in two.iterdir()
    }


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
