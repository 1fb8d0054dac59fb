"""Bad input: one clear sentence and exit code 1, or records set aside by line with counts that add up."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from caretrace.cli import main

HEADER = "record_id,nhs_number,family_name,given_name,birth_date,gender,postcode\r\n"
RARE = "Zanzibarovna"
"""A name that stands in every file; no message may repeat it."""
GOOD = f"1,9434765919,{RARE},Ann,1931-07-09,2,AB1 2CD\r\n"
MORE = "2,,Brown,Bob,1944-02-03,1,AB1 2CE\r\n3,,Clark,Cat,1955-04-05,2,AB1 2CF\r\n"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def _signals_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def file(data: bytes | str, name: str = "clients.csv") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        return path

    return write


def folder_of(name: str, text: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "extract").mkdir()
        (folder / "extract" / name).write_text(text, encoding="utf-8")
        return folder / "extract"

    return write


def loop(folder: Path) -> Path:
    (folder / "a.csv").symlink_to(folder / "b.csv")
    (folder / "b.csv").symlink_to(folder / "a.csv")
    return folder / "a.csv"


def broken_link(folder: Path) -> Path:
    (folder / "a.csv").symlink_to(folder / "nowhere.csv")
    return folder / "a.csv"


def empty_folder(folder: Path) -> Path:
    (folder / "extract").mkdir()
    return folder / "extract"


def unreadable(folder: Path) -> Path:
    """A folder under the name of a file: unreadable for root too, who passes by rights."""
    (folder / "extract" / "person.csv").mkdir(parents=True)
    return folder / "extract"


REFUSED: dict[str, Callable[[Path], Path]] = {
    "no such file": lambda folder: folder / "nowhere.csv",
    "empty file": file(""),
    "white space only": file(" \r\n\r\n"),
    "header only": file(HEADER),
    "byte order mark only": file(b"\xef\xbb\xbf"),
    "wrong delimiter": file((HEADER + GOOD).replace(",", "~")),
    "no header": file(GOOD + MORE),
    "duplicate header": file(HEADER.replace("given_name", "family_name") + GOOD),
    "missing record_id": file(HEADER.replace("record_id", "shoe_size") + GOOD),
    "another system's columns": file("Shoe,Hat,Glove\r\n1,2,3\r\n"),
    "binary": file(bytes(range(256)) * 40),
    "a picture": file(b"\x89PNG\r\n\x1a\n" + bytes(500), "clients.png"),
    "a cut Parquet file": file(b"PAR1" + bytes(100), "clients.parquet"),
    "a ZIP file": file(b"PK\x03\x04" + bytes(500), "clients.csv"),
    "an empty folder": empty_folder,
    "a folder without expected files": folder_of("readme.txt", "nothing here"),
    "unreadable: a folder in place of a file": unreadable,
    "symlink loop": loop,
    "broken symlink": broken_link,
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str) -> None:
    path = REFUSED[case](tmp_path)
    code = main(["check", str(path)])
    out, err = capfd.readouterr()
    assert (code, out) == (1, "")
    assert err.startswith("caretrace: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert RARE not in err
    assert len(err) > len("caretrace: ") + 20


TEN_MEGABYTES = "x" * 10_000_000
# Records, used, and for a record that is used: the column whose value was not.
SET_ASIDE: dict[str, tuple[str | bytes, int, int, str | None]] = {
    "an unterminated quote": (HEADER + GOOD + '9,,"Open,Odd,1950-01-01,1,AB1 2CG\r\n' + MORE, 4, 3, None),
    "too few cells": (HEADER + GOOD + "9,,Short\r\n" + MORE, 4, 3, None),
    "too many cells": (HEADER + GOOD + "9,,Long,Lea,1950-01-01,1,AB1 2CG,extra,cells\r\n" + MORE, 4, 3, None),
    "no id": (HEADER + GOOD + ",,Nobody,Ned,1950-01-01,1,AB1 2CG\r\n" + MORE, 4, 3, None),
    "one id twice": (HEADER + GOOD + GOOD + MORE, 4, 3, None),
    "a 10 MB line": (HEADER + GOOD + f"9,,{TEN_MEGABYTES},Lea,1950-01-01,1,AB1 2CG\r\n" + MORE, 4, 3, None),
    "a number as 4.86E+09": (HEADER + GOOD + "9,4.86E+09,Day,Dan,1950-01-01,1,AB1 2CG\r\n" + MORE, 4, 4, "nhs_number"),
    "a wrong check digit": (HEADER + GOOD + "9,9434765910,Day,Dan,1950-01-01,1,AB1 2CG\r\n" + MORE, 4, 4, "nhs_number"),
    "the 31st of February": (HEADER + GOOD + "9,,Day,Dan,1980-02-31,1,AB1 2CG\r\n" + MORE, 4, 4, "birth_date"),
    "a date in words": (HEADER + GOOD + "9,,Day,Dan,31/02/1980,1,AB1 2CG\r\n" + MORE, 4, 4, "birth_date"),
    "an unknown gender": (HEADER + GOOD + "9,,Day,Dan,1950-01-01,X?,AB1 2CG\r\n" + MORE, 4, 4, "gender"),
    "no postcode": (HEADER + GOOD + "9,,Day,Dan,1950-01-01,1,NOWHERE\r\n" + MORE, 4, 4, "postcode"),
    "UTF-16 with a byte order mark": ((HEADER + GOOD + MORE).encode("utf-16"), 3, 3, None),
    "UTF-16 cut mid-character": ((HEADER + GOOD + MORE).encode("utf-16")[:-5], 3, 2, None),
    "Windows-1252": ((HEADER + GOOD + MORE.replace("Brown", "Zoë")).encode("cp1252"), 3, 3, None),
    "no line end at the end": ((HEADER + GOOD + MORE).removesuffix("\r\n"), 3, 3, None),
    "bars for commas": ((HEADER + GOOD + MORE).replace(",", "|"), 3, 3, None),
    "blank lines between": (HEADER + GOOD + "\r\n\r\n" + MORE, 3, 3, None),
}  # fmt: skip


@pytest.mark.parametrize("case", SET_ASIDE)
def test_read_with_every_record_accounted_for(tmp_path: Path, capfd: pytest.CaptureFixture[str], case: str) -> None:
    data, records, used, column = SET_ASIDE[case]
    code = main(["check", str(file(data)(tmp_path)), "--json"])
    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    facts: dict[str, Any] = json.loads(out)
    read = facts["read"]
    assert (read["records"], read["used"]) == (records, used)
    assert read["records"] == read["used"] + read["rejected"] + read["excluded"]
    assert sum(each["records"] for each in facts["quality"]["set_aside"]) == records - used
    assert column is None or column in {each["column"] for each in facts["quality"]["issues"]}
    assert RARE not in out


@pytest.mark.parametrize("command", ["check", "link"])
def test_an_extract_that_holds_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    path = file(HEADER + GOOD.replace("1,", ",", 1))(tmp_path)
    out = [str(file(HEADER + MORE, "register.csv")(tmp_path)), "--out", str(tmp_path / "run")]
    assert main([command, str(path), *(out if command == "link" else [])]) == 1
    shown, err = capfd.readouterr()
    assert "no record of it can be used as a person (1 read, 1 rejected, 0 excluded)" in err
    assert ("rejected, clients.csv: " in shown) == (command == "check")
    assert names(tmp_path) == ["clients.csv", "register.csv"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["link"], 2),
        (["link", "a.csv", "b.csv"], 2),
        (["nonsense"], 2),
        (["check", "a.csv", "--nonsense"], 2),
        (["link", "a.csv", "b.csv", "--out", "run", "--seed", "-1"], 2),
        (["link", "a.csv", "b.csv", "--out", "run", "--as-at", "yesterday"], 2),
        (["link", "a.csv", "b.csv", "--out", "run", "--memory", "lots"], 1),
        (["link", "a.csv", "b.csv", "--out", "run"], 1),
        (["check", "a.csv", "--as", "nonsense"], 1),
        (["audit", "verify", "--project", "nowhere"], 1),
        (["release", "plan", "a.toml", "--run", "nowhere"], 1),
        (["--version"], 0),
        (["--help"], 0),
    ],
)
def test_wrong_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path.parent / "keys"))
    assert main(arguments) == code
    out, err = capfd.readouterr()
    assert bool(out) == (code == 0)
    assert bool(err) == (code != 0)
    assert "Traceback" not in err
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file size to set")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, people: Path, environment: dict[str, str]
) -> None:
    # A limit on file size stops writes as a full disk does, without filling one.
    code = (
        "import resource, signal, sys; from caretrace.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    out = tmp_path / "run"
    command = [sys.executable, "-c", code, "link", people / "clients.csv", people / "register.csv", "--out", out]
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1, done.stderr
    assert "the disk is full" in done.stderr
    assert done.stderr.count("\n") == 1
    assert names(tmp_path) == []
