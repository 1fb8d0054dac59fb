"""What goes out to readers: which pairs, in what order, what they see and what they must not see."""

from __future__ import annotations

import csv
import os
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
import python_calamine

from caretrace.review import ledger, pairs, sidecar
from caretrace.review.decisions import Key, Made
from caretrace.review.export import Wanted, export
from caretrace.review.sheets import ANSWER, CODE, NUMBER, SHEET
from schemas.errors import InputError, IntegrityFailure, SettingsError

from .conftest import CANDIDATES, CLIENTS, DECISIONS, NOW, REGISTER, Desk, MakeRun

MakeDesk = Callable[..., Desk]


def asked(desk: Desk) -> set[tuple[str, str]]:
    return {(each.asked.client.record_id, each.asked.register.record_id) for each in desk.export.pairs}


def test_what_waits_for_review_is_asked_and_candidates_not_worth_it_are_not(desk: MakeDesk) -> None:
    assert asked(desk("ann")) == {("c1", "r1"), ("c1", "r2"), ("c2", "r3"), ("c3", "r4"), ("c4", "r5")}


def test_a_blind_sheet_holds_the_two_records_and_nothing_of_the_model(desk: MakeDesk) -> None:
    made = desk("ann", "bob")
    for sent in made.folder.glob("reader-*"):
        text = " ".join(cell for row in cells(sent) for cell in row).casefold()
        for word in (
            "probab",
            "score",
            "weight",
            "model",
            "review,",
            "rank",
            "0.7",
            "0.29",
        ):
            assert word not in text, (sent.name, word)
    assert {row["Reader"] for row in made.sheet("ann")} == {"ann"}


def test_scores_are_shown_where_they_are_asked_for_and_it_is_written_down(desk: MakeDesk) -> None:
    made = desk("ann", include_scores=True)
    row = next(row for row in made.sheet("ann") if made.client_of(row[CODE]) == ("c1", "r2"))
    assert row["Model: probability"] == "0.290000"
    assert not made.export.blind


def cells(path: Path) -> list[list[str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))
    return python_calamine.load_workbook(str(path)).get_sheet_by_name(SHEET).to_python()


def test_workbook_and_csv_hold_the_same_cells(desk: MakeDesk) -> None:
    made = desk("ann")
    workbook, text = (cells(made.folder / f"reader-ann.{form}") for form in ("xlsx", "csv"))
    assert [cell.split("\n") for row in workbook for cell in row] == [cell.split("\n") for row in text for cell in row]


def test_no_cell_is_a_formula(desk: MakeDesk) -> None:
    made = desk("ann")
    for form in ("xlsx", "csv"):
        found = [cell for row in cells(made.folder / f"reader-ann.{form}") for cell in row]
        assert "'=cmd()" in found
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in found)
    assert "<f>" not in sheet_xml(made.folder / "reader-ann.xlsx")


