"""`caretrace review`: out to two readers, back through a workbook and Excel's CSV, into the next run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import python_calamine
import xlsxwriter

Command = Callable[..., object]
SAME, DIFFERENT = "same person", "different people"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with nothing in it yet."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "caretrace.toml").touch()
    return folder


@pytest.fixture(scope="module")
def exported(caretrace: Command, run_folder: Path, project: Path) -> Path:
    """A sample of the run, so that there is always something to ask, with two readers."""
    out = project / "review"
    options = ("--reader", "ann", "--reader", "bob", "--format", "both", "--sample", "40", "--seed", "5")
    done = caretrace("review", "export", run_folder, "--out", out, *options, cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"send {out / 'reader-ann.xlsx'}" in done.stdout
    return out


def by_code(folder: Path) -> dict[str, dict[str, object]]:
    sent = json.loads((folder / "review.json").read_text("utf-8"))["pairs"]
    return {code: each["asked"] for each in sent for code in each["codes"].values()}


def answer(asked: dict[str, object], links: dict[str, str | None]) -> str:
    """What a reader would say who goes by the run's own links."""
    same = asked["nhs_number"] is not None and links[asked["client"]["record_id"]] == asked["nhs_number"]
    return SAME if same else DIFFERENT


def ann(folder: Path, links: dict[str, str | None]) -> Path:
    """Ann opens the workbook, answers, and saves it."""
    rows = python_calamine.load_workbook(str(folder / "reader-ann.xlsx")).get_sheet_by_name("Pairs").to_python()
    asked, path = by_code(folder), folder.parent / "from ann.xlsx"
    at, code = rows[0].index("Your answer"), rows[0].index("Pair code")
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Pairs")
        for line, row in enumerate(rows):
            row[at] = answer(asked[row[code]], links) if line else row[at]
            sheet.write_row(line, 0, row)
    return path


def bob(folder: Path, links: dict[str, str | None], *, differs_at: int | None = 0) -> Path:
    """Bob opens the CSV in Excel in the UK, which saves it in its own encoding, with its own dates."""
    with (folder / "reader-bob.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    asked, path = by_code(folder), folder.parent / "from bob.csv"
    for line, row in enumerate(rows):
        row["Your answer"] = answer(asked[row["Pair code"]], links) if line != differs_at else "Cannot tell"
        row["Client: born"] = "12-Mar-50"
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode("cp1252", errors="replace"))
    return path


@pytest.fixture(scope="module")
def links(run_folder: Path) -> dict[str, str | None]:
    """The number each client was linked to."""
    return {row["record_id"]: row["nhs_number"] for row in pq.read_table(run_folder / "links.parquet").to_pylist()}


def listed(caretrace: Command, project: Path, *options: str) -> list[dict[str, str]]:
    done = caretrace("review", "list", *options, cwd=project)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_the_round_trip(
    caretrace: Command, run_folder: Path, people: Path, project: Path, exported: Path, links: dict[str, str | None]
) -> None:
    files = ann(exported, links), bob(exported, links)

    alone = caretrace("review", "import", exported, files[0], cwd=project)
    assert alone.returncode == 1
    assert "no file of reader bob" in alone.stderr
    assert not (project / "decisions.jsonl").exists()

    done = caretrace("review", "import", exported, *files, cwd=project)
    assert done.returncode == 0, done.stderr
    assert "Cohen's kappa 0.9" in done.stdout
    assert "disagreed: 1" in done.stdout

    third = project / "third"
    look = ("review", "export", run_folder, "--third-look", "--out", third)
    done = caretrace(*look, "--reader", "carol", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "third look: 1 pairs of 1 clients" in done.stdout
    assert "another reader" in caretrace(*look, "--reader", "ann", cwd=project).stderr

    # The next run, which by itself decides as the first, honours what stands.
    rows = listed(caretrace, project)
    same = {row["record_id"] for row in rows if row["verdict"] == "same"}
    assert same
    assert "nhs_number" not in rows[0]
    out = project / "runs" / "two"
    arguments = ("--out", out, "--as-at", "2026-11-22", "--threads", "2")
    done = caretrace("link", people / "clients", people / "register.csv", *arguments, cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"earlier decisions, decisions.jsonl: {len(same)} same" in done.stdout
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    first = json.loads((run_folder / "manifest.json").read_text("utf-8"))
    assert manifest["verdicts"]["same"] == len(same)
    assert first["verdicts"] is None
    assert manifest["run_id"] != first["run_id"]
    linked = {row["record_id"]: row for row in pq.read_table(out / "links.parquet").to_pylist()}
    assert {linked[record]["method"] for record in same} == {"review"}
    assert {linked[record]["nhs_number"] for record in same} == {links[record] for record in same}
    assert {linked[record]["decided_by"] for record in same} == {"ann, bob"}
    assert all(linked[record]["decided_at"] is not None for record in same)

    # And evaluation reads the sample.
    done = caretrace("evaluate", run_folder, "--decisions", project / "decisions.jsonl", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "Precision: " in done.stdout

    undone = rows[0]["id"]
    done = caretrace("review", "undo", undone, "--by", "mia", cwd=project)
    assert done.returncode == 0, done.stderr
    assert undone not in {row["id"] for row in listed(caretrace, project)}
    states = {row["id"]: row["state"] for row in listed(caretrace, project, "--all")}
    assert states[undone].startswith("withdrawn by D")

    path = project / "decisions.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    for command in (
        ("review", "list"),
        ("link", people / "clients", people / "register.csv", "--out", project / "three"),
    ):
        done = caretrace(*command, cwd=project)
        assert done.returncode == 4
        assert "cut short" in done.stderr
    assert not (project / "three").exists()


def test_a_project_without_decisions_lists_only_the_header(caretrace: Command, tmp_path: Path) -> None:
    done = caretrace("review", "list", "--project", tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("id,at,verdict,by,state")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("undo",), 2, "give the ids of decisions, or --client"),
        (("undo", "D1"), 1, "there is no decision D1"),
        (("undo", "--client", "7"), 1, "no decision on this client"),
        (("import", "nowhere", "x.csv"), 1, "holds no review.json"),
        (("export", "nowhere", "--out", "o", "--reader", "ann"), 1, "no such run folder"),
        (("export", "nowhere", "--out", "o"), 2, "--reader"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    caretrace: Command, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = caretrace("review", *arguments, cwd=tmp_path)
    assert (done.returncode, says in " ".join(done.stderr.split())) == (code, True), done.stderr


def test_link_refuses_decisions_that_are_not_there(caretrace: Command, people: Path, tmp_path: Path) -> None:
    arguments = ("--out", tmp_path / "run", "--decisions", tmp_path / "none.jsonl")
    done = caretrace("link", people / "clients", people / "register.csv", *arguments)
    assert done.returncode == 1
    assert "no such file of decisions" in done.stderr
