"""Files in files: archives, compressed and encrypted files, how far they are read, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import struct
import subprocess
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.files.opening import Opening, members
from schemas.errors import InputError

CSV = b"record_id,family_name\n1,Smith\n2,Ng\n"
NAMES = [("Smith",), ("Ng",)]


def archive(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in files:
            packed.writestr(name, content)
    return made.getvalue()


def flagged(content: bytes, at: int, value: int, size: str = "<H") -> bytes:
    """The archive with a field of its first entry changed, in the entry itself and in the directory."""
    changed = bytearray(content)
    directory = content.index(b"PK\x01\x02")
    struct.pack_into(size, changed, at, value)
    struct.pack_into(size, changed, directory + at + 2, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        pytest.param("a.csv.gz", gzip.compress(CSV), "a.csv.gz", id="gzip"),
        pytest.param("a.csv", gzip.compress(CSV), "a.csv", id="gzip by its bytes"),
        pytest.param("a.gz", gzip.compress(CSV[:9]) + gzip.compress(CSV[9:]), "a.gz", id="gzip in several parts"),
        pytest.param("a.gz", gzip.compress(CSV) + b"\0" * 512, "a.gz", id="gzip filled up with zeros"),
        pytest.param("a.gz.gz", gzip.compress(gzip.compress(CSV)), "a.gz.gz", id="gzip twice"),
        pytest.param("a.zip", archive(("x/p.csv", CSV), ("x/logo.png", b"?")), "a.zip/x/p.csv", id="zip"),
        pytest.param("a.zip", archive(("../../etc/p.csv", CSV)), "a.zip/etc/p.csv", id="a name that leads elsewhere"),
        pytest.param("a.zip", archive(("C:\\x\\p.csv", CSV)), "a.zip/C:/x/p.csv", id="a name with backslashes"),
        pytest.param("a.zip", archive(("p.csv.gz", gzip.compress(CSV))), "a.zip/p.csv.gz", id="gzip in a zip"),
        pytest.param("a.zip.gz", gzip.compress(archive(("p.csv", CSV))), "a.zip.gz/p.csv", id="a zip in gzip"),
        pytest.param("a.zip", archive(("__MACOSX/._p.csv", b"?"), ("p.csv", CSV)), "a.zip/p.csv", id="a Mac's zip"),
        pytest.param("a.zip", archive(("p.csv", CSV), method=zipfile.ZIP_STORED), "a.zip/p.csv", id="stored"),
    ],
)
def test_what_is_opened(write, name: str, content: bytes, shown: str) -> None:  # type: ignore[no-untyped-def]
    (member,) = (each for each in members(write(name, content), name, Opening()) if not each.unread)
    assert b"".join(member.blocks()) == CSV
    assert (member.name, member.head, member.size) == (shown, CSV, len(content) if "/" not in shown else member.size)
    assert member.delivered.sha256 == hashlib.sha256(content).hexdigest()


def test_what_is_opened_is_read(store, write) -> None:  # type: ignore[no-untyped-def]
    packed = archive(("p.csv.gz", gzip.compress(CSV)))
    (file,) = store.read(write("a.zip", packed)).files
    assert (file.name, file.records, file.encoding) == ("a.zip/p.csv.gz", 2, "UTF-8")
    assert file.sha256 == hashlib.sha256(packed).hexdigest()
    assert store.rows("person", "source_org", "family_name") == [("a", "Smith"), ("a", "Ng")]


# Eight parts of ten megabytes each; the archive only says that it holds a hundred.
BOMB = gzip.compress(CSV) + gzip.compress(b"0" * (10 << 20)) * 8
LIAR = flagged(archive(("p.csv", CSV)), 22, 100 << 20, "<I")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(gzip.compress(CSV)[:-5], "a: is damaged or was cut short", id="gzip cut short"),
        pytest.param(gzip.compress(CSV)[:-5] + b"\xff" * 5, "a: is damaged or was cut short", id="gzip, false sum"),
        pytest.param(gzip.compress(CSV) + b"more", "a: is damaged or was cut short", id="gzip with more"),
        pytest.param(archive(("p.csv", CSV))[:-9], "a: is damaged or was cut short", id="zip cut short"),
        pytest.param(
            archive(("p.csv", CSV), method=zipfile.ZIP_STORED).replace(b"Smith", b"Smyth"),
            "p.csv: is damaged or was cut short",
            id="zip, false sum",
        ),
        pytest.param(flagged(archive(("p.csv", CSV)), 6, 1), "p.csv: is encrypted with a password", id="encrypted"),
        pytest.param(
            flagged(archive(("p.csv", CSV)), 8, 9), r"p.csv: is compressed in a way \(method 9\)", id="method"
        ),
        pytest.param(archive(("in.zip", archive(("p.csv", CSV)))), "in.zip: is an archive in an archive", id="nested"),
        pytest.param(archive(("p.csv", CSV), ("p.csv", CSV)), "holds two files of the same name", id="two of a name"),
        pytest.param(archive(("p.png", CSV)), "the archive holds no file that ends in", id="nothing in it"),
        pytest.param(archive(), "the archive holds no file that ends in", id="empty"),
        pytest.param(archive(("word/document.xml", b"<x/>")), "it is a Word document", id="a Word document"),
        pytest.param(LIAR, "a: unpacks to more than 64 MB", id="a bomb in zip"),
        pytest.param(BOMB, "a: unpacks to more than 64 MB", id="a bomb in gzip"),
    ],
)
def test_what_is_refused(write, content: bytes, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=sentence) as caught:
        for member in members(write("a", content), "a", Opening()):
            list(member.blocks())
    assert "Smith" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_bound_is_a_setting(store, write) -> None:  # type: ignore[no-untyped-def]
    sound = b"1,Ng\n" * (1 << 20)
    packed = write("a.csv.gz", gzip.compress(sound) * 14)
    with pytest.raises(InputError, match="unpacks to more than"):
        list(members(packed, "a", Opening(times=1))[0].blocks())
    assert sum(map(len, members(packed, "a", Opening(times=2000))[0].blocks())) == 14 * len(sound)


def test_an_archive_in_a_compressed_file_has_a_bound(write) -> None:  # type: ignore[no-untyped-def]
    packed = write("a.zip.gz", gzip.compress(archive(("p.csv", os.urandom(1 << 20)))))
    with pytest.raises(InputError, match="a workbook of more than 0 MB"):
        members(packed, "a", Opening(in_memory=1 << 19))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.zip"])
def test_progress_is_by_delivered_bytes(write, name: str) -> None:  # type: ignore[no-untyped-def]
    text = b"record_id,family_name\n" + b"1,Ng\n" * 100_000
    content = {"a.csv": text, "a.csv.gz": gzip.compress(text), "a.zip": archive(("p.csv", text))}[name]
    (member,) = members(write(name, content), name, Opening())
    told: list[int] = []
    assert b"".join(member.blocks(told.append)) == text
    assert sum(told) == member.size <= len(content)


def test_a_folder_of_packed_parts(store, write) -> None:  # type: ignore[no-untyped-def]
    folder = write("in/one.csv", CSV).parent
    write("in/two.csv.gz", gzip.compress(b"family_name,record_id\nOkafor,3\n"))
    write("in/three.zip", archive(("p.csv", b"record_id;family_name\n4;Ali\n")))
    report = store.read(folder)
    assert [(file.name, file.used) for file in report.files] == [
        ("one.csv", 2),
        ("three.zip/p.csv", 1),
        ("two.csv.gz", 1),
    ]
    assert sorted(store.rows("person", "record_id", "family_name")) == [
        ("1", "Smith"),
        ("2", "Ng"),
        ("3", "Okafor"),
        ("4", "Ali"),
    ]


GPG = shutil.which("gpg")


@pytest.fixture(scope="module")
def keyring() -> Iterator[Path]:
    # A short path: the agent's socket lies in it, and its length is bounded.
    with tempfile.TemporaryDirectory(prefix="ct") as folder:
        _gpg(Path(folder), "--passphrase", "", "--quick-gen-key", "ours@example.org", "future-default", "default", "0")
        yield Path(folder)
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False)


def _gpg(home: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--yes", "--trust-model", "always", *arguments]
    return subprocess.run(command, input=stdin, check=True, capture_output=True).stdout


def _encrypted(home: Path, *options: str, content: bytes = CSV) -> bytes:
    return _gpg(home, *options, "-r", "ours@example.org", "--encrypt", stdin=content)


@pytest.mark.skipif(GPG is None, reason="GnuPG is not installed")
class TestOpenPGP:
    @pytest.mark.parametrize(
        ("name", "options", "content"),
        [
            ("a.csv.gpg", (), CSV),
            ("a.csv.asc", ("--armor",), CSV),
            ("a.csv", ("--armor",), CSV),
            ("a.csv.gz.pgp", (), gzip.compress(CSV, mtime=0)),
            ("a.csv.gpg", ("--sign", "--passphrase", "", "--pinentry-mode", "loopback"), CSV),
        ],
    )
    def test_what_is_opened(self, store, write, keyring, name, options, content) -> None:  # type: ignore[no-untyped-def]
        path = write(name, _encrypted(keyring, *options, content=content))
        (file,) = store.read(path, opening=Opening(gnupg_home=keyring)).files
        assert (file.name, file.bytes, file.sha256) == (
            name,
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        assert store.rows("person", "family_name") == NAMES

    def test_more_than_a_pipe_holds(self, store, write, keyring) -> None:  # type: ignore[no-untyped-def]
        text = b"record_id,family_name\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(200_000))
        path = write("a.csv.gpg", _encrypted(keyring, "--compress-algo", "none", content=text))
        (member,) = members(path, "a", Opening(gnupg_home=keyring))
        told: list[int] = []
        assert b"".join(member.blocks(told.append)) == text
        assert sum(told) == member.size

    def test_what_is_refused(self, write, keyring, tmp_path) -> None:  # type: ignore[no-untyped-def]
        whole = _encrypted(keyring, "--compress-algo", "none", content=CSV * 9)
        altered = bytearray(whole)
        altered[-40] ^= 1
        elsewhere = tmp_path / "k"
        elsewhere.mkdir(mode=0o700)
        unprotected = _encrypted(keyring, "--rfc2440", "--disable-mdc")
        for content, home, sentence in (
            (whole[:-60], keyring, "was altered, cut short"),
            (bytes(altered), keyring, "was altered, cut short"),
            (unprotected, keyring, "was altered, cut short, or sent without protection"),
            (whole, elsewhere, "is encrypted for another key"),
        ):
            path = write("a.csv.gpg", content)
            with pytest.raises(InputError, match=sentence) as caught:
                members(path, "a", Opening(gnupg_home=home))
            assert "Smith" not in str(caught.value)

    def test_a_passphrase(self, store, write, keyring, tmp_path) -> None:  # type: ignore[no-untyped-def]
        secret = tmp_path / "secret"
        secret.write_text("correct horse\n", encoding="utf-8")
        loopback = ("--pinentry-mode", "loopback", "--passphrase-file", str(secret))
        path = write(
            "a.csv.gpg", _gpg(keyring, *loopback, "--symmetric", "--s2k-count", "1024", "--no-symkey-cache", stdin=CSV)
        )
        store.read(path, opening=Opening(gnupg_home=keyring, passphrase_file=secret))
        assert store.rows("person", "family_name") == NAMES
        wrong = tmp_path / "wrong"
        wrong.write_text("horse\n", encoding="utf-8")
        with pytest.raises(InputError, match="the passphrase of the key is missing or wrong"):
            members(path, "a", Opening(gnupg_home=keyring, passphrase_file=wrong))

    def test_without_the_program(self, write, keyring, monkeypatch) -> None:  # type: ignore[no-untyped-def]
        path = write("a.csv.gpg", _encrypted(keyring))
        monkeypatch.setenv("PATH", "")
        with pytest.raises(InputError, match="the program gpg was not found"):
            members(path, "a", Opening(gnupg_home=keyring))


def test_what_stands_beside_is_named_and_not_opened(tmp_path: Path, store) -> None:  # type: ignore[no-untyped-def]
    """A delivery whose second file has a strange name must not pass for a whole one."""
    folder = tmp_path / "in"
    (folder / "more").mkdir(parents=True)
    (folder / "a.csv").write_text("record_id,family_name\n1,A\n", encoding="utf-8")
    for name in ("b.csv.old", "more/c", ".hidden", "~lock.csv"):
        (folder / name).write_text("record_id,family_name\n2,B\n", encoding="utf-8")
    facts = {file.name: (file.used, file.note) for file in store.read(folder).files}
    why = "not read: its name has none of the endings of files that hold records"
    absent = "columns absent: given_name, birth_date, postcode, nhs_number"
    assert facts == {"a.csv": (1, absent), "b.csv.old": (0, why), "more/c": (0, why)}


def test_what_stands_beside_in_an_archive(tmp_path: Path, store) -> None:  # type: ignore[no-untyped-def]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "record_id,family_name\n1,A\n")
        archive.writestr("b.bak", "record_id,family_name\n2,B\n")
        archive.writestr("__MACOSX/a.csv", "x")
    facts = {file.name: (file.used, file.note is not None) for file in store.read(tmp_path / "a.zip").files}
    assert facts == {"a.zip/a.csv": (1, True), "a.zip/b.bak": (0, True)}


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_to_a_folder_is_named_and_not_followed(tmp_path: Path, store) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "in"
    (tmp_path / "other").mkdir()
    folder.mkdir()
    (folder / "a.csv").write_text("record_id,family_name\n1,A\n", encoding="utf-8")
    (folder / "linked").symlink_to(tmp_path / "other", target_is_directory=True)
    (folder / "round").symlink_to(folder, target_is_directory=True)
    notes = {file.name: file.note for file in store.read(folder).files if file.table == "-"}
    assert notes == dict.fromkeys(("linked", "round"), "not read: it is a link to a folder; give that folder itself")
