"""A run whose files are encrypted where they stand is loaded as any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from caretrace import run_folder
from caretrace.warehouse.publish.postgres import load
from governance import at_rest
from schemas.errors import SettingsError


@pytest.fixture
def project(encrypted_project: Path) -> Path:
    return encrypted_project


def encrypted_copy(plain: Path, out: Path) -> Path:
    with run_folder.drafting(out) as draft:
        at_rest.plain_folder(plain, draft.path)
        (draft.path / run_folder.MANIFEST).unlink()
        said = {k: v for k, v in run_folder.open(plain).manifest.items() if k not in ("format", "outputs")}
        return run_folder.finish(draft, said).path


def test_every_row_arrives(database: Any, make_run: Any, people: Any, project: Path, tmp_path: Path) -> None:
    run = encrypted_copy(make_run("plain", people()), project / "runs" / "0001")
    assert (run / "linked" / "person.parquet").read_bytes()[:4] == b"age-"
    done = load(run, database.target)
    assert (done.changed, done.added) == (True, 9)
    names = database.admin("SELECT DISTINCT family_name FROM caretrace.person WHERE family_name IS NOT NULL")
    assert names == [("Lovelace",)]
    assert load(run, database.target).changed is False


def test_without_the_key_nothing_is_loaded(
    database: Any, make_run: Any, people: Any, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = encrypted_copy(make_run("plain", people()), project / "runs" / "0001")
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="holds no key"):
        load(run, database.target)
    assert database.admin("SELECT count(*) FROM caretrace.person") == [(0,)]
