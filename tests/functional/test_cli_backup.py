"""A whole project is backed up and brought back, as a user would: whole commands, real files, real kills.

Most commands run in this process, since fifty starts of Python take longer than what they do.
"""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from caretrace.cli import main
from governance import encryption

PROVE = "CARETRACE_PROVE" in os.environ
TIMES = 20 if PROVE else 1
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Run a command as `caretrace` does, in this process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str | Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("CARETRACE_KEYS", env["CARETRACE_KEYS"])
        code = main([str(each) for each in arguments])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """A keys folder of this test alone: it remembers where logs were."""
    return {"CARETRACE_KEYS": str(tmp_path / "keys")}


@pytest.fixture
def project(tmp_path: Path, here: Command, keys: dict[str, str], run_folder: Path) -> Path:
    """A project with a run, a log, and what else may lie there."""
    root = tmp_path / "council"
    (root / "in" / "clients").mkdir(parents=True)
    (root / "in" / "empty").mkdir()
    shutil.copytree(run_folder, root / "runs" / "0001")
    (root / "caretrace.toml").write_text("", encoding="utf-8")
    (root / "in" / "clients" / "März 2026.csv").write_bytes(b"record_id\r\n1\r\n" * 1000)
    (root / "runs" / ".0002.partial-17-x").mkdir()
    (root / "runs" / ".0002.partial-17-x" / "half").write_bytes(b"half")
    for arguments in (["keys", "new"], ["audit", "route", "MIG", *_ROUTE]):
        done = here(*arguments, "--project", root, env=keys)
        assert done.returncode == 0, done.stderr
    return root


_ROUTE = ("--from", "practices", "--to", "council", "--purpose", "care", "--basis", "consent")


