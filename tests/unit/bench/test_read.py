"""The bench of reading: all engines read the same records, and the table says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import read

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
    assert {line.count("|") for line in table} == {10}


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, [True, True, True]),
        ({"seconds": 13.4}, [False, True, True]),
        ({"megabytes": 1501}, [True, False, True]),
        ({"cpu": 4.9}, [True, True, False]),
    ],
)
def test_promises(change: dict[str, float], kept: list[bool]) -> None:
    emis = {"records": 2_000_000, "seconds": 13.0, "cpu": 10.0, "megabytes": 1500}
    other = {"records": 1_000_000, "seconds": 9.0, "cpu": 10.0, "megabytes": 3000}
    names = [extract.name for extract in read.EXTRACTS]
    figures = {names[0]: {"caretrace": {**emis, **change}}, names[1]: {"caretrace": other}}
    assert [holds for _, holds in read.promises(figures)] == kept


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
