"""Which records belong to one person, and what two systems say of them: the tables that the kinds across look at.

In: the working store. Out: temporary tables `quality_link`, `quality_unfound`, `quality_unmatched`, `quality_member`,
`quality_crowd` and `quality_compared`.
After a run persons come from its links; without one, from the NHS numbers that several records hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from caretrace.quality.across import ACROSS
from caretrace.quality.kind import Pair, practice_sources
from caretrace.quality.within import DUMMIES

if TYPE_CHECKING:
    import duckdb

    from caretrace.quality.kind import Kind

CERTAIN = 0.999
"""Probability from which a link is sure enough to ask somebody to change a record [assumed]: one in a thousand such
links, at most, is expected to be wrong."""

CROWD = 50
"""Records of one number above which they are no person's [assumed] and are not compared: a number that somebody types
for "none" would make a pair of every two."""

COMPARED: tuple[Kind, ...] = tuple(kind for kind in ACROSS if isinstance(kind.rule, Pair))


def make(connection: duckdb.DuckDBPyConnection, sides: Sequence[str], *, linked: bool, today: str) -> None:
    """Make the tables; `linked` says whether the store holds `link`."""
    _make_links(connection, sides, linked=linked)
    _make_members(connection, sides, linked=linked, today=today)
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE quality_crowd AS
        SELECT who FROM temp.quality_member GROUP BY who HAVING count(*) > {CROWD}""")
    connection.execute(_compared_sql())


def _make_links(connection: duckdb.DuckDBPyConnection, sides: Sequence[str], *, linked: bool) -> None:
    """`quality_link`: linked clients and their person's `who`; `quality_unfound`: clients who are nobody's;
    `quality_unmatched`: clients who are not linked.

    Without links the NHS number alone tells who is nobody's, and nobody is unmatched.
    """
    if linked:
        outcome = f"""SELECT p.rowid AS row, l.decision, CAST(l.nhs_number AS BIGINT) AS who,
                coalesce(l.decided_by IS NOT NULL OR l.probability >= {CERTAIN}, false) AS sure,
                coalesce(l.levels['given name'] = 'different', false) AS other_given_name,
                l.register_source, l.register_source_org, l.register_record_id
            FROM link l JOIN clients.person p USING (source, source_org, record_id)"""
        # A register row without a number stands for its person by its own place, below zero.
        links = """SELECT who, row, sure, other_given_name FROM temp.quality_outcome
            WHERE decision = 'link' AND who IS NOT NULL
            UNION ALL SELECT -1 - r.rowid, o.row, o.sure, o.other_given_name
            FROM (FROM temp.quality_outcome WHERE decision = 'link' AND who IS NULL) o
            JOIN register.person r ON r.source = o.register_source
                AND r.source_org = o.register_source_org AND r.record_id = o.register_record_id"""
        unfound, unmatched = (f"SELECT row FROM temp.quality_outcome WHERE decision {which}" for which in _NOT_LINKED)
    else:
        outcome = unmatched = _NOBODY
        links = "SELECT row AS who, row, true AS sure, false AS other_given_name FROM temp.quality_outcome"
        unfound = _NUMBER_UNKNOWN if len(sides) > 1 else _NOBODY
    tables = {"outcome": outcome, "link": links, "unfound": unfound, "unmatched": unmatched}
    for name, query in tables.items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE quality_{name} AS {query}")


_NOT_LINKED = ("= 'none'", "<> 'link'")
_NOBODY = "SELECT CAST(NULL AS BIGINT) AS row WHERE false"
_NUMBER_UNKNOWN = """SELECT rowid AS row FROM clients.person WHERE nhs_number IS NOT NULL
    AND nhs_number NOT IN (SELECT nhs_number FROM register.person WHERE nhs_number IS NOT NULL)"""


