"""`caretrace map`: proposes, writes, and what it writes is taken at once."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

SWIFT = Path(__file__).parents[2] / "fixtures" / "swift"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The people of a system nobody has heard of."""
    records = [
        "0017,997 100 0016,Smith,Ann,03/04/1940,F,br1 1aa",
        "0018,,Taylor,Joan,14/08/1951,F,BR1 1AB",
        "0019,997 100 0024,Brown,John,25/12/1938,M,BR1 1AD",
        "0020,997 100 0032,Evans,Peter,19/02/1962,M,BR1 1AE",
    ]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["Case,Health No,Last,First,Born,M/F,Where", *records, ""]), encoding="utf-8")
    return path


def test_proposed_written_and_read(caretrace: Any, export: Path) -> None:
    out = export.with_name("mapping.toml")
    done = caretrace("map", export, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  Health No = nhs_number (sure): " in done.stdout
    assert "  Born = birth_date (sure): " in done.stdout
    assert "not found: the address" in done.stdout
    assert not [
        value for value in ("0017", "997", "Smith", "Ann", "1940", "br1") if value in done.stdout + out.read_text()
    ]
    checked = caretrace("check", export, "--map", out, "--json")
    (file,) = json.loads(checked.stdout)["read"]["files"]
    assert (file["format"], file["used"]) == ("other", 4)
    assert file["note"] == "own mapping mapping.toml, over the other profile: no shipped layout"


def test_what_to_do_next_can_be_pasted(caretrace: Any, export: Path) -> None:
    spaced = export.rename(export.with_name("our people.csv"))
    out = spaced.with_name("mapping.toml")
    (last,) = caretrace("map", spaced, "--out", out).stdout.splitlines()[-1:]
    words = shlex.split(last.partition(" with: ")[2], posix=os.name == "posix")
    assert caretrace(*(word.strip('"') for word in words[1:])).returncode == 0


def test_several_files_of_one_export_without_writing(caretrace: Any) -> None:
    done = caretrace("map", *sorted(SWIFT.glob("*.csv")), "--system", "swift")
    assert (done.returncode, done.stderr) == (0, "")
    kinds = [line for line in done.stdout.splitlines() if line.startswith("swift_")]
    assert kinds == [
        "swift_addresses.csv: addresses",
        "swift_persons.csv: the people",
        "swift_references.csv: numbers of other systems",
        "swift_services.csv: services",
    ]
    assert done.stdout.splitlines()[-1].startswith("nothing was written; give --out")


def test_an_assumed_layout_is_said_to_be_one(caretrace: Any) -> None:
    done = caretrace("check", SWIFT)
    assert done.stdout.count("assumed layout: no public one exists") == 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--system", "emis"), "the system 'emis' is not known; it is one of carefirst, "),
        (("--out", "people.csv"), "people.csv: exists already; give --out another name, or remove it first"),
    ],
)
def test_refused(caretrace: Any, export: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = caretrace("map", export, *arguments, cwd=export.parent)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
