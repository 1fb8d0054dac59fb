"""The recipient decrypts what was sent, or gets nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from governance import encryption
from governance.agreement.example_keys import EXAMPLE_IDENTITY
from governance.opening import open_release
from schemas.errors import CaretraceError, InputError, IntegrityFailure, SettingsError

if TYPE_CHECKING:
    from conftest import Kit


@pytest.fixture(scope="module")
def made(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release folder; tests copy it."""
    return kit_in(tmp_path_factory.mktemp("desk")).desk().make().folder


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "release")
    (tmp_path / "my.key").write_text(EXAMPLE_IDENTITY + "\n")
    return tmp_path / "release"


def opened(release: Path) -> tuple[str, ...]:
    return open_release(release, release.parent / "my.key", release.parent / "plain")


def test_what_was_sent_is_there(release: Path) -> None:
    assert opened(release) == ("person.csv", "person.parquet", "service.csv", "service.parquet")
    plain = release.parent / "plain"
    assert (plain / "person.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (plain / "person.parquet").read_bytes().startswith(b"PAR1")


def test_no_data_stands_in_plain_text_in_the_release(release: Path) -> None:
    opened(release)
    for plain in (release.parent / "plain").iterdir():
        inside = plain.read_bytes()[8:40]
        assert not any(inside in path.read_bytes() for path in release.iterdir())
    assert {path.suffix for path in release.iterdir()} <= {".age", ".json", ".txt", ".vkey", ".tlog-proof"}


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def relist(release: Path, change: Callable[[dict[str, dict[str, str]]], object]) -> None:
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    change(manifest["data"])
    (release / "manifest.json").write_text(json.dumps(manifest))


def test_a_release_of_an_earlier_version_opens(release: Path) -> None:
    """Of format 2, whose manifest says of each file what it decrypts to as well."""
    relist(release, lambda data: [facts.update(plain_sha256="0" * 64) for facts in data.values()])
    assert opened(release) == ("person.csv", "person.parquet", "service.csv", "service.parquet")


FAULTS: list[tuple[str, Callable[[Path], object], type[CaretraceError], str]] = [
    ("a byte of the data", lambda r: flip(r / "person.csv.age", -20), IntegrityFailure, "not the file that was sent"),
    ("a file missing", lambda r: (r / "service.csv.age").unlink(), IntegrityFailure, "lacks service.csv.age"),
    ("the manifest cut", lambda r: (r / "manifest.json").write_bytes(b'{"data"'), IntegrityFailure, "cut short"),
    ("no manifest", lambda r: (r / "manifest.json").unlink(), InputError, "no release here"),
    ("another manifest", lambda r: (r / "manifest.json").write_text("{}"), InputError, "not that of an encrypted"),
    ("a path for a name", lambda r: relist(r, lambda d: d.update({"../x.age": {}})), IntegrityFailure, "names a file"),
    ("another key", lambda r: other_key(r), SettingsError, "not encrypted to the key"),
    ("no key", lambda r: (r.parent / "my.key").write_text("hello"), InputError, "no age identity"),
]


def other_key(release: Path) -> None:
    (release.parent / "my.key").unlink()
    encryption.new_identity(release.parent / "my.key")


@pytest.mark.parametrize(("what", "spoil", "error", "words"), FAULTS, ids=[row[0] for row in FAULTS])
def test_nothing_is_left_where_something_is_wrong(
    release: Path, what: str, spoil: Callable[[Path], object], error: type[CaretraceError], words: str
) -> None:
    spoil(release)
    with pytest.raises(error, match=words):
        opened(release)
    assert not (release.parent / "plain").exists()


def test_an_altered_file_does_not_decrypt(tmp_path: Path) -> None:
    """Whatever the manifest says: age itself finds every changed byte and a cut end."""
    key = tmp_path / "my.key"
    public = encryption.new_identity(key)
    encryption.write(tmp_path / "x.age", lambda file: file.write(b"secret" * 50), [public])
    sound = (tmp_path / "x.age").read_bytes()
    spoiled = [
        sound[:-1],
        sound + b"x",
        *(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :] for at in range(len(sound))),
    ]
    for data in spoiled:
        (tmp_path / "x.age").write_bytes(data)
        with (tmp_path / "out").open("wb") as out, pytest.raises((IntegrityFailure, SettingsError)):
            encryption.read(tmp_path / "x.age", key, out)


def test_without_a_key_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no public key"):
        encryption.write(tmp_path / "x.age", lambda file: file.write(b"secret"), [])
    with pytest.raises(SettingsError, match="no age public key"):
        encryption.write(tmp_path / "x.age", lambda file: file.write(b"secret"), ["age1nonsense"])
    assert not list(tmp_path.iterdir())
