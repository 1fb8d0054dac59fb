"""`caretrace cld` and `caretrace export fhir`: files in, files out, the log between."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pyarrow as pa
import pytest

from caretrace.cld import history
from caretrace.cld.numbers import Numbers
from caretrace.cld.submission import Asked, Paths, Report, write
from caretrace.exports.patients import Asked as Export
from caretrace.exports.patients import Grain
from caretrace.exports.patients import write as export
from caretrace.project import Project
from caretrace.run_folder import sha256 as run_folder_sha256
from connectors import Source, read
from connectors.suppliers.cld import fields
from connectors.writers.fhir import Form
from schemas.errors import InputError, SettingsError

AS_AT = date(2026, 11, 22)
Command = Callable[..., CompletedProcess[str]]
TITLES = {each.name: each.title for each in fields()}


def day(text: str) -> date:
    """A date as a submission has it."""
    return date(int(text[6:]), int(text[3:5]), int(text[:2]))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, caretrace: Command) -> Path:
    """A project whose keys exist; another module may have made them."""
    folder = tmp_path_factory.mktemp("project")
    caretrace("keys", "new", "--project", folder)
    return folder


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> Path:
    """A service for each client of the run, by the client's id, with the numbers the council holds itself."""
    person = run_folder / "linked" / "person.parquet"
    people = duckdb.execute(
        f"SELECT record_id, nhs_number FROM read_parquet('{person.as_posix()}') WHERE side = 'client' ORDER BY ALL"
    ).fetchall()
    path = tmp_path_factory.mktemp("cld") / "Q2.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, TITLES.values(), restval="")
        writer.writeheader()
        for record_id, number in people:
            row = {
                "la_code": "318",
                "reporting_period_start_date": "01/07/2026",
                "reporting_period_end_date": "30/09/2026",
                "nhs_number": number or "",
                "la_person_unique_identifier": record_id,
                "client_type": "Carer",
                "event_type": "Service",
                "event_start_date": "2026-05-01",
            }
            writer.writerow({TITLES[name]: value for name, value in row.items()})
    return path


def test_check_counts_by_field_and_shows_no_value(caretrace: Command, submission: Path, tmp_path: Path) -> None:
    faults = tmp_path / "faults.csv"
    done = caretrace("cld", "check", submission, "--faults", faults)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "rows: 150 of 150 people"
    assert "  client_type: 150 a label of the other release" in lines
    assert "  service_type: 150 blank, and must not be" in lines
    assert "most rows speak the words of Release 1: give --release" in lines
    rows = rows_of(faults)
    assert len(rows) == int(lines[1].removeprefix("faults: ").replace(",", ""))
    assert {row["fault"] for row in rows if row["field"] == "Client Type"} == {"a label of the other release"}
    assert '"Carer"' not in faults.read_text(encoding="utf-8-sig")


