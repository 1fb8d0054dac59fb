"""`caretrace evaluate`: counted against truth, estimated without, and never into the run folder."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="module")
def evaluated(caretrace: Any, run_folder: Path, people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that an evaluation against the truth wrote."""
    out = tmp_path_factory.mktemp("evaluated") / "out"
    done = caretrace("evaluate", run_folder, "--truth", people / "truth.csv", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "precision" in done.stdout
    assert str(out / "evaluation.html") in done.stdout
    return out


def _facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "evaluation.json").read_text("utf-8"))
    return facts


def test_it_counts_what_a_person_would(evaluated: Path, run_folder: Path, people: Path) -> None:
    with (people / "truth.csv").open(encoding="utf-8-sig", newline="") as file:
        truth = {row["record_id"]: row for row in csv.DictReader(file)}
    links = pq.read_table(run_folder / "links.parquet").to_pylist()
    linked = [row for row in links if row["decision"] == "link"]
    right = sum(row["nhs_number"] == truth[row["record_id"]]["nhs_number"] for row in linked)
    findable = sum(truth[row["record_id"]]["in_register"] == "true" for row in links)
    facts = _facts(evaluated)["evaluation"]
    assert (facts["links"], facts["right"], facts["findable"]) == (len(linked), right, findable)
    assert facts["precision"]["part"] == facts["recall"]["part"] == right
    assert sum(each["clients"] for each in facts["errors"]) == (len(linked) - right) + sum(
        each["clients"] for each in facts["errors"] if each["error"] == "missed"
    )
    (chosen,) = (each for each in facts["thresholds"] if each["chosen"])
    assert (chosen["links"], chosen["right"]) == (len(linked), right)
    assert sum(each["observed"]["of"] for each in facts["calibration"]["bins"]) == sum(
        row["probability"] is not None for row in links
    )


def test_groups_are_large_and_add_up(evaluated: Path) -> None:
    facts = _facts(evaluated)
    whole = facts["evaluation"]["truth"]["clients"]
    by_grouping: dict[str, list[int]] = {}
    for each in facts["evaluation"]["groups"]:
        by_grouping.setdefault(each["grouping"], []).append(each["clients"])
    assert {"Age", "Gender", "Ethnicity"} <= set(by_grouping)
    for sizes in by_grouping.values():
        assert sum(sizes) == whole
        assert min(sizes) >= 10
    compared = facts["estimates"]["compared"]
    assert all(each["linked"] + each["not_linked"] >= 10 for each in compared)


def test_the_errors_are_listed_by_id_and_without_values(evaluated: Path) -> None:
    with (evaluated / "errors.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(each["clients"] for each in _facts(evaluated)["evaluation"]["errors"])
    assert rows
    assert list(rows[0]) == [
        "error",
        "kind",
        "source",
        "source_org",
        "client_id",
        "register_record_id",
        "probability",
    ]


def test_the_page_holds_no_ids_and_needs_nothing_else(evaluated: Path) -> None:
    text = (evaluated / "evaluation.html").read_text("utf-8")
    assert re.findall(r"\b9\d{9}\b", text) == []
    assert "<script" not in text
    assert set(re.findall(r'(?:src|href)="([^#"][^"]*)"', text)) == {"data:,"}
    assert text.count("<svg") == len(re.findall(r"<svg[^>]*role=\"img\"", text)) == 2


def test_the_run_folder_is_not_touched(caretrace: Any, run_folder: Path, people: Path) -> None:
    before = sorted(path.name for path in run_folder.iterdir())
    for out in (run_folder, run_folder / "evaluation"):
        done = caretrace("evaluate", run_folder, "--truth", people / "truth.csv", "--out", out)
        assert (done.returncode, done.stdout) == (1, "")
        assert "lies in the run folder, which is never changed" in done.stderr
    assert sorted(path.name for path in run_folder.iterdir()) == before


def test_without_truth_it_says_what_it_can(caretrace: Any, run_folder: Path, tmp_path: Path) -> None:
    done = caretrace("evaluate", run_folder, "--hide-numbers", "--json", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["evaluation"] is None
    expected = facts["estimates"]["expected"]
    assert 0.9 < expected["precision"]["value"] <= 1
    assert facts["hidden_number"]["clients"] > 0
    assert not (tmp_path / "out" / "errors.csv").exists()


def test_a_sample_is_designed_and_evaluated(caretrace: Any, run_folder: Path, tmp_path: Path) -> None:
    done = caretrace("evaluate", run_folder, "--sample", "60", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    design = json.loads(done.stdout)
    assert sum(each["drawn"] for each in design["strata"]) == design["clients"] <= 60
    assert "caretrace review export" in design["command"]
    assert "review export" in caretrace("evaluate", run_folder, "--sample", "60").stdout
    empty = caretrace("evaluate", run_folder, "--decisions", tmp_path / "none.jsonl")
    assert empty.returncode == 1
    assert "no such file of decisions" in empty.stderr


def test_refusals(caretrace: Any, run_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("record_id,nhs_number\nnobody,9434765919\n", "utf-8")
    for arguments, words in (
        ((run_folder, "--truth", tmp_path / "none.csv"), "no such truth file"),
        ((run_folder, "--truth", other), "names no client of this run"),
        ((tmp_path, "--truth", other), "not a finished run"),
    ):
        done = caretrace("evaluate", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
