"""`caretrace check`: what is in an extract, in words and as JSON."""

import json
from pathlib import Path
from typing import Any


def test_in_words(caretrace: Any, people: Path) -> None:
    done = caretrace("check", people / "clients.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert "clients.csv: standard" in done.stdout
    assert "150 records = 150 used + 0 rejected + 0 excluded" in done.stdout
    assert "without: nhs_number " in done.stdout


def test_as_json_alone_on_stdout(caretrace: Any, people: Path) -> None:
    done = caretrace("check", people / "clients", "--as", "standard", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert {each["table"] for each in facts["read"]["files"]} == {"PERSON", "ADDRESS", "SERVICE"}
    (source,) = facts["quality"]["sources"]
    assert source["records"] == 150
    assert all(f["present"] + f["missing"] + f["refused"] == 150 for f in source["fields"])
