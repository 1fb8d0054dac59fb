"""Standard tables filled from raw records, and what is reported of values that are refused or doubtful."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from connectors.standardise.records import join, left_over, of_file, remaining
from connectors.supplier import Fill, Kind, Supplier
from connectors.values import quoted

if TYPE_CHECKING:
    import duckdb


_FILES = 1 << 40
"""Above what is in doubt, of which there are as many bits as columns, stands the number of the file."""


def fill_table(connection: duckdb.DuckDBPyConnection, supplier: Supplier, kind: Kind, fill: Fill, side: str) -> None:
    """Add to one table of `side` what the remaining records say, and to DATA_QUALITY what is wrong with it."""
    rows = parsed(supplier, kind, fill, left_over(connection, kind, once=fill.once))
    columns = {name: _say(value.final, name) for name, value in fill.columns.items()}
    columns |= {name: name for name in ("source", "source_org", "record_id", "extract_file")}
    columns |= {"extract_record": "r_record", "extract_line": "r_line"}
    doubts, table = _doubts(fill), f"{side}.{fill.table.name.lower()}"
    if doubts:
        # Whether anything is wrong with a record costs little beside its values, and a second reading costs much: so
        # the number of its file and what is in doubt stand in the table for a moment where something is.
        which = " | ".join(
            f"CASE WHEN {test} THEN {1 << place} ELSE 0 END" for place, test in enumerate(doubts.values())
        )
        rows = f"SELECT *, {which} AS doubts FROM ({rows})"
        columns["doubtful"] = f"nullif(doubts, 0) | r_file * {_FILES}"
        connection.execute(f"ALTER TABLE {table} ADD COLUMN doubtful BIGINT")
    select = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
    connection.execute(f"INSERT INTO {table} BY NAME SELECT {select} FROM ({rows})")
    if doubts:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE doubtful AS SELECT"
            f" doubtful // {_FILES} AS file, doubtful % {_FILES} AS doubts, extract_record AS record"
            f" FROM {table} WHERE doubtful IS NOT NULL"
        )
        connection.execute(f"ALTER TABLE {table} DROP COLUMN doubtful")
        ((found,),) = connection.execute("SELECT coalesce(bit_or(doubts), 0) FROM doubtful").fetchall()
        if at_fault := {name for place, name in enumerate(doubts) if found >> place & 1}:
            _report_quality(connection, supplier, kind, fill, side, at_fault)


def parsed(supplier: Supplier, kind: Kind, fill: Fill, records: str) -> str:
    """Each record's key, place, texts given (`g_<column>`) and parsed values (`v_<column>`): the dear part, once.

    `records` is SQL of the keyed records that are not left out, as `r`.
    """
    joins = "".join(join(lookup, f"found_{lookup.alias}") for lookup in supplier.lookups if _uses(fill, lookup.alias))
    # The place of an element in its list keeps what is reported of one record in one order.
    items = f", unnest({fill.each}) AS item, generate_subscripts({fill.each}, 1) AS item_place" if fill.each else ""
    places = {"r"} | {value.record for value in fill.columns.values()}
    # A text may stand in a record that was looked up; where none was found there is no text either.
    columns = [
        f"r.source, r.source_org, r.record_id, {of_file('name', 'r')} AS extract_file",
        *(
            f"{f'r.{at}' if p == 'r' else f'coalesce({p}.{at}, r.{at})'} AS {p}_{at}"
            for p in sorted(places)
            for at in ("file", "record", "line")
        ),
        *(f'{value.parsed} AS "v_{name}"' for name, value in fill.columns.items()),
        *(f'{value.given} AS "g_{name}"' for name, value in fill.columns.items() if value.given),
        f"{'item_place' if fill.each else 0} AS item_place",
    ]
    return f"SELECT {', '.join(columns)} FROM (SELECT r.*{items} FROM {records}) r{joins} WHERE {fill.where}"


def _uses(fill: Fill, alias: str) -> bool:
    return any(f"{alias}." in sql for sql in (fill.where, *(value.parsed for value in fill.columns.values())))


def _say(template: str, name: str) -> str:
    return template.replace("{v}", f'"v_{name}"').replace("{x}", f'"g_{name}"')


def _report_quality(
    connection: duckdb.DuckDBPyConnection, supplier: Supplier, kind: Kind, fill: Fill, side: str, at_fault: set[str]
) -> None:
    """One row for each value refused or doubtful, of the records in `doubtful`, which are few.

    Only the columns `at_fault` are looked at: to plan a query takes longer than to read a few records.
    """
    issues = [issue for issue in _issues(fill) if issue[0] in at_fault]
    places = sorted({record for *_, record in issues})
    columns = ["source", "source_org", "record_id", "item_place"]
    columns += [f"{p}_{at}" for p in places for at in ("file", "record", "line")]
    columns += [f"{sql} AS issue_{i}" for i, (_, sql, _, _) in enumerate(issues)]
    kept = {name: value.kept for name, value in fill.columns.items() if value.kept and name in at_fault}
    columns += [f'{_say(text, name)} AS "kept_{name}"' for name, (text, _) in kept.items()]
    later = " ANTI JOIN later ON later.file = r.file AND later.record = r.record" if fill.once else ""
    only = " SEMI JOIN doubtful ON doubtful.file = r.file AND doubtful.record = r.record"
    fewer = _with_columns(fill, " ".join(columns), at_fault)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE suspect AS SELECT {', '.join(columns)}"
        f" FROM ({parsed(supplier, kind, fewer, remaining(kind) + later + only)})"
    )
    for name, (_, scheme) in kept.items():
        place = fill.columns[name].record
        connection.execute(
            f"INSERT INTO {side}.identifier BY NAME SELECT s.source, s.source_org, s.record_id,"
            f' {quoted(scheme)} AS scheme, "kept_{name}" AS value, f.name AS extract_file,'
            f" {place}_record AS extract_record, {place}_line AS extract_line"
            f" FROM suspect s JOIN reading_file f ON f.file = {place}_file"
            f' WHERE "kept_{name}" IS NOT NULL ORDER BY {place}_file, {place}_record, item_place'
        )
    union = " UNION ALL ".join(
        f'SELECT source, source_org, record_id, {quoted(name)} AS "column", issue_{i} AS issue, {used} AS used,'
        f" {p}_file AS file, {p}_record AS extract_record, {p}_line AS extract_line, item_place"
        f" FROM suspect WHERE issue_{i} IS NOT NULL"
        for i, (name, _, used, p) in enumerate(issues)
    )
    connection.execute(
        f"INSERT INTO {side}.data_quality BY NAME SELECT q.* EXCLUDE (file, item_place), f.name AS extract_file"
        f' FROM ({union}) q JOIN reading_file f USING (file) ORDER BY q.file, extract_record, "column", item_place'
    )


def _with_columns(fill: Fill, sql: str, names: set[str]) -> Fill:
    """The same with no columns but `names` and those whose value is named in `sql`."""
    named = set(re.findall(r"(?<!\w)v_(\w+)", sql)) | names
    return replace(fill, columns={name: value for name, value in fill.columns.items() if name in named})


_Issue = tuple[str, str, bool, str]
"""What may be wrong: the column, SQL of the issue (null where all is well), whether the value is used, where."""


def _issues(fill: Fill) -> list[_Issue]:
    issues = []
    for name, value in fill.columns.items():
        final = _say(value.final, name)
        if value.fault:
            refused = f'"g_{name}" IS NOT NULL AND {final} IS NULL'
            issues.append((name, f"CASE WHEN {refused} THEN {_say(value.fault, name)} END", False, value.record))
        if value.warning:
            warning = f"CASE WHEN {final} IS NOT NULL THEN {_say(value.warning, name)} END"
            issues.append((name, warning, True, value.record))
    return issues


def _doubts(fill: Fill) -> dict[str, str]:
    """By column whether anything is wrong, without saying what: the reasons are long, and seldom needed."""
    doubts = {}
    for name, value in fill.columns.items():
        tests = []
        if value.fault:
            tests.append(f'("g_{name}" IS NOT NULL AND {_say(value.final, name)} IS NULL)')
        if value.warning:
            tests.append(f"({_say(value.warning, name)}) IS NOT NULL")
        if tests:
            doubts[name] = " OR ".join(tests)
    return doubts
