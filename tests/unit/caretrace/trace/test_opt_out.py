"""Asking the national check about a run, and taking its answer into use, or not."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.trace import opt_out
from fixtures.systems import ndoo
from governance import optout
from schemas.errors import InputError
from schemas.nhs_number import check_digit
from schemas.sql import install_macros

ANN: dict[str, Any] = {"given_name": "Ann", "birth_date": date(1931, 7, 9)}
TODAY = date(2026, 11, 22)
Make = Callable[..., Any]


def test_everybody_with_a_number_is_asked_about(bench: Make) -> None:
    held, linked = ndoo.ASKED[:2]
    b = bench(
        ANN | {"record_id": "1", "nhs_number": held},
        ANN | {"record_id": "2", "linked": linked},
        ANN | {"record_id": "3"},
    )
    asked = opt_out.request(b.run, b.folder / "out", mailbox="8KM90", **b.common)
    assert (asked.request.name, asked.numbers) == ("8KM90-221126-0001.dat", 2)
    assert asked.request.read_bytes() == f"{held},\n{linked},\n".encode()
    assert "<LocalId>8KM90-221126-0001<" in asked.control.read_text("utf-8")


def test_a_reply_becomes_the_list_a_release_reads(bench: Make) -> None:
    b = bench(ANN | {"record_id": "1"})
    for name, data in ndoo.files().items():
        (b.folder / name.removeprefix("ndoo/")).write_bytes(data)
    reply, asked = b.folder / "reply.dat", b.folder / "request.dat"
    found = opt_out.read(reply, asked, checked_on=TODAY, **b.common)
    assert (found.asked, found.allowed) == (4, 2)
    with duckdb.connect() as connection:
        install_macros(connection, as_at=TODAY)
        facts = optout.load(connection, found.list_)
        allowed = connection.execute("SELECT nhs_number FROM allowed ORDER BY 1").fetchall()
    assert (facts.checked_on, facts.numbers, facts.fault) == (TODAY, 2, None)
    assert [number for (number,) in allowed] == list(ndoo.ALLOWED)


A, B, C, D = ndoo.ASKED
NO_NUMBER, NO_TEXT, NOBODY, STRANGE = "not an NHS number", "is not plain text", "holds no numbers", "not asked about"

# What comes as a reply, by what it is: the numbers it allows, or the words it is refused with.
REPLIES: dict[str, tuple[bytes, int | str]] = {
    "as it should be": (f"{A},\n{C},\n".encode(), 2),
    "CRLF": (f"{A},\r\n{C},\r\n".encode(), 2),
    "without commas": (f"{A}\n{C}\n".encode(), 2),
    "no line break at the end": (f"{A},\n{C},".encode(), 2),
    "the last comma cut off": (f"{A},\n{C}".encode(), 2),
    "a number twice": (f"{A},\n{C},\n{A},\n".encode(), 2),
    "in another order": (f"{C},\n{A},\n".encode(), 2),
    "spaces around": (f" {A},\n  {C} ,\n".encode(), 2),
    "spaces within": (f"{A[:3]} {A[3:6]} {A[6:]},\n{C},\n".encode(), 2),
    "everybody": (f"{A},\n{B},\n{C},\n{D},\n".encode(), 4),
    "nothing at all": (b"", NOBODY),
    "a blank line": (b"\n", NOBODY),
    "blank lines and spaces": (b"\r\n \t\r\n", NOBODY),
    "one comma": (b",\n", NO_NUMBER),
    "a byte order mark": (b"\xef\xbb\xbf" + f"{A},\n".encode(), NO_TEXT),
    "UTF-16": (f"{A},\n".encode("utf-16"), NO_TEXT),
    "UTF-16 without a mark": (f"{A},\n".encode("utf-16-le"), NO_NUMBER),
    "CR alone": (f"{A},\r{C},\r".encode(), NO_NUMBER),
    "in quotes": (f'"{A}",\n"{C}",\n'.encode(), NO_NUMBER),
    "a title": (f"nhs_number\n{A},\n".encode(), NO_NUMBER),
    "a blank line between": (f"{A},\n\n{C},\n".encode(), NO_NUMBER),
    "a blank line at the end": (f"{A},\n{C},\n\n".encode(), NO_NUMBER),
    "a wrong check digit": (f"{A},\n9000000008,\n".encode(), NO_NUMBER),
    "nine digits": (f"{A},\n{C[:9]},\n".encode(), NO_NUMBER),
    "eleven digits": (f"{A}0,\n".encode(), NO_NUMBER),
    "the last line cut": (f"{A},\n{C[:4]}".encode(), NO_NUMBER),
    "letters": (f"{A},\n90O0000025,\n".encode(), NO_NUMBER),
    "digits of another script": ("\u0669\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0669,\n".encode(), NO_TEXT),
    "a spreadsheet's number": (b"9.00E+09,\n", NO_NUMBER),
    "two commas": (f"{A},,\n".encode(), NO_NUMBER),
    "two columns": (f"{A},2026-11-20\n{C},2026-11-20\n".encode(), NO_NUMBER),
    "two numbers a line": (f"{A},{C},\n".encode(), NO_NUMBER),
    "semicolons": (f"{A};\n{C};\n".encode(), NO_NUMBER),
    "a count at the end": (f"{A},\n{C},\n2\n".encode(), NO_NUMBER),
    "an end-of-file mark": (f"{A},\n\x1a".encode(), NO_NUMBER),
    "a NUL": (f"{A},\n{C}\0,\n".encode(), NO_NUMBER),
    "binary": (bytes(range(256)) * 40, NO_TEXT),
    "compressed": (gzip.compress(f"{A},\n".encode(), mtime=0), NO_TEXT),
    "zipped": (b"PK\x03\x04" + bytes(40), NO_NUMBER),
    "one line without an end": (b"9" * 3_000_000, NO_NUMBER),
    "a CSV of people": (f"record_id,nhs_number,family_name\n1,{A},Smith\n".encode(), NO_NUMBER),
    "the control file": (b"<DTSControl>\n</DTSControl>\n", NO_NUMBER),
    "a number more": (f"{A},\n9000000041,\n".encode(), STRANGE),
    "another request's": (b"9000000041,\n", STRANGE),
}


@pytest.mark.parametrize("case", REPLIES)
def test_what_comes_as_a_reply(bench: Make, case: str) -> None:
    data, expected = REPLIES[case]
    b = bench(ANN | {"record_id": "1"})
    (b.folder / "request.dat").write_bytes(ndoo.files()["ndoo/request.dat"])
    (b.folder / "reply.dat").write_bytes(data)
    if isinstance(expected, int):
        found = opt_out.read(b.folder / "reply.dat", b.folder / "request.dat", checked_on=TODAY, **b.common)
        assert found.allowed == expected
        return
    with pytest.raises(InputError, match=expected) as refused:
        opt_out.read(b.folder / "reply.dat", b.folder / "request.dat", checked_on=TODAY, **b.common)
    assert not (b.project.root / "opt-outs").exists()
    assert "\n" not in str(refused.value)
    assert not any(number in str(refused.value) for number in ndoo.ASKED)


@pytest.fixture
def macros() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        install_macros(connection, as_at=TODAY)
        yield connection


@given(st.binary(max_size=60) | st.lists(st.sampled_from([*ndoo.ASKED, ",", "\n", "\r\n", " ", "9"])).map("".join))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_list_nobody_is_allowed_who_is_not_on_a_line_of_it(
    tmp_path: Path, macros: duckdb.DuckDBPyConnection, content: bytes | str
) -> None:
    path = tmp_path / "list.dat"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    read = optout.read_list(macros, path, "allowed")
    allowed = {number for (number,) in macros.execute("SELECT nhs_number FROM allowed").fetchall()}
    assert len(allowed) == read.numbers
    assert not (read.fault and allowed)
    lines = path.read_bytes().split(b"\n")
    assert all(any(number.encode() == line.translate(None, b" ,\r-\t") for line in lines) for number in allowed)


def test_the_request_is_no_reply_to_itself(bench: Make) -> None:
    b = bench(ANN | {"record_id": "1"})
    request = b.folder / "request.dat"
    request.write_bytes(ndoo.files()["ndoo/request.dat"])
    with pytest.raises(InputError, match="is the request itself"):
        opt_out.read(request, request, checked_on=TODAY, **b.common)


def test_a_check_of_many_never_allows_all_of_them(bench: Make) -> None:
    b = bench(ANN | {"record_id": "1"})
    digits = {nine: check_digit(nine) for nine in (f"9{n:08}" for n in range(2 * opt_out.SURELY_SOME))}
    data = "".join(f"{nine}{digit},\n" for nine, digit in digits.items() if digit is not None).encode()
    for name in ("request.dat", "copy.dat"):
        (b.folder / name).write_bytes(data)
    with pytest.raises(InputError, match="it may be the request itself"):
        opt_out.read(b.folder / "copy.dat", b.folder / "request.dat", checked_on=TODAY, **b.common)
    (b.folder / "copy.dat").write_bytes(data[:-12])
    assert opt_out.read(b.folder / "copy.dat", b.folder / "request.dat", checked_on=TODAY, **b.common).allowed > 0


def test_yesterdays_reply_again_is_pointed_out(bench: Make) -> None:
    b = bench(ANN | {"record_id": "1"})
    for name, data in ndoo.files().items():
        (b.folder / name.removeprefix("ndoo/")).write_bytes(data)
    reply, asked = b.folder / "reply.dat", b.folder / "request.dat"
    first = opt_out.read(reply, asked, checked_on=date(2026, 11, 21), **b.common)
    assert (first.same_as, opt_out.read(reply, asked, checked_on=TODAY, **b.common).same_as) == (
        (),
        (first.list_.name,),
    )


def test_a_day_still_to_come(bench: Make) -> None:
    b = bench(ANN | {"record_id": "1"})
    (b.folder / "r.dat").write_bytes(ndoo.files()["ndoo/request.dat"])
    with pytest.raises(InputError, match="still to come"):
        opt_out.read(b.folder / "r.dat", b.folder / "r.dat", checked_on=date(2026, 12, 1), **b.common)
