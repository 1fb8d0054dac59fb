"""Which records belong to one person, and what two systems say of them: the tables that the kinds across look at.

In: the working store. Out: temporary tables `quality_link`, `quality_unfound`, `quality_member` and `quality_compared`.
After a run persons come from its links; without one, from the NHS numbers that several records hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from caretrace.quality.across import ACROSS
from caretrace.quality.kind import GP_SYSTEMS, Pair
from caretrace.quality.within import DUMMIES

if TYPE_CHECKING:
    import duckdb

    from caretrace.quality.kind import Kind

CERTAIN = 0.999
"""Probability from which a link is sure enough to ask somebody to change a record [assumed]: one in a thousand such
links, at most, is expected to be wrong."""

COMPARED: tuple[Kind, ...] = tuple(kind for kind in ACROSS if isinstance(kind.rule, Pair))

_GIVEN_NAME_DIFFERS = "coalesce(l.levels['given name'] = 'different', false)"


def make(connection: duckdb.DuckDBPyConnection, sides: Sequence[str], *, linked: bool, today: str) -> None:
    """Make the four tables; `linked` says whether the store holds `link`."""
    _make_links(connection, sides, linked=linked)
    _make_members(connection, sides, linked=linked, today=today)
    connection.execute(_compared_sql())


def _make_links(connection: duckdb.DuckDBPyConnection, sides: Sequence[str], *, linked: bool) -> None:
    """`quality_link`: linked clients and their person's `who`; `quality_unfound`: clients who are nobody's."""
    if not linked:
        connection.execute("""CREATE OR REPLACE TEMP TABLE quality_link
            (who BIGINT, row BIGINT, sure BOOLEAN, other_given_name BOOLEAN)""")
        unfound = """SELECT rowid AS row FROM clients.person WHERE nhs_number IS NOT NULL
            AND nhs_number NOT IN (SELECT nhs_number FROM register.person WHERE nhs_number IS NOT NULL)"""
        nobody = "SELECT CAST(NULL AS BIGINT) AS row WHERE false"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE quality_unfound AS {unfound if len(sides) > 1 else nobody}")
        return
    # A register row without a number stands for its person by its own place, below zero.
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE quality_link AS
        WITH l AS (SELECT p.rowid AS row, l.* FROM link l JOIN clients.person p USING (source, source_org, record_id)
            WHERE l.decision = 'link'),
        known AS (SELECT row, decided_by IS NOT NULL OR probability >= {CERTAIN} AS sure,
            {_GIVEN_NAME_DIFFERS} AS other_given_name, nhs_number, register_source, register_source_org,
            register_record_id FROM l)
        SELECT CAST(nhs_number AS BIGINT) AS who, row, coalesce(sure, false) AS sure, other_given_name
        FROM known WHERE nhs_number IS NOT NULL
        UNION ALL
        SELECT -1 - r.rowid, row, coalesce(sure, false), other_given_name
        FROM (SELECT * FROM known WHERE nhs_number IS NULL) k JOIN register.person r ON r.source = k.register_source
            AND r.source_org = k.register_source_org AND r.record_id = k.register_record_id""")
    connection.execute("""CREATE OR REPLACE TEMP TABLE quality_unfound AS
        SELECT p.rowid AS row FROM (SELECT * FROM link WHERE decision = 'none') l
        JOIN clients.person p USING (source, source_org, record_id)""")


