"""How a supplier's files are written: columns to bytes, with the encoding, line ends and quoting the supplier uses."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class FileForm:
    """Everything about a CSV file that is not in its columns."""

    encoding: str = "utf-8"
    line_end: str = "\n"
    empty_quoted: bool = True
    """Whether nothing is written as "" (every cell quoted) or as nothing at all."""


@dataclass(frozen=True)
class Extract:
    """The files of one supplier, by name, and the form they share."""

    form: FileForm
    tables: Mapping[str, pa.Table]

    def write(self, folder: Path) -> list[Path]:
        """Write every file into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for name, table in self.tables.items():
            path = folder / name
            path.write_bytes(encode(table, self.form))
            paths.append(path)
        return paths


def encode(table: pa.Table, form: FileForm) -> bytes:
    """The bytes of one file."""
    if form.empty_quoted:
        filled = [pc.fill_null(pc.cast(column, pa.string()), "") for column in table.columns]
        table = pa.table(dict(zip(table.column_names, filled, strict=True)))
    sink = io.BytesIO()
    options = pyarrow.csv.WriteOptions(quoting_style="all_valid" if form.empty_quoted else "needed", batch_size=65536)
    pyarrow.csv.write_csv(table, sink, options)
    data = sink.getvalue()
    if form.line_end != "\n":
        data = data.replace(b"\n", form.line_end.encode())
    if form.encoding == "utf-8":
        return data
    # A letter outside the code page reaches such a system as a question mark, and comes out as one.
    return data.decode("utf-8").encode(form.encoding, errors="replace")


def year_first(iso: pa.Array) -> pa.Array:
    """A full date for every known year: suppliers that cannot hold a year alone hold its 1 January."""
    year_only = pc.equal(pc.utf8_length(iso), 4)
    return pc.if_else(pc.fill_null(year_only, False), pc.binary_join_element_wise(iso, "-01-01", ""), iso)


def uk_date(iso: pa.Array) -> pa.Array:
    """`dd/mm/yyyy`."""
    return _joined(iso, "/", lambda month: month)


def month_name_date(iso: pa.Array, separator: str = " ", time: str = "") -> pa.Array:
    """`dd MMM yyyy` with English months, and a time of day behind it."""
    names = pa.array(MONTHS)
    written = _joined(iso, separator, lambda month: names.take(pc.subtract(pc.cast(month, pa.int64()), 1)))
    return pc.binary_join_element_wise(written, time, "")


def _joined(iso: pa.Array, separator: str, month_form: Callable[[pa.Array], pa.Array]) -> pa.Array:
    full = year_first(iso)
    day, month, year = (pc.utf8_slice_codeunits(full, *span) for span in ((8, 10), (5, 7), (0, 4)))
    return pc.binary_join_element_wise(day, month_form(month), year, separator)


def spaced_number(digits: pa.Array) -> pa.Array:
    """3-3-4 where there are ten characters; others as they stand."""
    ten = pc.equal(pc.utf8_length(digits), 10)
    parts = [pc.utf8_slice_codeunits(digits, *span) for span in ((0, 3), (3, 6), (6, 10))]
    return pc.if_else(ten, pc.binary_join_element_wise(*parts, " "), digits)


def coded(codes: pa.Array, words: Mapping[str, str]) -> pa.Array:
    """Each code as the supplier's word; others become null."""
    known = pa.array(list(words))
    return pa.array(list(words.values())).take(pc.index_in(codes, value_set=known))


def constant(value: str | None, n: int) -> pa.Array:
    """One value `n` times."""
    return pa.nulls(n, pa.string()) if value is None else pa.repeat(pa.scalar(value), n)


def shaped(columns: tuple[str, ...], values: Mapping[str, pa.Array], n: int) -> pa.Table:
    """A table of exactly `columns`, in order; those without values are empty."""
    if unknown := [name for name in values if name not in columns]:
        raise TypeError(f"columns the supplier does not have: {unknown}")
    return pa.table({name: values.get(name, constant(None, n)) for name in columns})


def columns(titles: str) -> tuple[str, ...]:
    """Titles set apart by spaces, as the suppliers' documents list them."""
    return tuple(titles.split())


def flat(column: pa.Array) -> pa.Array:
    """A column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
