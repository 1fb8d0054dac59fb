"""What ended with this run: rows as they were, person keys, links, and what was decided otherwise.

Only this run's: the past as a whole is the sum of all runs', so a night does not grow with the years. A row carries the
person key and number that it had the day before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.linked import SIDES
from caretrace.parquet import write_parquet
from caretrace.warehouse import tables
from caretrace.warehouse.publish.current import COMPRESSION, DAY, SINCE, set_days
from schemas import LINK, Table
from schemas.warehouse import LINK_CHANGE, PUBLISHED

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State

_KEY = "source, source_org, record_id"


Filled = Mapping[str, Sequence[Table]]
"""By side, the tables that have a past."""


def prepare(state: State) -> Filled:
    """Make `store.ended` (id, person_key, person_nhs_number as they were, gone) and `link_change` (schemas.warehouse).

    No temporary tables: `write` is for another connection. Gives what it asks for.
    """
    connection = state.connection
    filled = {side: tables.filled(connection, "state", f"{side}_past") for side in SIDES}
    _find_ended(connection, state.run, filled)
    connection.execute(f"CREATE OR REPLACE TABLE store.link_change AS {_link_changes(state.run)}")
    return filled


def write(connection: duckdb.DuckDBPyConnection, folder: Path, *, run: int, filled: Filled) -> None:
    """Write `history/` into the draft, a file for every table that has a past, empty or not."""
    set_days(connection)
    (folder / "history").mkdir()
    queries = dict(_queries(run, filled))
    for each in PUBLISHED:
        if each.history:
            write_parquet(connection, queries[each.name], folder / each.history, compression=COMPRESSION)


def _find_ended(connection: duckdb.DuckDBPyConnection, run: int, filled: Filled) -> None:
    past = [f"state.{side}_past.{tables.name(table)}" for side in SIDES for table in filled[side]]
    ids = " UNION ".join(
        f"SELECT id FROM {name} WHERE to_run = {run}" for name in (*past, "state.person_key_past", "state.link_past")
    )
    before = " UNION ALL ".join(
        f"SELECT id, nhs_number FROM state.{side}_past.person WHERE to_run = {run}"
        f" UNION ALL SELECT id, nhs_number FROM state.{side}.person SEMI JOIN touched USING (id) WHERE from_run < {run}"
        for side in tables.SIDES
    )
    here = " UNION ALL ".join(f"SELECT id FROM state.{side}.person SEMI JOIN touched USING (id)" for side in SIDES)
    # What a record was before is its row that ended now, or else the one that still holds.
    connection.execute(f"""CREATE OR REPLACE TABLE store.ended AS
        WITH touched AS ({ids}),
        own AS (SELECT id, any_value(nhs_number) AS nhs_number FROM ({before}) GROUP BY id),
        linked AS (SELECT id, any_value(nhs_number) AS nhs_number FROM (
            SELECT id, nhs_number FROM state.link_past WHERE to_run = {run} AND decision = 'link'
            UNION ALL SELECT id, nhs_number FROM state.link SEMI JOIN touched USING (id)
                WHERE from_run < {run} AND decision = 'link') GROUP BY id),
        keyed AS (SELECT id, any_value(person_key) AS person_key FROM (
            SELECT id, person_key FROM state.person_key_past WHERE to_run = {run}
            UNION ALL SELECT id, person_key FROM state.person_key SEMI JOIN touched USING (id)
                WHERE from_run < {run}) GROUP BY id)
        SELECT id, person_key, coalesce(linked.nhs_number, own.nhs_number) AS person_nhs_number, here.id IS NULL AS gone
        FROM touched LEFT JOIN keyed USING (id) LEFT JOIN own USING (id) LEFT JOIN linked USING (id)
        LEFT JOIN ({here}) here USING (id)""")


def _link_changes(run: int) -> str:
    same = (
        "b.nhs_number IS NOT DISTINCT FROM n.nhs_number AND (n.nhs_number IS NOT NULL OR"
        " (b.register_source, b.register_source_org, b.register_record_id)"
        " IS NOT DISTINCT FROM (n.register_source, n.register_source_org, n.register_record_id))"
    )
    change = f"""CASE WHEN n.id IS NULL THEN 'gone'
            WHEN n.decision = 'link' AND b.decision IS DISTINCT FROM 'link' THEN 'new link'
            WHEN n.decision = 'link' THEN CASE WHEN NOT ({same}) THEN 'changed' END
            WHEN b.decision = 'link' THEN 'withdrawn'
            WHEN n.decision = 'review' AND b.decision IS DISTINCT FROM 'review' THEN 'to review'
            WHEN n.decision = 'none' AND b.decision = 'review' THEN 'no candidate'
            WHEN n.decision = 'none' AND b.id IS NULL THEN 'new client' END"""
    key = ", ".join(f"coalesce(n.{name}, b.{name}) AS {name}" for name in tables.KEY)
    # A client whose row ended and came back the same within the run did not change.
    made = f"""WITH b AS (SELECT DISTINCT ON (id) * FROM state.link_past WHERE to_run = {run} AND from_run < {run}
                ORDER BY id, from_run DESC),
            n AS (SELECT * FROM state.link WHERE from_run = {run} OR id IN (SELECT id FROM b))
        SELECT {run}::BIGINT AS run, (SELECT as_at FROM state.run WHERE run = {run}) AS changed_on, {change} AS change,
            {key}, b.decision AS decision_before, n.decision AS decision,
            b.nhs_number AS nhs_number_before, n.nhs_number AS nhs_number, b.why
        FROM b FULL JOIN n USING (id)"""
    columns = ", ".join(f'"{name}"' for name in LINK_CHANGE.names)
    return f"SELECT {columns} FROM ({made}) WHERE change IS NOT NULL ORDER BY {_KEY}"


def _queries(run: int, filled: Filled) -> Iterator[tuple[str, str]]:
    times = f"{SINCE.format('t')}, {DAY.format('t.to_run')} AS valid_to, t.to_run"
    for table in tables.KEPT:
        # What never had a past is most of the tables, and to plan to look for it most of their time.
        sides = [side for side in SIDES if table in filled[side]]
        yield tables.name(table), _rows(table, times, run, sides) if sides else _none(table, times)
    yield (
        "person_key",
        f"""SELECT t.person_key, r.source, r.source_org, r.record_id,
            CASE r.side WHEN 'clients' THEN 'client' ELSE 'register' END AS side, k.person_nhs_number AS nhs_number,
            {times}, t.reason AS why FROM state.person_key_past t JOIN state.record r USING (id)
            LEFT JOIN store.ended k USING (id) WHERE t.to_run = {run} ORDER BY ALL""",
    )
    yield (
        "link",
        f"SELECT {tables.columns(LINK, 't')}, {times}, t.why FROM state.link_past t WHERE t.to_run = {run}"
        " ORDER BY t.source, t.source_org, t.record_id, t.from_run",
    )
    yield "link_change", "FROM store.link_change"


def _rows(table: Table, times: str, run: int, sides: Sequence[str]) -> str:
    number = "coalesce(k.person_nhs_number, t.nhs_number)" if "nhs_number" in table else "k.person_nhs_number"
    union = " UNION ALL ".join(
        f"SELECT k.person_key, {number} AS person_nhs_number, '{SIDES[side]}' AS side, {tables.columns(table, 't')},"
        f" {times}, CASE WHEN k.gone THEN 'its record is gone' ELSE 'changed at its source' END AS why"
        f" FROM state.{side}_past.{tables.name(table)} t LEFT JOIN store.ended k USING (id) WHERE t.to_run = {run}"
        for side in sides
    )
    return f"SELECT * FROM ({union}) ORDER BY ALL"


def _none(table: Table, times: str) -> str:
    """The columns of `_rows`, without rows."""
    text = "NULL::VARCHAR AS"
    return (
        f"SELECT {text} person_key, {text} person_nhs_number, {text} side, {tables.columns(table, 't')}, {times},"
        f" {text} why FROM state.clients_past.{tables.name(table)} t LIMIT 0"
    )
