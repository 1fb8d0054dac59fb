"""From a run to numbers loaded back and a list of people who may be used, as whole commands."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fixtures.systems.pds_mesh import answer, mesh
from governance import keys
from schemas.nhs_number import NhsNumber


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A project, and keys where the commands look for them."""
    root = tmp_path_factory.mktemp("tracing")
    if not Path(environment["CARETRACE_KEYS"]).exists():
        keys.create(Path(environment["CARETRACE_KEYS"]), project=root)
    return root


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_ask_read_load_back(caretrace: Any, project: Path, run_folder: Path) -> None:
    asked = caretrace("trace", "request", run_folder, "--out", project / "first", "--project", project)
    assert asked.returncode == 0, asked.stderr
    [request] = (project / "first").iterdir()
    questions = rows(request)
    assert f": {len(questions):,} questions" in asked.stdout
    assert {title for row in questions for title, text in row.items() if text} == {
        *("UNIQUE REFERENCE", "NHS_NO", "DATE_OF_BIRTH"),
    }
    answers = [
        answer(row["UNIQUE REFERENCE"], "00", row["NHS_NO"], "1", "100", REQ_NHS_NUMBER=row["NHS_NO"])
        for row in questions[:-1]
    ]
    (project / "reply.csv").write_bytes(mesh((*answers, answer("CTSTRANGER", "98"))))
    read = caretrace("trace", "read", project / "reply.csv", "--run", run_folder, "--project", project)
    assert read.returncode == 0, read.stderr
    assert f"{len(answers):,} answers to questions of this run; 1 open" in read.stdout
    assert f"00: {len(answers):,} x found" in read.stdout
    assert "1 answer to no question of this project" in read.stdout
    numbers = {row["NHS_NO"] for row in questions}
    assert not any(number in read.stdout + asked.stdout for number in numbers)

    listed = list(csv.DictReader(caretrace("trace", "list", "--project", project).stdout.splitlines()))
    assert [(row["service"], row["open"]) for row in listed] == [("pds", "1")]

    loaded = caretrace("load-back", run_folder, "--out", project / "back", "--format", "both", "--project", project)
    assert loaded.returncode == 0, loaded.stderr
    [path] = (project / "back").glob("load-back-*.csv")
    statuses = {row["nhs_number_status"] for row in rows(path)}
    assert "01" in statuses
    assert all(NhsNumber(row["nhs_number"]) for row in rows(path))
    assert len(list((project / "back").iterdir())) == 4


def test_the_check_for_opt_outs(caretrace: Any, project: Path, run_folder: Path) -> None:
    out = project / "check"
    done = caretrace("opt-out", "request", run_folder, "--out", out, "--mailbox", "8KM90", "--project", project)
    assert done.returncode == 0, done.stderr
    [request] = out.glob("*.dat")
    lines = request.read_text("ascii").splitlines()
    known = pq.read_table(run_folder / "linked" / "person_key.parquet").column("nhs_number").drop_null().to_pylist()
    assert set(known) <= {line.removesuffix(",") for line in lines}
    (project / "reply.dat").write_text("\n".join(lines[1:]) + "\n", encoding="ascii", newline="\n")
    arguments = ("--request", request, "--checked-on", "2026-11-01", "--project", project)
    taken = caretrace("opt-out", "read", project / "reply.dat", *arguments)
    assert taken.returncode == 0, taken.stderr
    assert f"{len(lines) - 1:,} of {len(lines):,} numbers may be used; 1 may not" in taken.stdout


def test_the_log_knows_every_file(caretrace: Any, project: Path) -> None:
    done = caretrace("audit", "writings", "--project", project)
    assert done.returncode == 0, done.stderr
    written = list(csv.DictReader(done.stdout.splitlines()))
    kinds = ["trace request", "trace results", "load-back", "opt-out check", "opt-out list"]
    assert [(row["kind"], row["state"]) for row in written] == [(kind, "written") for kind in kinds]