def contents(root: Path) -> dict[str, tuple[bytes, int] | None]:
    """Every file but locks and drafts with its bytes and time; folders as None."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if path.name != "lock" and not path.name.endswith(".lock") and ".partial" not in str(path)
    }


def test_there_and_back(tmp_path: Path, started: Command, here: Command, project: Path, keys: dict[str, str]) -> None:
    done = started("backup", "--out", tmp_path / "b.zip", "--project", project, env=keys)
    assert done.returncode == 0, done.stderr
    assert "not encrypted" in done.stderr
    verified = here("restore", tmp_path / "b.zip", "--verify", env=keys)
    assert verified.returncode == 0, verified.stderr
    assert "signed by the key in the keys folder" in verified.stdout
    before = contents(project)
    shutil.rmtree(project)
    back = started("restore", tmp_path / "b.zip", project, env=keys)
    assert back.returncode == 0, back.stderr
    assert "agrees with the anchors kept outside it" in back.stderr
    assert contents(project) == before
    assert "in/empty" in before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    # The log verifies, knows of the backup, and goes on.
    assert here("audit", "verify", "--project", project, env=keys).returncode == 0
    assert here("audit", "route", "later", *_ROUTE, "--project", project, env=keys).returncode == 0
    listed = here("audit", "upkeep", "--project", project, env=keys)
    (row,) = csv.DictReader(io.StringIO(listed.stdout))
    assert (row["what"], row["state"]) == ("backup", "made, or must be taken for made")


def test_encrypted(tmp_path: Path, here: Command, project: Path, keys: dict[str, str]) -> None:
    key, other = tmp_path / "it.key", tmp_path / "other.key"
    public = encryption.new_identity(key)
    encryption.new_identity(other)
    (tmp_path / "backups").mkdir()
    done = here("backup", "--out", tmp_path / "backups", "--to", public, "--project", project, env=keys)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "backups").iterdir()
    assert path.name.endswith(".zip.age")
    assert b"caretrace.toml" not in path.read_bytes()
    for arguments, code, words in (
        (("--verify",), 1, "--key"),
        (("--verify", "--key", other), 1, "not encrypted to the key"),
        (("--verify", "--key", key), 0, "whole and unaltered"),
        ((tmp_path / "back", "--key", key), 0, "restored"),
    ):
        done = here("restore", path, *arguments, env=keys)
        assert (done.returncode, words in done.stdout + done.stderr) == (code, True), done.stderr
    cut = tmp_path / "cut.age"
    cut.write_bytes(path.read_bytes()[:-20])
    assert here("restore", cut, tmp_path / "cut", "--key", key, env=keys).returncode == 4
    assert not (tmp_path / "cut").exists()


def test_a_log_that_came_back_too_old_is_accepted_only_knowingly(
    tmp_path: Path, here: Command, project: Path, keys: dict[str, str]
) -> None:
    assert here("backup", "--out", tmp_path / "b.zip", "--project", project, env=keys).returncode == 0
    assert here("audit", "route", "lost", *_ROUTE, "--project", project, env=keys).returncode == 0
    copy = tmp_path / "copy"
    back = here("restore", tmp_path / "b.zip", copy, env=keys)
    assert back.returncode == 0
    assert "caretrace audit put-back" in back.stderr
    accept = ("audit", "put-back", "--reason", "the disk died")
    refused = here(*accept, "--project", copy, env=keys)
    assert (refused.returncode, "so this is a copy" in refused.stderr) == (3, True)
    assert here(*accept, "--project", project, env=keys).returncode == 1  # nothing is missing there
    shutil.rmtree(project)
    assert here("audit", "verify", "--project", copy, env=keys).returncode == 4
    assert here("audit", "route", "more", *_ROUTE, "--project", copy, env=keys).returncode == 4
    accepted = here(*accept, "--project", copy, env=keys)
    assert (accepted.returncode, "1 entries are lost" in accepted.stdout) == (0, True), accepted.stderr
    assert here("audit", "verify", "--project", copy, env=keys).returncode == 0
    listed = here("audit", "upkeep", "--project", copy, env=keys)
    assert "the disk died" in listed.stdout


def test_without_keys_it_says_so(tmp_path: Path, here: Command, project: Path, keys: dict[str, str]) -> None:
    none = {"CARETRACE_KEYS": str(tmp_path / "none")}
    refused = here("backup", "--out", tmp_path / "b.zip", "--project", project, env=none)
    assert (refused.returncode, "--unlogged" in refused.stderr) == (3, True)
    done = here("backup", "--out", tmp_path / "b.zip", "--unlogged", "--project", project, env=none)
    assert (done.returncode, "neither signed" in done.stderr) == (0, True)
    assert here("restore", tmp_path / "b.zip", "--verify", env=none).returncode == 0
    # Whoever has keys takes nothing unsigned by mistake: the signature may have been cut off.
    assert here("restore", tmp_path / "b.zip", "--verify", env=keys).returncode == 4
    assert here("restore", tmp_path / "b.zip", "--verify", "--unsigned", env=keys).returncode == 0


def test_places_that_will_not_do(tmp_path: Path, here: Command, project: Path, keys: dict[str, str]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    assert here("backup", "--out", tmp_path / "b.zip", "--project", project, env=keys).returncode == 0
    for arguments, words in (
        (("backup", "--out", tmp_path / "b.zip"), "exists already"),
        (("backup", "--out", project / "b.zip"), "lies in the project"),
        (("backup", "--out", tmp_path / "nowhere" / "b.zip"), "no such folder"),
        (("backup", "--out", tmp_path / "c.zip", "--keep", "2"), "--out is a folder"),
        (("restore", tmp_path / "b.zip", tmp_path / "full"), "is not empty"),
        (("restore", tmp_path / "missing.zip", tmp_path / "x"), "no such backup"),
        (("restore", tmp_path / "b.zip"), "--verify"),
    ):
        extra = ("--project", project) if arguments[0] == "backup" else ()
        done = here(*arguments, *extra, env=keys)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert here("restore", tmp_path / "b.zip", tmp_path / "empty", env=keys).returncode == 0
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, here: Command, project: Path, keys: dict[str, str], environment: dict[str, str]
) -> None:
    # A limit on file size stops writes as a full disk does, without filling one.
    code = (
        "import resource, signal, sys; from caretrace.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    public = encryption.new_identity(tmp_path / "it.key")
    (tmp_path / "out").mkdir()
    assert here("backup", "--out", tmp_path / "b.zip", "--project", project, env=keys).returncode == 0
    for arguments in (
        ("backup", "--out", tmp_path / "out", "--project", project),
        ("backup", "--out", tmp_path / "out", "--to", public, "--project", project),
        ("restore", tmp_path / "b.zip", tmp_path / "out" / "back"),
    ):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, env=environment | keys, capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, "the disk is full" in done.stderr) == (1, True), done.stderr
    assert list((tmp_path / "out").iterdir()) == []
    listed = here("audit", "upkeep", "--project", project, env=keys)
    states = [row["state"] for row in csv.DictReader(io.StringIO(listed.stdout))]
    assert states == ["made, or must be taken for made", "failed, nothing left", "failed, nothing left"]


def _start(arguments: list[Any], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "caretrace", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.prove
def test_killed_at_any_moment_nothing_half_is_taken_for_whole(
    tmp_path: Path, here: Command, project: Path, keys: dict[str, str], environment: dict[str, str]
) -> None:
    (project / "in" / "clients" / "large.bin").write_bytes(os.urandom(1 << 20) * 64)
    draw, env = random.Random(2014), environment | keys  # noqa: S311 - moments, not secrets
    out = tmp_path / "out"
    out.mkdir()
    began = time.monotonic()
    assert _start(["backup", "--out", out / "whole.zip", "--project", project], env).wait(60) == 0
    took = time.monotonic() - began
    for number in range(TIMES):
        for what in (
            ["backup", "--out", out / f"{number}.zip", "--project", project],
            ["restore", out / "whole.zip", tmp_path / f"back-{number}"],
        ):
            process = _start(what, env)
            time.sleep(draw.uniform(0.3, 1) * took)
            process.kill()
            process.wait()
    for path in out.glob("[0-9]*.zip"):
        assert here("restore", path, "--verify", env=keys).returncode == 0
    whole = contents(project).keys() - {"audit/log.jsonl"}
    for number in range(TIMES):
        into = tmp_path / f"back-{number}"
        if into.exists():
            assert whole <= contents(into).keys()
        else:
            assert here("restore", out / "whole.zip", into, env=keys).returncode == 0
    assert here("backup", "--out", out / "after.zip", "--project", project, env=keys).returncode == 0
    assert here("audit", "verify", "--project", project, env=keys).returncode == 0
    assert [path.name for path in (*out.iterdir(), *tmp_path.iterdir()) if path.name.startswith(".")] == []


if PROVE:  # minutes, and four gigabytes

    @pytest.mark.prove
    def test_files_over_four_gigabytes(tmp_path: Path, here: Command, keys: dict[str, str]) -> None:
        root = tmp_path / "large"
        root.mkdir()
        for name, more in (("packed.csv", 1), ("stored.bin", 2)):
            with (root / name).open("wb") as file:
                file.truncate(2**32 + more)
        arguments = ("--unlogged", "--project", root)
        done = here("backup", "--out", tmp_path / "b.zip", *arguments, env=keys)
        assert done.returncode == 0, done.stderr
        done = here("restore", tmp_path / "b.zip", tmp_path / "back", env=keys)
        assert done.returncode == 0, done.stderr
        sizes = {path.name: path.stat().st_size for path in (tmp_path / "back").iterdir()}
        assert sizes == {"packed.csv": 2**32 + 1, "stored.bin": 2**32 + 2}
