"""After a release: destruction and incidents are entries that the next release is held against."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from governance import after, audit, release
from governance.agreement import load, summary
from governance.agreement.example_keys import example_key
from governance.agreement.signing import public_text
from schemas.errors import InputError, Refused

if TYPE_CHECKING:
    from conftest import Desk, Kit

TODAY = date(2026, 11, 20)


@pytest.fixture
def desk(kit: Kit) -> Desk:
    """A project with one release made."""
    desk = kit.desk()
    desk.make()
    return desk


def at(desk: Desk) -> dict[str, Any]:
    """When and by whom: a moment after the release."""
    entries = audit.entries(desk.audit, audit.examine(desk.audit, keys_dir=desk.keys.folder))
    from datetime import datetime

    return {"maker": "officer", "now": datetime.fromisoformat(entries[-1]["at"]) + timedelta(seconds=1)}


def waiting(desk: Desk, today: date) -> list[tuple[str, str]]:
    entries = audit.entries(desk.audit, audit.examine(desk.audit, keys_dir=desk.keys.folder))
    return [(row["what"], row["state"]) for row in after.due(list(entries), today=today)]


def the_release(desk: Desk) -> str:
    return release.past(desk.project, desk.keys.folder).releases[0].release_id


def test_an_incident_freezes_the_agreement_until_it_is_closed(desk: Desk) -> None:
    where = (desk.project, desk.keys.folder)
    opened = after.incident(*where, the_release(desk), about="sent to the wrong mailbox", **at(desk))
    assert ("incident", "open: the agreement is frozen") in waiting(desk, TODAY)
    with pytest.raises(Refused, match=r"R45: incident I[0-9]+ is open"):
        release.check(desk.plan())
    after.close(*where, opened, about="deleted unread, confirmed by the recipient", **at(desk))
    release.check(desk.plan())
    with pytest.raises(InputError, match="no open incident"):
        after.close(*where, opened, about="again", **at(desk))


def test_an_agreement_under_which_was_released_is_still_sound(desk: Desk) -> None:
    past = release.past(desk.project, desk.keys.folder)
    assert past.releases
    assert summary.against(load(desk.agreement), past, today=TODAY) == summary.Against((), ())


def test_destruction_is_recorded_once_and_for_what_left(desk: Desk) -> None:
    where, done = (desk.project, desk.keys.folder), the_release(desk)
    about = {"certificate": "C-17", "destroyed_on": TODAY}
    with pytest.raises(InputError, match="still to come"):
        after.destroyed(*where, done, **about | {"destroyed_on": TODAY + timedelta(days=400)}, **at(desk))
    with pytest.raises(InputError, match="reference is needed"):
        after.destroyed(*where, done, **about | {"certificate": "  "}, **at(desk))
    with pytest.raises(InputError, match="knows no release"):
        after.destroyed(*where, "R999999", **about, **at(desk))
    assert ("destruction", "retention runs") in waiting(desk, TODAY)
    assert ("destruction", "overdue: ask for the certificate of destruction") in waiting(desk, date(2040, 1, 1))
    after.destroyed(*where, done, **about, **at(desk))
    assert "destruction" not in dict(waiting(desk, TODAY))
    with pytest.raises(InputError, match="on record already"):
        after.destroyed(*where, done, **about, **at(desk))


def test_another_key_is_referred_until_it_is_recorded(desk: Desk) -> None:
    known = release.past(desk.project, desk.keys.folder).signers
    assert known["X0X01", "SIRO"] == public_text(example_key("X0X01", "SIRO"))
    where, board = (desk.project, desk.keys.folder), ("X0X02", "Caldicott Guardian")
    about = {"organisation": board[0], "role": board[1], "reason": "asked by telephone"}
    with pytest.raises(InputError, match="looks like ed25519"):
        after.signer(*where, **about, key="ssh-ed25519 AAAA", **at(desk))
    after.signer(*where, **about, key="ed25519:" + "B" * 43 + "=", **at(desk))
    with pytest.raises(Refused, match="signs with another key"):
        release.check(desk.plan())
    after.signer(*where, **about, key=known[board], **at(desk))
    release.check(desk.plan())
