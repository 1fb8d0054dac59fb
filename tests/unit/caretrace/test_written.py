"""Every writing is logged before and after; what fails or crashes leaves nothing, or is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caretrace import written
from caretrace.project import Project
from caretrace.written import Writing, log_writing
from governance import audit, keys
from governance.audit import writings
from schemas.errors import InputError, Refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Begin = Callable[..., AbstractContextManager[Writing]]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "p").mkdir()
    keys.create(tmp_path / "keys", project=tmp_path / "p")
    return Project(tmp_path / "p")


@pytest.fixture
def begin(project: Project, tmp_path: Path) -> Begin:
    def begin(*files: Path, keys_dir: Path = tmp_path / "keys") -> AbstractContextManager[Writing]:
        return log_writing(
            project,
            keys_dir,
            kind="trace request",
            purpose="direct care",
            files=files,
            recipient="PDS",
            run_id="r1",
            maker="ann",
            now=NOW,
        )

    return begin


def rows(project: Project, tmp_path: Path) -> list[dict[str, object]]:
    return writings.rows(audit.verify(project.audit, keys_dir=tmp_path / "keys").entries)


def test_a_writing_is_logged_with_its_hash(project: Project, begin: Begin, tmp_path: Path) -> None:
    path = project.root / "traces" / "a.csv"
    with begin(path, tmp_path / "b.csv") as writing:
        for draft in writing.drafts:
            draft.write_text("x", "utf-8")
        assert not path.exists()
        writing.rows = 3
    [row] = rows(project, tmp_path)
    assert path.read_text("utf-8") == "x"
    assert (row["state"], row["rows"], row["made_by"], row["recipient"]) == ("written", 3, "ann", "PDS")
    assert row["files"] == f"traces/a.csv, {(tmp_path / 'b.csv').resolve()}"
    assert [len(each) for each in str(row["sha256"]).split(", ")] == [64, 64]


def test_what_fails_leaves_nothing_but_an_entry(project: Project, begin: Begin, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), begin(project.root / "new" / "er" / "a.csv") as writing:
        writing.drafts[0].write_text("x", "utf-8")
        raise OSError("full")
    assert [row["state"] for row in rows(project, tmp_path)] == ["aborted, nothing left"]
    assert sorted(path.name for path in project.root.iterdir()) == ["audit"]


def test_nothing_is_written_over_and_nothing_without_keys(project: Project, begin: Begin, tmp_path: Path) -> None:
    path = project.root / "a.csv"
    with pytest.raises(Refused, match="caretrace keys new"), begin(path, keys_dir=tmp_path / "none"):
        pass
    path.write_text("mine", "utf-8")
    with pytest.raises(InputError, match="exists already"), begin(path):
        pass
    assert path.read_text("utf-8") == "mine"
    assert not project.audit.exists()


@pytest.mark.parametrize(
    ("standing", "state"), [(True, "interrupted: must be taken for written"), (False, "aborted, nothing left")]
)
def test_a_crash_is_found_by_the_next_writing(
    project: Project, begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standing: bool, state: str
) -> None:
    path = project.root / "a.csv"
    with monkeypatch.context() as crash, pytest.raises(KeyboardInterrupt), begin(path) as writing:
        # What a power cut leaves: the intent, perhaps files, and nobody who could tidy up.
        crash.setattr(written, "_abort", lambda *_: None)
        writing.drafts[0].write_text("x", "utf-8")
        if standing:
            path.write_text("x", "utf-8")
        raise KeyboardInterrupt
    assert [row["state"] for row in rows(project, tmp_path)] == ["begun, no outcome"]
    with begin(project.root / "b.csv") as writing:
        writing.drafts[0].write_text("y", "utf-8")
        writing.rows = 1
    assert len(writing.settled) == 1
    assert [row["state"] for row in rows(project, tmp_path)] == [state, "written"]
    assert not list(project.root.glob(".*"))
