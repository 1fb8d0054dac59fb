"""A project that wants its files encrypted: nobody's values in any byte of it, and all commands as ever.

The marker is a family name and an NHS number that nobody else has; Parquet and DuckDB may pack a value, so a file that
begins as one of these is counted as plain text too.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.prove

Command = Callable[..., subprocess.CompletedProcess[str]]
FAMILY, NUMBER = "Zzyzxquill", "9990000018"
slow = pytest.mark.long
TIMES = 12


def in_plain(folder: Path) -> list[str]:
    held = ((path, content) for path in _files(folder) if (content := _content(path)) is not None)
    return [
        path.relative_to(folder).as_posix()
        for path, content in held
        if FAMILY.encode() in content.replace(b"\0", b"")
        or NUMBER.encode() in content
        or content[:4] in (b"PAR1", b"PK\3\4")
        or content[8:12] == b"DUCK"
    ]


def _files(folder: Path) -> Iterator[Path]:
    """Those of a folder in which a run may be at work: what it moves away meanwhile is passed over."""
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def with_inbox_beside(root: Path, caretrace: Command) -> Path:
    """An example project whose inbox, with the marker in it, and later deliveries lie beside it."""
    project = root / "project"
    assert caretrace("init", project, "--example").returncode == 0
    (project / "in").rename(root / "in")
    (project / "later").rename(root / "later")
    plant(root / "in")
    (root / "work").mkdir()
    settings = project / "caretrace.toml"
    text = settings.read_text("utf-8").replace('folder = "in/', f'folder = "{(root / "in").as_posix()}/')
    settings.write_text(text, "utf-8")
    return project


def ask_for_encryption(project: Path, root: Path) -> None:
    with (project / "caretrace.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[at_rest]\nencrypt = true\nwork = "{(root / "work").as_posix()}"\n')


def plant(inbox: Path) -> None:
    """Put the marker on one person of both sides."""
    for side in ("clients", "register"):
        path = next((inbox / side).glob("*/person.csv"))
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        own = {"family_name": FAMILY, "given_name": "Aurelio", "birth_date": "1950-02-03"}
        rows[0] |= own | {"nhs_number": NUMBER if side == "register" else ""}
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture(scope="module")
def caretrace(started: Command) -> Command:
    """Each in a process of its own: what a process leaves behind is what is looked at here."""
    return started


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, caretrace: Command) -> Path:
    """A project with its inbox beside it, its keys made, before its first night."""
    root = tmp_path_factory.mktemp("kept")
    project = with_inbox_beside(root, caretrace)
    ask_for_encryption(project, root)
    refused = caretrace("run", "--project", project, env={"CARETRACE_KEYS": str(root / "keys")})
    assert (refused.returncode, "holds no key for that" in refused.stderr) == (1, True)
    assert in_plain(project) == []
    return root


@pytest.fixture(scope="module")
def caretrace_here(place: Path, caretrace: Command) -> Command:
    """Commands with the keys of this project, made once; nothing of what they open is left afterwards."""

    def run(*arguments: str | Path, **words: object) -> subprocess.CompletedProcess[str]:
        env = {"CARETRACE_KEYS": str(place / "keys"), **(words.pop("env", None) or {})}  # type: ignore[dict-item]
        done = caretrace(*arguments, env=env, **words)
        left = [path.name for path in (place / "work").rglob("*") if path.is_file() and path.name != "lock"]
        assert left == []
        assert in_plain(place / "project") == []
        return done

    assert run("keys", "new", "--project", place / "project").returncode == 0
    assert run("keys", "at-rest", "--project", place / "project").returncode == 0
    return run


@pytest.fixture(scope="module")
def nights(place: Path, caretrace_here: Command) -> Path:
    """The project after two nights."""
    project = place / "project"
    done = caretrace_here("run", "--project", project)
    assert (done.returncode, done.stderr) == (0, "")
    shutil.copytree(place / "later", place / "in", dirs_exist_ok=True)
    done = caretrace_here("run", "--project", project)
    assert (done.returncode, done.stderr, done.stdout.startswith("run 2 (night); ")) == (0, "", True)
    return project


@slow
def test_the_commands_that_read_a_run_read_it_as_ever(nights: Path, place: Path, caretrace_here: Command) -> None:
    run, out = nights / "runs" / "0002", place / "out"
    out.mkdir(exist_ok=True)
    own = ("--project", nights)
    plain = place / "plain"
    assert caretrace_here("open", run, "--out", plain).returncode == 0
    with (plain / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        client = next(csv.DictReader(file))["client_id"]
    for name, arguments in {
        "explain": ("explain", run, client),
        "review": ("review", "export", run, "--out", out / "review", "--reader", "a", *own),
        "review here": ("review", "export", run, "--out", nights / "sheets", "--reader", "a", *own),
        "trace": ("trace", "request", run, "--out", out / "trace", *own),
        "trace list": ("trace", "list", *own),
        "load back": ("load-back", run, "--out", out / "load-back", *own),
        "fhir": ("export", "fhir", run, "--out", out / "people.ndjson", "--purpose", "to test", *own),
        "list": ("warehouse", "list", *own),
        "again": ("run", "--again", *own),
        "undo": ("undo", "--to", "2", *own),
    }.items():
        done = caretrace_here(*arguments)
        assert done.returncode == 0, (name, done.stderr, done.stdout)
    views = caretrace_here("warehouse", "views", *own)
    assert (views.returncode, "leaves no views to write" in views.stderr) == (1, True)


def test_the_marker_was_there_to_be_found(nights: Path, place: Path, caretrace_here: Command) -> None:
    """The same bytes in plain hold it, so that the search would have found it."""
    assert caretrace_here("open", nights / "runs" / "0001", "--out", place / "first").returncode == 0
    found = in_plain(place / "first")
    assert {"linked/person.parquet", "links.parquet"} < set(found)
    assert "load_back.csv" in found


@pytest.mark.long
def test_without_the_key_every_command_stops_with_a_sentence(
    nights: Path, place: Path, caretrace_here: Command
) -> None:
    for keys, fault in (("nowhere", "holds no key for that"), ("others", "with a key that is not in the keys folder")):
        env = {"CARETRACE_KEYS": str(place / keys)}
        if keys == "others" and not (place / keys).exists():
            other = place / "other-project"
            other.mkdir()
            assert caretrace_here("keys", "new", "--project", other, env=env).returncode == 0
            assert caretrace_here("keys", "at-rest", "--project", other, env=env).returncode == 0
        for arguments in (("run", "--again"), ("undo", "--to", "1"), ("warehouse", "tables")):
            done = caretrace_here(*arguments, "--project", nights, env=env)
            assert (done.returncode, fault in done.stderr) == (1, True), (arguments, done.stderr)


@pytest.mark.long
def test_a_backup_holds_nothing_in_plain_and_comes_back(nights: Path, place: Path, caretrace_here: Command) -> None:
    made = caretrace_here("backup", "--out", place / "backup.tar", "--project", nights)
    assert made.returncode == 0, made.stderr
    back = place / "back"
    restored = caretrace_here("restore", place / "backup.tar", back)
    assert restored.returncode == 0, restored.stderr
    assert in_plain(back) == []
    done = caretrace_here("run", "--again", "--project", back)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_killed_at_any_moment_nothing_is_left_in_plain(nights: Path, place: Path, caretrace_here: Command) -> None:
    project = place / "killed"
    shutil.copytree(nights, project)
    draw = random.Random(7)  # noqa: S311 - moments, not secrets
    environment = os.environ | {"CARETRACE_KEYS": str(place / "keys")}
    command = [sys.executable, "-m", "caretrace", "run", "--again", "--project", str(project)]
    began = time.monotonic()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    whole = time.monotonic() - began
    for _ in range(TIMES):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + whole * draw.uniform(0.2, 0.95)
        while time.monotonic() < until and process.poll() is None:
            assert in_plain(project) == []
        process.kill()
        process.wait()
        assert in_plain(project) == []
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert in_plain(project) == []
    assert [path for path in (place / "work").rglob("work-*") if path.is_dir()] == []


@slow
def test_a_purged_run_loses_its_key_first(nights: Path, place: Path, caretrace_here: Command) -> None:
    project = nights
    with (project / "caretrace.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[retention]\nruns = 1\nruns_at_least = 3\n")
    for _ in range(2):  # three are kept whatever is asked for
        assert caretrace_here("run", "--again", "--project", project).returncode == 0
    manifest = project / "runs" / "0001" / "manifest.json"
    facts = json.loads(manifest.read_text("utf-8"))
    manifest.write_text(json.dumps({**facts, "created_at": "2020-01-01T00:00:00+00:00"}), "utf-8")
    done = caretrace_here("purge", "--yes", "--project", project)
    assert (done.returncode, (project / "runs" / "0001").exists()) == (0, False), done.stderr


@slow
def test_somebody_who_is_erased_is_gone_from_all_of_it(nights: Path, place: Path, caretrace_here: Command) -> None:
    project = nights  # a copy would share its log's anchor with it
    newest = max((project / "runs").glob("0*"))
    assert caretrace_here("open", newest, "--out", place / "before").returncode == 0
    with (place / "before" / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        client = next(csv.DictReader(file))["client_id"]
    done = caretrace_here("erase", client, "--side", "client", "--reference", "IG-1", "--yes", "--project", project)
    assert done.returncode == 0, done.stderr
    assert in_plain(project) == []
    newest = max((project / "runs").glob("0*"))
    assert caretrace_here("open", newest, "--out", place / "after").returncode == 0
    links = duckdb.sql(f"SELECT count(*) FROM '{place / 'after' / 'links.parquet'}' WHERE record_id = '{client}'")
    assert links.fetchall() == [(0,)]


@slow
def test_begun_in_plain_text_it_is_encrypted_though_killed(tmp_path: Path, caretrace: Command) -> None:
    project, own = with_inbox_beside(tmp_path, caretrace), {"CARETRACE_KEYS": str(tmp_path / "keys")}

    def run(*arguments: str | Path) -> str:
        done = caretrace(*arguments, "--project", project, env=own)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    run("keys", "new")
    run("run")
    shutil.copytree(tmp_path / "later", tmp_path / "in", dirs_exist_ok=True)
    run("run")
    newest = project / "runs" / "0002"
    run("review", "export", newest, "--out", project / "sheets", "--reader", "a")
    run("trace", "request", newest, "--out", project / "asked" / "trace")
    run("load-back", newest, "--out", project / "back" / "list")
    assert len(in_plain(project)) > 20
    ask_for_encryption(project, tmp_path)
    run("keys", "at-rest")
    draw = random.Random(8)  # noqa: S311 - moments, not secrets
    command = [sys.executable, "-m", "caretrace", "encrypt", "--yes", "--project", str(project)]
    for _ in range(TIMES):
        before = len(in_plain(project))
        process = subprocess.Popen(command, env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(in_plain(project)) >= before:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.05))
        process.kill()
        process.wait()
    run("encrypt", "--yes")
    assert in_plain(project) == []
    assert list(project.rglob("*.sealed.partial")) == []
    assert "to encrypt: 0 files" in run("encrypt", "--dry-run")
    for arguments in (
        ("trace", "list"),
        ("run", "--again"),
        ("undo", "--to", "2"),
        ("warehouse", "tables"),
        ("audit", "verify"),
    ):
        run(*arguments)
    run("export", "fhir", newest, "--out", tmp_path / "people.ndjson", "--purpose", "to test")
    assert caretrace("open", newest, "--out", tmp_path / "plain", env=own).returncode == 0
    assert "links.parquet" in in_plain(tmp_path / "plain")
    run("backup", "--out", tmp_path / "backup.tar")
    assert in_plain(project) == []
