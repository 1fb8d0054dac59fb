"""Web pages that are named as workbooks, as reporting tools export them: each table is read as a sheet."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import zip_longest

from connectors.files.opening import Member, Opening, seekable
from connectors.files.workbook import Sheet
from schemas.errors import InputError

_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|meta|body|table)\b", re.IGNORECASE
)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_-]{3,20})", re.IGNORECASE)
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "windows-1252": "cp1252", "iso-8859-1": "cp1252", "us-ascii": "utf-8"}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WIDEST = 100
"""Columns that one cell may span."""


def is_page(head: bytes) -> bool:
    """Whether a text begins as a web page does."""
    plain = head.decode("utf-16", errors="ignore").encode() if head.startswith(_UTF_16) else head
    return _PAGE.match(plain) is not None


def tables(member: Member, opening: Opening) -> list[Member]:
    """The tables of the page that hold anything; InputError where there is none."""
    import pyarrow as pa

    with seekable(member, opening) as file:
        parser = _Tables()
        parser.feed(_text(file.read()))
        parser.close()
    made = []
    for number, rows in enumerate(parser.tables, start=1):
        columns = list(zip_longest(*rows))
        cells = pa.table(
            [pa.array(column, pa.string()) for column in columns], names=[str(at) for at in range(len(columns))]
        )
        if (sheet := Sheet(cells)).headers():
            made.append((f"table {number}", sheet))
    if not made:
        raise InputError("is a web page without a table; ask for the report as CSV or a workbook", path=member.where)
    return [
        replace(
            member,
            name=f"{member.name}/{name}" if len(made) > 1 else member.name,
            within=(*member.within, name) if len(made) > 1 else member.within,
            stem=member.stem if len(made) == 1 else name,
            sheet=sheet,
        )
        for name, sheet in made
    ]


def _text(page: bytes) -> str:
    if page.startswith(_UTF_16):
        return page.decode("utf-16", errors="replace")
    said = _CHARSET.search(page[:4096])
    encoding = _ENCODINGS.get(said[1].decode().lower()) if said else None
    if encoding is None:
        try:
            return page.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding = "cp1252"
    return page.decode(encoding, errors="replace")


class _Tables(HTMLParser):
    """Rows of cells by table; a table in a cell is a table of its own, for pages are laid out in tables."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str | None]]] = []
        self._open: list[list[list[str | None]]] = []
        self._cell: list[str] | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell; what was left open is closed, as browsers do."""
        if tag == "table":
            self._end_cell()
            self._open.append([])
            self.tables.append(self._open[-1])
        elif not self._open:
            return
        elif tag == "tr":
            self._end_cell()
            self._open[-1].append([])
        elif tag in ("td", "th"):
            self._end_cell()
            if not self._open[-1]:
                self._open[-1].append([])
            self._cell = []
            self._span = self._columns(dict(attrs).get("colspan"))
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Close a cell with what it belongs to."""
        if tag in ("td", "th", "tr", "table"):
            self._end_cell()
        if tag == "table" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Keep the text of a cell."""
        if self._cell is not None:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is not None and self._open and self._open[-1]:
            text = re.sub(r"[ \t\r\n\xa0]+", " ", "".join(self._cell)).strip()
            self._open[-1][-1].extend([text or None, *([None] * (self._span - 1))])
        self._cell = None

    @staticmethod
    def _columns(span: str | None) -> int:
        return min(int(span), _WIDEST) if span and span.isascii() and span.isdigit() and int(span) else 1
