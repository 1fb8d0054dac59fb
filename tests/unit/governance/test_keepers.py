"""Whoever keeps the keys: the same secrets, never overwritten, never lost on the way from one to another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import keyring
import pytest
from keyrings.alt.file import PlaintextKeyring

from governance import audit, keys
from governance.keys import care, keeper, store
from governance.keys.secret_text import encoded
from schemas.errors import InputError, SettingsError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSPHRASE = "correct horse battery"  # noqa: S105 - of this test alone


@pytest.fixture(autouse=True)
def keepers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A keyring of this test's own, which is a file, and a passphrase."""
    own = PlaintextKeyring()
    own.file_path = str(tmp_path / "keyring.cfg")
    before = keyring.get_keyring()
    keyring.set_keyring(own)
    monkeypatch.setenv(keeper.PASSPHRASE_VARIABLE, PASSPHRASE)
    yield
    keyring.set_keyring(before)


def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "project", tmp_path / "keys"


# What a passphrase protects takes a second to open, by design: one test for it is enough.
@pytest.mark.parametrize("kept_by", [keeper.FILES, keeper.KEYRING])
def test_keys_are_kept_given_back_and_never_overwritten(tmp_path: Path, kept_by: str) -> None:
    project, folder = folders(tmp_path)
    made = keys.create(folder, project=project, kept_by=kept_by)
    again = keys.load(folder, project=project)
    assert (again.version, again.root) == (1, made.root)
    assert again.signing.private_bytes_raw() == made.signing.private_bytes_raw()
    store.write_root(folder, 2, b"2" * 32)
    assert (store.versions(folder), store.read_root(folder, 2)) == ([1, 2], b"2" * 32)
    with pytest.raises(SettingsError, match="never overwritten"):
        store.write_root(folder, 2, b"3" * 32)
    with pytest.raises(SettingsError, match="holds keys already"):
        keys.create(folder, project=project, kept_by=kept_by)
    store.destroy_root(folder, 1)
    assert store.versions(folder) == [2]
    with pytest.raises(SettingsError, match=r"missing|no such key"):
        store.read_root(folder, 1)


def test_a_passphrase_protects_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    keeper.choose(folder, keeper.PASSPHRASE)
    store.write_root(folder, 1, b"1" * 32)
    assert (store.versions(folder), store.read_root(folder, 1)) == ([1], b"1" * 32)
    plain = encoded(b"1" * 32, "root-1").strip().encode()
    assert not any(plain in path.read_bytes() for path in folder.iterdir())
    for wrong, words in (("another passphrase", "does not open"), ("", "set CARETRACE_KEYS_PASSPHRASE")):
        monkeypatch.setenv(keeper.PASSPHRASE_VARIABLE, wrong)
        with pytest.raises(SettingsError, match=words):
            store.read_root(folder, 1)
    monkeypatch.setenv(keeper.PASSPHRASE_VARIABLE, "short")
    with pytest.raises(SettingsError, match="too short"):
        store.write_root(folder, 2, b"2" * 32)


def test_keys_move_from_keeper_to_keeper_and_the_log_says_so(tmp_path: Path) -> None:
    project, folder = folders(tmp_path)
    made = keys.create(folder, project=project)
    care.rotate(project, folder, reason="two versions", maker="maker", now=NOW)
    held = {version: store.read_root(folder, version) for version in (1, 2)}
    for to in (keeper.KEYRING, keeper.FILES):
        before = keeper.keeper(folder)
        assert care.move(project, folder, to, maker="maker", now=NOW) == (1, 2)
        assert {version: store.read_root(folder, version) for version in (1, 2)} == held
        assert before.names() == []
        with pytest.raises(InputError, match="already"):
            care.move(project, folder, to, maker="maker", now=NOW)
    assert keys.load(folder, project=project).signing.private_bytes_raw() == made.signing.private_bytes_raw()
    moved = [e["body"] for e in audit.verify(project / "audit", keys_dir=folder).entries if e["type"] == care.MOVED]
    assert [(each["from"], each["to"]) for each in moved] == [
        ("files", "keyring"),
        ("keyring", "files"),
    ]


def test_a_move_that_was_interrupted_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, folder = folders(tmp_path)
    made = keys.create(folder, project=project)
    monkeypatch.setattr(keeper.InKeyring, "read", lambda *_: (_ for _ in ()).throw(OSError(5, "unplugged")))
    with pytest.raises(OSError, match="unplugged"):
        care.move(project, folder, keeper.KEYRING, maker="maker", now=NOW)
    monkeypatch.undo()
    assert keys.load(folder, project=project).root == made.root
    care.move(project, folder, keeper.KEYRING, maker="maker", now=NOW)
    assert keys.load(folder, project=project).root == made.root
    assert keeper.InFiles(folder).names() == []


def test_a_keeper_of_a_newer_version_is_not_guessed(tmp_path: Path) -> None:
    project, folder = folders(tmp_path)
    keys.create(folder, project=project)
    keeper.choose(folder, "abacus")
    with pytest.raises(SettingsError, match="does not know"):
        keys.load(folder, project=project)
