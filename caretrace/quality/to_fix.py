"""The lists that go to whoever holds the records: one CSV for each organisation's copy of each system.

In: `quality_found` beside the working store. Out: `<source>-<organisation>.csv` with record ids, what is wrong and what
to do; never a value. Findings that rest on a link below certainty are not in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.quality.find import KINDS
from caretrace.quality.kind import HOLDERS, Kind, Mender, Severity, holder
from caretrace.run_folder import protect
from connectors.writers.for_people import MOST_ROWS, cell, neutralised, write_xlsx

if TYPE_CHECKING:
    import duckdb

FOLDER = "to_fix"
HEAD = ("record_id", "field", "what_is_wrong", "what_to_do", "when", "who", "also_seen_in", "note", "kind")
"""`when` is the severity's word, `who` mends it, `also_seen_in` the kinds of system that contradict the record."""

_LONGEST = 80
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def write(
    connection: duckdb.DuckDBPyConnection, sides: Sequence[str], folder: Path, *, workbooks: bool = False
) -> tuple[Path, ...]:
    """Write the lists into `folder`, which must exist, most urgent first; a source with nothing to mend has none.

    With `workbooks` each stands beside its CSV as XLSX too, unless it is longer than a worksheet can be.
    """
    written: dict[tuple[str, str, str], Path] = {}
    for side in sides:
        result = connection.execute(_chunks_sql(side))
        # A chunk is one source's records of one kind, made into lines by the database: no work here for each record.
        while rows := result.fetchmany(8):
            for source, organisation, lines in rows:
                key = (side, source, organisation)
                if key not in written:
                    written[key] = _begun(folder / file_name(source, organisation, written.values()))
                with written[key].open("a", encoding="utf-8", newline="") as file:
                    file.write(lines)
    for key, path in written.items() if workbooks else ():
        query = _rows_sql(*key)
        ((rows,),) = connection.execute(f"SELECT count(*) FROM ({query})").fetchall()
        if rows <= MOST_ROWS:
            write_xlsx(connection, query, path.with_suffix(".xlsx"), sheet="To mend")
            protect(path.with_suffix(".xlsx"))
    return tuple(written.values())


def file_name(source: str, organisation: str, taken: Iterable[Path] = ()) -> str:
    """A name that every file system takes, and that is none of `taken` even where case is not told apart.

    >>> file_name("emis", "A81001")
    'emis-A81001.csv'
    >>> file_name("carefirst", "../Northshire: Adults")
    'carefirst-Northshire-Adults.csv'
    """
    stem = re.sub(r"\W+", "-", f"{source}-{organisation}").strip("-")[:_LONGEST] or "source"
    if stem.lower() in _WINDOWS_DEVICES:
        stem = f"source-{stem}"
    used = {path.name.lower() for path in taken}
    names = (f"{stem}{'' if n == 1 else f'-{n}'}.csv" for n in range(1, len(used) + 2))
    return next(name for name in names if name.lower() not in used)


def _begun(path: Path) -> Path:
    path.write_text(",".join(f'"{name}"' for name in HEAD) + "\r\n", encoding="utf-8-sig", newline="")
    protect(path)
    return path


def _chunks_sql(side: str) -> str:
    order = list(Severity)
    declared = ", ".join(
        f"({place}, {order.index(kind.severity)}, {kind.discreet}, {_text(_cells(kind))},"
        f" {_text(_cell(kind.mender)) if kind.mender is not Mender.HOLDER else 'NULL'}, {_text(kind.name)})"
        for place, kind in enumerate(KINDS)
        if kind.is_listed(side)
    )
    held_by = " ".join(f"WHEN {_text(source)} THEN {_text(_cell(who))}" for source, who in HOLDERS.items())
    holders = f"CASE p.source {held_by} ELSE {_text(_cell(holder(side, '')))} END"
    seen = cell("CASE WHEN NOT discreet THEN f.others END")
    # What is the same for every record of a kind or system is quoted here, once.
    line = f"""{cell("p.record_id")} || cells || coalesce(who, {holders}) || {seen}
        || ',"' || coalesce(f.note, '') || '","' || name || '"'"""
    return f"""SELECT p.source, p.source_org, string_agg({line} || chr(13) || chr(10), '' ORDER BY p.record_id)
        FROM temp.quality_found f JOIN {side}.person p ON p.rowid = f.row
        JOIN (VALUES {declared}) k(kind, urgency, discreet, cells, who, name) ON k.kind = f.kind
        WHERE f.side = '{side}' AND f.sure
        GROUP BY p.source, p.source_org, k.urgency, k.kind ORDER BY p.source, p.source_org, k.urgency, k.kind"""


def _rows_sql(side: str, source: str, organisation: str) -> str:
    """The same list as rows, for a workbook: few are asked for, so nothing is made beforehand."""
    order = list(Severity)
    declared = ", ".join(
        f"({place}, {order.index(kind.severity)}, {kind.discreet}, "
        + ", ".join(
            map(_text, (kind.column, kind.title, kind.do, kind.severity.value, kind.mended_by(side, source), kind.name))
        )
        + ")"
        for place, kind in enumerate(KINDS)
        if kind.is_listed(side)
    )
    values = ("record_id", "field", "wrong", "what_to_do", "soon", "who", "seen", "note", "name")
    named = ", ".join(f'{value} AS "{name}"' for value, name in zip(values, HEAD, strict=True))
    return f"""SELECT {named} FROM (
        SELECT p.record_id, k.*, CASE WHEN NOT discreet THEN f.others END AS seen, f.note
        FROM temp.quality_found f JOIN {side}.person p ON p.rowid = f.row
        JOIN (VALUES {declared}) k(kind, urgency, discreet, field, wrong, what_to_do, soon, who, name)
            ON k.kind = f.kind
        WHERE f.side = '{side}' AND f.sure AND p.source = {_text(source)} AND p.source_org = {_text(organisation)}
        ORDER BY urgency, kind, p.record_id)"""


def _cells(kind: Kind) -> str:
    """The cells between the record's id and who mends it."""
    words = (kind.column, kind.title, kind.do, kind.severity.value)
    return "," + "".join(f'"{neutralised(word)}",' for word in words)


def _cell(who: Mender) -> str:
    return f'"{neutralised(who.value)}",'


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
