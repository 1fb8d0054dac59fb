"""A project that was begun in plain text: encrypted where it stands, all that is about people and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caretrace import run_folder
from caretrace.cli.commands import declare
from caretrace.encrypting import converting
from caretrace.encrypting.converting import convert, plan
from caretrace.project import Project
from caretrace.purge import old
from caretrace.purge.settings import Retention
from caretrace.written import log_writing
from governance import at_rest, audit, keys
from governance.at_rest import sealing
from governance.audit import upkeep
from governance.keys import at_rest as project_key
from schemas.errors import Busy, CaretraceError, InputError, IntegrityFailure, Refused, SettingsError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PERSON = b"Zzyzxquill,9990000018\n"
PLAIN = PERSON * 3000
SOURCES = '[[source]]\nname = "clients"\nside = "clients"\n[[source]]\nname = "register"\nside = "register"\n'
ABOUT_PEOPLE = (
    *("warehouse/state.duckdb", "warehouse/history/link/000001.parquet", "decisions.jsonl", "decisions.head"),
    *("traces/requests/T1/questions.parquet", "traces/requests/T1/request.json", "opt-outs/allowed-2026.dat"),
)
IN_FOLDERS = ("sheets/review.json", "sheets/reader-a.csv", "quality/quality.json", "quality/to_fix/dates.csv")
NOT_OURS = ("in/clients/full.csv", "areas.csv", "releases/R1/data.csv", "other/manifest.json")


@dataclass(frozen=True)
class Begun:
    """A project in plain text that asks for encryption from now on."""

    root: Path
    keys: Path

    @property
    def project(self) -> Project:
        return Project(self.root)

    def convert(self, *also: str, **words: object) -> tuple[int, int]:
        files = [self.root / name for name in also]
        return convert(self.project, self.keys, files, maker="ann", now=NOW, **words)  # type: ignore[arg-type]

    def plain(self) -> set[str]:
        """Files in which somebody can be read."""
        found = (path for path in self.root.rglob("*") if path.is_file() and PERSON in path.read_bytes())
        return {path.relative_to(self.root).as_posix() for path in found}

    def run(self) -> Path:
        return self.root / "runs" / "0001"


def finished(run: Path) -> None:
    with run_folder.drafting(run) as draft:
        (draft.path / "linked").mkdir()
        for name in ("links.parquet", "linked/person.parquet", "report.html"):
            (draft.path / name).write_bytes(name.encode() + PLAIN)
        run_folder.finish(draft, {"run_id": "r1", "created_at": "2026-10-01T00:00:00+00:00"})


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begun]:
    at_rest.close()
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "keys"))
    (tmp_path / "work").mkdir()
    made = Begun(tmp_path / "project", tmp_path / "keys")
    for name in (*ABOUT_PEOPLE, *IN_FOLDERS, *NOT_OURS):
        (made.root / name).parent.mkdir(parents=True, exist_ok=True)
        (made.root / name).write_bytes(name.encode() + PLAIN)
    (made.root / "caretrace.toml").write_text(SOURCES, "utf-8")
    (made.root / "mail.html").write_text("nobody", "utf-8")
    (made.root / "warehouse" / "warehouse.duckdb").write_bytes(b"views")
    finished(made.run())
    keys.create(made.keys, project=made.root)
    about = {"purpose": "to test", "recipient": None, "run_id": "r1", "maker": "ann", "now": NOW}
    with log_writing(made.project, made.keys, kind="list", files=[made.root / "out" / "list.csv"], **about) as writing:
        writing.drafts[0].write_bytes(PLAIN)
        writing.rows = 3000
    project_key.make(made.root, made.keys, maker="ann", now=NOW)
    said = f"[at_rest]\nencrypt = true\nwork = {str(tmp_path / 'work')!r}\n{SOURCES}"
    (made.root / "caretrace.toml").write_text(said, "utf-8")
    yield made
    at_rest.close()


def test_all_that_is_about_people_is_encrypted_and_can_be_read(begun: Begun) -> None:
    before = {path: path.read_bytes() for path in begun.root.rglob("*") if path.is_file()}
    assert len(begun.plain()) == len(ABOUT_PEOPLE) + len(IN_FOLDERS) + len(NOT_OURS) + 4
    count, size = begun.convert()
    assert begun.plain() == set(NOT_OURS)
    changed = [path for path, content in before.items() if path.is_file() and path.read_bytes() != content]
    sealed = [path for path in changed if at_rest.is_sealed(path)]
    assert {path: at_rest.read_bytes(path) for path in sealed} == {path: before[path] for path in sealed}
    assert (len(sealed), sum(len(before[path]) for path in sealed)) == (count, size)
    assert not (begun.root / "warehouse" / "warehouse.duckdb").exists()
    others = {path.name for path in changed if path not in sealed}
    assert others <= {"manifest.json", "checkpoint.txt", "checkpoint", "log.jsonl", "leaves.bin", "leaves"}, others


def test_a_run_folder_is_whole_and_has_a_key_of_its_own(begun: Begun, tmp_path: Path) -> None:
    begun.convert()
    run = run_folder.open(begun.run(), verify=True)
    assert run.manifest["run_id"] == "r1"
    for folder in (begun.run(), begun.root / "sheets", begun.root / "quality"):
        assert (folder / at_rest.KEY_FILE).is_file()
    assert {path.name for path in at_rest.plain_folder(begun.run(), tmp_path)} >= {"links.parquet", "person.parquet"}
    at_rest.shred(begun.run())
    with pytest.raises(CaretraceError, match="key that is not in the keys folder"):
        at_rest.read_bytes(begun.run() / "links.parquet")


def test_the_second_time_nothing_is_left_to_do(begun: Begun) -> None:
    planned = plan(begun.project, begun.keys)
    assert (planned.files, planned.already, planned.escrowed) == (begun.convert()[0], 0, False)
    before = {path: path.read_bytes() for path in begun.root.rglob("*") if path.is_file() and "audit" not in str(path)}
    assert begun.convert() == (0, 0)
    assert {path: path.read_bytes() for path in before} == before
    again = plan(begun.project, begun.keys)
    assert (again.files, again.already) == (0, planned.files)


def test_what_stays_is_named(begun: Begun) -> None:
    (begun.root / "runs" / ".0002.partial-1").mkdir()
    stays = plan(begun.project, begun.keys).stays
    assert [each.split(":")[0] for each in stays] == [
        *("areas.csv", "other/manifest.json", "in/clients", "releases", "runs/.0002.partial-1")
    ]


def test_files_that_are_named_are_encrypted_too(begun: Begun, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_bytes(PLAIN)
    for path, sentence in ((tmp_path / "elsewhere.csv", "outside the project"), (begun.root / "no.csv", "no such")):
        with pytest.raises(InputError, match=sentence):
            plan(begun.project, begun.keys, [path])
    begun.convert("areas.csv")
    assert begun.plain() == {*NOT_OURS} - {"areas.csv"}


class Killed(BaseException):
    """What ends a process."""


@dataclass
class Killing:
    """Ends the work after so many files."""

    left: int

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[object]:
        yield self

    def __call__(self, done: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


@pytest.mark.parametrize("after", [1, 3, 6, 11])
def test_cut_short_it_goes_on(begun: Begun, after: int) -> None:
    before = {path: path.read_bytes() for path in begun.root.rglob("*") if path.is_file()}
    with pytest.raises(Killed):
        begun.convert(progress=Killing(after))
    for path, content in before.items():
        if path.name != "manifest.json" and "audit" not in path.parts and path.exists():
            assert at_rest.read_bytes(path) == content
    assert plan(begun.project, begun.keys).already == after
    begun.convert()
    assert begun.plain() == set(NOT_OURS)
    run_folder.open(begun.run(), verify=True)
    rows = upkeep.rows(audit.verify(begun.project.audit, keys_dir=begun.keys).entries)
    assert [(row["what"], row["state"]) for row in rows] == [("encryption", "ended")] * 2


def test_a_manifest_that_a_kill_left_behind_is_put_right(begun: Begun) -> None:
    """The moment between a file and the line that says what it is now."""
    key = at_rest.FolderKey.of(begun.run())
    at_rest.seal_in_place(begun.run() / "links.parquet", key.public, at_rest.secrets_for(begun.run() / "x"))
    with pytest.raises(IntegrityFailure):
        run_folder.open(begun.run(), verify=True)
    begun.convert()
    run_folder.open(begun.run(), verify=True)


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_run_that_was_altered_is_no_run_to_encrypt(begun: Begun, encrypted: bool) -> None:
    path = begun.run() / "links.parquet"
    path.write_bytes(PLAIN[22:])
    if encrypted:
        key = at_rest.FolderKey.of(begun.run())
        at_rest.seal_in_place(path, key.public, at_rest.secrets_for(path))
    before = path.read_bytes()
    with pytest.raises(IntegrityFailure, match="is not what the run wrote"):
        begun.convert()
    assert path.read_bytes() == before


def test_a_file_written_for_others_is_known_by_what_it_is_now(begun: Begun) -> None:
    """So that it goes when its time is over, and stays where somebody altered it."""
    path, later = begun.root / "out" / "list.csv", NOW + timedelta(days=200)
    begun.convert()
    entries = audit.verify(begun.project.audit, keys_dir=begun.keys).entries
    [item] = [each for each in old.find(begun.project, Retention(), entries, now=later).old if "list" in each.why]
    assert item.known == {path.resolve(): run_folder.sha256(path)}
    begun.convert()
    assert upkeep.digests(audit.verify(begun.project.audit, keys_dir=begun.keys).entries) == upkeep.digests(entries)


def test_a_file_that_somebody_altered_is_encrypted_and_not_vouched_for(begun: Begun) -> None:
    (begun.root / "out" / "list.csv").write_bytes(PLAIN[22:])
    begun.convert()
    assert upkeep.digests(audit.verify(begun.project.audit, keys_dir=begun.keys).entries) == {}
    assert begun.plain() == set(NOT_OURS)


def test_nothing_begins_without_the_setting_the_keys_or_the_log(begun: Begun, tmp_path: Path) -> None:
    settings = begun.root / "caretrace.toml"
    said = settings.read_text("utf-8")
    settings.write_text(SOURCES, "utf-8")
    with pytest.raises(SettingsError, match="set encrypt = true under"):
        begun.convert()
    settings.write_text(said, "utf-8")
    with pytest.raises(Refused, match="only where the log can say so"):
        replace(begun, keys=tmp_path / "others").convert()
    with run_folder.lock(begun.root / ".caretrace.lock", begun.root), pytest.raises(Busy):
        begun.convert()
    assert len(begun.plain()) > len(NOT_OURS)


def test_a_file_is_kept_where_its_encrypted_form_cannot_be_opened(begun: Begun, tmp_path: Path) -> None:
    import pyrage

    path, other = begun.root / "areas.csv", pyrage.x25519.Identity.generate()
    before = path.read_bytes()
    with pytest.raises(CaretraceError):
        at_rest.seal_in_place(path, str(other.to_public()), converting.at_rest_keys()[1])
    assert (path.read_bytes(), list(begun.root.glob(".areas*"))) == (before, [])
    held = at_rest.seal_in_place(path, *converting.at_rest_keys())
    assert held.file == run_folder.sha256(path)
    sealing.unseal(path, converting.at_rest_keys()[1], tmp_path / "back")
    assert held.plain == run_folder.sha256(tmp_path / "back")


def test_the_command_says_what_it_does_and_what_stays(begun: Begun) -> None:
    for number in range(30):
        (begun.root / f"own{number}.csv").write_bytes(PLAIN)

    def said(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(declare(), ["encrypt", *arguments, "--project", str(begun.root)])
        assert done.exit_code == code, done.output
        return str(done.output)

    looked = said("--dry-run")
    assert (looked.count("stays as it is: "), "own29.csv" in looked) == (34, True)
    with pytest.raises(SettingsError, match="nobody can be asked"):
        raise CliRunner().invoke(declare(), ["encrypt", "--project", str(begun.root)]).exception or AssertionError
    done = said("--yes")
    assert (done.count("stays as it is: "), "14 more, which --dry-run names" in done) == (21, True)
    assert "no escrow copy yet" in done
    assert "encrypted: 15 files" in done
    assert "may be on free blocks of the disk still" in done
    assert "free blocks" not in said("--yes")


def test_the_log_names_nobody(begun: Begun) -> None:
    begun.convert()
    entries = audit.verify(begun.project.audit, keys_dir=begun.keys).entries
    [ended] = [entry["body"] for entry in entries if entry["type"] == upkeep.ENCRYPTED]
    assert list(ended["files"]) == ["out/list.csv"]
    assert "9990000018" not in json.dumps(list(map(dict, entries)), default=str)
