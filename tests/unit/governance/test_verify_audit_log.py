"""The auditor's one file finds whatever our own check finds, and nothing else; it needs none of our code."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import governance
from governance import audit, keys
from governance.audit import anchors, log, merkle, verification
from governance.audit.checkpoint import Checkpoint, Verifier
from governance.keys import Keys
from schemas.errors import IntegrityFailure

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = Path(governance.__file__).with_name("verify_audit_log.py")
FILES = (audit.LOG, audit.LEAVES, audit.CHECKPOINT, audit.VKEY)
SAMPLE = 150
PROVE = "CARETRACE_PROVE" in os.environ


@pytest.fixture(scope="session")
def alone() -> ModuleType:
    """The file as a module; it is not imported from our package, as an auditor would not."""
    spec = importlib.util.spec_from_file_location("verify_audit_log", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Keys]:
    """A log of six entries, some words in it beyond ASCII; nobody is appending, so nothing need be waited for."""
    monkeypatch.setattr(verification, "_ONE_APPEND", 0)
    secrets = keys.create(tmp_path / "keys", project=tmp_path / "project")
    folder = tmp_path / "project" / "audit"
    append(folder, secrets, 5)
    return folder, secrets


def append(folder: Path, secrets: Keys, count: int) -> None:
    with log.opened(folder, secrets, now=NOW) as held:
        for n in range(count):
            body = {"n": n, "said": 'Å \U0001f600 "\t\x07', "z": [None, True, {"\U0001f600": 1, "\ufb01": -2}]}
            held.append([("DECISION", body)], now=NOW)


def ours(folder: Path, key: str, kept: list[Path]) -> bool:
    try:
        audit.verify(folder, verifier=Verifier.parse(key), anchors=[anchors.given(path) for path in kept])
    except IntegrityFailure:
        return False
    return True


def theirs(alone: ModuleType, folder: Path, key: str, kept: list[Path]) -> bool:
    code = alone.main([str(folder), "--key", key, *(f"--anchor={path}" for path in kept)])
    assert code in (0, 4)
    return bool(code == 0)


Change = tuple[str, str, bytes]


def changes(folder: Path) -> Iterator[Change]:
    """Every bit of every file turned, every cut, and every line removed, doubled or moved: (what, file, new bytes)."""
    for name in FILES:
        data = (folder / name).read_bytes()
        for at in range(len(data)):
            for bit in range(8):
                yield f"bit {bit}", name, data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            yield "cut", name, data[:at]
            yield "byte removed", name, data[:at] + data[at + 1 :]
        for tail in (b"\n", b"{}\n", b'{"half', b"\x00"):
            yield "more", name, data + tail
    data = (folder / audit.CHECKPOINT).read_bytes()
    yield "signed twice", audit.CHECKPOINT, data + data.partition(b"\n\n")[2]
    lines = (folder / audit.LOG).read_bytes().splitlines(keepends=True)
    for n, line in enumerate(lines):
        yield "line removed", audit.LOG, b"".join(lines[:n] + lines[n + 1 :])
        yield "line doubled", audit.LOG, b"".join([*lines[:n], line, *lines[n:]])
        for to in range(len(lines)):
            if to != n:
                rest = lines[:n] + lines[n + 1 :]
                yield "line moved", audit.LOG, b"".join([*rest[:to], line, *rest[to:]])


def agree(alone: ModuleType, folder: Path, tried: list[Change]) -> None:
    key = (folder / audit.VKEY).read_text()
    whole = {name: (folder / name).read_bytes() for name in FILES}
    for what, name, data in tried:
        (folder / name).write_bytes(data)
        assert (ours(folder, key, []), theirs(alone, folder, key, [])) == (False, False), (what, name, data)
        (folder / name).write_bytes(whole[name])
    assert (ours(folder, key, []), theirs(alone, folder, key, [])) == (True, True)


@pytest.mark.prove
def test_both_find_every_change(alone: ModuleType, made: tuple[Path, Keys]) -> None:
    """Every one there is in `make prove`, about twenty thousand; a sample in `make test`."""
    every = list(changes(made[0]))
    lines = [each for each in every if each[0].startswith(("line", "more", "signed"))]
    agree(alone, made[0], every if PROVE else [*random.Random(11).sample(every, SAMPLE), *lines])  # noqa: S311


def test_an_older_copy_is_told_by_an_anchor_only(alone: ModuleType, made: tuple[Path, Keys], tmp_path: Path) -> None:
    folder, secrets = made
    key = (folder / audit.VKEY).read_text()
    shutil.copytree(folder, tmp_path / "older")
    append(folder, secrets, 3)
    kept = tmp_path / "kept"
    with log.opened(folder, secrets, now=NOW) as held:
        kept.write_text(held.proof(4))
    for where, intact in ((folder, True), (tmp_path / "older", False)):
        assert (ours(where, key, [kept]), theirs(alone, where, key, [kept])) == (intact, intact)
        assert (ours(where, key, []), theirs(alone, where, key, [])) == (True, True)


@pytest.mark.parametrize("gone", FILES)
def test_a_missing_file_is_found(alone: ModuleType, made: tuple[Path, Keys], gone: str) -> None:
    key = (made[0] / audit.VKEY).read_text()
    (made[0] / gone).unlink()
    assert (ours(made[0], key, []), theirs(alone, made[0], key, [])) == (False, False)


def test_another_key_is_another_log(alone: ModuleType, made: tuple[Path, Keys], tmp_path: Path) -> None:
    other = keys.create(tmp_path / "other", project=tmp_path / "project")
    append(tmp_path / "log", other, 5)
    key = (made[0] / audit.VKEY).read_text()
    assert (ours(tmp_path / "log", key, []), theirs(alone, tmp_path / "log", key, [])) == (False, False)


def test_without_a_log_there_is_nothing_to_check(
    alone: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert alone.main([str(tmp_path)]) == 1
    assert "NOT CHECKED: there is no audit log" in capsys.readouterr().out


def resigned(folder: Path, secrets: Keys, change: Callable[[bytes], bytes]) -> None:
    """What somebody with the key could do: write an entry in another form and sign that."""
    lines = (folder / audit.LOG).read_bytes().splitlines()
    lines[-1] = change(lines[-1])
    leaves = [merkle.leaf_hash(line) for line in lines]
    (folder / audit.LOG).write_bytes(b"\n".join(lines) + b"\n")
    (folder / audit.LEAVES).write_bytes(b"".join(leaves))
    origin = (folder / audit.CHECKPOINT).read_text().partition("\n")[0]
    note = Checkpoint(origin, len(lines), merkle.root(leaves)).sign(secrets.signing)
    (folder / audit.CHECKPOINT).write_text(note, encoding="utf-8", newline="\n")


FORMS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("a space", lambda line: line.replace(b'"n":4', b'"n": 4')),
    ("names out of order", lambda line: b'{"v":1,' + line[1:].replace(b',"v":1', b"")),
    ("a name twice", lambda line: line.replace(b'"n":4', b'"n":4,"n":4')),
    ("a fraction", lambda line: line.replace(b'"n":4', b'"n":4.0')),
    ("too large a number", lambda line: line.replace(b'"n":4', b'"n":9007199254740993')),
    ("not a number", lambda line: line.replace(b'"n":4', b'"n":NaN')),
    ("escaped letters", lambda line: line.replace("Å".encode(), b"\\u00c5")),
    ("another place", lambda line: line.replace(b'"seq":5', b'"seq":4')),
    ("no time", lambda line: line.replace(b'"at":"2026', b'"at":"yesterday ')),
    ("earlier", lambda line: line.replace(b'"at":"2026', b'"at":"2025')),
    ("no entry", lambda line: b"[]"),
    ("deep", lambda line: b"[" * 100_000),
]


@pytest.mark.parametrize(("form", "change"), FORMS, ids=[form for form, _ in FORMS])
def test_what_is_signed_must_be_canonical_too(
    alone: ModuleType, made: tuple[Path, Keys], form: str, change: Callable[[bytes], bytes]
) -> None:
    before = (made[0] / audit.LOG).read_bytes()
    resigned(*made, lambda line: line)
    assert alone.main([str(made[0])]) == 0
    resigned(*made, change)
    assert (made[0] / audit.LOG).read_bytes() != before
    assert alone.main([str(made[0])]) == 4


def imported(each: ast.AST) -> list[str]:
    if isinstance(each, ast.ImportFrom):
        return [str(each.module).partition(".")[0]]
    return [alias.name.partition(".")[0] for alias in each.names] if isinstance(each, ast.Import) else []


def test_it_runs_on_its_own(made: tuple[Path, Keys], tmp_path: Path) -> None:
    """Copied elsewhere, and importing nothing but Python's own and `cryptography`."""
    script = shutil.copy(FILE, tmp_path / "verify.py")
    tree = ast.walk(ast.parse(FILE.read_text("utf-8")))
    named = {name for each in tree for name in imported(each)}
    assert named - sys.stdlib_module_names == {"cryptography"}
    command = [sys.executable, "-I", str(script), str(made[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "holds 6 entries, each as it was signed" in done.stdout
    assert "No anchor was given" in done.stdout
    assert (made[0] / audit.VKEY).read_text().strip() in done.stdout


def test_a_hundred_thousand_entries_take_seconds(alone: ModuleType, tmp_path: Path) -> None:
    """One fiftieth of it; the CPU time allowed is many times what is needed, for slow machines."""
    import time

    folder = tmp_path / "project" / "audit"
    secrets = keys.create(tmp_path / "keys", project=folder.parent)
    write_many(folder, secrets, 2_000)
    for verified in (lambda: alone.main([str(folder)]) == 0, lambda: audit.verify(folder).size == 2_000):
        before = time.process_time()
        assert verified()
        assert time.process_time() - before < 1


def write_many(folder: Path, secrets: Keys, count: int) -> None:
    """A log such as decisions make."""
    body: dict[str, Any] = {
        "agreement_id": "DSA-1",
        "outcome": "ALLOW",
        "trace": [f"R{n:02}.1 ALLOW" for n in range(45)],
    }
    with log.opened(folder, secrets, now=NOW) as held:
        for start in range(1, count, 1000):
            batch = range(start, min(count, start + 1000))
            held.append(
                [("DECISION", {**body, "n": n, "sha256": sha256(str(n).encode()).hexdigest()}) for n in batch], now=NOW
            )
    assert json.loads((folder / audit.LOG).read_bytes().splitlines()[-1])["seq"] == count - 1