def test_write_fills_what_the_run_is_sure_of(
    caretrace: Command, submission: Path, run_folder: Path, project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "Q2.csv"
    arguments = ("cld", "write", submission, "--run", run_folder, "--out", out, "--project", project)
    done = caretrace(*arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads((out.parent / "Q2.csv.report.json").read_text(encoding="utf-8"))
    number = report["nhs_number"]
    filled = sum(number["filled"].values())
    assert number["after"]["people"] == number["before"]["people"] + filled
    assert set(number["filled"]) <= {"traced", "held", "decided", "exact"}
    assert number["left"]["unsure"] > 0  # links by probability, which were not asked for
    by_group = number["by_ethnicity"]["blank"]
    assert (by_group["before"], by_group["after"]) == (number["before"]["people"], number["after"]["people"])
    assert report["checks"]["after"]["client_type"] == {"valid": 150}
    assert report["mended"] == {"client_type": 150, "event_start_date": 150}
    given, made = rows_of(submission), rows_of(out)
    assert [row["LA Person Unique Identifier"] for row in made] == [row["LA Person Unique Identifier"] for row in given]
    loaded = {row["client_id"]: row["nhs_number"] for row in rows_of(run_folder / "load_back.csv")}
    for before, after in zip(given, made, strict=True):
        if after["NHS Number"] != before["NHS Number"]:
            assert before["NHS Number"] == ""
            assert loaded[before["LA Person Unique Identifier"]] == after["NHS Number"]
    assert not any(row["NHS Number"] and row["NHS Number"] in done.stdout + done.stderr for row in made)
    logged = caretrace("audit", "writings", "--project", project).stdout
    assert "client level data" in logged
    assert "NHS Arden & GEM CSU" in logged
    again = caretrace(*arguments)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    (line,) = history.read(Project(project))
    assert (line.period, line.people, line.before, line.filled) == (
        "2026-27 Q2",
        150,
        number["before"]["people"],
        filled,
    )
    assert line.sha256 == run_folder_sha256(out)


def test_the_history_of_completeness_and_the_newest_night(
    caretrace: Command, submission: Path, run_folder: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    caretrace("keys", "new", "--project", project)
    plain = ("cld", "write", submission, "--project", project, "--quarter", "2026-27 Q2")
    none = caretrace(*plain, "--newest", "--out", tmp_path / "a.csv")
    assert none.returncode == 1
    assert "holds no run of a night yet" in none.stderr
    # A night's run is a run folder that says which one it is.
    shutil.copytree(run_folder, project / "runs" / "0001")
    manifest = project / "runs" / "0001" / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(told | {"warehouse": {"run": 1}}), encoding="utf-8")
    done = caretrace(*plain, "--newest", "--out", tmp_path / "b.csv")
    assert done.returncode == 0, done.stderr
    (line,) = history.read(Project(project))
    assert (line.people, line.numbers, line.run_id) == (150, "exact", told["run_id"])
    shown = caretrace("cld", "history", "--project", project, "--html", tmp_path / "page.html")
    assert shown.stdout.startswith(f"2026-27 Q2: 150 people; number before {line.before:,} (")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"{line.after} of 150 people have an NHS number" in page


def make(folder: Path, files: list[Path], run: Path, asked: Asked) -> Report:
    """The same by the library."""
    paths = Paths(*(folder / f"made.{end}" for end in ("csv", "faults.csv", "json")))
    with duckdb.connect() as connection:
        return write(connection, [Source(each) for each in files], run, asked, paths, as_at=AS_AT)


def test_all_links_where_they_are_asked_for(submission: Path, run_folder: Path, tmp_path: Path) -> None:
    sure = make(tmp_path, [submission], run_folder, Asked())
    every = make(tmp_path, [submission], run_folder, Asked(numbers=Numbers.ALL))
    traced = make(tmp_path, [submission], run_folder, Asked(numbers=Numbers.TRACED))
    assert every.facts["nhs_number"]["filled"]["probable"] == sure.facts["nhs_number"]["left"]["unsure"]
    assert not traced.facts["nhs_number"]["filled"]


def test_ids_of_other_people_are_refused(submission: Path, run_folder: Path, tmp_path: Path) -> None:
    others = tmp_path / "others.csv"
    others.write_text(submission.read_text(encoding="utf-8").replace(",10", ",X10"), encoding="utf-8")
    with pytest.raises(InputError, match="none of the submission's ids is a client of the run"):
        make(tmp_path, [others], run_folder, Asked())
    with pytest.raises(SettingsError, match="the run has no client list 'mosaic'; it has standard/"):
        make(tmp_path, [submission], run_folder, Asked(source="mosaic"))


def test_a_submission_from_the_events_of_a_run(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs --period and --la-code"):
        make(tmp_path, [], run_folder, Asked())
    make(tmp_path, [], run_folder, Asked(la_code="318", period=(date(2026, 4, 1), date(2026, 6, 30))))
    made = rows_of(tmp_path / "made.csv")
    assert {(row["LA Code"], row["Event Type"], row["Reporting Period End Date"]) for row in made} == {
        ("318", "Service", "30/06/2026")
    }
    # Only an event on some day of the period is part of it.
    days = [(day(row["Event Start Date"]), row["Event End Date"]) for row in made]
    assert all(start <= date(2026, 6, 30) for start, _ in days)
    assert all(not end or day(end) >= date(2026, 4, 1) for _, end in days)


def test_export_fhir(caretrace: Command, run_folder: Path, project: Path, tmp_path: Path) -> None:
    out = tmp_path / "patients.ndjson"
    done = caretrace("export", "fhir", run_folder, "--out", out, "--purpose", "a test", "--project", project)
    assert done.returncode == 0, done.stderr
    patients = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert done.stdout.startswith(f"patients: {len(patients)}\n")
    verified = {
        record_id for (record_id,) in clients(run_folder, "nhs_number_status = '01' AND nhs_number IS NOT NULL")
    }
    codes = [
        (patient["id"], extension["valueCodeableConcept"]["coding"][0]["code"])
        for patient in patients
        for identifier in patient.get("identifier", ())
        for extension in identifier.get("extension", ())
    ]
    # A link is no trace: 01 only where the client list says it.
    assert {patient_id for patient_id, code in codes if code == "01"} <= verified
    assert {"02", "03"} <= {code for _, code in codes}


def test_what_is_exported_is_read_back(run_folder: Path, tmp_path: Path) -> None:
    """A Patient a person, in a Bundle: as many people as the run's clients are, with the ids of their records."""
    asked = Export(grain=Grain.PERSON, form=Form.BUNDLE, restricted="mark")
    with duckdb.connect() as connection:
        made = export(connection, run_folder, tmp_path / "b.json", asked)
    with duckdb.connect() as connection:
        read(connection, [Source(tmp_path / "b.json")], side="clients", as_at=AS_AT)
        people = connection.execute("SELECT record_id FROM clients.person").fetchall()
        ids = connection.execute("SELECT value FROM clients.identifier WHERE scheme = 'standard'").fetchall()
    assert len(people) == made.patients
    assert sorted(ids) == sorted(clients(run_folder, "true"))


def clients(run_folder: Path, where: str) -> list[tuple[str]]:
    """Ids of the run's clients."""
    person = (run_folder / "linked" / "person.parquet").as_posix()
    return duckdb.execute(
        f"SELECT record_id FROM read_parquet('{person}') WHERE side = 'client' AND {where}"
    ).fetchall()


def test_answers_of_the_tracing_service_go_before_links(submission: Path, run_folder: Path, tmp_path: Path) -> None:
    """A confirmed number has status 01; any other answer takes a link away."""
    linked = clients(run_folder, "nhs_number IS NULL AND person_nhs_number IS NOT NULL ORDER BY 1 LIMIT 2")
    (first,), (second,) = linked
    [(source, source_org)] = duckdb.execute(
        f"SELECT DISTINCT source, source_org FROM read_parquet('{(run_folder / 'links.parquet').as_posix()}')"
    ).fetchall()
    answers = pa.Table.from_pylist(
        [
            {
                "source": source,
                "source_org": source_org,
                "record_id": record_id,
                "verdict": verdict,
                "nhs_number": number,
            }
            for record_id, verdict, number in ((first, "ACCEPTED", "9434765919"), (second, "NOT_FOUND", None))
        ],
        schema=pa.schema(
            [(name, pa.string()) for name in ("source", "source_org", "record_id", "verdict", "nhs_number")]
        ),
    )
    paths = Paths(*(tmp_path / f"traced.{end}" for end in ("csv", "faults.csv", "json")))
    with duckdb.connect() as connection:
        asked = Asked(numbers=Numbers.TRACED)
        report = write(connection, [Source(submission)], run_folder, asked, paths, as_at=AS_AT, answers=answers)
    assert report.facts["nhs_number"]["filled"] == {"traced": 1}
    assert report.facts["nhs_number"]["left"]["doubted"] == 1
    held = {row["LA Person Unique Identifier"]: row["NHS Number"] for row in rows_of(paths.submission)}
    assert (held[first], held[second]) == ("9434765919", "")
    with duckdb.connect() as connection:
        export(connection, run_folder, tmp_path / "traced.ndjson", Export(restricted="mark"), answers=answers)
        found = connection.execute(
            "SELECT nhs_number, nhs_number_status FROM fhir_patient WHERE patient_id IN (?, ?) ORDER BY 1 NULLS LAST",
            [first, second],
        ).fetchall()
    assert found == [("9434765919", "01"), (None, None)]
