"""Which raw records are not used: nobody's, repeated, left out by a rule, or of people who are not here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.standardise.records import remaining
from connectors.supplier import Kind, Repeats, Rule, Supplier
from connectors.values import quoted
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb


ORPHAN = "its person is not in the extract, or was set aside"
"""Why a record is set aside that hangs on nobody."""

OTHERWISE = "another row of this person says otherwise; the first row's is used"
ALONE = "only a further row of this person says it, and it is not used"
"""What DATA_QUALITY says of a row of somebody met before (`Kind.alike`)."""

_Verdict = tuple[str, Rule]
"""What becomes of the records for which the rule holds: `rejected` or `excluded`."""


def refuse(connection: duckdb.DuckDBPyConnection, kind: Kind) -> None:
    """InputError where one record is enough to refuse the whole extract (`Kind.refuse`)."""
    for rule in kind.refuse:
        hit = connection.execute(
            f"SELECT f.name, r.line FROM raw_{kind.name} r JOIN reading_file f USING (file)"
            f" WHERE {rule.when} ORDER BY r.file, r.record LIMIT 1"
        ).fetchall()
        for name, line in hit:
            raise InputError(rule.because, path=name, line=line)


def set_aside(
    connection: duckdb.DuckDBPyConnection, supplier: Supplier, kind: Kind, side: str, held: str | None = None
) -> None:
    """Put into `aside` every record of a kind that is not used; the kinds of people come before the others.

    `held` is a relation of people (source, source_org, record_id) who are known though no file here is of them.
    """
    # What stands between two searches for repeats is asked in one query: to plan one takes longer than a short list.
    rules = _of_nobody(kind)
    if kind.repeats is Repeats.LATEST:
        _put_aside(connection, kind, rules)
        _set_repeats_aside(connection, kind, side)
        rules = []
    rules += [("excluded", rule) for rule in kind.exclude]
    if kind.repeats in (Repeats.FIRST, Repeats.FOLD):
        _put_aside(connection, kind, rules)
        _set_repeats_aside(connection, kind, side)
        rules = []
    if kind.dependant:
        rules.append(_of_others(supplier.people, kind, held))
    else:
        rules += _known(connection, supplier.people, kind, side)
    _put_aside(connection, kind, rules)


def known_here(connection: duckdb.DuckDBPyConnection, kinds: Sequence[Kind], held: str) -> str:
    """Those of the people `held` of whom a record of `kinds` speaks, as a relation.

    A whole register may be held; it is gone through once, and not for every kind.
    """
    if not kinds:
        return held
    spoken_of = " UNION ALL ".join(f"SELECT source, source_org, record_id FROM keyed_{kind.name}" for kind in kinds)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE known_here AS SELECT source, source_org, record_id"
        f" FROM {held} SEMI JOIN ({spoken_of}) USING (source, source_org, record_id)"
    )
    return "known_here"


def _of_nobody(kind: Kind) -> list[_Verdict]:
    """Records that do not say whose they are."""
    if not kind.key_columns:
        return []
    nobody = " OR ".join(f'r."{field}" IS NULL' for field in kind.key_columns)
    missing = f"no {' or no '.join(map(kind.title, kind.key_columns))}"
    return [("rejected", Rule(missing, nobody, kind.key_columns))]


def _known(connection: duckdb.DuckDBPyConnection, people: Sequence[Kind], kind: Kind, side: str) -> list[_Verdict]:
    """People who are known already: from another format of this run, or another kind of file of this one."""
    before = next((people[:at] for at, each in enumerate(people) if each is kind), None)
    if before is None or all(fill.table.name != "PERSON" for fill in kind.fills):
        return []
    known = [_same_key(f"({_people(before)})")] if before else []
    if connection.execute(f"SELECT 1 FROM {side}.person LIMIT 1").fetchall():
        known.append(_same_key(f"{side}.person"))
    if not known:
        return []
    rule = "duplicate: another file of this run holds the same source, organisation and record id"
    exists = " OR ".join(f"EXISTS ({each})" for each in known)
    return [("excluded", Rule(rule, exists, kind.key_columns))]


def _people(kinds: Sequence[Kind]) -> str:
    """The keys of the records of these kinds that are not set aside."""
    return " UNION ALL ".join(f"SELECT r.source, r.source_org, r.record_id FROM {remaining(kind)}" for kind in kinds)


def _same_key(relation: str) -> str:
    match = " AND ".join(f"p.{key} = r.{key}" for key in ("source", "source_org", "record_id"))
    return f"FROM {relation} p WHERE {match}"


def _put_aside(connection: duckdb.DuckDBPyConnection, kind: Kind, rules: Sequence[_Verdict]) -> None:
    """Set aside the remaining records for which a rule holds, by the first that does."""
    if not rules:
        return
    arms = " ".join(f"WHEN {rule.when} THEN {number}" for number, (_, rule) in enumerate(rules))
    meanings = ", ".join(
        f"({number}, {quoted(verdict)}, {quoted(', '.join(map(kind.title, rule.columns)))}, {quoted(rule.because)})"
        for number, (verdict, rule) in enumerate(rules)
    )
    connection.execute(
        f"INSERT INTO aside SELECT {quoted(kind.name)}, file, record, line, source_org, verdict, columns, because"
        f" FROM (SELECT r.file, r.record, r.line, r.source_org, CASE {arms} END AS number"
        f" FROM {remaining(kind)}) found"
        f" JOIN (VALUES {meanings}) meaning (number, verdict, columns, because) USING (number)"
    )


def _set_repeats_aside(connection: duckdb.DuckDBPyConnection, kind: Kind, side: str) -> None:
    key = ", ".join(kind.repeat_key)
    order = f"{kind.newest}, {'file DESC, record DESC' if kind.repeats is Repeats.LATEST else 'file, record'}"
    # Repeats are few: find them first, so that only their records are sorted. Hashes are compared many times as fast as
    # the texts of a key; records that share no more than a hash are each alone in their partition.
    hashed = f"hash({', '.join(f'r.{column}' for column in kind.repeat_key)})"
    told = "".join(f', {sql} AS "told_{column}"' for column, sql in kind.alike.items())
    told += ", r.source, r.record_id" if told else ""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE repeat AS WITH remaining AS (SELECT r.* FROM {remaining(kind)}),"
        f" twice AS (SELECT {hashed} AS hashed FROM remaining r GROUP BY ALL HAVING count(*) > 1)"
        f" SELECT r.file, r.record, r.line, r.source_org, {kind.keep_repeats} AS kept{told},"
        f" row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS place"
        f" FROM remaining r SEMI JOIN twice ON {hashed} = twice.hashed"
    )
    if kind.repeats is Repeats.FOLD:
        connection.execute("INSERT INTO later SELECT file, record FROM repeat WHERE place > 1 AND kept")
        _report_contradictions(connection, kind, side)
    titles = ", ".join(map(kind.title, kind.key_columns))
    connection.execute(
        f"INSERT INTO aside SELECT {quoted(kind.name)}, file, record, line, source_org, 'excluded', {quoted(titles)},"
        f" {quoted(kind.repeats.value)} FROM repeat WHERE place > 1 AND NOT kept"
    )


def _report_contradictions(connection: duckdb.DuckDBPyConnection, kind: Kind, side: str) -> None:
    """Add to DATA_QUALITY what a person's further rows say otherwise than the first (`Kind.alike`)."""
    if not kind.alike:
        return
    key = " AND ".join(f"first.{column} = r.{column}" for column in kind.repeat_key)
    issues = " UNION ALL ".join(
        f'SELECT {quoted(column)} AS "column", CASE WHEN first."told_{column}" <> r."told_{column}" THEN'
        f' {quoted(OTHERWISE)} WHEN first."told_{column}" IS NULL AND r."told_{column}" IS NOT NULL THEN'
        f" {quoted(ALONE)} END AS issue, r.*"
        f" FROM repeat r JOIN repeat first ON first.place = 1 AND r.place > 1 AND {key}"
        for column in kind.alike
    )
    connection.execute(
        f'INSERT INTO {side}.data_quality BY NAME SELECT r.source, r.source_org, r.record_id, r."column", r.issue,'
        " true AS used, f.name AS extract_file, r.record AS extract_record, r.line AS extract_line"
        f" FROM ({issues}) r JOIN reading_file f USING (file) WHERE r.issue IS NOT NULL"
        ' ORDER BY r.file, r.record, r."column"'
    )


def _of_others(people: Sequence[Kind], kind: Kind, held: str | None) -> _Verdict:
    """Records that hang on nobody who is here."""
    known = [f"EXISTS ({_same_key(relation)})" for relation in (f"({_people(people)})", held) if relation]
    return "excluded", Rule(ORPHAN, f"NOT ({' OR '.join(known)})", kind.key_columns)