def sheet_xml(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode()


def test_the_answer_is_a_drop_down_and_all_else_is_locked(desk: MakeDesk) -> None:
    path = desk("ann").folder / "reader-ann.xlsx"
    xml = sheet_xml(path)
    assert '"same person,different people,cannot tell"' in xml.replace("&quot;", '"')
    assert 'sqref="B2:B6"' in xml
    assert "<sheetProtection" in xml
    with zipfile.ZipFile(path) as archive:
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - our own file
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    formats = list(styles.find(f"{space}cellXfs") or ())
    unlocked = {at for at, each in enumerate(formats) if each.find(f"{space}protection") is not None}
    columns = {
        re.sub(r"\d", "", cell)
        for cell, style in re.findall(r'<c r="([A-Z]+\d+)" s="(\d+)"', xml)
        if int(style) in unlocked
    }
    assert columns == {"B", "C"}


def test_two_readers_get_the_same_pairs_in_different_order_and_under_different_codes(
    make_run: MakeRun, desk: MakeDesk
) -> None:
    many = [{"record_id": f"m{n}", "family_name": f"Name{n:02}"} for n in range(30)]
    run = make_run(
        "many",
        clients=many,
        candidates=[(row["record_id"], "r1", 1, 0.9 - n / 100) for n, row in enumerate(many)],
        decisions={row["record_id"]: "review" for row in many},
    )
    made = desk("ann", "bob", run=run)
    orders = {reader: [made.client_of(row[CODE]) for row in made.sheet(reader)] for reader in ("ann", "bob")}
    assert sorted(orders["ann"]) == sorted(orders["bob"])
    assert orders["ann"] != orders["bob"]
    by_score = [(row["record_id"], "r1") for row in many]
    assert by_score not in orders.values()
    codes = {reader: {row[CODE] for row in made.sheet(reader)} for reader in ("ann", "bob")}
    assert not codes["ann"] & codes["bob"]
    assert [row[NUMBER] for row in made.sheet("ann")] == [str(n) for n in range(1, 31)]


def test_the_likelier_candidate_is_not_always_the_first(make_run: MakeRun, desk: MakeDesk) -> None:
    clients = [{"record_id": f"m{n}", "family_name": "Okafor"} for n in range(20)]
    both = [("r1", 1, 0.7), ("r2", 2, 0.29)]
    run = make_run(
        "twins",
        clients=clients,
        candidates=[(row["record_id"], *each) for row in clients for each in both],
        decisions={row["record_id"]: "review" for row in clients},
    )
    made = desk("ann", run=run)
    rows = made.sheet("ann")
    firsts = [made.client_of(row[CODE])[1] for row in rows if row[NUMBER].endswith("a")]
    assert len(firsts) == 20
    assert 4 < firsts.count("r1") < 16
    assert [row[NUMBER].rstrip("ab") for row in rows] == [str(n) for n in range(1, 21) for _ in both]


def test_the_same_pairs_readers_and_seed_give_the_same_bytes(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        export(run, folder, readers=("ann",), decisions=tmp_path / "d.jsonl", seed=seed, forms=("xlsx", "csv"))
    one, two, three = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two
    assert one.keys() == three.keys()
    assert all(one[name] != three[name] for name in one)


@pytest.mark.skipif(os.name == "nt", reason="Windows protects the folder, not the file")
def test_only_the_owner_can_read_an_export(desk: MakeDesk) -> None:
    folder = desk("ann").folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_nothing_is_left_of_an_export_that_failed(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()

    def fails(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(sidecar, "write_durably", fails)
    with pytest.raises(OSError, match="no space"):
        export(run, tmp_path / "out", readers=("ann",), decisions=tmp_path / "d.jsonl")
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


@pytest.mark.parametrize("readers", [(), ("ann", "bob", "carol"), ("ann", "Ann"), ("a/b",), ("",), ("..",)])
def test_readers_who_cannot_be_told_apart_or_name_no_file_are_refused(
    desk: MakeDesk, readers: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError):
        desk(*readers)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_exists_is_never_written_to(desk: MakeDesk, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="exists already"):
        desk("ann")


def _made(client: str, row: str, verdict: str, **more: object) -> Made:
    number = next(each.get("nhs_number") for each in REGISTER if each["record_id"] == row)
    key, register = Key("carefirst", "Leeds", client), Key("emis", "B86001", row)
    made = Made(key, register, number, verdict, ("ann",), {"ann": verdict}, "one reader", "id of run", "x", True)
    return replace(made, **more)


@pytest.mark.parametrize(
    ("decided", "wanted", "expected"),
    [
        ([("c2", "r3", "same")], Wanted(), {"c1 r1", "c1 r2", "c3 r4", "c4 r5"}),
        ([("c1", "r1", "different")], Wanted(), {"c1 r2", "c2 r3", "c3 r4", "c4 r5"}),
        ([("c1", "r1", "same")], Wanted(), {"c2 r3", "c3 r4", "c4 r5"}),  # so it is nobody else
        ([("c1", "r1", "same")], Wanted(again=True), {"c1 r1", "c1 r2", "c2 r3", "c3 r4", "c4 r5"}),
        (
            [("c1", "r7", "same")],
            Wanted(),
            {"c1 r1", "c1 r2", "c2 r3", "c3 r4", "c4 r5"},
        ),  # who is no candidate any more
        ([("c3", "r4", "cannot tell"), ("c4", "r5", "disagreed")], Wanted(), {"c1 r1", "c1 r2", "c2 r3"}),
        ([("c3", "r4", "same"), ("c4", "r5", "disagreed")], Wanted(third_look=True), {"c4 r5"}),
    ],
)
def test_what_was_decided_is_not_asked_again(
    desk: MakeDesk, tmp_path: Path, decided: list[tuple[str, str, str]], wanted: Wanted, expected: set[str]
) -> None:
    with ledger.writing(tmp_path / "decisions.jsonl") as held:
        held.decide([_made(*each) for each in decided], now=NOW)
    assert {" ".join(pair) for pair in asked(desk("zoe", wanted=wanted))} == expected


def test_a_limit_takes_whole_clients(desk: MakeDesk) -> None:
    made = desk("ann", wanted=Wanted(limit=2))
    clients = {client for client, _ in asked(made)}
    assert len(clients) == 2
    assert asked(made) == {pair for pair in asked(desk("ann", name="all")) if pair[0] in clients}
    assert made.export.facts["beyond_limit"] == 2


def test_nothing_to_ask_is_said(make_run: MakeRun, desk: MakeDesk) -> None:
    run = make_run("settled", decisions={**DECISIONS, **dict.fromkeys(("c1", "c2", "c3", "c4"), "link")})
    with pytest.raises(InputError, match="nothing to ask"):
        desk("ann", run=run)


def test_an_older_run_is_told_to_link_again(make_run: MakeRun, desk: MakeDesk) -> None:
    run = make_run()
    (run / "candidates.parquet").unlink()
    with pytest.raises(InputError, match=r"candidates\.parquet"):
        desk("ann", run=run)


def test_a_sample_draws_from_every_stratum_and_says_what_each_pair_stands_for(
    make_run: MakeRun, desk: MakeDesk
) -> None:
    people = [(f"m{n}", "link", 0.99995) for n in range(300)]
    people += [(f"l{n}", "link", 0.9995) for n in range(40)] + [(f"v{n}", "review", 0.6) for n in range(30)]
    people += [(f"n{n}", "none", 0.001) for n in range(100)] + [("p1", "link", 1.0), ("z1", "none", None)]
    run = make_run(
        "long",
        clients=[{"record_id": name, "family_name": name} for name, *_ in people],
        candidates=[(name, "r1", 1, p) for name, _, p in people if p is not None],
        decisions={name: decision for name, decision, _ in people},
        methods={"p1": "review"},
    )
    made = desk("ann", run=run, wanted=Wanted(sample=80))
    facts = made.export.facts
    strata = {each["name"]: (each["size"], each["drawn"]) for each in facts["strata"]}
    assert {name: size for name, (size, _) in strata.items()} == {
        "link, 0.9999 to 1": 300,
        "link, 0.999 to 0.9999": 40,
        "review, 0.5 to 1": 30,
        "none, 0 to 0.01": 100,
    }
    assert all(10 <= drawn <= size for size, drawn in strata.values())
    assert sum(drawn for _, drawn in strata.values()) == facts["clients"] == len(made.export.pairs) == 80
    assert (facts["without_candidate"], facts["decided_by_people"]) == (1, 1)
    for each in made.export.pairs:
        drawn = each.asked.sample
        assert (drawn["size"], drawn["drawn"]) == strata[drawn["stratum"]]
        assert drawn["run_id"] == made.export.run_id
        assert drawn["sample_id"] == facts["sample_id"]
    again = desk("bob", run=run, name="again", wanted=Wanted(sample=80))
    assert asked(again) == asked(made)


def test_a_sample_of_more_than_there_are_takes_all(desk: MakeDesk) -> None:
    made = desk("ann", wanted=Wanted(sample=1000))
    assert {client for client, _ in asked(made)} == {client for client, *_ in CANDIDATES}


def test_records_come_with_all_their_addresses_and_names(make_run: MakeRun) -> None:
    key = {"record_id": "c1"}
    run = make_run(
        addresses=[
            {**key, "postcode": "LS2 1AA", "from_date": date(2001, 1, 1)},
            {**key, "postcode": "LS3 1AA", "from_date": date(2010, 1, 1)},
            {**key, "postcode": "LS4 1AA"},
        ],
        names=[{**key, "name_type": "maiden", "family_name": "Eze"}],
    )
    client = Key("carefirst", "Leeds", "c1")
    with pairs.opened(run) as connection:
        chosen = pairs.waiting(connection, ledger.History(), seed=0, limit=None, again=False)
        record = pairs.records(connection, chosen.pairs)["client", client]
    assert [row["postcode"] for row in record.addresses] == ["LS3 1AA", "LS2 1AA", "LS4 1AA"]
    assert [row["family_name"] for row in record.names] == ["Eze"]
    assert record.person["given_name"] == CLIENTS[0]["given_name"]


def test_the_folder_says_what_it_asked_and_a_change_is_seen(desk: MakeDesk) -> None:
    made = desk("ann", "bob")
    assert sidecar.read(made.folder) == made.export
    path = made.folder / "review.json"
    text = path.read_text("utf-8")
    assert not any(row["family_name"] in text for row in (*CLIENTS, *REGISTER))
    path.write_text(text.replace('"c2"', '"c3"'), "utf-8")
    with pytest.raises(IntegrityFailure, match="altered"):
        sidecar.read(made.folder)
    path.write_text("[]", "utf-8")
    with pytest.raises(InputError, match="not a file"):
        sidecar.read(made.folder)
    with pytest.raises(InputError, match=r"holds no review\.json"):
        sidecar.read(made.run)


@pytest.mark.parametrize("wrong", [{"limit": 3}, {"again": True}, {"third_look": True}])
def test_a_sample_is_of_everybody(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        Wanted(sample=10, **wrong)


def test_answers_are_where_a_reader_expects_them(desk: MakeDesk) -> None:
    assert list(desk("ann").sheet("ann")[0])[:2] == [NUMBER, ANSWER]
