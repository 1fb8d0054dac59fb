"""The first lines of a text: its titles, and what parts them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.files.beginning import examine_head
from connectors.files.opening import HEAD, Member
from schemas.errors import InputError

_DELIMITERS = ",;\t|"
_SEP = re.compile(r"\"?sep=(.)\"?[,;\t|]*", re.IGNORECASE)
"""The line that tells Excel the delimiter of what follows."""
RECOGNISED = 4096
"""Bytes at the beginning of a text that `Kind.recognised` is held against."""


@dataclass(frozen=True)
class Header:
    """Titles in order, the delimiter (None where the file is not delimited text), and the line they stand on.

    Line 0 is a text without a header: its records begin on its first line.
    """

    titles: tuple[str, ...]
    delimiter: str | None = ","
    line: int = 1


NO_HEADER = Header((), None, 0)
_TO_STRIP = " \t\xa0\ufeff\u200b"


@dataclass(frozen=True)
class Head:
    """How a text begins: the header on its first line that is not blank, and what may be one on a line below."""

    beginning: bytes
    """Its first RECOGNISED bytes as UTF-8, without a mark."""
    first: Header | InputError
    """The error where that line can be no header, for whoever needs one."""
    below: tuple[Header, ...] = ()
    """Headers that the next lines would make, for kinds of file with a preamble."""


def read_head(member: Member, *, preamble: int = 0) -> Head:
    """How `member` begins, with the headers that up to `preamble` further lines would make.

    Raises InputError where it is empty or no text at all.
    """
    start = member.head
    encoding, mark = examine_head(member.where, start)
    text = start[mark:].decode(encoding or "utf-8", errors="replace")
    beginning = _utf8(start[mark : mark + 2 * RECOGNISED], encoding)[:RECOGNISED]
    lines = [(at, line) for at, line in enumerate(_lines(text), start=1) if line.strip()]
    if not lines:
        raise InputError("the file is empty; export it again", path=member.where)
    sep = _SEP.fullmatch(lines[0][1].strip(_TO_STRIP))
    if sep and len(lines) > 1:
        lines = lines[1:]
    delimiters = sep[1] if sep else _DELIMITERS
    headers = [_parse(member.where, line, at, delimiters) for at, line in lines[: 1 + preamble]]
    if len(lines) == 1 and len(start) == HEAD:
        words = (
            "its first line is longer than 64 KB, so it is no line of titles; export it again with the columns named"
        )
        headers = [InputError(words, path=member.where, line=1)]
    below = tuple(header for header in headers[1:] if isinstance(header, Header))
    return Head(beginning, headers[0], below)


def check_titles(path: Path | str, header: Header, is_used: Callable[[str], bool]) -> None:
    """Refuse a title that is used and stands twice: which of the two columns is meant cannot be known."""
    seen: set[str] = set()
    for title in header.titles:
        if title and title.casefold() in seen and is_used(title):
            # It is used, so it is a title and nobody's value.
            raise InputError(
                f"the column {title!r} stands twice in the header; remove or rename one",
                path=path,
                line=header.line if header.delimiter else None,
            )
        seen.add(title.casefold())


def headerless(head: Head, titles: tuple[str, ...]) -> Header:
    """The header that a text without one would have: the delimiter is the one that makes the most of its first line."""
    first = head.first
    return Header(titles, first.delimiter if isinstance(first, Header) else ",", 0)


def after_header(blocks: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """The blocks of a text without its first `lines` lines; breaks are LF, CRLF or CR."""
    pending = b""
    for block in blocks:
        if lines == 0:
            yield block
            continue
        pending += block
        while lines and (at := _break(pending)) is not None:
            pending = pending[at:]
            lines -= 1
        if lines == 0:
            yield pending
            pending = b""
    if lines and pending.endswith(b"\r"):
        lines -= 1


def _utf8(start: bytes, encoding: str | None) -> bytes:
    """UTF-16 as UTF-8; other encodings agree in the characters that a pattern asks for."""
    return start.decode(encoding, errors="replace").encode() if encoding else start


def _break(text: bytes) -> int | None:
    """Where the next line begins; None where it cannot be told yet (a CR at the end may be half a CRLF)."""
    feed, back = text.find(b"\n"), text.find(b"\r")
    if back >= 0 and (feed < 0 or back < feed):
        if back + 1 == len(text):
            return None
        return back + 2 if text[back + 1 : back + 2] == b"\n" else back + 1
    return feed + 1 if feed >= 0 else None


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _parse(path: Path, line: str, number: int, delimiters: str) -> Header | InputError:
    # A second byte order mark would stand before the first quotation mark.
    line = line.lstrip("\ufeff")
    read = [(titles, mark) for mark in delimiters if (titles := _titles(line, mark)) is not None]
    if not read or (len(read) < len(delimiters) and max(len(titles) for titles, _ in read) == 1):
        return InputError(
            "the header cannot be read: its quotation marks do not pair; export the file again", path=path, line=number
        )
    titles, delimiter = max(read, key=lambda found: len(found[0]))
    if any("\0" in title for title in titles) or (len(titles) == 1 and "\ufffd" in titles[0]):
        return InputError("this is not a text file; export it as CSV or Parquet", path=path)
    return Header(tuple(title.strip().strip(_TO_STRIP) for title in titles), delimiter, number)


def _titles(line: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
