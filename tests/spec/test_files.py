"""What becomes of the files that people send: each reads right, sets records aside, or fails with one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from connectors import Source, read
from connectors.files.records import ONE_MORE
from schemas.errors import InputError

AS_AT = date(2026, 11, 22)
H = "record_id,family_name,phone"
NO_TEXT = "bytes that are no text in the encoding of the file"
TOO_LONG = "longer than any record can be (1 MB)"
AGAIN = "the titles of the header again"
UTF_8, BOM, UTF_16, CP1252 = "UTF-8", "UTF-8 with a byte order mark", "UTF-16", "Windows-1252"
MIXED = "UTF-8 mixed with Windows-1252"
NG = [("1", "Ng")]


def fields(found: int, header: int = 3) -> str:
    return f"{found} field{'s' * (found != 1)} where the header has {header}"


@dataclass(frozen=True)
class Becomes:
    """People as (record_id, family_name), and what is set aside as (line, rule)."""

    people: list[tuple[str, str]]
    aside: list[tuple[int, str]]
    encoding: str = UTF_8


ZOE = f"{H}\n1,Zoë,2\n"
LATE = "".join(f"{n},{'x' * 900_000},\n" for n in range(20, 40))
"""Records of more than one block."""
LATER = [(str(n), "x" * 900_000) for n in range(20, 40)]

# fmt: off
CASES: dict[str, tuple[str | bytes, Becomes]] = {
    "Excel's own first line": (f"sep=,\r\n{H}\r\n1,Ng,2\r\n", Becomes(NG, [])),
    "the same, saved twice": (f'"sep=;",,\r\n{H.replace(",", ";")}\r\n1;Ng;2\r\n', Becomes(NG, [])),
    "a delimiter only it names": (f"sep=^\n{H.replace(',', '^')}\n1^Ng^2\n", Becomes(NG, [])),
    "a byte order mark twice": (f"\ufeff\ufeff{H}\n1,Ng,2\n", Becomes(NG, [], BOM)),
    "a mark, then a quotation mark": ('\ufeff"record_id","family_name"\n"1","Ng"\n', Becomes(NG, [], BOM)),
    "hard spaces in titles": ("record_id\u00a0,\u00a0family_name,phone\n1,Ng,2\n", Becomes(NG, [])),
    "begins with ID, as SYLK does": ("ID,record_id,family_name\n7,1,Ng\n", Becomes(NG, [])),
    "blank lines all over": (f"\n\n{H}\n\n1,Ng,2\n\n\n \n\x1a", Becomes(NG, [])),
    "DOS's end of file behind the last value": (f"{H}\n1,Ng,2\n2,3,Li\x1a\x1a", Becomes([*NG, ("2", "3")], [])),
    "the same behind a name": ("record_id,phone,family_name\n1,2,Ng\x1a", Becomes(NG, [])),
    "the same behind a quotation mark": (f'{H}\n1,Ng,"2"\x1a', Becomes(NG, [])),
    "capitals, and a Mac's line ends": (f"{H.upper()}\r1,Ng,2\r", Becomes(NG, [])),
    "a trailing delimiter everywhere": (f"{H},\n1,Ng,2,\n", Becomes(NG, [])),
    "several trailing delimiters": (f"{H},,\n1,Ng,2,,\n", Becomes(NG, [])),
    "a trailing delimiter in one record": (f"{H}\n1,Ng,2\n2,Li,3,\n", Becomes(NG, [(3, fields(4) + ONE_MORE)])),
    "SQL Server's last line": (f"{H}\n1,Ng,2\n\n(1 rows affected)\n", Becomes(NG, [(4, fields(1))])),
    "a row of totals": (f"{H}\n1,Ng,2\n,Total: 1,\n", Becomes(NG, [(3, "no record_id")])),
    "a rule of dashes is a record": (f"{H}\n---,---,---\n1,Ng,2\n", Becomes([("---", "---"), *NG], [])),
    "two files in one": (f"{H}\n1,Ng,2\n{H}\n2,Li,3\n", Becomes([*NG, ("2", "Li")], [(3, AGAIN)])),
    "a value over two lines": (f'{H}\n1,"N\ng",2\n2,Li,3\n', Becomes([("1", "N\ng"), ("2", "Li")], [])),
    "an open quote": (f'{H}\n1,Ng,2\n2,"Li,3\n', Becomes(NG, [(3, "a quotation mark is never closed")])),
    "a line of ten megabytes": (f"{H}\n2,{'x' * 10_000_000},2\n1,Ng,3\n", Becomes(NG, [(2, TOO_LONG)])),
    "ten megabytes without an end": (f"{H}\n1,Ng,2\n{'x' * 10_000_000}", Becomes(NG, [(3, TOO_LONG)])),
    "cut short": (f"{H}\n1,Ng,2\n2,L", Becomes(NG, [(3, fields(2))])),
    "a NUL": (f"{H}\n1,Ng,2\n2,L\0i,3\n", Becomes(NG, [(3, NO_TEXT)])),
    "UTF-16": (ZOE.encode("utf-16"), Becomes([("1", "Zoë")], [], f"{UTF_16} with a byte order mark")),
    "UTF-16 without a mark": (ZOE.encode("utf-16-be"), Becomes([("1", "Zoë")], [], UTF_16)),
    "Windows-1252": (ZOE.encode("cp1252"), Becomes([("1", "Zoë")], [], CP1252)),
    "Windows-1252 from far down": (
        f"{H}\n{LATE}1,Zoë,2\n".encode("cp1252"), Becomes([*LATER, ("1", "Zoë")], [], CP1252)
    ),
    "UTF-8, then Windows-1252": (
        ZOE.encode() + "2,Zoë,3\n".encode("cp1252"), Becomes([("1", "Zoë"), ("2", "Zoë")], [], MIXED)
    ),
    "Windows-1252 that holds UTF-8 by chance": (
        f"{ZOE}2,REN\u00c9\u2019S,3\n".encode("cp1252"), Becomes([("1", "Zoë"), ("2", "REN\u00c9\u2019S")], [], CP1252)
    ),
    "a byte that is in neither": (ZOE.encode() + b"2,\x81,3\n", Becomes([("1", "Zoë")], [(3, NO_TEXT)], MIXED)),
    "marked as UTF-8, and not held to": (
        f"\ufeff{ZOE}".encode() + b"2,Zo\xeb,3\n", Becomes([("1", "Zoë")], [(3, NO_TEXT)], BOM)
    ),
}
# fmt: on


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Becomes]:
    """What becomes of each file; they are read together, which is cheap."""
    folder = tmp_path_factory.mktemp("files")
    for number, (content, _) in enumerate(CASES.values()):
        path = folder / f"{number}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    sources = [Source(folder / f"{number}.csv", "standard") for number in range(len(CASES))]
    with duckdb.connect() as connection:
        report = read(connection, sources, side="clients", as_at=AS_AT)
        people = connection.execute(
            "SELECT extract_file, list((record_id, family_name) ORDER BY extract_record) FROM clients.person GROUP BY 1"
        ).fetchall()
        aside = connection.execute(
            "SELECT extract_file, list((extract_line, rule) ORDER BY extract_record) FROM clients.set_aside GROUP BY 1"
        ).fetchall()
    made = {}
    for number, name in enumerate(CASES):
        file = next(file for file in report.files if file.name == f"{number}.csv")
        used, left = dict(people).get(file.name, []), dict(aside).get(file.name, [])
        assert (file.used, file.rejected + file.excluded) == (len(used), len(left))
        made[name] = Becomes(used, left, file.encoding or "")
    return made


@pytest.mark.parametrize("name", CASES)
def test_texts(found: dict[str, Becomes], name: str) -> None:
    assert found[name] == CASES[name][1]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda path: path.write_bytes(b""), "the file is empty", id="empty"),
        pytest.param(lambda path: path.write_text(H, encoding="utf-8"), "a header and no records", id="only a header"),
        pytest.param(
            lambda path: path.write_text("record_id\n1", encoding="utf-8"), "at least one of", id="one column"
        ),
        pytest.param(lambda path: path.write_bytes(b"\0" * 5000), "this is not a text file", id="NULs"),
        pytest.param(lambda path: path.write_bytes(b"%PDF-1.7\n"), "it is a PDF", id="a PDF"),
        pytest.param(lambda path: path.write_bytes(b"PAR1...."), "it is a Parquet file", id="Parquet by another name"),
        pytest.param(lambda path: path.write_bytes(b"\r\n<!DOCTYPE html>"), "without a table", id="a web page"),
        pytest.param(lambda path: path.symlink_to(path), "cannot be read", id="a link to itself"),
        pytest.param(lambda path: os.mkfifo(path), "is a pipe or a device", id="a pipe"),
    ],
)
def test_what_is_no_extract(tmp_path: Path, make: Callable[[Path], object], sentence: str) -> None:
    path = tmp_path / "a.csv"
    try:
        make(path)
    except (OSError, AttributeError):
        pytest.skip("this system has no such thing")
    with duckdb.connect() as connection, pytest.raises(InputError, match=sentence):
        read(connection, [Source(path, "standard")], side="clients", as_at=AS_AT)
