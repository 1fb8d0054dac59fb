"""Run folders, the state, decisions and files for others in a project that wants them encrypted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from caretrace import plain_copy, run_folder
from caretrace.files import replaced, replaced_private
from caretrace.project import Project, find
from caretrace.review import ledger
from caretrace.review.decisions import Key, Made
from caretrace.run_settings import RunSettings
from caretrace.trace.opening import parquet
from caretrace.warehouse import store
from caretrace.written import log_writing
from governance import at_rest
from schemas.errors import InputError, IntegrityFailure, SettingsError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAME = "Zzyzxquill"
SETTINGS = RunSettings(as_at=date(2026, 11, 22), threads=1)


@pytest.fixture
def project(encrypted_project: Path) -> Path:
    return encrypted_project


def in_plain(folder: Path) -> list[str]:
    """Files that hold the name, or look like Parquet or a database, which may hold it packed."""
    found = ((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())
    return [path.name for path, held in found if NAME.encode() in held or held[:4] == b"PAR1" or held[8:12] == b"DUCK"]


def make_run(out: Path) -> run_folder.Run:
    with run_folder.drafting(out) as draft:
        (draft.work / "spilled").write_text(NAME, "utf-8")
        (draft.path / "linked").mkdir()
        table = (
            f"COPY (SELECT '{NAME}' AS family_name) TO '{draft.path / 'linked' / 'person.parquet'}' (FORMAT parquet)"
        )
        duckdb.sql(table)
        (draft.path / "review.csv").write_text(NAME, "utf-8")
        return run_folder.finish(draft, {"run_id": "r1"})


def test_a_run_folder_is_encrypted_but_for_its_manifest(project: Path) -> None:
    run = make_run(project / "runs" / "0001")
    names = ["at-rest.key", "linked/person.parquet", "manifest.json", "review.csv"]
    assert sorted(p.relative_to(run.path).as_posix() for p in run.path.rglob("*") if p.is_file()) == names
    assert in_plain(project) == []
    opened = run_folder.open(run.path, verify=True)
    assert duckdb.sql(f"SELECT family_name FROM {parquet(opened.path / 'linked' / 'person.parquet')}").fetchall() == [
        (NAME,)
    ]
    (run.path / "review.csv").write_bytes((run.path / "review.csv").read_bytes()[:-1])
    with pytest.raises(IntegrityFailure, match=r"altered since the run wrote it: review\.csv"):
        run_folder.open(run.path, verify=True)


def test_a_run_that_fails_leaves_nothing_of_its_draft(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_folder.drafting(project / "run") as draft:
        (draft.path / "review.csv").write_text(NAME, "utf-8")
        assert in_plain(project) == []
        raise ZeroDivisionError
    assert [each.name for each in project.iterdir() if each.name not in ("caretrace.toml", "audit")] == []
    assert in_plain(tmp_path / "work") == []


def test_a_run_elsewhere_is_encrypted_where_that_is_asked_for(project: Path, tmp_path: Path) -> None:
    with run_folder.drafting(tmp_path / "run", encrypt=True) as draft:
        (draft.path / "review.csv").write_text(NAME, "utf-8")
        run = run_folder.finish(draft, {"run_id": "r1"})
    assert in_plain(run.path) == []
    assert at_rest.read_bytes(run.path / "review.csv") == NAME.encode()


def test_a_plain_copy_is_a_run_folder_again_and_stands_outside(project: Path, tmp_path: Path) -> None:
    run = make_run(project / "runs" / "0001")
    copy = plain_copy.write(run.path, tmp_path / "copy")
    opened = run_folder.open(copy, verify=True)
    assert (opened.manifest["run_id"], (copy / "review.csv").read_text("utf-8")) == ("r1", NAME)
    assert plain_copy.write(run.path / "review.csv", tmp_path / "r.csv").read_text("utf-8") == NAME
    for path, out, fault in (
        (run.path, project / "copy", "give --out a place outside it"),
        (run.path / "review.csv", tmp_path / "r.csv", "exists already"),
        (tmp_path / "copy", tmp_path / "again", "is not an encrypted run folder"),
        (tmp_path / "r.csv", tmp_path / "again", "is not encrypted"),
        (tmp_path / "missing", tmp_path / "again", "there is no such file"),
    ):
        with pytest.raises(InputError, match=fault):
            plain_copy.write(path, out)
    assert not (tmp_path / "again").exists()


def write_state(folder: Path, name: str) -> None:
    with store.next_state(folder, SETTINGS) as state:
        assert in_plain(folder) == []
        state.connection.execute(f"INSERT INTO state.meta VALUES ('who {name}', '{NAME}')")
        state.connection.execute("CHECKPOINT state")
        assert in_plain(folder) == []
        state.commit()


def names_in(folder: Path) -> list[str]:
    with store.read_state(folder, SETTINGS) as state:
        found = state.connection.execute("SELECT name FROM state.meta WHERE name LIKE 'who %' ORDER BY ALL").fetchall()
    return [name for (name,) in found]


def test_the_state_is_encrypted_and_goes_on(project: Path, tmp_path: Path) -> None:
    folder = project / "warehouse"
    write_state(folder, "one")
    write_state(folder, "two")
    assert names_in(folder) == ["who one", "who two"]
    assert in_plain(project) == []
    with pytest.raises(ZeroDivisionError), store.next_state(folder, SETTINGS) as state:
        state.connection.execute("DELETE FROM state.meta")
        raise ZeroDivisionError
    assert names_in(folder) == ["who one", "who two"]
    assert sorted(path.name for path in folder.iterdir()) == ["state.duckdb", "state.lock"]
    at_rest.close()
    assert in_plain(tmp_path / "work") == []


def test_a_state_of_before_is_encrypted_by_the_next_run(project: Path) -> None:
    settings = (project / "caretrace.toml").read_text("utf-8")
    (project / "caretrace.toml").write_text("", "utf-8")
    with store.next_state(project / "warehouse", SETTINGS) as state:
        state.connection.execute("INSERT INTO state.meta VALUES ('who one', 'x')")
        state.commit()
    assert in_plain(project) == ["state.duckdb"]
    (project / "caretrace.toml").write_text(settings, "utf-8")
    with store.next_state(project / "warehouse", SETTINGS) as state:
        state.commit()
    assert (in_plain(project), names_in(project / "warehouse")) == ([], ["who one"])


def test_a_state_is_not_opened_up_because_the_setting_was_lost(project: Path) -> None:
    write_state(project / "warehouse", "one")
    before = (project / "warehouse" / "state.duckdb").read_bytes()
    (project / "caretrace.toml").write_text("", "utf-8")
    with (
        pytest.raises(SettingsError, match="no longer says encrypt = true"),
        store.next_state(project / "warehouse", SETTINGS),
    ):
        pass
    assert (project / "warehouse" / "state.duckdb").read_bytes() == before
    assert in_plain(project) == []


def test_a_state_without_its_key_is_left_as_it_is(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_state(project / "warehouse", "one")
    before = (project / "warehouse" / "state.duckdb").read_bytes()
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "nothing"))
    with pytest.raises(SettingsError, match="holds no key"), store.next_state(project / "warehouse", SETTINGS):
        pass
    with pytest.raises(SettingsError, match="holds no key"), store.read_state(project / "warehouse", SETTINGS):
        pass
    assert (project / "warehouse" / "state.duckdb").read_bytes() == before


def test_decisions_are_encrypted_and_appended_to(project: Path) -> None:
    path = project / "decisions.jsonl"
    for number in ("1", "2"):
        made = Made(
            client=Key("c", "o", number),
            register=Key("r", "o", NAME),
            nhs_number=None,
            verdict="same",
            by=("a",),
            answers={"a": "same"},
            rule="one reader",
            run_id="r1",
            export_id="e",
            blind=True,
        )
        with ledger.writing(path) as held:
            held.decide([made], now=NOW)
    assert (ledger.read(path).lines, in_plain(project)) == (2, [])


def test_files_for_others_are_encrypted_below_the_project_and_not_elsewhere(project: Path, tmp_path: Path) -> None:
    inside, outside = project / "out" / "ask.csv", tmp_path / "ask.csv"
    with log_writing(
        Project(project),
        tmp_path / "keys",
        kind="trace request",
        purpose="to test",
        files=[inside, outside],
        recipient=None,
        run_id=None,
        maker="a test",
        now=NOW,
    ) as writing:
        for draft in writing.drafts:
            draft.write_text(NAME, "utf-8")
        assert in_plain(project) == []
        writing.rows = 1
    assert (at_rest.read_bytes(inside), outside.read_bytes()) == (NAME.encode(), NAME.encode())
    assert in_plain(project) == []


def test_an_account_that_names_nobody_stays_readable(project: Path) -> None:
    with replaced(project / "result.json") as draft:
        draft.write_text("{}", "utf-8")
    with replaced_private(project / "explained.html") as draft:
        draft.write_text(NAME, "utf-8")
    assert (project / "result.json").read_text("utf-8") == "{}"
    assert (in_plain(project), at_rest.read_bytes(project / "explained.html")) == ([], NAME.encode())


def test_whoever_works_in_the_project_has_temporary_files_elsewhere(project: Path, tmp_path: Path) -> None:
    import tempfile

    find(project, here=tmp_path)
    assert Path(tempfile.gettempdir()).is_relative_to(tmp_path / "work")
    at_rest.close()
    assert not Path(tempfile.gettempdir()).is_relative_to(tmp_path / "work")


def test_a_purge_that_is_cut_short_has_ended_the_runs_key(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from caretrace.purge import removing
    from caretrace.purge.old import Item

    run = make_run(project / "runs" / "0001")

    def killed(path: Path) -> None:
        raise OSError(5, "unplugged")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="unplugged"):
        patch.setattr(removing.shutil, "rmtree", killed)
        removing.remove(Item("run", "r1", (run.path,), "old"))
    left = project / "runs" / ".purged-0001"
    assert (left / "linked" / "person.parquet").is_file()
    with pytest.raises(SettingsError, match="with a key that is not in the keys folder"):
        at_rest.readable(left / "linked" / "person.parquet")
