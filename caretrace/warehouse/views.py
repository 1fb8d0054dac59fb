"""The state as a run left it in its working store: the same names as after `caretrace link`, over what holds today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caretrace.linked import SIDES as WORDS
from caretrace.warehouse import tables
from schemas import CANDIDATE, LINK, PERSON, SET_ASIDE

if TYPE_CHECKING:
    from caretrace.warehouse.store import State


def open_views(state: State) -> None:
    """Make `clients.*`, `register.*`, `link`, `candidate`, `keyed_clients`, `keyed_register` and `person_key`.

    They take the place of whatever a reading or a linkage left under these names. Every view of a side has the column
    `rowid`, our id of the record, before the declared ones; rows come as they are stored.
    """
    for side in tables.SIDES:
        open_side(state, side)
    connection = state.connection
    for table in (LINK, CANDIDATE):
        name = tables.name(table)
        make_room(state, name)
        connection.execute(f"CREATE VIEW store.{name} AS SELECT {tables.columns(table)} FROM state.{name}")
    for side, word in WORDS.items():
        linked = "LEFT JOIN state.link l ON l.id = p.id AND l.decision = 'link'" if side == "clients" else ""
        number = "coalesce(l.nhs_number, p.nhs_number)" if side == "clients" else "p.nhs_number"
        connection.execute(f"""CREATE OR REPLACE TEMP VIEW keyed_{side} AS
            SELECT k.person_key, {number} AS person_nhs_number, '{word}' AS side, p.id AS id,
                {tables.columns(PERSON, "p")}
            FROM state.{side}.person p LEFT JOIN state.person_key k ON k.id = p.id {linked}""")
    columns = f"person_key, {', '.join(tables.KEY)}, side, person_nhs_number AS nhs_number"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW person_key AS SELECT {columns} FROM keyed_clients"
        f" UNION ALL SELECT {columns} FROM keyed_register"
    )


def open_side(state: State, side: str) -> None:
    """Make the views of one side."""
    connection = state.connection
    connection.execute(f"DROP SCHEMA IF EXISTS store.{side} CASCADE; CREATE SCHEMA store.{side}")
    for table in tables.KEPT:
        name = tables.name(table)
        connection.execute(
            f"CREATE VIEW store.{side}.{name} AS SELECT id AS rowid, {tables.columns(table)} FROM state.{side}.{name}"
        )
    connection.execute(
        f"CREATE VIEW store.{side}.set_aside AS SELECT {tables.columns(SET_ASIDE, 's')} FROM state.set_aside s"
        f" JOIN state.delivery d USING (delivery) WHERE d.side = '{side}'"
    )


def make_room(state: State, name: str) -> None:
    """Drop what stands under this name in the working store, table or view."""
    kinds = state.connection.execute(
        "SELECT 'VIEW' FROM duckdb_views() WHERE database_name = 'store' AND schema_name = 'main' AND view_name = ?"
        " UNION ALL SELECT 'TABLE' FROM duckdb_tables()"
        " WHERE database_name = 'store' AND schema_name = 'main' AND table_name = ?",
        [name, name],
    ).fetchall()
    for (kind,) in kinds:
        state.connection.execute(f"DROP {kind} store.main.{name}")
