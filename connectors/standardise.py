"""From raw text columns to the standard tables: what is left out, what is filled, what was refused.

Works on whole columns with the declarations of one supplier. Every raw record ends in exactly one of three states:
set aside as rejected, set aside as excluded, or used by at least one fill.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.files.memory import Memory
from connectors.supplier import Fill, Kind, Lookup, Repeats, Rule, Supplier
from connectors.values import quoted
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb


def create_work_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """`reading_file` (one row a file), `aside` (records set aside), `later` (further rows of a person already met)."""
    connection.execute("CREATE TEMP TABLE reading_file (file INTEGER, name VARCHAR, source_org VARCHAR)")
    connection.execute(
        "CREATE TEMP TABLE aside (kind VARCHAR, file INTEGER, record BIGINT, line BIGINT, source_org VARCHAR,"
        " verdict VARCHAR, columns VARCHAR, rule VARCHAR)"
    )
    connection.execute("CREATE TEMP TABLE later (file INTEGER, record BIGINT)")


def standardise(
    connection: duckdb.DuckDBPyConnection, supplier: Supplier, side: str, memory: Memory | None = None
) -> None:
    """Fill the tables of `side` from the raw relations `raw_<kind>` of one supplier; `memory` is freed on the way."""
    present = _with_records(connection, supplier.kinds)
    people = supplier.people
    needed = {kind.name for kind in (*present, *people)} | _looked_up(supplier)
    for kind in (kind for kind in supplier.kinds if kind.name in needed):
        if kind.prepare:
            connection.execute(f"CREATE TEMP TABLE prepared_{kind.name} AS {kind.prepare}")
        connection.execute(f"CREATE TEMP VIEW keyed_{kind.name} AS {_keyed(supplier, kind)}")
    for kind in present:
        _refuse(connection, kind)
    filling = [kind for kind in present if kind.fills]
    # People first: what hangs on them is left out where they are.
    for kind in sorted(filling, key=lambda kind: all(kind is not each for each in people)):
        _set_aside(connection, supplier, kind, side)
    for lookup in supplier.lookups:
        connection.execute(f"CREATE TEMP TABLE found_{lookup.alias} AS {_one_each(lookup)}")
    fills = [(kind, fill) for kind in filling for fill in kind.fills]
    for at, (kind, fill) in enumerate(fills, start=1):
        _fill(connection, supplier, kind, fill, side)
        if memory:
            memory.let_go(connection, kind, _named(supplier, kind, fills[at:]))
    connection.execute(
        f"INSERT INTO {side}.set_aside BY NAME SELECT {quoted(supplier.name)} AS source, aside.source_org,"
        " verdict AS kind, name AS extract_file, record AS extract_record, line AS extract_line, columns, rule"
        " FROM aside JOIN reading_file USING (file) ORDER BY file, record"
    )
    for kind in supplier.kinds:
        connection.execute(f"DROP VIEW IF EXISTS keyed_{kind.name}; DROP TABLE IF EXISTS prepared_{kind.name}")


def _looked_up(supplier: Supplier) -> set[str]:
    """Kinds that others look something up in."""
    lookups = (*supplier.lookups, *(lookup for kind in supplier.kinds for lookup in kind.organisations))
    return {name for lookup in lookups for name in lookup.kinds}


def _with_records(connection: duckdb.DuckDBPyConnection, kinds: Sequence[Kind]) -> list[Kind]:
    """The kinds of which there are any records."""
    asked = ", ".join(f"EXISTS (FROM raw_{kind.name})" for kind in kinds)
    (answers,) = connection.execute(f"SELECT {asked}").fetchall()
    return [kind for kind, answer in zip(kinds, answers, strict=True) if answer]


def _named(supplier: Supplier, kind: Kind, fills: Sequence[tuple[Kind, Fill]]) -> set[str]:
    """The fields of a kind that may be needed for `fills`: what is not named cannot be used."""
    sql = " ".join(f"{_keyed(supplier, other)} {_parsed(supplier, other, fill)}" for other, fill in fills)
    words = set(re.findall(r"\w+", sql))
    relations = {f"{relation}_{kind.name}" for relation in ("raw", "prepared", "keyed")}
    return words & set(kind.columns) if words & relations else set()


def _keyed(supplier: Supplier, kind: Kind) -> str:
    """Raw records with the key of the source record they speak of."""
    joins = "".join(_join(lookup, f"({_one_each(lookup)})") for lookup in kind.organisations)
    source = f"coalesce({kind.source}, {quoted(supplier.name)})" if kind.source else quoted(supplier.name)
    replaced = ", ".join(["source_org_default", *({"source", "source_org", "record_id"} & set(kind.columns))])
    derived = "".join(f", {sql} AS {name}" for name, sql in kind.derived.items())
    return (
        f"SELECT r.* EXCLUDE ({replaced}), {source} AS source,"
        f" coalesce({kind.source_org}, r.source_org_default) AS source_org, {kind.record_id} AS record_id{derived}"
        f" FROM (SELECT raw.*, f.source_org AS source_org_default"
        f" FROM {'prepared' if kind.prepare else 'raw'}_{kind.name} raw JOIN reading_file f USING (file)) r{joins}"
    )


def _one_each(lookup: Lookup) -> str:
    """The first record of other kinds for each key that is looked up."""
    on = ", ".join(column for column, _ in lookup.on)
    union = " UNION ALL BY NAME ".join(
        f"SELECT k.* FROM {'raw' if lookup.raw else 'keyed'}_{name} k"
        " ANTI JOIN aside ON aside.file = k.file AND aside.record = k.record"
        for name in lookup.kinds
    )
    return (
        f"SELECT DISTINCT ON ({on}) * FROM ({union}) {lookup.alias} WHERE {lookup.where}"
        f" ORDER BY {on}, {lookup.order}, file DESC, record DESC"
    )


def _join(lookup: Lookup, found: str) -> str:
    match = " AND ".join(f"{lookup.alias}.{column} = {expression}" for column, expression in lookup.on)
    return f" LEFT JOIN {found} {lookup.alias} ON {match}"


def _refuse(connection: duckdb.DuckDBPyConnection, kind: Kind) -> None:
    for rule in kind.refuse:
        hit = connection.execute(
            f"SELECT f.name, r.line FROM raw_{kind.name} r JOIN reading_file f USING (file)"
            f" WHERE {rule.when} ORDER BY r.file, r.record LIMIT 1"
        ).fetchall()
        for name, line in hit:
            raise InputError(rule.because, path=name, line=line)


def _set_aside(connection: duckdb.DuckDBPyConnection, supplier: Supplier, kind: Kind, side: str) -> None:
    if kind.key_columns:
        nobody = " OR ".join(f'r."{field}" IS NULL' for field in kind.key_columns)
        missing = f"no {' or no '.join(map(kind.title, kind.key_columns))}"
        _put_aside(connection, kind, (Rule(missing, nobody, kind.key_columns),), "rejected")
    if kind.repeats is Repeats.LATEST:
        _set_repeats_aside(connection, kind)
    _put_aside(connection, kind, kind.exclude, "excluded")
    if kind.repeats in (Repeats.FIRST, Repeats.FOLD):
        _set_repeats_aside(connection, kind)
    if kind.dependant:
        _orphans_aside(connection, supplier.people, kind)
    else:
        _known_aside(connection, supplier.people, kind, side)


def _known_aside(connection: duckdb.DuckDBPyConnection, people: Sequence[Kind], kind: Kind, side: str) -> None:
    """People who are known already: from another format of this run, or another kind of file of this one."""
    before = next((people[:at] for at, each in enumerate(people) if each is kind), None)
    if before is None or all(fill.table.name != "PERSON" for fill in kind.fills):
        return
    known = [_same_key(f"({_people(before)})")] if before else []
    if connection.execute(f"SELECT 1 FROM {side}.person LIMIT 1").fetchall():
        known.append(_same_key(f"{side}.person"))
    if known:
        rule = "duplicate: another file of this run holds the same source, organisation and record id"
        exists = " OR ".join(f"EXISTS ({each})" for each in known)
        _put_aside(connection, kind, (Rule(rule, exists, kind.key_columns),), "excluded")


def _people(kinds: Sequence[Kind]) -> str:
    """The keys of the records of these kinds that are not set aside."""
    return " UNION ALL ".join(f"SELECT r.source, r.source_org, r.record_id FROM {_remaining(kind)}" for kind in kinds)


def _same_key(relation: str) -> str:
    match = " AND ".join(f"p.{key} = r.{key}" for key in ("source", "source_org", "record_id"))
    return f"FROM {relation} p WHERE {match}"


def _put_aside(connection: duckdb.DuckDBPyConnection, kind: Kind, rules: Sequence[Rule], verdict: str) -> None:
    """Set aside the remaining records for which a rule holds, by the first that does."""
    if not rules:
        return
    arms = " ".join(f"WHEN {rule.when} THEN {number}" for number, rule in enumerate(rules))
    meanings = ", ".join(
        f"({number}, {quoted(', '.join(map(kind.title, rule.columns)))}, {quoted(rule.because)})"
        for number, rule in enumerate(rules)
    )
    connection.execute(
        f"INSERT INTO aside SELECT {quoted(kind.name)}, file, record, line, source_org, {quoted(verdict)},"
        f" columns, because FROM (SELECT r.file, r.record, r.line, r.source_org, CASE {arms} END AS number"
        f" FROM {_remaining(kind)}) found"
        f" JOIN (VALUES {meanings}) meaning (number, columns, because) USING (number)"
    )


def _remaining(kind: Kind) -> str:
    return f"keyed_{kind.name} r ANTI JOIN aside ON aside.file = r.file AND aside.record = r.record"


def _set_repeats_aside(connection: duckdb.DuckDBPyConnection, kind: Kind) -> None:
    key = ", ".join(kind.repeat_key)
    order = f"{kind.newest}, {'file DESC, record DESC' if kind.repeats is Repeats.LATEST else 'file, record'}"
    # Repeats are few: find them first, so that only their records are sorted. Hashes are compared many times as fast as
    # the texts of a key; records that share no more than a hash are each alone in their partition.
    hashed = f"hash({', '.join(f'r.{column}' for column in kind.repeat_key)})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE repeat AS WITH remaining AS (SELECT r.* FROM {_remaining(kind)}),"
        f" twice AS (SELECT {hashed} AS hashed FROM remaining r GROUP BY ALL HAVING count(*) > 1)"
        f" SELECT r.file, r.record, r.line, r.source_org, {kind.keep_repeats} AS kept,"
        f" row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS place"
        f" FROM remaining r SEMI JOIN twice ON {hashed} = twice.hashed"
    )
    if kind.repeats is Repeats.FOLD:
        connection.execute("INSERT INTO later SELECT file, record FROM repeat WHERE place > 1 AND kept")
    titles = ", ".join(map(kind.title, kind.key_columns))
    connection.execute(
        f"INSERT INTO aside SELECT {quoted(kind.name)}, file, record, line, source_org, 'excluded', {quoted(titles)},"
        f" {quoted(kind.repeats.value)} FROM repeat WHERE place > 1 AND NOT kept"
    )


def _orphans_aside(connection: duckdb.DuckDBPyConnection, people: Sequence[Kind], kind: Kind) -> None:
    known = f"EXISTS ({_same_key(f'({_people(people)})')})"
    rule = Rule("its person is not in the extract, or was set aside", f"NOT {known}", kind.key_columns)
    _put_aside(connection, kind, (rule,), "excluded")


def _fill(connection: duckdb.DuckDBPyConnection, supplier: Supplier, kind: Kind, fill: Fill, side: str) -> None:
    rows = _parsed(supplier, kind, fill)
    columns = {name: _say(value.final, name) for name, value in fill.columns.items()}
    columns |= {name: name for name in ("source", "source_org", "record_id", "extract_file")}
    columns |= {"extract_record": "r_record", "extract_line": "r_line"}
    issues, table = _issues(fill), f"{side}.{fill.table.name.lower()}"
    if issues:
        # Whether anything is wrong with a record costs little beside its values, and a second reading costs much: so
        # the number of its file stands in the table for a moment where something is.
        doubt = " OR ".join(f"({test})" for test in _doubts(fill))
        columns["doubtful_file"] = f"CASE WHEN {doubt} THEN r_file END"
        connection.execute(f"ALTER TABLE {table} ADD COLUMN doubtful_file INTEGER")
    select = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
    connection.execute(f"INSERT INTO {table} BY NAME SELECT {select} FROM ({rows})")
    if issues:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE doubtful AS SELECT doubtful_file AS file, extract_record AS record"
            f" FROM {table} WHERE doubtful_file IS NOT NULL"
        )
        connection.execute(f"ALTER TABLE {table} DROP COLUMN doubtful_file")
        _report_quality(connection, supplier, kind, fill, side, issues)


def _parsed(supplier: Supplier, kind: Kind, fill: Fill, only: str = "") -> str:
    """Each record's key, place, texts given (`g_<column>`) and parsed values (`v_<column>`): the dear part, once."""
    joins = "".join(_join(lookup, f"found_{lookup.alias}") for lookup in supplier.lookups if _uses(fill, lookup.alias))
    later = " ANTI JOIN later ON later.file = r.file AND later.record = r.record" if fill.once else ""
    # The place of an element in its list keeps what is reported of one record in one order.
    items = f", unnest({fill.each}) AS item, generate_subscripts({fill.each}, 1) AS item_place" if fill.each else ""
    places = {"r"} | {value.record for value in fill.columns.values()}
    # A text may stand in a record that was looked up; where none was found there is no text either.
    columns = [
        "r.source, r.source_org, r.record_id, f.name AS extract_file",
        *(
            f"{f'r.{at}' if p == 'r' else f'coalesce({p}.{at}, r.{at})'} AS {p}_{at}"
            for p in sorted(places)
            for at in ("file", "record", "line")
        ),
        *(f'{value.parsed} AS "v_{name}"' for name, value in fill.columns.items()),
        *(f'{value.given} AS "g_{name}"' for name, value in fill.columns.items() if value.given),
        f"{'item_place' if fill.each else 0} AS item_place",
    ]
    return (
        f"SELECT {', '.join(columns)} FROM (SELECT r.*{items} FROM {_remaining(kind)}{later}{only}) r"
        f" JOIN reading_file f USING (file){joins} WHERE {fill.where}"
    )


