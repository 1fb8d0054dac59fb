"""Papers filled from a project: what it says, where that was found, what is missing, and who is asked for the rest."""

from __future__ import annotations

import csv
import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from caretrace.papers import facts, hazards, paper, writing
from caretrace.papers.known import KNOWN, Fact
from caretrace.project import Project
from governance.audit import log, upkeep
from schemas.errors import InputError, IntegrityFailure, SettingsError

if TYPE_CHECKING:
    from conftest import Desk, Kit

SETTINGS = """
[[source]]
name = "carefirst"
side = "clients"
format = "carefirst"
feed = "full"
[source.hold]
gone = 0.1
[[source]]
name = "practices"
side = "register"
ended = true
[match]
wrong_links = 0.0003
[schedule]
carefirst = 7
[retention]
runs = 33
written = "never"
[agreements]
files = ["../agreements/agreement.toml"]
"""
MANIFEST: dict[str, Any] = {
    "format": 1,
    "run_id": "run-1",
    "created_at": "2026-11-20T01:00:00+00:00",
    "caretrace_version": "0.1.0",
    "warehouse": {"run": 7},
    "counts": {"linked": 900, "review": 40, "none": 60},
    "inputs": [
        {"format": "carefirst", "version": "6", "table": "PERSON"},
        {"format": "emis", "version": None, "table": "PERSON"},
        {"format": "emis", "version": None, "table": "-"},
    ],
    "model": {"provenance": {"origin": "trained"}},
    "linkage": {
        "model_id": "m-123",
        "register_people": 5000,
        "expected": {
            "links": 900,
            "wrong": 0.25,
            "precision": {"value": 0.99972, "interval_95": [0.999, 1.0]},
            "recall": {"value": 0.97, "interval_95": [0.96, 0.98]},
        },
    },
}


