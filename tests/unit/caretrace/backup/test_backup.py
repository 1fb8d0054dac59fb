"""A backup's form: every altered byte is seen, nothing leads outside, and nobody writes while it is made."""

from __future__ import annotations

import os
import random
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.backup import archive, contents
from caretrace.backup.making import Backup, backup
from caretrace.backup.restoring import restore, verify
from caretrace.backup.seal import Seal, Signer
from caretrace.project import Project
from governance import audit, encryption, keys
from governance.audit import upkeep
from governance.files import held
from schemas.errors import Busy, InputError, IntegrityFailure, SettingsError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Make = Callable[..., Backup]


@pytest.fixture
def secrets(tmp_path: Path) -> keys.Keys:
    return keys.create(tmp_path / "keys", project=tmp_path / "p")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "p"
    (root / "in").mkdir(parents=True)
    (root / "a.csv").write_bytes(b"x,y\r\n" * 40)
    (root / "b.bin").write_bytes(bytes(range(256)))
    return Project(root)


@pytest.fixture
def make(project: Project, secrets: keys.Keys) -> Make:
    def make(out: Path, **options: object) -> Backup:
        given_options = {"keys": secrets, "maker": "ann", "now": NOW, **options}
        return backup(project, out, **given_options)  # type: ignore[arg-type]

    return make


def public(secrets: keys.Keys) -> bytes:
    return secrets.signing.public_key().public_bytes_raw()


def kinds(project: Project, secrets: keys.Keys) -> list[str]:
    return [entry["type"] for entry in audit.verify(project.audit, keys_dir=secrets.folder).entries]


