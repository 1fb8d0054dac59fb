"""Worked out for the IG officer from the log: Caldicott evidence, record of processing, breach pack, exports."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from governance import after, audit, release
from governance.officer import breach, caldicott, exports, optouts, processing
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
    assert by_evidence["of these, approved by a signature of their own"]["times"] == 0
    signed = [
        e | {"body": e["body"] | {"approval": "note"}} if e["type"] == "RELEASE_INTENT" else e for e in entries(desk)
    ]
    assert {row["evidence"]: row["times"] for row in caldicott.rows(signed)}[
        "of these, approved by a signature of their own"
    ] == 1
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


def test_a_release_is_an_audit_event_of_the_profile(desk: Desk) -> None:
    """What IHE BALP PrivacyDisclosure.Source requires: codes, both agents, a patient entity and one of data."""
    [entry] = exports.audit_events(entries(desk))["entry"]
    event = entry["resource"]
    assert event["type"]["code"] == "110106"
    assert [each["code"] for each in event["subtype"]] == ["disclose"]
    assert (event["action"], event["outcome"]) == ("R", "0")
    roles = {agent["type"]["coding"][0]["code"]: agent for agent in event["agent"]}
    assert roles["110153"]["who"] == event["source"]["observer"]  # invariant val-audit-source
    assert roles["110152"]["who"]["identifier"]["value"] == "X0X02"
    assert all("network" in agent for agent in roles.values())
    assert [each["type"]["code"] for each in event["entity"]] == ["1", "2"]
    assert event["entity"][0]["what"]["type"] == "Patient"
    assert set(event["entity"][0]["what"]) == {"type", "display"}  # nobody is named


def test_a_release_is_a_run_with_the_lineage_of_its_columns(desk: Desk) -> None:
    start, complete = exports.run_events(entries(desk), origin="log-1")
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"] == complete["run"]
    assert start["run"] != exports.run_events(entries(desk), origin="log-2")[0]["run"]
    fields = {
        f"{output['name'].partition('.')[2]}.{name}": field["inputFields"][0]
        for output in complete["outputs"]
        for name, field in output["facets"]["columnLineage"]["fields"].items()
    }
    intent = next(e["body"] for e in entries(desk) if e["type"] == "RELEASE_INTENT")
    assert set(fields) == {field.split()[0] for field in intent["fields"]}
    birth = fields["person.birth_date"]["transformations"][0]
    assert (birth["subtype"], birth["masking"]) == ("TRANSFORMATION", True)
    same = [each for each in fields.values() if each["transformations"][0]["subtype"] == "IDENTITY"]
    assert all(
        each["transformations"][0] == {"type": "DIRECT", "subtype": "IDENTITY", "description": "keep", "masking": False}
        for each in same
    )


def test_opt_outs_applied_are_counted_by_kind_release_and_list(kit: Kit) -> None:
    """Three of fifteen are not on the list, one has a Type 1 opt-out, two have no number; who, no page says."""
    people = kit.crowd(15)
    people += [replace(kit.someone(20 + n), number=None, register=None, decision="none") for n in range(2)]
    opted = {"person_key": people[0].key, "side": "register", "scheme": "type 1", "opted_out": True}
    desk = kit.desk(people, [who.number for who in people[:12] if who.number], opt_out=[opted])
    desk.edit(('people = "linked"', 'people = "clients"'))
    made = desk.make()
    found = entries(desk)
    rows = {row["rule"]: row for row in optouts.rows(found)}
    assert {rule: row["people_left_out"] for rule, row in rows.items()} == {"R20": 3, "R23": 1, "R24": 0, "R25": 2}
    assert {(row["release_id"], row["state"], row["applied"]) for row in rows.values()} == {
        (made.release_id, "released", "yes")
    }
    assert (rows["R20"]["list_checked_on"], rows["R20"]["list_numbers"]) == ("2026-11-21", 12)
    [left] = [e["body"] for e in found if e["type"] == "PEOPLE_LEFT_OUT"]
    assert rows["R20"]["list_sha256"] == left["allowed_list"]["sha256"]
    assert rows["R23"]["list_sha256"] == ""
    said = "".join(map(str, rows.values()))
    assert not any(who.key in said or (who.number or "none") in said for who in people)


def test_opt_outs_that_are_not_applied_or_not_known_are_said(desk: Desk) -> None:
    plain = entries(desk)
    exempt = [
        e | {"body": e["body"] | {"opt_out": "exempt", "exemption": "section 251 exemption"}}
        if e["type"] == "AGREEMENT_RECORDED"
        else e
        for e in plain
    ]
    applied = {row["rule"]: row["applied"] for row in optouts.rows(exempt)}
    assert applied == {
        "R20": "no: section 251 exemption",
        "R23": "yes",
        "R24": "yes",
        "R25": "no: section 251 exemption",
    }
    uncertain = [
        e | {"type": "RELEASE_UNCERTAIN"} if e["type"] == "RELEASED" else e
        for e in plain
        if e["type"] != "PEOPLE_LEFT_OUT"
    ]
    assert {(row["state"], row["people_left_out"]) for row in optouts.rows(uncertain)} == {("uncertain", "")}
    assert optouts.rows([]) == []
