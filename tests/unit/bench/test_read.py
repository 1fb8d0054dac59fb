"""The bench of reading: all engines read the same records, and the table says so."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import hospital
import making
import pyarrow.parquet as pq
import pytest
import read

import connectors

FIXTURES = Path(__file__).parents[3] / "fixtures"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reading")


@pytest.fixture(scope="module")
def emis(logs: Path) -> dict[str, dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "DATA", logs)
        return read.compare(FIXTURES / "emis", rounds=1)


def test_every_engine_is_measured_on_every_record(emis: dict[str, dict[str, Any]], logs: Path) -> None:
    assert list(emis) == ["caretrace", "duckdb", "pandas"]
    for engine in ("duckdb", "pandas"):
        counted = (logs / "logs" / f"reading-emis-{engine}.txt").read_text(encoding="utf-8")
        assert int(counted) == emis["caretrace"]["records"]
    assert emis["caretrace"]["times"] == 1
    table = read.table({"EMIS": emis}).splitlines()
    assert len(table) == 2 + len(emis)
    assert {line.count("|") for line in table} == {11}


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, [True] * 4),
        ({"emis": {"seconds": 13.4}}, [False, True, True, True]),
        ({"emis": {"megabytes": 1501}}, [True, False, True, True]),
        ({"other": {"seconds": 26.1}}, [True, True, False, True]),
        ({"other": {"megabytes": 3001}}, [True, True, True, False]),
    ],
)
def test_promises(change: dict[str, dict[str, float]], kept: list[bool]) -> None:
    emis = {"records": 2_000_000, "seconds": 13.0, "megabytes": 1500, **change.get("emis", {})}
    other = {"records": 1_000_000, "seconds": 26.0, "megabytes": 3000, **change.get("other", {})}
    names = [extract.name for extract in read.EXTRACTS]
    figures = {names[0]: {"caretrace": emis}, names[1]: {"caretrace": other}}
    assert [holds for _, holds in read.promises(figures)] == kept
    assert read.promises({names[1]: {"caretrace": other}}) == []


def test_the_processor_time_of_a_record_is_held_against_that_of_emis() -> None:
    emis = {"records": 2_000_000, "cpu": 10.0}
    figures = {read.EXTRACTS[0].name: {"caretrace": emis}}
    assert read.of_emis(figures, {"records": 1_000_000, "cpu": 20.0}) == 4
    assert read.of_emis(figures, {"records": 1_000_000, "cpu": None}) is None
    assert read.of_emis({}, emis) is None


@pytest.mark.parametrize("name", sorted(making.MAKERS.keys() - hospital.MAKERS.keys()))
def test_every_record_of_an_extract_that_is_made_here_is_used(name: str, tmp_path: Path) -> None:
    path = tmp_path / next(extract.path for extract in read.EXTRACTS if extract.made_as == name)
    making.make(name, FIXTURES / "standard" / "register.parquet", path)
    with duckdb.connect() as store:
        report = connectors.read(store, [connectors.Source(path)], side="register", as_at=date(2026, 11, 22))
    people = pq.read_metadata(FIXTURES / "standard" / "register.parquet").num_rows
    assert {file.format for file in report.files} == {name}
    assert report.records - report.used <= 2  # a header and a trailer
    assert (report.rejected, report.tables["PERSON"]) == (0, people)


@pytest.mark.parametrize("name", hospital.MAKERS)
def test_what_is_made_of_a_hospital_tells_each_patient_and_spell_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / next(extract.path for extract in read.EXTRACTS if extract.made_as == name)
    making.make(name, FIXTURES / "standard" / "register.parquet", path)
    with duckdb.connect() as store:
        report = connectors.read(store, [connectors.Source(path)], side="register", as_at=date(2026, 11, 22))
    people = pq.read_metadata(FIXTURES / "standard" / "register.parquet").num_rows
    patients = (people + 3) // 4
    assert {file.format for file in report.files} == {name}
    assert (report.records, report.rejected) == (4 * patients, 0)
    assert (report.tables["PERSON"], report.tables["SPELL"]) == (patients, patients * (1 if name == "hl7" else 2))


def test_the_table_goes_between_its_marks(
    emis: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{read.MARK}\nold\n{read.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(read.page, "PAGE", page)
    read.write({read.EXTRACTS[0].name: emis})
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{read.MARK}\n")
    assert written.endswith(f"{read.END}\nafter\n")
    assert "old" not in written
    assert "| **caretrace** |" in written
