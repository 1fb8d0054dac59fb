"""Files encrypted where they stand: what is written can be read back with the key, and nothing can without it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from governance import at_rest, encryption, keys
from governance.at_rest import workshop
from governance.at_rest.rule import Rule, rule_for
from governance.keys import at_rest as project_key
from governance.keys import care, keeper
from governance.officer import paper
from schemas.errors import IntegrityFailure, SettingsError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLAIN = b"Zzyzxquill,9990000018\n" * 5000


@pytest.fixture
def project(encrypted_project: Path) -> Path:
    return encrypted_project


def plain_files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and PLAIN[:20] in path.read_bytes()]


def put(path: Path, content: bytes = PLAIN) -> Path:
    with at_rest.written(path, path.with_name(".draft")) as draft:
        draft.write_bytes(content)
    return path


def test_a_page_that_names_people_is_encrypted_and_one_that_counts_them_is_not(project: Path) -> None:
    rows = [{"pseudonym": "ct1_A", "nhs_number": PLAIN.decode()[11:21]}]
    for name, named in (("named.csv", True), ("counts.csv", False)):
        paper.write(project / name, "T", tuple(rows[0]), rows, made_at=NOW, names_people=named)
    assert b"ct1_A" not in (project / "named.csv").read_bytes()
    assert at_rest.read_bytes(project / "named.csv") == (project / "counts.csv").read_bytes()


def test_what_is_written_is_encrypted_and_read_back(project: Path, tmp_path: Path) -> None:
    path = put(project / "people.csv")
    assert at_rest.read_bytes(path) == PLAIN
    copy = at_rest.readable(path)
    assert (copy.name, copy.is_relative_to(tmp_path / "work")) == ("people.csv", True)
    assert at_rest.readable(path) == copy
    assert (plain_files(project), sorted(p.name for p in project.glob("*.csv"))) == ([], ["people.csv"])
    at_rest.close()
    assert plain_files(tmp_path) == []


def test_a_file_written_anew_is_read_anew(project: Path) -> None:
    path = put(project / "people.csv")
    assert at_rest.read_bytes(path) == PLAIN
    put(path, b"another")
    assert at_rest.read_bytes(path) == b"another"


def test_outside_such_a_project_files_stay_as_they_are(project: Path, tmp_path: Path) -> None:
    path = put(tmp_path / "elsewhere.csv")
    assert path.read_bytes() == PLAIN
    assert at_rest.readable(path) == path
    assert at_rest.readable(tmp_path / "missing") == tmp_path / "missing"


def test_a_write_that_fails_leaves_what_stood_there(project: Path) -> None:
    path = put(project / "people.csv", b"before")
    with pytest.raises(ZeroDivisionError), at_rest.written(path, path.with_name(".draft")) as draft:
        draft.write_bytes(PLAIN)
        raise ZeroDivisionError
    assert at_rest.read_bytes(path) == b"before"
    assert sorted(p.name for p in project.iterdir() if p.is_file()) == ["caretrace.toml", "people.csv"]


def test_any_file_of_another_program_opens_with_the_key_as_age_writes_it(project: Path, tmp_path: Path) -> None:
    import pyrage

    path = put(project / "people.csv")
    secret = project_key.secrets()[0]
    assert secret.startswith("AGE-SECRET-KEY-1")
    assert pyrage.decrypt(path.read_bytes(), [pyrage.x25519.Identity.from_str(secret)]) == PLAIN


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, bytes(range(32)), bytes(range(255, 223, -1))], ids=str)
def test_a_secret_is_spelt_as_age_spells_it(secret: bytes) -> None:
    import pyrage

    said = project_key.identity(secret)
    assert str(pyrage.x25519.Identity.from_str(said)) == said


@pytest.mark.parametrize("at", [0, 60, 400, 70_000, -1])
def test_an_altered_file_is_never_used(project: Path, at: int) -> None:
    path = put(project / "people.csv")
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    if at:
        with pytest.raises((IntegrityFailure, SettingsError)):
            at_rest.readable(path)
    else:  # no age file any more: whoever reads it as a table or a list says so
        assert at_rest.readable(path) == path


def test_a_file_cut_short_is_never_used(project: Path, tmp_path: Path) -> None:
    path = put(project / "people.csv")
    path.write_bytes(path.read_bytes()[:70_000])
    with pytest.raises(IntegrityFailure, match="altered or cut short"):
        at_rest.readable(path)
    assert plain_files(tmp_path / "work") == []


def test_without_the_key_nothing_is_read_or_written(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(project / "people.csv")
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "nothing"))
    with pytest.raises(SettingsError, match="holds no key for that"):
        at_rest.readable(path)
    with pytest.raises(SettingsError, match="holds no key for that"):
        put(project / "more.csv")
    with pytest.raises(SettingsError, match="holds no key for that"):
        at_rest.write_durably(project / "more.csv", PLAIN)
    assert not (project / "more.csv").exists()
    assert plain_files(tmp_path) == []


def test_another_projects_key_opens_nothing(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(project / "people.csv")
    other = tmp_path / "other"
    keys.create(tmp_path / "keys2", project=other)
    project_key.make(other, tmp_path / "keys2", maker="a test", now=NOW)
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "keys2"))
    with pytest.raises(encryption.WrongKey, match="with a key that is not in the keys folder"):
        at_rest.readable(path)


def test_a_new_key_closes_and_the_old_one_still_opens(project: Path, tmp_path: Path) -> None:
    old = put(project / "old.csv")
    assert project_key.make(project, tmp_path / "keys", maker="a test", now=NOW) == 2
    new = put(project / "new.csv")
    assert (at_rest.read_bytes(old), at_rest.read_bytes(new)) == (PLAIN, PLAIN)
    keeper.keeper(tmp_path / "keys").destroy("at-rest-1")
    at_rest.close()
    assert at_rest.read_bytes(new) == PLAIN
    with pytest.raises(encryption.WrongKey):
        at_rest.readable(old)


def test_a_lost_key_comes_back_from_escrow(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(project / "people.csv")
    custodians = [encryption.new_identity(tmp_path / f"custodian-{each}") for each in "ab"]
    care.escrow(project, tmp_path / "keys", tmp_path / "copy.age", custodians, maker="a test", now=NOW)
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "again"))
    care.restore(project, tmp_path / "again", tmp_path / "copy.age", tmp_path / "custodian-b")
    assert at_rest.read_bytes(path) == PLAIN


@pytest.mark.long
@pytest.mark.prove
def test_the_key_goes_along_when_keys_move(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(project / "people.csv")
    monkeypatch.setenv(keeper.PASSPHRASE_VARIABLE, "correct horse battery")
    care.move(project, tmp_path / "keys", keeper.PASSPHRASE, maker="a test", now=NOW)
    assert at_rest.read_bytes(path) == PLAIN
    monkeypatch.setenv(keeper.PASSPHRASE_VARIABLE, "another horse battery")
    at_rest.close()
    with pytest.raises(SettingsError, match="does not open with this passphrase"):
        at_rest.readable(path)


def test_what_is_encrypted_is_never_replaced_by_its_plain_text(project: Path) -> None:
    """Somebody takes the setting out: the next command stops, and does not go on in the clear."""
    path = put(project / "people.csv")
    (project / "caretrace.toml").write_text("", "utf-8")
    with pytest.raises(SettingsError, match="no longer says encrypt = true"):
        put(path)
    with pytest.raises(SettingsError, match="no longer says encrypt = true"):
        at_rest.write_durably(path, PLAIN)
    assert plain_files(project) == []


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("[at_rest]\nencrypt = 'yes'", "encrypt is true or false"),
        ("[at_rest]\nencrpyt = true", "encrpyt: there is no such key"),
        ("[at_rest]\nwork = 5", "work is the path of a folder"),
        ("[at_rest]\nwork = 'tmp'", "work lies in the project"),
        ("at_rest = true", "is no table"),
        ("[at_rest", "not valid TOML"),
    ],
)
def test_a_rule_that_is_not_understood_is_no_rule_that_lets_plain_text_through(
    tmp_path: Path, said: str, fault: str
) -> None:
    (tmp_path / "caretrace.toml").write_text(said, "utf-8")
    with pytest.raises(SettingsError, match=fault):
        put(tmp_path / "people.csv")
    assert not (tmp_path / "people.csv").exists()


def test_the_nearest_project_above_decides(project: Path) -> None:
    assert rule_for(project / "runs" / "0001" / "links.parquet").encrypt
    assert rule_for(project).encrypt
    inner = project / "inner"
    inner.mkdir()
    (inner / "caretrace.toml").write_text("", "utf-8")
    assert rule_for(inner / "x") == Rule(False, None, inner)


def test_a_folders_own_key_ends_with_it(project: Path) -> None:
    run = project / "run"
    run.mkdir()
    key = at_rest.FolderKey.new()
    key.put(run)
    (project / "plain").write_bytes(PLAIN)
    (run / "linked").mkdir()
    key.seal(project / "plain", run / "linked" / "person.csv")
    assert at_rest.read_bytes(run / "linked" / "person.csv") == PLAIN
    at_rest.close()
    at_rest.shred(run)
    with pytest.raises(encryption.WrongKey):
        at_rest.readable(run / "linked" / "person.csv")
    at_rest.shred(run)  # a second time there is nothing to do


_DIES = """
import os, sys, tempfile
from pathlib import Path
from governance import at_rest
project = Path(sys.argv[1])
at_rest.begin(project)
tempfile.NamedTemporaryFile(delete=False).write(b"Zzyzxquill,999000001" * 99)
with at_rest.written(project / "people.csv", project / ".draft") as draft:
    draft.write_bytes(b"Zzyzxquill,999000001" * 99)
    at_rest.readable(project / "people.csv")
    os._exit(9)
