"""What becomes of the files that people send: each reads right, sets records aside, or fails with one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from connectors import ReadReport, Source, read
from schemas.errors import InputError

AS_AT = date(2026, 11, 22)
H = "record_id,family_name,phone"
NO_TEXT = "bytes that are no text in the encoding of the file"
MIXED = "UTF-8 mixed with Windows-1252"
AGAIN = "the titles of the header again"


def load(path: Path) -> tuple[ReadReport, list[tuple[str, str | None]], list[tuple[int, str]]]:
    """The report, people as (record_id, family_name), and what was set aside as (line, rule)."""
    with duckdb.connect() as connection:
        report = read(connection, [Source(path, "standard")], side="clients", as_at=AS_AT)
        people = connection.execute(
            "SELECT record_id, family_name FROM clients.person ORDER BY extract_record"
        ).fetchall()
        aside = connection.execute(
            "SELECT extract_line, rule FROM clients.set_aside ORDER BY extract_record"
        ).fetchall()
    assert report.records == len(people) + len(aside)
    return report, people, aside


def fields(found: int, header: int = 3) -> str:
    return f"{found} fields where the header has {header}"


@pytest.mark.parametrize(
    ("content", "people", "aside"),
    [
        pytest.param(f"sep=,\r\n{H}\r\n1,Ng,2\r\n", [("1", "Ng")], [], id="Excel's own first line"),
        pytest.param(
            f'"sep=;",,\r\n{H.replace(",", ";")}\r\n1;Ng;2\r\n', [("1", "Ng")], [], id="the same, saved twice"
        ),
        pytest.param(f"sep=^\n{H.replace(',', '^')}\n1^Ng^2\n", [("1", "Ng")], [], id="a delimiter only it names"),
        pytest.param(f"\ufeff\ufeff{H}\n1,Ng,2\n", [("1", "Ng")], [], id="a byte order mark twice"),
        pytest.param(
            '\ufeff"record_id","family_name"\n"1","Ng"\n', [("1", "Ng")], [], id="a mark before a quotation mark"
        ),
        pytest.param(
            "record_id\u00a0,\u00a0family_name,phone\n1,Ng,2\n", [("1", "Ng")], [], id="hard spaces in titles"
        ),
        pytest.param("ID,record_id,family_name\n7,1,Ng\n", [("1", "Ng")], [], id="begins with ID, as SYLK does"),
        pytest.param(f"\n\n{H}\n\n1,Ng,2\n\n\n \n\x1a", [("1", "Ng")], [], id="blank lines all over"),
        pytest.param(f"{H},\n1,Ng,2,\n", [("1", "Ng")], [], id="a trailing delimiter everywhere"),
        pytest.param(f"{H},,\n1,Ng,2,,\n", [("1", "Ng")], [], id="several trailing delimiters"),
        pytest.param(f"{H}\n1,Ng,2,\n", [], [(2, fields(4))], id="a trailing delimiter in records only"),
        pytest.param(
            f"{H}\n1,Ng,2\n\n(1 rows affected)\n", [("1", "Ng")], [(4, fields(1))], id="SQL Server's last line"
        ),
        pytest.param(
            f"{H}\n---,---,---\n1,Ng,2\n", [("---", "---"), ("1", "Ng")], [], id="a rule of dashes is a record"
        ),
        pytest.param(f"{H}\n1,Ng,2\n,Total: 1,\n", [("1", "Ng")], [(3, "no record_id")], id="a row of totals"),
        pytest.param(f"{H}\n1,Ng,2\n{H}\n2,Li,3\n", [("1", "Ng"), ("2", "Li")], [(3, AGAIN)], id="two files in one"),
        pytest.param(f"{H}\n1,N\0g,2\n2,Li,3\n", [("2", "Li")], [(2, NO_TEXT)], id="a NUL"),
        pytest.param(f'{H}\n1,"N\ng",2\n2,Li,3\n', [("1", "N\ng"), ("2", "Li")], [], id="a value over two lines"),
        pytest.param(
            f'{H}\n1,"Ng,2\n2,Li,3\n', [("2", "Li")], [(2, "a quotation mark is never closed")], id="an open quote"
        ),
        pytest.param(
            f"{H}\n1,{'x' * 10_000_000},2\n2,Li,3\n",
            [("2", "Li")],
            [(2, "longer than any record can be (1 MB)")],
            id="a line of ten megabytes",
        ),
        pytest.param(
            f"{H}\n1,Ng,2\n{'x' * 10_000_000}",
            [("1", "Ng")],
            [(3, "longer than any record can be (1 MB)")],
            id="no end",
        ),
        pytest.param(f"{H}\n1,Ng,2\n2,L", [("1", "Ng")], [(3, fields(2))], id="cut short"),
        pytest.param(f"{H.upper()}\r1,Ng,2\r", [("1", "Ng")], [], id="capitals, and a Mac's line ends"),
        pytest.param("record_id\n1\n", None, "at least one of the columns", id="one column"),
    ],
)
def test_texts(
    tmp_path: Path, content: str, people: list[tuple[str, str]] | None, aside: list[tuple[int, str]] | str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode())
    if isinstance(aside, str):
        with pytest.raises(InputError, match=aside):
            load(path)
    else:
        assert load(path)[1:] == (people, aside)


LATE = b"".join(b"%d,%s,\n" % (n, b"x" * 900_000) for n in range(20))
"""Records of more than one block."""


@pytest.mark.parametrize(
    ("content", "encoding", "names", "rejected"),
    [
        pytest.param(f"{H}\n1,Zoë,2\n".encode("utf-16"), "UTF-16 with a byte order mark", ["Zoë"], [], id="UTF-16"),
        pytest.param(f"{H}\n1,Zoë,2\n".encode("utf-16-be"), "UTF-16", ["Zoë"], [], id="UTF-16 without a mark"),
        pytest.param(f"{H}\n1,Zoë,2\n".encode("cp1252"), "Windows-1252", ["Zoë"], [], id="Windows-1252"),
        pytest.param(f"{H}\n1,Zoë,2\n".encode() + "2,Zoë,3\n".encode("cp1252"), MIXED, ["Zoë", "Zoë"], [], id="mixed"),
        pytest.param(
            f"{H}\n1,REN\u00c9\u2019S,2\n2,Zoë,3".encode("cp1252"),
            "Windows-1252",
            ["REN\u00c9\u2019S", "Zoë"],
            [],
            id="UTF-8 by chance",
        ),
        pytest.param(f"{H}\n1,Zoë,2\n".encode() + b"2,\x81,3\n", MIXED, ["Zoë"], [3], id="mixed, and in neither"),
        pytest.param(
            f"\ufeff{H}\n1,Zoë,2\n".encode() + "2,Zoë,3\n".encode("cp1252"),
            "UTF-8 with a byte order mark",
            ["Zoë"],
            [3],
            id="marked, and not held to",
        ),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, encoding: str, names: list[str], rejected: list[int]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    report, people, aside = load(path)
    assert report.files[0].encoding == encoding
    assert [name for _, name in people] == names
    assert [line for line, _ in aside] == rejected


def test_one_bad_byte_far_down_settles_the_encoding_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{H}\n".encode() + LATE + "77,Zoë,3\n".encode("cp1252"))
    with duckdb.connect() as connection:
        report = read(connection, [Source(path, "standard")], side="clients", as_at=AS_AT)
        ((last,),) = connection.execute("SELECT family_name FROM clients.person WHERE record_id = '77'").fetchall()
    assert (report.files[0].encoding, report.files[0].rejected, last) == ("Windows-1252", 0, "Zoë")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda path: path.write_bytes(b""), "the file is empty", id="empty"),
        pytest.param(lambda path: path.write_text(H, encoding="utf-8"), "a header and no records", id="only a header"),
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
    with pytest.raises(InputError, match=sentence):
        load(path)