def _uses(fill: Fill, alias: str) -> bool:
    return any(f"{alias}." in value.parsed for value in fill.columns.values())


def _say(template: str, name: str) -> str:
    return template.replace("{v}", f'"v_{name}"').replace("{x}", f'"g_{name}"')


def _report_quality(
    connection: duckdb.DuckDBPyConnection, supplier: Supplier, kind: Kind, fill: Fill, side: str, issues: list[_Issue]
) -> None:
    """One row for each value refused or doubtful, of the records in `doubtful`, which are few."""
    if not connection.execute("SELECT 1 FROM doubtful LIMIT 1").fetchall():
        return
    places = sorted({record for *_, record in issues})
    columns = ["source", "source_org", "record_id", "item_place"]
    columns += [f"{p}_{at}" for p in places for at in ("file", "record", "line")]
    columns += [f"{sql} AS issue_{i}" for i, (_, sql, _, _) in enumerate(issues)]
    kept = {name: value.kept for name, value in fill.columns.items() if value.kept and value.fault}
    columns += [f'{_say(text, name)} AS "kept_{name}"' for name, (text, _) in kept.items()]
    only = " SEMI JOIN doubtful ON doubtful.file = r.file AND doubtful.record = r.record"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE suspect AS SELECT {', '.join(columns)}"
        f" FROM ({_parsed(supplier, kind, fill, only)})"
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


def _doubts(fill: Fill) -> list[str]:
    """Whether anything is wrong, without saying what: the reasons are long, and seldom needed."""
    refused = [
        f'"g_{name}" IS NOT NULL AND {_say(value.final, name)} IS NULL'
        for name, value in fill.columns.items()
        if value.fault
    ]
    warned = [f"({_say(value.warning, name)}) IS NOT NULL" for name, value in fill.columns.items() if value.warning]
    return refused + warned
