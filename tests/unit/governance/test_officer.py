"""Pages for the IG officer that are worked out from the log: Caldicott evidence, record of processing, breach pack."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from governance import after, audit, release
from governance.officer import breach, caldicott, processing
from schemas.errors import InputError, Refused

if TYPE_CHECKING:
    from conftest import Desk, Kit

FIELDS = "person.birth_date"


@pytest.fixture(scope="module")
def desk(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One release made, one refused for want of a second person, and an incident about the first."""
    desk = kit_in(tmp_path_factory.mktemp("desk")).desk()
    desk.make()
    with pytest.raises(Refused):
        desk.make(to="two", approved_by="maker")
    now = datetime.fromisoformat(entries(desk)[-1]["at"]) + timedelta(seconds=1)
    [past] = release.past(desk.project, desk.keys.folder).releases
    about = {"about": "sent to the wrong mailbox", "maker": "officer", "now": now}
    after.incident(desk.project, desk.keys.folder, past.release_id, **about)
    return desk


def entries(desk: Desk) -> tuple[dict[str, Any], ...]:
    return audit.verify(desk.audit, keys_dir=desk.keys.folder).entries


def test_every_principle_has_evidence_and_says_what_is_not_shown(desk: Desk) -> None:
    rows = caldicott.rows(entries(desk))
    for number, title in caldicott.PRINCIPLES.items():
        mine = [row for row in rows if row["principle"] == number]
        assert {row["asks"] for row in mine} == {title}
        assert any(row["times"] for row in mine), number
        assert any(row["evidence"].startswith("not shown") for row in mine)


def test_caldicott_counts_are_those_of_the_log(desk: Desk) -> None:
    by_evidence = {row["evidence"]: row for row in caldicott.rows(entries(desk))}
    approval = next(row for name, row in by_evidence.items() if name.startswith("R40 "))
    assert (approval["times"], approval["let_pass"], approval["stopped"]) == (2, 1, 1)
    assert by_evidence["refusals with their reasons"]["times"] == 1
    assert by_evidence["releases approved by somebody other than their maker"]["times"] == 1
    assert by_evidence["releases in the register of disclosures"]["last"] == "2026-11-22"


def test_an_empty_log_shows_that_nothing_was_asked() -> None:
    assert not any(row["times"] for row in caldicott.rows([]))


def test_the_record_of_processing_says_who_what_why_and_how_long(desk: Desk) -> None:
    [row] = processing.rows(entries(desk))
    assert tuple(row) == processing.COLUMNS
    assert row["controllers"] == "Exampleshire Council (X0X01)"
    assert row["recipients"] == "Exampleshire Integrated Care Board (X0X02)"
    assert row["third_countries_and_safeguards"] == "held in: England"
    assert FIELDS in row["categories_of_data"]
    assert (row["releases"], row["last_release"]) == (1, "2026-11-22")
    assert row["retention_until"] > "2026-11-22"
    assert row["schedule_1"].startswith("Part 1")
    assert row["data_protection_officer"] == ""


def test_the_breach_pack_holds_the_release_the_deadline_and_what_is_left_to_say(desk: Desk) -> None:
    found = entries(desk)
    opened = next(e for e in found if e["type"] == "INCIDENT")
    rows = breach.rows(found, opened["body"]["incident_id"])
    said = {(row["part"], row["what"]): row["said"] for row in rows}
    deadline = datetime.fromisoformat(opened["at"]) + timedelta(hours=72)
    assert said["incident", "notify by (72 hours)"] == f"{deadline:%Y-%m-%d %H:%M} UTC"
    assert said["incident", "open"] == "sent to the wrong mailbox"
    assert said["what was released", "organisation id"] == "X0X02"
    assert said["what was released", "people"] == 12
    assert ("fields", FIELDS) in said
    assert any(part == "files (SHA-256)" and what == "manifest.json" for part, what in said)
    assert [row["said"] for row in rows if row["part"] == "still to be said"] == [""] * 5
    happened = [row["said"].partition(",")[0] for row in rows if row["part"] == "what happened"]
    assert happened[-3:] == ["PEOPLE_LEFT_OUT", "RELEASED", "INCIDENT"]


def test_an_unknown_incident_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="no incident I999999"):
        breach.rows(entries(desk), "I999999")
