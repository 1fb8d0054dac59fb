"""The first line of a file: its titles, and what parts them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.files.text import examine_head, raw_blocks
from schemas.errors import InputError

_DELIMITERS = ",;\t|"
_HEAD = 1 << 20


@dataclass(frozen=True)
class Header:
    """Titles in order, the delimiter (None where the file is not delimited text), and the line they stand on."""

    titles: tuple[str, ...]
    delimiter: str | None = ","
    line: int = 1


def read_header(path: Path) -> Header:
    """The first line of `path` that is not blank, parted by what makes the most titles of it."""
    head = next(raw_blocks(path), b"")[:_HEAD]
    encoding, mark = examine_head(path, head)
    text = head[mark:].decode(encoding or "utf-8", errors="replace")
    for number, line in enumerate(_lines(text), start=1):
        if line.strip():
            return _parse(path, line, number)
    raise InputError("the file is empty; export it again", path=path)


def check_titles(path: Path, header: Header) -> None:
    """Refuse a title that stands twice: which of the two columns is meant cannot be known."""
    seen: set[str] = set()
    for title in header.titles:
        if title and title.casefold() in seen:
            raise InputError(
                f"the column {title!r} stands twice in the header; remove or rename one",
                path=path,
                line=header.line if header.delimiter else None,
            )
        seen.add(title.casefold())


def after_header(blocks: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """The blocks of a file without its first `lines` lines; breaks are LF, CRLF or CR."""
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


def _parse(path: Path, line: str, number: int) -> Header:
    read = [(titles, mark) for mark in _DELIMITERS if (titles := _titles(line, mark)) is not None]
    if not read or (len(read) < len(_DELIMITERS) and max(len(titles) for titles, _ in read) == 1):
        raise InputError(
            "the header cannot be read: its quotation marks do not pair; export the file again", path=path, line=number
        )
    titles, delimiter = max(read, key=lambda found: len(found[0]))
    if any("\0" in title for title in titles) or (len(titles) == 1 and "\ufffd" in titles[0]):
        raise InputError("this is not a text file; export it as CSV or Parquet", path=path)
    return Header(tuple(title.strip() for title in titles), delimiter, number)


def _titles(line: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
