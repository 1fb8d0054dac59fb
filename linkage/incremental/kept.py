"""Cleaned records and their blocking keys, kept from night to night, and brought up to date where records changed.

`state.linkage` holds `clients_record` and `register_record` (linkage.clean), `clients_key` and `register_key` (rule,
key, id) of every blocking rule, `ranked` (linkage.rank) and `settled_client` (c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.blocking import RULES, BlockingRule, RuleFacts, drop_large, keys_sql
from linkage.clean import Held, clean
from linkage.incremental.basis import SCHEMA

if TYPE_CHECKING:
    import duckdb

SIDES = ("clients", "register")
STATE = Held("state.", "id")
_FRESH = Held("fresh.", "id")
_READ = ("person", "name", "address", "identifier")


def keep_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep the cleaned records, candidates and keys of a full run, in the place of what was there."""
    settled = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'settled_client'").fetchall()
    if not settled:
        # Other engines do not say: then every change is taken to reach them.
        connection.execute("CREATE OR REPLACE TABLE settled_client AS SELECT id AS c FROM clients_record LIMIT 0")
    for table in (*(f"{side}_record" for side in SIDES), "ranked", "settled_client"):
        connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{table} AS FROM {table}")
    for side in SIDES:
        connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{side}_key (rule UTINYINT, key UBIGINT, id BIGINT)")
        for place in range(len(RULES)):
            connection.execute(f"INSERT INTO {SCHEMA}.{side}_key {_keys(side, f'{side}_record', place)}")


def clean_changed(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `<side>_moved` (id), `fresh_<side>_record` and `fresh_<side>_key`: whose cleaned record is another now.

    Who only has another phone number is not among them. Whoever is new or gone is.
    """
    connection.execute("ATTACH ':memory:' AS fresh")
    try:
        for side in SIDES:
            connection.execute(f"CREATE SCHEMA fresh.{side}")
            for table in _READ:
                connection.execute(
                    f"CREATE TABLE fresh.{side}.{table} AS FROM state.{side}.{table}"
                    f" SEMI JOIN (FROM changed_{side} WHERE how <> 'gone') USING (id)"
                )
        clean(connection, SIDES, _FRESH)
    finally:
        for side in SIDES:
            connection.execute(f"DROP VIEW IF EXISTS {side}_named")
        connection.execute("DETACH fresh")
    for side in SIDES:
        connection.execute(f"""
            CREATE OR REPLACE TABLE fresh_{side}_record AS
            (FROM {side}_record) EXCEPT ALL (FROM {SCHEMA}.{side}_record SEMI JOIN changed_{side} USING (id))""")
        connection.execute(f"""
            CREATE OR REPLACE TABLE {side}_moved AS
            SELECT id FROM fresh_{side}_record UNION SELECT id FROM changed_{side} WHERE how = 'gone'""")
        connection.execute(f"DROP TABLE {side}_record")
        keys = (_keys(side, f"fresh_{side}_record", place) for place in range(len(RULES)))
        connection.execute(
            f"CREATE OR REPLACE TABLE fresh_{side}_key AS SELECT CAST(rule AS UTINYINT) AS rule, key, id"
            f" FROM ({' UNION ALL '.join(f'({each})' for each in keys)})"
        )


def lay_changed(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the kept records and keys up to what `clean_changed` found."""
    for side in SIDES:
        for what in ("record", "key"):
            connection.execute(f"DELETE FROM {SCHEMA}.{side}_{what} WHERE id IN (SELECT id FROM {side}_moved)")
            connection.execute(f"INSERT INTO {SCHEMA}.{side}_{what} BY NAME FROM fresh_{side}_{what}")


def lay_scored(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep what was found for the clients of `reached`, in the place of what was; whoever is gone has nothing."""
    gone = "SELECT id FROM reached UNION SELECT id FROM clients_moved"
    for table in ("ranked", "settled_client"):
        connection.execute(f"DELETE FROM {SCHEMA}.{table} WHERE c IN ({gone})")
        connection.execute(f"INSERT INTO {SCHEMA}.{table} BY NAME FROM {table}")


def stored_keys(
    connection: duckdb.DuckDBPyConnection,
    *,
    rules: tuple[BlockingRule, ...],
    clients: str = "clients_record",
) -> tuple[RuleFacts, ...]:
    """As `linkage.blocking.make_keys`, from the keys that are kept."""
    places = ", ".join(str(RULES.index(rule)) for rule in rules)
    first = f"rule IN ({', '.join(str(place) for place, rule in enumerate(RULES) if rule.first)})"
    connection.execute(f"""
        CREATE OR REPLACE TABLE client_key AS
        SELECT key, k.id, {first} AS first, rule FROM {SCHEMA}.clients_key k SEMI JOIN {clients} USING (id)
        WHERE rule IN ({places})""")
    connection.execute(f"""
        CREATE OR REPLACE TABLE register_key AS
        SELECT key, k.id, {first} AS first, rule FROM {SCHEMA}.register_key k SEMI JOIN client_key USING (key)
        WHERE rule IN ({places})""")
    found = drop_large(connection, RULES)
    return tuple(found[RULES.index(rule)] for rule in rules)


def _keys(side: str, record: str, place: int) -> str:
    """SELECT of rule, key and id for one rule."""
    rule = RULES[place]
    parts = rule.client if side == "clients" else rule.register_parts
    return f"SELECT {place} AS rule, key, id FROM ({keys_sql(record, place, parts)})"