def _make_members(connection: duckdb.DuckDBPyConnection, sides: Sequence[str], *, linked: bool, today: str) -> None:
    """`quality_member`: the records of every person of whom there are several, with what is compared."""
    held = " UNION ALL ".join(
        f"""SELECT CAST(nhs_number AS BIGINT) AS who, '{side}' AS side, rowid AS row, true AS sure
        FROM {side}.person WHERE nhs_number IN (SELECT number FROM {{numbers}})"""
        for side in sides
        if not (linked and side == "clients")
    )
    if linked:
        numbers = """(SELECT lpad(CAST(who AS VARCHAR), 10, '0') AS number FROM temp.quality_link WHERE who >= 0
            UNION SELECT number FROM temp.quality_repeated WHERE side = 'register')"""
        people = f"""SELECT who, 'clients' AS side, row, sure FROM temp.quality_link
            UNION ALL {held.format(numbers=numbers)}
            UNION ALL SELECT DISTINCT who, 'register', -1 - who, true FROM temp.quality_link WHERE who < 0"""
    else:
        people = held.format(numbers="temp.quality_shared")
    details = " UNION ALL ".join(_details(side, today) for side in sides)
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE quality_member AS
        WITH people AS MATERIALIZED ({people}) {details}""")


def _details(side: str, today: str) -> str:
    systems = ", ".join(f"'{name}'" for name in GP_SYSTEMS)
    key = "source, source_org, record_id"
    # The usual address's first day, where its history is known; correspondence and temporary addresses say nothing.
    moved = f"""SELECT {key}, postcode, max(from_date) AS moved FROM {side}.address
        WHERE to_date IS NULL AND from_date IS NOT NULL AND coalesce(address_type, 'home') IN ('home', 'other')
        GROUP BY ALL"""
    # A row of a type is a registration; rows without one are a history of states.
    registered = f"""SELECT {key}, bool_or(end_date IS NULL OR end_date >= {today}) AS registered
        FROM {side}.registration WHERE registration_type IS NOT NULL GROUP BY ALL"""
    served = f"""SELECT DISTINCT {key}, true AS served FROM {side}.service
        WHERE (end_date IS NULL OR end_date >= {today}) AND (start_date IS NULL OR start_date <= {today})"""
    return f"""SELECT w.who, w.side, w.row, w.sure, s.system, p.nhs_number AS number,
            CASE WHEN birth_date_precision = 'YMD' AND birth_date NOT IN ({DUMMIES}) THEN birth_date END AS born,
            CASE WHEN gender IN ('1', '2') THEN gender END AS gender,
            upper(family_name) AS family, upper(previous_family_name) AS before, death_date AS died,
            p.postcode, m.moved,
            nullif(regexp_extract(concat_ws(' ', address_line_1, address_line_2), '[0-9]+'), '') AS house,
            gp_practice_code AS practice, '{side}' = 'register' OR source IN ({systems}) AS gp,
            coalesce(registered, gp_practice_code IS NOT NULL) AS registered,
            coalesce(restricted, false) AS restricted, coalesce(served, false) AS served
        FROM (SELECT * FROM people WHERE side = '{side}') w JOIN {side}.person p ON p.rowid = w.row
        JOIN temp.quality_system s ON s.of_side = '{side}' AND s.of_source = p.source AND s.of_org = p.source_org
        LEFT JOIN ({moved}) m USING ({key}, postcode)
        LEFT JOIN ({registered}) USING ({key}) LEFT JOIN ({served}) USING ({key})"""


def _compared_sql() -> str:
    """One row for each record and each other system that holds its person: which kinds hold, and how sure it is.

    Where two records can hardly be of one person, nothing is said but that.
    """
    flags, folds = [], []
    for kind in COMPARED:
        rule = kind.rule
        if isinstance(rule, Pair):
            flags.append(f'{rule.sql} AS "{kind.name}"')
            condition = f'"{kind.name}"' if rule.unlike else f'(NOT unlike AND "{kind.name}")'
            # A record that does not know is no voice against the others.
            folds.append(f'coalesce(bool_{"and" if rule.every else "or"}({condition}), false) AS "{kind.name}"')
    notes = [
        f'{kind.rule.note} AS "{kind.name} note"'
        for kind in COMPARED
        if isinstance(kind.rule, Pair) and kind.rule.note != "NULL"
    ]
    folds += [f'min("{kind.name} note") AS "{kind.name} note"' for kind in COMPARED if has_note(kind)]
    unlike = " OR ".join(
        f"coalesce({kind.rule.sql}, false)" for kind in COMPARED if isinstance(kind.rule, Pair) and kind.rule.unlike
    )
    return f"""CREATE OR REPLACE TEMP TABLE quality_compared AS
        SELECT who, side, row, system, other, bool_and(sure) AS sure, {", ".join(folds)}
        FROM (SELECT a.who, a.side, a.row, a.system, b.system AS other, a.sure AND b.sure AS sure, {unlike} AS unlike,
                {", ".join((*flags, *notes))}
            FROM temp.quality_member a JOIN temp.quality_member b ON a.who = b.who AND a.system <> b.system)
        GROUP BY ALL"""


def has_note(kind: Kind) -> bool:
    """Whether `quality_compared` holds a note for the kind."""
    return isinstance(kind.rule, Pair) and kind.rule.note != "NULL"