def manifest(desk: Desk, **changes: Any) -> None:
    path = desk.run / "manifest.json"
    content = json.loads(path.read_text("utf-8")) | MANIFEST | changes
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture(scope="module")
def desk(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A project that says everything: settings, a run, a signed agreement, keys, a release, a backup."""
    kit = kit_in(tmp_path_factory.mktemp("desk"))
    desk = kit.desk(allowed=[who.number for who in kit.crowd()[:10] if who.number])
    (desk.project / "caretrace.toml").write_text(SETTINGS, encoding="utf-8")
    manifest(desk)
    desk.make()
    with log.opened(desk.audit, desk.keys, now=kit.now) as held:
        body = {"id": "B1", "file": "backup.tar", "encrypted_to": [], "maker": "maker"}
        held.append([(next(k for k in upkeep._BEGUN if "BACK" in k), body)], now=kit.now)
    return desk


def gathered(desk: Desk, *more: Path) -> dict[str, Fact]:
    return facts.gather(Project(desk.project), desk.keys.folder, more, today=date(2026, 11, 22))


def test_every_fact_of_a_whole_project_is_found_and_says_where(desk: Desk) -> None:
    found = gathered(desk)
    assert {name for name, fact in found.items() if not fact.lines} == {"measured"}  # nothing in a project says that
    assert set(found) == set(KNOWN)
    assert {fact.source for fact in found.values()} == {
        "caretrace.toml", "the newest runs", "keys folder", "agreements", "audit log", "caretrace",
        "evaluation",
    }  # fmt: skip


SAID: list[tuple[str, str]] = [
    ("systems", "carefirst: clients, format carefirst, deliveries full"),
    ("systems", "practices: register, format told from its files, deliveries auto; ended"),
    ("hold", "carefirst is held beyond 5% unreadable records, 50% unusable values of a column, or 10% of its"),
    ("target", "at most 0.03% of clients expected to be linked wrongly"),
    ("schedule", "carefirst: overdue after 7 days"),
    ("retention", "runs: 33 days"),
    ("retention", "written: kept for ever"),
    ("retention", "history: 8 years"),
    ("at_rest", "files about people are plain where they stand"),
    ("clients", "1,000 clients in the newest run"),
    ("register", "5,000 people on the registers"),
    ("columns", "PERSON (carefirst 6, emis): 29 columns; identifying alone or free text: record_id, nhs_number"),
    ("runs", "run 7 on 2026-11-20: 900 of 1,000 clients linked (90.0%), 40 sent to people"),
    ("review", "40 of 1,000 clients (4.0%) wait for a person"),
    ("estimate", "expected by the model itself, not measured: precision 0.99972 (95% interval 0.99900 to 1.00000)"),
    ("estimate", "0.25 wrong of 900 links"),
    ("model", "model m-123, trained"),
    ("keeper", "keys kept by: plain files of their owner; versions 1"),
    ("controllers", "DSA-EXAMPLE-01 1.0: Exampleshire Council (X0X01)"),
    ("recipients", "DSA-EXAMPLE-01 1.0: Exampleshire Integrated Care Board (X0X02)"),
    ("purposes", "commissioning. Plan home care where people need it"),
    ("bases", "Article 6: 6(1)(e) public task; Article 9: 9(2)(h) health or social care; Schedule 1: Part 1"),
    ("confidentiality", "section 251, for the linkage section 251"),
    ("forms", "pseudonymised_limited; Clients of adult social care whose NHS number was found. person.birth_date"),
    ("opt_outs", "applied"),
    ("territory", "held in England"),
    ("reference", "DPIA-EXAMPLE-01"),
    ("signatories", "signed by Caldicott Guardian of X0X01 on 2026-10-13"),
    ("releases", "Care Board under DSA-EXAMPLE-01 1.0: pseudonymised_limited, 10 people, released"),
    ("released_to", "X0X02 holds R"),
    ("opt_outs_applied", "national data opt-out: fewer than 5 people left out"),
    ("due", "destruction R"),
    ("reversals", "none"),
    ("writings", "none"),
    ("backups", "2026-11-22: backup.tar, not encrypted"),
    ("log", "of 1 releases begun, 0 approved by a signature and 1 by a name"),
    ("rules", "rules, version 2026-"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "words"), SAID, ids=[f"{name}-{at}" for at, (name, _) in enumerate(SAID)])
def test_what_the_project_says_is_said(desk: Desk, name: str, words: str) -> None:
    assert any(words in line for line in gathered(desk)[name].lines), gathered(desk)[name].lines


def test_an_agreement_without_its_file_is_known_from_the_log(desk: Desk) -> None:
    settings = desk.project / "caretrace.toml"
    settings.write_text(SETTINGS.replace('files = ["../agreements/agreement.toml"]', ""), encoding="utf-8")
    try:
        found = gathered(desk)
        given = gathered(desk, desk.agreement)
    finally:
        settings.write_text(SETTINGS, encoding="utf-8")
    assert found["recipients"] == given["recipients"]
    assert found["bases"] == given["bases"]
    assert (found["reference"].lines, found["retention_of_releases"].lines) == ((), ())
    assert given["reference"].lines == ("DSA-EXAMPLE-01 1.0: DPIA-EXAMPLE-01",)


def test_an_empty_project_says_nothing_and_nothing_is_made_up(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    found = facts.gather(Project(tmp_path / "project"), tmp_path / "keys", (), today=date(2026, 11, 22))
    assert {name for name, fact in found.items() if fact.lines} == {"rules", "version"}
    for each in writing.papers():
        for declared, row in zip(
            (row for section in each.sections for row in section.rows), paper.filled(each, found), strict=True
        ):
            silent = [name for name in declared.facts if name not in ("rules", "version")]
            assert row["said"].count("The project does not say") == len(silent)
            assert (row["to_be_filled"], row["to_be_filled_by"]) == (declared.asks, declared.by)


def test_the_papers_as_files(desk: Desk, kit: Kit, tmp_path: Path) -> None:
    out = tmp_path / "papers"
    made = writing.write(out, gathered(desk), made_at=kit.now)
    names = {f"{name}.{ending}" for name in ("dpia", "processing", "hazard-log") for ending in ("csv", "html", "xlsx")}
    assert {path.name for path in made} == names
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")] == []
    for name in ("dpia", "processing", "hazard-log"):
        rows = list(csv.DictReader((out / f"{name}.csv").read_text("utf-8-sig").splitlines(keepends=True)))
        page = (out / f"{name}.html").read_text("utf-8")
        assert tuple(rows[0]) == paper.COLUMNS
        assert page.count("To be filled by ") == sum(bool(row["to_be_filled"]) for row in rows) > 0
        assert not re.search(r"<script|src=|href=|https?://", page)
        assert all(row["from"] or row["to_be_filled"] or "does not say" in row["said"] for row in rows)
    everything = b"".join(path.read_bytes() for path in made)
    assert not any(who.number and who.number.encode() in everything for who in kit.crowd())
    with pytest.raises(InputError, match="exists already"):
        writing.write(out, gathered(desk), made_at=kit.now)


def test_markup_in_what_a_project_says_is_text(desk: Desk, kit: Kit) -> None:
    found = gathered(desk) | {"systems": Fact(("<script>alert(1)</script>", "`<b>`"), "caretrace.toml")}
    each = writing.papers()[0]
    page = writing.page(each, paper.filled(each, found), made_at=kit.now)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<code>&lt;b&gt;</code>" in page


def test_what_is_damaged_is_an_error_and_not_a_gap(desk: Desk) -> None:
    """A paper that leaves out what cannot be read would say less than is so."""
    for path, error in (
        (desk.audit / "log.jsonl", IntegrityFailure),
        (desk.project / "caretrace.toml", SettingsError),
        (desk.agreement, SettingsError),
        (desk.run / "manifest.json", InputError),
    ):
        whole = path.read_bytes()
        try:
            path.write_bytes(b"x = [" + whole[:40])
            with pytest.raises(error):
                gathered(desk)
        finally:
            path.write_bytes(whole)


def test_a_run_without_an_estimate_or_clients_says_so(kit: Kit) -> None:
    desk = kit.desk()
    manifest(desk, counts={"linked": 0, "review": 0, "none": 0}, linkage={"model_id": "m", "register_people": 0})
    found = gathered(desk)
    assert found["estimate"].lines == ()
    assert found["review"].lines == ("0 of 0 clients (none) wait for a person",)


def test_a_row_asks_somebody_or_says_something() -> None:
    for given in ({}, {"asks": "x"}, {"by": "x"}, {"facts": ("weather",)}):
        with pytest.raises(TypeError):
            paper.Row("item", **given)


def test_the_risk_follows_from_severity_and_likelihood() -> None:
    assert hazards.Judged("major", "very low").risk == 2
    assert hazards.Judged("catastrophic", "very high").risk == 5
    assert hazards.Judged("minor", "medium").risk == 2
    for each in hazards.read():
        assert each.with_controls.risk < each.without.risk <= 3, each.id


def test_an_evaluation_is_what_was_measured(desk: Desk, tmp_path: Path) -> None:
    """As `caretrace evaluate --out` writes it; what the model says of itself is no measurement."""
    path = tmp_path / "evaluation.json"
    for text in ("{", "[]", "{}"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"is no evaluation\.json"):
            measured(desk, path)
    with pytest.raises(InputError, match="cannot be read"):
        measured(desk, tmp_path / "absent.json")


def measured(desk: Desk, path: Path) -> tuple[str, ...]:
    where = Project(desk.project), desk.keys.folder, ()
    return facts.gather(*where, today=date(2026, 11, 22), evaluation=path)["measured"].lines


def test_whether_files_are_encrypted_is_as_the_settings_say(desk: Desk) -> None:
    settings = desk.project / "caretrace.toml"
    settings.write_text(SETTINGS + "[at_rest]\nencrypt = true\n", encoding="utf-8")
    try:
        assert gathered(desk)["at_rest"].lines[0].startswith("files about people are encrypted where they stand")
    finally:
        settings.write_text(SETTINGS, encoding="utf-8")