"""


def test_a_process_that_is_killed_leaves_no_plain_text_in_the_project_and_the_next_one_tidies_up(
    project: Path, tmp_path: Path
) -> None:
    put(project / "people.csv")
    at_rest.close()
    assert subprocess.run([sys.executable, "-c", _DIES, str(project)], check=False).returncode == 9
    assert plain_files(project) == []
    assert len(plain_files(tmp_path / "work")) == 3
    workshop.place(rule_for(project))
    assert plain_files(tmp_path / "work") == []


def test_a_workshop_in_use_is_left_alone(project: Path) -> None:
    copy = at_rest.readable(put(project / "people.csv"))
    code = "import sys; from pathlib import Path; from governance import at_rest; at_rest.begin(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(project)], check=True)
    assert copy.read_bytes() == PLAIN


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_place_that_others_can_enter_is_refused(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "work" / f"caretrace-{os.getuid()}"
    own.mkdir()
    own.chmod(0o755)
    with pytest.raises(SettingsError, match="is not a folder of yours alone"):
        put(project / "people.csv")


def test_a_place_that_cannot_be_had_is_said(project: Path, tmp_path: Path) -> None:
    (tmp_path / "work").rmdir()
    (tmp_path / "work").write_bytes(b"")
    with pytest.raises(SettingsError, match="set work under"):
        put(project / "people.csv")
