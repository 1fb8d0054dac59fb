"""CSV and workbooks for people: no cell is run as a formula, and no text is lost.

In a CSV an apostrophe goes before what a spreadsheet would run (OWASP, CSV Injection). In a workbook every cell is
typed as text, so nothing needs to be added there.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

FORMULA_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""First characters by which a spreadsheet takes a cell for a formula (OWASP, CSV Injection), full width ones too."""

_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""What DuckDB's ltrim takes off: Unicode's spaces (category Zs)."""

_BATCH = 50_000
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
MOST_ROWS = 1_048_575
"""Rows of a worksheet below its header."""


def write_csv(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write a CSV for people: UTF-8 with BOM, CRLF, every cell quoted, none that a spreadsheet runs as a formula.

    Gives the number of rows.
    """
    described = connection.execute(f"DESCRIBE {query}").fetchall()
    names = [row[0] for row in described]
    # The lines are made in SQL and joined by the batch: no Python work per cell. And said once for all cells, since to
    # plan it for each takes longer than most lists.
    texts = ", ".join(f"""coalesce(CAST("{name}" AS VARCHAR), '')""" for name in names)
    line = f"array_to_string(list_transform([{texts}], lambda x: {_quoted('x')}), ',')"
    result = connection.execute(f"SELECT {line} AS line FROM ({query})")
    rows = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(",".join(f'"{name}"' for name in names) + "\r\n")
        while batch := result.fetchmany(_BATCH):
            file.write("".join(f"{line}\r\n" for (line,) in batch))
            rows += len(batch)
    return rows


def write_xlsx(connection: duckdb.DuckDBPyConnection, query: str, path: Path, *, sheet: str) -> int:
    """Write a workbook of one sheet, header frozen, every cell a text; gives the number of rows.

    The same rows give the same bytes. ValueError where there are more rows than a sheet holds.
    """
    import xlsxwriter

    names = [row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()]
    columns = ", ".join(f"""coalesce(CAST("{name}" AS VARCHAR), '') AS "{name}\"""" for name in names)
    found = connection.execute(f"SELECT {columns} FROM ({query})").fetchall()
    if len(found) > MOST_ROWS:
        raise ValueError(f"a worksheet holds {MOST_ROWS:,} rows at most; write CSV")
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001
        page = book.add_worksheet(sheet)
        text = book.add_format({"num_format": "@"})
        page.freeze_panes(1, 0)
        for at, name in enumerate(names):
            page.write_string(0, at, name, book.add_format({"bold": True, "bottom": 1}))
            page.set_column(at, at, max(12, len(name) + 2), text)
        for line, row in enumerate(found, 1):
            for at, cell in enumerate(row):
                page.write_string(line, at, _NOT_IN_XML.sub(" ", cell), text)
    return len(found)


def neutralised(text: str) -> str:
    """The same for one text: an apostrophe before what a spreadsheet would run."""
    return f"'{text}" if text.lstrip(_SPACES).startswith(tuple(FORMULA_STARTS)) else text


def is_formula(x: str) -> str:
    """SQL: whether a spreadsheet would run the text `x`, so that a CSV changes it."""
    starts = " || ".join(f"chr({ord(each)})" for each in FORMULA_STARTS)
    return f"(ltrim({x}) <> '' AND contains({starts}, ltrim({x})[1]))"


def cell(column: str) -> str:
    """SQL of one quoted cell of a CSV for people, empty where `column` is null."""
    return _quoted(f"coalesce(CAST({column} AS VARCHAR), '')")


def _quoted(text: str) -> str:
    """SQL of the quoted cell of a text that is not null."""
    # An apostrophe makes the cell a text; a space before the sign would not save it in every program.
    safe = f"CASE WHEN {is_formula(text)} THEN '''' || {text} ELSE {text} END"
    return f"""'"' || replace({safe}, '"', '""') || '"'"""
