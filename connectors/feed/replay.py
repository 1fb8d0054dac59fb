"""Laying deliveries over each other: what is left is what one full extract of today would hold.

Works on the raw records, before anything is standardised: whatever an earlier delivery says and a later one has
overtaken is set aside, so that the rest of the pass sees one state of things. With a single delivery nothing is done.

- A record replaces the one with its key (`Kind.row`) from an earlier delivery.
- A full file replaces what earlier deliveries held of its kind, for the organisations its delivery speaks of. An
  organisation that it does not speak of stays: that a whole organisation is gone has other reasons than its records.
- A record that only says that another is gone takes it with it, in the same feed, up to its own delivery.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from connectors.feed.facts import Told
from connectors.supplier import Kind, Repeats, Row, Supplier
from connectors.values import listed, quoted
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    import duckdb

REPLACED = "replaced: a later full extract holds everything of this organisation"
GONE = "removed with its person"
LEFT_OUT = "its organisation is left out of this reading on request"
FEWEST = 20
"""People of one organisation below which it is not asked whether too many have gone [our own choice]."""
MOST_GONE = 0.5
"""Share of an organisation's people that one delivery may take away before it is held [our own choice]."""


def replay(connection: duckdb.DuckDBPyConnection, supplier: Supplier, told: Told) -> None:
    """Set aside whatever later deliveries have overtaken; InputError where the last takes too much away at once."""
    kinds = [kind for kind in supplier.kinds if kind.row]
    _place(connection, told)
    for kind in kinds:
        connection.execute(f"CREATE TEMP VIEW delivered_{kind.name} AS {_delivered(kind)}")
    if len(told.deliveries) > 1:
        _find_whole(connection, kinds)
        person = supplier.person
        if person in kinds:
            _check_gone(connection, supplier, told)
        for kind in kinds:
            _overtaken(connection, kind)
    for kind in kinds:
        if kind.row and kind.row.organisation and kind.row.removed != "false":
            _taken_back(connection, kind)
        if len(told.deliveries) > 1 and kind.row and kind.row.person:
            _gone_with_person(connection, supplier.person, kind)


