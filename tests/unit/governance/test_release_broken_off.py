"""A release that is killed or runs out of disk leaves nothing, or what the next one settles."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from governance import audit, bundle, making
from governance.audit import register
from governance.audit.log import Log
from schemas.errors import Refused
from tests.unit.governance.releasing import entries, full, nothing_left

if TYPE_CHECKING:
    from conftest import Kit


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
