"""The same rows as CSV, as a workbook, or as a page to print; all safe to open, and nothing in them from outside.

A page is one HTML file without scripts, to be printed on paper of A4 across. Rows of more columns than that holds are
printed one below the other, each as a list of its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from governance import at_rest
from governance.files import write_durably
from schemas.errors import InputError

MOST_ACROSS = 12
"""Columns that can be read side by side on a page."""
_STARTS = ("=", "+", "-", "@", "\t", "\r")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
@page {{ size: A4 landscape; margin: 12mm }}
body {{ font: 11pt/1.4 Arial, sans-serif; color: #212b32; margin: 1.5rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border: 1px solid #aeb7bd; padding: .3rem .4rem; text-align: left; vertical-align: top }}
td {{ overflow-wrap: anywhere }}
th {{ background: #f0f4f5 }}
thead {{ display: table-header-group }}
h2 {{ break-after: avoid }}
tr {{ break-inside: avoid }}
{style}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
_STYLE = """table.dense { font-size: 9pt }
table.one { margin-bottom: 1rem; table-layout: fixed }
table.one th { width: 25% }"""


def write(
    path: Path,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    made_at: datetime,
    names_people: bool = False,
) -> None:
    """Write rows as the file's ending says (.csv, .xlsx, .html), for its owner only; InputError where it exists.

    With `names_people` it is encrypted where its place is in a project that wants that (`governance.at_rest`).
    """
    if path.exists():
        raise InputError("exists already; choose a new file", path=path)
    if path.suffix not in (".csv", ".xlsx", ".html"):
        raise InputError("a file's name has to end with .csv, .xlsx or .html", path=path)
    data = {
        ".csv": lambda: _csv(columns, rows),
        ".xlsx": lambda: _xlsx(title, columns, rows),
        ".html": lambda: html(title, columns, rows, made_at=made_at).encode(),
    }[path.suffix]()
    try:
        (at_rest.write_durably if names_people else write_durably)(path, data)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", path=path) from None


def framed(title: str, body: str, *, style: str = "") -> str:
    """A page to print of `body`, which is HTML, under its title, which is text; `style` is CSS beside the usual."""
    return _PAGE.format(title=escape(title), body=body, style=style)


def html(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, made_at: datetime) -> str:
    """The page to print."""
    count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    body = _side_by_side(columns, rows) if len(columns) <= MOST_ACROSS else _one_by_one(columns, rows)
    told = f"<p>{count}, from the audit log, {made_at:%d %B %Y, %H:%M} UTC.</p>"
    return framed(title, f"{told}\n{body}", style=_STYLE)


def _side_by_side(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    heads = "".join(f"<th scope='col'>{escape(_spoken(name))}</th>" for name in columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(str(row[name]))}</td>" for name in columns) + "</tr>" for row in rows
    )
    dense = " class='dense'" if len(columns) > MOST_ACROSS // 2 else ""
    return f"<table{dense}>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _one_by_one(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Each row as a table of two columns, under the value of its first."""
    return "\n".join(
        f"<h2>{escape(str(row[columns[0]]))}</h2>\n<table class='one'>\n<tbody>\n"
        + "\n".join(
            f"<tr><th scope='row'>{escape(_spoken(name))}</th><td>{escape(str(row[name]))}</td></tr>"
            for name in columns[1:]
        )
        + "\n</tbody>\n</table>"
        for row in rows
    )


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_safe(str(row[name])) for name in columns] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _xlsx(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    import xlsxwriter

    data = io.BytesIO()
    # Strings stay strings: no formula, link or number is made of them.
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        sheet = book.add_worksheet("rows")
        sheet.set_header(f"&L{title.replace('&', '&&')}")
        sheet.set_landscape()
        sheet.freeze_panes(1, 0)
        for at, name in enumerate(columns):
            sheet.write_string(0, at, _spoken(name))
            for down, row in enumerate(rows, start=1):
                sheet.write_string(down, at, str(row[name]))
    return data.getvalue()


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_STARTS) else text


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()