def clear(connection: duckdb.DuckDBPyConnection, supplier: Supplier) -> None:
    """Drop what `replay` made."""
    for kind in (kind for kind in supplier.kinds if kind.row):
        connection.execute(f"DROP VIEW IF EXISTS delivered_{kind.name}")
    for table in ("delivery", "whole"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def leave_out(connection: duckdb.DuckDBPyConnection, supplier: Supplier, organisations: Sequence[str]) -> None:
    """Set aside every record of organisations that the caller knowingly reads without; SettingsError for a slip."""
    kinds = [kind for kind in supplier.kinds if kind.row and kind.row.organisation] if organisations else []
    met: set[str] = set()
    for kind in kinds:
        own = f'r."{kind.row.organisation}"' if kind.row else "NULL"
        names = {own, supplier.organisation_name(own)}
        for name in names:
            met |= {each for (each,) in connection.execute(f"SELECT DISTINCT {name} FROM raw_{kind.name} r").fetchall()}
        _put_aside(connection, kind, LEFT_OUT, " OR ".join(f"{name} IN ({listed(organisations)})" for name in names))
    if unknown := sorted(set(organisations) - met):
        # A slip of the pen would let in what was meant to stay out.
        raise SettingsError(
            f"no {supplier.name} record is of {', '.join(unknown)}, which is to be left out; check the code"
        )


def hold(connection: duckdb.DuckDBPyConnection, supplier: Supplier) -> None:
    """InputError where the latest record of a kind says that an organisation's data may not be used."""
    for kind in supplier.kinds:
        if not kind.hold or not kind.row:
            continue
        key = ", ".join(f'r."{field}"' for field in _key(kind.row))
        held = connection.execute(
            f"SELECT f.name, r.line, {kind.hold.organisation} FROM (SELECT DISTINCT ON ({key}) r.*"
            f" FROM delivered_{kind.name} r ANTI JOIN aside ON aside.file = r.file AND aside.record = r.record"
            f" ORDER BY {key}, delivery DESC, {kind.newest}, r.file DESC, r.record DESC) r"
            f" JOIN reading_file f USING (file) WHERE {kind.hold.when} ORDER BY r.file, r.record"
        ).fetchall()
        if held:
            name, line, _ = held[0]
            organisations = _shown(organisation for *_, organisation in held)
            raise InputError(kind.hold.because.format(organisations=organisations), path=name, line=line)


def _shown(organisations: Iterable[object]) -> str:
    """Practices by their codes. What has another form is not repeated: in a damaged file it may be anybody's value."""
    names = {str(each) for each in organisations}
    codes = sorted(name for name in names if re.fullmatch("[A-Z][0-9]{5}", name))
    others = len(names) - len(codes)
    unnamed = f"{others} organisation{'s' * (others > 1)} without a practice code"
    return ", ".join([*codes, *([unnamed] if others else [])])


def _place(connection: duckdb.DuckDBPyConnection, told: Told) -> None:
    """`delivery`: the place of each file."""
    connection.execute(
        "CREATE TEMP TABLE delivery (file INTEGER, kind VARCHAR, feed VARCHAR, delivery INTEGER, whole BOOLEAN)"
    )
    connection.executemany(
        "INSERT INTO delivery VALUES (?, ?, ?, ?, ?)",
        [[place.file, place.kind, place.feed, place.delivery, place.whole] for place in told.places],
    )


def _delivered(kind: Kind) -> str:
    return f"SELECT r.*, d.feed, d.delivery, d.whole FROM raw_{kind.name} r JOIN delivery d USING (file)"


def _find_whole(connection: duckdb.DuckDBPyConnection, kinds: Sequence[Kind]) -> None:
    """`whole`: kind, organisation and the last delivery that holds everything of the two."""
    speaking = " UNION ".join(
        f'SELECT DISTINCT delivery, "{kind.row.organisation}" AS organisation FROM delivered_{kind.name}'
        for kind in kinds
        if kind.row and kind.row.organisation and kind.fills
    )
    connection.execute(
        "CREATE TEMP TABLE whole AS SELECT kind, organisation, max(delivery) AS delivery"
        f" FROM (SELECT kind, delivery FROM delivery WHERE whole) JOIN ({speaking}) USING (delivery)"
        " WHERE organisation IS NOT NULL GROUP BY ALL"
    )


def _overtaken(connection: duckdb.DuckDBPyConnection, kind: Kind) -> None:
    row = kind.row
    if row is None:
        return
    if row.organisation and kind.fills:
        before = (
            f"(SELECT w.delivery FROM whole w WHERE w.kind = {quoted(kind.name)}"
            f' AND w.organisation = r."{row.organisation}")'
        )
        _put_aside(connection, kind, REPLACED, f"r.delivery < {before}")
    key = _key(row)
    same = " AND ".join(f'r."{field}" IS NOT DISTINCT FROM k."{field}"' for field in key)
    fields = ", ".join(f'"{field}"' for field in key)
    connection.execute(
        f"INSERT INTO aside SELECT {quoted(kind.name)}, r.file, r.record, r.line, r.source_org, 'excluded',"
        f" {quoted(', '.join(map(kind.title, key)))}, {quoted(Repeats.LATEST.value)}"
        f" FROM {_remaining(kind)} JOIN (SELECT {fields}, max(delivery) AS delivery FROM delivered_{kind.name}"
        f" GROUP BY ALL HAVING count(DISTINCT delivery) > 1) k ON {same} AND r.delivery < k.delivery"
    )


def _taken_back(connection: duckdb.DuckDBPyConnection, kind: Kind) -> None:
    """What a removal without an organisation takes with it: its key, for every organisation of the feed."""
    row = kind.row
    if row is None:
        return
    fields = ", ".join(f'r."{field}"' for field in row.key)
    bare = (
        f"SELECT DISTINCT r.feed, r.delivery, {fields} FROM delivered_{kind.name} r WHERE {row.removed}"
        f' AND r."{row.organisation}" IS NULL'
    )
    if not connection.execute(f"{bare} LIMIT 1").fetchall():
        return
    same = " AND ".join(f'k."{field}" = r."{field}"' for field in row.key)
    connection.execute(
        f"INSERT INTO aside SELECT DISTINCT {quoted(kind.name)}, r.file, r.record, r.line, r.source_org, 'excluded',"
        f" {quoted(', '.join(map(kind.title, row.key)))}, {quoted(row.because)} FROM {_remaining(kind)}"
        f" JOIN ({bare}) k ON coalesce(k.feed = r.feed, true) AND k.delivery >= r.delivery AND {same}"
        f' WHERE r."{row.organisation}" IS NOT NULL AND NOT ({row.removed})'
    )


def _gone_with_person(connection: duckdb.DuckDBPyConnection, person: Kind, kind: Kind) -> None:
    """What hung on a person when the person was removed, so that it does not come back with the person.

    Suppliers send no removals for it. Within the last delivery of a person the ordinary rules decide.
    """
    row, whose = kind.row, person.row
    if row is None or whose is None:
        return
    removals = (
        f'SELECT r.feed, r."{whose.key[0]}" AS person, r."{whose.organisation}" AS organisation,'
        f" max(r.delivery) AS delivery FROM delivered_{person.name} r WHERE {whose.removed}"
        " AND r.delivery > 0 GROUP BY ALL"
    )
    _put_aside(
        connection,
        kind,
        GONE,
        f'EXISTS (SELECT 1 FROM ({removals}) k WHERE k.person = r."{row.person}" AND k.delivery >= r.delivery'
        f' AND coalesce(k.feed = r.feed, true) AND coalesce(k.organisation = r."{row.organisation}", true))',
    )


def _check_gone(connection: duckdb.DuckDBPyConnection, supplier: Supplier, told: Told) -> None:
    """Hold a last delivery that takes most people of an organisation away, unless the caller said what it is."""
    person, last = supplier.person, len(told.deliveries)
    row = person.row
    if row is None or row.organisation is None or any(file.source.feed for file in told.deliveries[-1].files):
        return
    key = ", ".join(f'r."{field}"' for field in row.key)
    upto = (
        f'SELECT r."{row.organisation}" AS organisation, {key}, arg_max({row.removed}, r.delivery) AS gone,'
        f" max(r.delivery) AS seen FROM delivered_{person.name} r WHERE r.delivery <="
    )
    held = connection.execute(
        f"WITH before AS ({upto} {last - 1} GROUP BY ALL), now AS ({upto} {last} GROUP BY ALL),"
        f" replaced AS (SELECT organisation FROM whole WHERE kind = {quoted(person.name)} AND delivery = {last})"
        f" SELECT {supplier.organisation_name('organisation')} FROM"
        " (SELECT organisation, count(*) AS people FROM before WHERE NOT gone GROUP BY ALL)"
        f" LEFT JOIN (SELECT organisation, count(*) AS left_over FROM now WHERE NOT gone AND (seen = {last}"
        " OR organisation NOT IN (SELECT organisation FROM replaced WHERE organisation IS NOT NULL)) GROUP BY ALL)"
        f" USING (organisation) WHERE people >= {FEWEST} AND coalesce(left_over, 0) < people * {1 - MOST_GONE}"
        " ORDER BY organisation"
    ).fetchall()
    if held:
        raise InputError(
            f"takes away more than half of the people of {_shown(name for (name,) in held)}, as happens when a"
            " sharing agreement ends, or changes are taken for a full extract; find out which, then say that it is full"
            " or delta",
            path=told.deliveries[-1].label,
        )


def _key(row: Row) -> tuple[str, ...]:
    return (*row.key, row.organisation) if row.organisation else row.key


def _remaining(kind: Kind) -> str:
    return (
        f"(SELECT r.*, f.source_org FROM delivered_{kind.name} r JOIN reading_file f USING (file)"
        " ANTI JOIN aside ON aside.file = r.file AND aside.record = r.record) r"
    )


def _put_aside(connection: duckdb.DuckDBPyConnection, kind: Kind, because: str, when: str) -> None:
    connection.execute(
        f"INSERT INTO aside SELECT {quoted(kind.name)}, r.file, r.record, r.line, r.source_org, 'excluded', '',"
        f" {quoted(because)} FROM {_remaining(kind)} WHERE {when}"
    )