def test_every_altered_byte_and_every_cut_is_seen(tmp_path: Path, make: Make, secrets: keys.Keys) -> None:
    whole = make(tmp_path / "b.zip").path.read_bytes()
    assert verify(tmp_path / "b.zip", public=public(secrets)).seal is Seal.CONFIRMED
    draw = random.Random(7)  # noqa: S311 - places, not secrets
    altered = tmp_path / "altered.zip"
    places = range(len(whole)) if "CARETRACE_PROVE" in os.environ else draw.sample(range(len(whole)), 300)
    for place in places:
        altered.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :])
        with pytest.raises(IntegrityFailure):
            verify(altered, public=public(secrets))
    for size in (0, 1, 21, len(whole) // 2, len(whole) - 1):
        altered.write_bytes(whole[:size])
        with pytest.raises(IntegrityFailure):
            verify(altered)
    altered.write_bytes(whole + b"\n")
    with pytest.raises(IntegrityFailure):
        verify(altered)


def test_who_alters_it_and_makes_the_hashes_right_is_seen_by_the_key(
    tmp_path: Path, project: Project, secrets: keys.Keys
) -> None:
    stranger = keys.create(tmp_path / "stranger", project=tmp_path / "q")
    files = contents.of(project.root)
    signer = Signer("caretrace/log/0", stranger.signing)
    about = {"folders": [], "left_out": {}, "made_at": "", "caretrace_version": ""}
    (tmp_path / "b.zip").write_bytes(b"".join(archive.written(project.root, files.files, about, signer)))
    assert verify(tmp_path / "b.zip", public=public(stranger)).seal is Seal.CONFIRMED
    assert verify(tmp_path / "b.zip").seal is Seal.SIGNED
    with pytest.raises(IntegrityFailure, match="not signed by the key"):
        verify(tmp_path / "b.zip", public=public(secrets))


@pytest.mark.parametrize(
    ("members", "files", "words"),
    [
        ({"project/../evil": b"x"}, ["../evil"], "outside the project"),
        ({"project//etc/evil": b"x"}, ["/etc/evil"], "outside the project"),
        ({"project/a": b"x", "project/b": b"x"}, ["a"], "does not hold the files"),
        ({}, ["a"], "does not hold the files"),
        ({"project/a": b"y"}, ["a"], "not what the manifest says"),
        ({"project/a": b"x" * 5_000_000}, ["a"], "not what the manifest says"),
    ],
)
def test_a_made_up_archive_harms_nobody(
    tmp_path: Path, members: dict[str, bytes], files: list[str], words: str
) -> None:
    import hashlib
    import json

    one = {"sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1, "mtime_ns": 0}
    manifest = {"format": 1, "folders": [], "left_out": {}, "made_at": "", "caretrace_version": ""}
    path = tmp_path / "b.zip"
    seal = f"caretrace/backup/v1\n{'0' * 64}\n".encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
        made.writestr("manifest.json", json.dumps(manifest | {"files": dict.fromkeys(files, one)}))
        made.comment = seal
    body = path.read_bytes()[: -len(seal)]
    path.write_bytes(body + f"caretrace/backup/v1\n{hashlib.sha256(body).hexdigest()}\n".encode())
    with pytest.raises(IntegrityFailure, match=words):
        restore(path, tmp_path / "into")
    assert [each.name for each in tmp_path.iterdir()] == ["b.zip"]


@given(
    st.dictionaries(st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=8), st.binary())
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_files_come_back(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    root = tmp_path_factory.mktemp("any")
    made: dict[str, bytes] = {}
    for name, data in files.items():
        safe = "".join(letter for letter in name.casefold() if letter.isalnum()) or "x"
        made[safe] = data
        (root / f"{safe}.csv").write_bytes(data)
    about = {"folders": [], "left_out": {}, "made_at": "", "caretrace_version": ""}
    path = root.with_suffix(".zip")
    path.write_bytes(b"".join(archive.written(root, contents.of(root).files, about, None)))
    restore(path, root.with_suffix(".back"))
    assert {each.stem: each.read_bytes() for each in root.with_suffix(".back").iterdir()} == made


def test_other_programs_open_it(tmp_path: Path, make: Make) -> None:
    with zipfile.ZipFile(make(tmp_path / "b.zip").path) as opened:
        assert opened.testzip() is None
        assert opened.read("project/a.csv") == b"x,y\r\n" * 40


@pytest.mark.parametrize("lock", [".caretrace.lock", "audit/lock", ".decisions.jsonl.lock"])
def test_nobody_writes_meanwhile(tmp_path: Path, make: Make, project: Project, lock: str) -> None:
    project.decisions.touch()
    project.audit.mkdir()
    with held(project.root / lock), pytest.raises(Busy):
        make(tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_file_that_changes_is_seen_and_logged(
    tmp_path: Path, make: Make, project: Project, secrets: keys.Keys, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    to = [encryption.new_identity(tmp_path / "id")] if encrypted else []
    refuse = archive._refuse_changed

    def appended(path: Path, before: os.stat_result, size: int) -> None:
        if path.name == "a.csv":
            with path.open("ab") as file:
                file.write(b"more")
        refuse(path, before, size)

    monkeypatch.setattr(archive, "_refuse_changed", appended)
    with pytest.raises(Busy, match="changed while it was copied"):
        make(tmp_path / "b.zip", to=to)
    assert kinds(project, secrets)[-2:] == [upkeep.BACKUP, upkeep.BACKUP_FAILED]
    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name or "partial" in path.name] == []


def test_older_ones_are_let_go_and_nothing_else(tmp_path: Path, make: Make) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "mine.zip").touch()
    (folder / "p-000000-20200101T000000Z.zip").touch()  # another project of this name
    made = [make(folder, now=NOW + timedelta(days=day), keep=2) for day in range(4)]
    assert made[-1].removed == (made[1].path,)
    assert {path.name for path in folder.iterdir()} == {
        "mine.zip",
        "p-000000-20200101T000000Z.zip",
        made[2].path.name,
        made[3].path.name,
    }
    with pytest.raises(SettingsError):
        make(folder, keep=0)


def test_links_are_named_and_not_followed(tmp_path: Path, make: Make, project: Project) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").touch()
    try:
        (project.root / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    except OSError:
        return  # Windows without the right to make links
    assert make(tmp_path / "b.zip").left_out == {"link": contents.LINK}
    restore(tmp_path / "b.zip", tmp_path / "back")
    assert not (tmp_path / "back" / "link").exists()


def test_too_little_room(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path / "b.zip")
    usage = type("usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(InputError, match="free some space"):
        make(tmp_path / "c.zip")
    with pytest.raises(InputError, match="free some space"):
        restore(made.path, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_inboxes_outside_the_project_are_named(tmp_path: Path, make: Make, project: Project) -> None:
    (tmp_path / "share").mkdir()
    sources = [("clients", f'folder = "{(tmp_path / "share").as_posix()}"'), ("register", "")]
    project.settings.write_text(
        "".join(f'[[source]]\nname = "{side}"\nside = "{side}"\n{folder}\n' for side, folder in sources),
        encoding="utf-8",
    )
    left_out = {str(tmp_path / "share"): "the inbox of the source clients, which lies outside the project"}
    assert make(tmp_path / "b.zip").left_out == left_out
    assert verify(tmp_path / "b.zip").left_out == left_out
    project.settings.write_text("[[source]]\nnonsense", encoding="utf-8")
    assert make(tmp_path / "c.zip").left_out == {}