def _make_members(connection: duckdb.DuckDBPyConnection, sides: Sequence[str], *, linked: bool, today: str) -> None:
    """`quality_member`: the records of every person of whom there are several, with what is compared."""
    members = " UNION ALL ".join(
        _details(side, _by_link(side) if linked else _by_number(side, "temp.quality_shared"), today) for side in sides
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE quality_member AS {members}")


def holders(side: str, *, linked: bool, today: str) -> str:
    """SQL of the records of `side` that hold a number which others of the side hold too, and some more.

    They are members already, but for the clients of a run, who are members by their links.
    """
    if linked and side == "clients":
        repeated = "(SELECT number FROM temp.quality_repeated WHERE side = 'clients')"
        return _details(side, _by_number(side, repeated), today)
    return f"FROM temp.quality_member WHERE side = '{side}'"


def _by_number(side: str, numbers: str) -> str:
    """Records of `side` that hold one of `numbers`: found by that column alone, so that of others no more are read."""
    return f"""SELECT CAST(p.nhs_number AS BIGINT) AS who, true AS sure, p.rowid AS row, p.*
        FROM {side}.person p
        JOIN (SELECT rowid AS row FROM {side}.person WHERE nhs_number IN (SELECT number FROM {numbers})) held
            ON held.row = p.rowid"""


def _by_link(side: str) -> str:
    """Linked clients; in the register, the people they are linked to and those who stand in it several times."""
    by_row = "SELECT l.who, {sure} AS sure, p.rowid AS row, p.* FROM {side}.person p JOIN {links} ON p.rowid = l.row"
    if side == "clients":
        return by_row.format(sure="l.sure", side=side, links="temp.quality_link l")
    numbers = """(SELECT lpad(CAST(who AS VARCHAR), 10, '0') AS number FROM temp.quality_link WHERE who >= 0
        UNION SELECT number FROM temp.quality_repeated WHERE side = 'register')"""
    numberless = "(SELECT DISTINCT who, -1 - who AS row FROM temp.quality_link WHERE who < 0) l"
    return f"{_by_number(side, numbers)} UNION ALL {by_row.format(sure='true', side=side, links=numberless)}"


def _details(side: str, records: str, today: str) -> str:
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
    return f"""SELECT p.who, '{side}' AS side, p.row, p.sure, s.system, p.nhs_number AS number,
            CASE WHEN birth_date_precision = 'YMD' AND birth_date NOT IN ({DUMMIES}) THEN birth_date END AS born,
            CASE WHEN gender IN ('1', '2') THEN gender END AS gender,
            upper(family_name) AS family, upper(previous_family_name) AS before, death_date AS died,
            p.postcode, m.moved, concat_ws(' ', address_line_1, address_line_2) AS lines,
            gp_practice_code AS practice, {practice_sources(side)} AS gp,
            coalesce(registered, gp_practice_code IS NOT NULL) AS registered,
            coalesce(restricted, false) AS restricted, coalesce(served, false) AS served
        FROM ({records}) p
        JOIN temp.quality_system s ON s.of_side = '{side}' AND s.of_source = p.source AND s.of_org = p.source_org
        LEFT JOIN ({moved}) m USING ({key}, postcode)
        LEFT JOIN ({registered}) USING ({key}) LEFT JOIN ({served}) USING ({key})"""


def _compared_sql() -> str:
    """One row for each record and each other system that holds its person: which kinds hold, and how sure it is.

    Where two records can hardly be of one person, nothing is said but that.
    """
    flags, alone, folds = [], [], []
    for kind in COMPARED:
        rule = kind.rule
        if isinstance(rule, Pair):
            flags.append(f'{rule.sql} AS "{kind.name}"')
            condition = f'"{kind.name}"' if rule.unlike else f'(NOT unlike AND "{kind.name}")'
            alone.append(f'coalesce({condition}, false) AS "{kind.name}"')
            # A record that does not know is no voice against the others.
            folds.append(f"coalesce(bool_{'and' if rule.every else 'or'}({condition}), false)")
    for kind in COMPARED:
        if isinstance(kind.rule, Pair) and has_note(kind):
            flags.append(f'{kind.rule.note} AS "{kind.name} note"')
            alone.append(f'"{kind.name} note"')
            folds.append(f'min("{kind.name} note")')
    unlike = " OR ".join(
        f"coalesce({kind.rule.sql}, false)" for kind in COMPARED if isinstance(kind.rule, Pair) and kind.rule.unlike
    )
    # Most systems hold a person once, and what one record says need not be put together.
    return f"""CREATE OR REPLACE TEMP TABLE quality_compared AS
        WITH several AS (SELECT who, system AS other FROM temp.quality_member GROUP BY ALL HAVING count(*) > 1),
        pair AS (SELECT a.rowid AS member, a.who, a.side, a.row, a.system, b.system AS other,
                a.sure AND b.sure AS sure, {unlike} AS unlike, {", ".join(flags)}
            FROM temp.quality_member a JOIN temp.quality_member b ON a.who = b.who AND a.system <> b.system
            WHERE a.who NOT IN (FROM temp.quality_crowd))
        SELECT who, side, row, system, other, sure, {", ".join(alone)} FROM pair ANTI JOIN several USING (who, other)
        UNION ALL SELECT any_value(who), any_value(side), any_value(row), any_value(system),
            other, bool_and(sure), {", ".join(folds)}
        FROM pair SEMI JOIN several USING (who, other) GROUP BY member, other"""


def has_note(kind: Kind) -> bool:
    """Whether `quality_compared` holds a note for the kind."""
    return isinstance(kind.rule, Pair) and kind.rule.note != "NULL"
