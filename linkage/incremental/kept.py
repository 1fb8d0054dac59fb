"""Cleaned records and their blocking keys, kept from night to night, and brought up to date where records changed.

`state.linkage` holds `clients_record` and `register_record` (linkage.clean), `clients_key` and `register_key` (rule,
key, id) of every blocking rule, `ranked` (linkage.rank) and `settled_client` (c).

The register's keys are twenty times its rows, and those of a night stand all over them, so they are left as they are:
`register_key_late` (rule, key, id) holds the keys of the rows in `register_key_moved` (id), whose keys in
`register_key` hold no longer. From time to time they are brought together (`_fold`).

`large_key` (rule, key, rows) has the register's keys that are too large for pairs, so that a night need not count its
own among all of them. Whoever is in it has exactly so many rows; a large key that clients came to have since may be
missing, which reaches clients in vain and does no other harm (`linkage.incremental.reach`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.blocking import RULES, AnyOf, BlockingRule, RuleFacts, drop_large, keys_sql
from linkage.clean import Held, clean_side
from linkage.incremental.basis import SCHEMA, drop
from linkage.names import build_names
from schemas.beside import beside

if TYPE_CHECKING:
    import duckdb

SIDES = ("clients", "register")
STATE = Held("state.", "id")
_FRESH = Held("fresh.", "id")
MOST_ROWS = f"{[rule.max_register_rows for rule in RULES]}[rule + 1]"
"""SQL of the largest size a key may have, by the place of its rule."""
FIRST_RULES = f"rule IN ({', '.join(str(place) for place, rule in enumerate(RULES) if rule.first)})"
"""SQL of whether a rule is one of the first."""
_READ = {
    "person": "*",
    "name": "*",
    "address": "id, source, source_org, record_id, address_type, postcode",
    "identifier": "*",
}
"""Tables and columns that cleaning looks at. People have addresses all over a long table, and most of it is text."""
_KEYED = ", ".join(
    dict.fromkeys(
        ["id", "nhs"]
        + [
            column
            for rule in RULES
            for part in rule.register_parts
            for column in ((part.usual, part.others) if isinstance(part, AnyOf) else (part,))
            if column
        ]
    )
)
"""Columns of a register record that its keys are made of, and who it is."""
_LATE, _MOVED = f"{SCHEMA}.register_key_late", f"{SCHEMA}.register_key_moved"
LARGE = f"{SCHEMA}.large_key"
NEEDED = f"""
    SELECT key FROM {SCHEMA}.clients_key LEFT JOIN {SCHEMA}.settled_client ON c = id WHERE {FIRST_RULES} OR c IS NULL"""
"""SELECT of the keys by which clients are looked for: of whom the first rules settle, those of the first rules."""
_KEY = "rule UTINYINT, key UBIGINT, id BIGINT"
_MOST_LATE = 0.1
"""Share of the register's keys that may stand apart, beyond which they are brought in [assumed]."""


def keep_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep the cleaned records, candidates and keys of a full run, in the place of what was there."""
    # Not the one that an earlier full run has left in the state.
    settled = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = 'settled_client'"
        " AND database_name = current_database() AND schema_name = current_schema()"
    ).fetchall()
    if not settled:
        # Other engines do not say: then every change is taken to reach them.
        connection.execute("CREATE OR REPLACE TABLE settled_client AS SELECT id AS c FROM clients_record LIMIT 0")
    for table in ("ranked", "settled_client"):
        connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{table} AS FROM {table}")
    for side in SIDES:
        connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{side}_record AS {_with_content(f'{side}_record')}")
        connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{side}_key ({_KEY})")
        for place in range(len(RULES)):
            connection.execute(f"INSERT INTO {SCHEMA}.{side}_key {_keys(side, f'{side}_record', place)}")
    make_late(connection)
    count_large(connection)


def make_late(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of what moved since the register's keys were written, empty."""
    connection.execute(f"CREATE OR REPLACE TABLE {_LATE} ({_KEY}); CREATE OR REPLACE TABLE {_MOVED} (id BIGINT)")


def count_large(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `large_key` of the keys that are kept."""
    connection.execute(f"CREATE OR REPLACE TABLE {LARGE} AS {_large(register_keys(f'({NEEDED})'))}")


def _large(keys: str) -> str:
    """SELECT of those of some keys that are too large."""
    return f"SELECT rule, key, count(*) AS rows FROM ({keys}) GROUP BY rule, key HAVING rows > {MOST_ROWS}"


def register_keys(among: str, column: str = "key") -> str:
    """SELECT of rule, key and id of the register's keys whose `column` stands in the table or query `among`."""
    # Few are asked for, so they are found first and then looked at one by one.
    return f"""
        SELECT rule, key, id FROM (FROM {SCHEMA}.register_key SEMI JOIN {among} USING ({column}))
        ANTI JOIN {_MOVED} USING (id)
        UNION ALL SELECT rule, key, id FROM {_LATE} SEMI JOIN {among} USING ({column})"""


def clean_changed(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `<side>_moved` (id), `fresh_<side>_record` and `fresh_<side>_key`: whose cleaned record is another now.

    Who only has another phone number is not among them. Whoever is new or gone is.
    """
    connection.execute("ATTACH ':memory:' AS fresh")
    try:
        for side in SIDES:
            connection.execute(f"CREATE SCHEMA fresh.{side}")
            for table, columns in _READ.items():
                connection.execute(
                    f"CREATE TABLE fresh.{side}.{table} AS SELECT {columns} FROM state.{side}.{table}"
                    f" SEMI JOIN (FROM changed_{side} WHERE how <> 'gone') USING (id)"
                )
        build_names(connection, tuple(f"{_FRESH.prefix}{side}" for side in SIDES))
        connection.execute("CREATE OR REPLACE TABLE before_id AS SELECT id FROM changed_register")
        # Few rows in many statements: to plan them takes longer than to run them, and takes one core.
        with beside(connection, _freshen_clients):
            _freshen(connection, "register")
    finally:
        connection.execute("DETACH fresh")
    for side in SIDES:
        connection.execute(f"""
            CREATE OR REPLACE TABLE {side}_moved AS
            SELECT id FROM fresh_{side}_record UNION SELECT id FROM changed_{side} WHERE how = 'gone'""")


def _freshen(connection: duckdb.DuckDBPyConnection, side: str) -> None:
    """Make `fresh_<side>_record` and `fresh_<side>_key` of what is in `fresh`."""
    clean_side(connection, side, _FRESH)
    connection.execute(f"""
        CREATE OR REPLACE TABLE fresh_{side}_record AS
        FROM ({_with_content(f"{side}_record")}) ANTI JOIN {SCHEMA}.{side}_record USING (id, content)""")
    connection.execute(f"DROP TABLE {side}_record")
    connection.execute(f"CREATE OR REPLACE TABLE fresh_{side}_key AS {_all_keys(side, f'fresh_{side}_record')}")


def _freshen_clients(connection: duckdb.DuckDBPyConnection) -> None:
    """The same of the clients, and `before_record`: what keys are made of, of register rows that changed, as it was."""
    connection.execute(f"""
        CREATE OR REPLACE TABLE before_record AS
        SELECT {_KEYED} FROM {SCHEMA}.register_record SEMI JOIN before_id USING (id)""")
    _freshen(connection, "clients")


def lay_changed(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the kept records and keys up to what `clean_changed` found; makes `gone_key` (rule, key) and `gone_person`.

    The first holds the register's keys that were there and are not, the second (nhs, id) the register rows.
    """
    # Keys are made from these records as they were: sooner than to look for them among all that are kept.
    connection.execute("CREATE OR REPLACE TABLE gone_record AS FROM before_record SEMI JOIN register_moved USING (id)")
    connection.execute(f"CREATE OR REPLACE TABLE gone_key AS {_all_keys('register', 'gone_record')}")
    connection.execute("CREATE OR REPLACE TABLE gone_person AS SELECT nhs, id FROM gone_record")
    connection.execute("DROP TABLE gone_record; DROP TABLE before_record; DROP TABLE before_id")
    for side, late in (("clients", ""), ("register", "_late")):
        for table, fresh in ((f"{side}_record", "record"), (f"{side}_key{late}", "key")):
            connection.execute(f"DELETE FROM {SCHEMA}.{table} WHERE id IN (SELECT id FROM {side}_moved)")
            connection.execute(f"INSERT INTO {SCHEMA}.{table} BY NAME FROM fresh_{side}_{fresh}")
    connection.execute(f"INSERT INTO {_MOVED} FROM register_moved ANTI JOIN {_MOVED} USING (id)")
    _fold(connection)


def _fold(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the register's late keys in where they have become many."""
    whole = f"{SCHEMA}.register_key"
    ((late, keys),) = connection.execute(
        f"SELECT (SELECT count(*) FROM {_LATE}), (SELECT count(*) FROM {whole})"
    ).fetchall()
    if late > keys * _MOST_LATE:
        connection.execute(f"DELETE FROM {whole} WHERE id IN (SELECT id FROM {_MOVED})")
        connection.execute(f"INSERT INTO {whole} FROM {_LATE}")
        make_late(connection)


def lay_scored(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep what was found for the clients of `reached`, in the place of what was; whoever is gone has nothing."""
    gone = "SELECT id FROM reached UNION SELECT id FROM clients_moved"
    for table in ("ranked", "settled_client"):
        connection.execute(f"DELETE FROM {SCHEMA}.{table} WHERE c IN ({gone})")
        connection.execute(f"INSERT INTO {SCHEMA}.{table} BY NAME FROM {table}")


def show_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `register_record` what is kept of everybody."""
    drop(connection, "register_record")
    connection.execute(f"CREATE TEMP VIEW register_record AS FROM {SCHEMA}.register_record")


def take_near(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `near_key`, the register's keys that `clients_record` has too, and `register_record` of the rows they make.

    One look at all keys and one at all rows; what follows looks at these few again and again. Keys that are too large
    make no pair, but stay in `near_key`, where `stored_keys` counts them for the manifest.
    """
    connection.execute(f"""
        CREATE OR REPLACE TABLE near_key AS
        WITH wanted AS (SELECT DISTINCT key FROM {SCHEMA}.clients_key SEMI JOIN clients_record USING (id))
        {register_keys("wanted")}""")
    connection.execute(f"INSERT INTO {LARGE} FROM ({_large('near_key')}) ANTI JOIN {LARGE} USING (key)")
    drop(connection, "register_record")
    connection.execute(f"""
        CREATE TABLE register_record AS FROM {SCHEMA}.register_record SEMI JOIN (
            SELECT id FROM near_key ANTI JOIN {LARGE} USING (key) UNION SELECT r FROM confirmed) USING (id)""")


def stored_keys(
    connection: duckdb.DuckDBPyConnection,
    *,
    rules: tuple[BlockingRule, ...],
    clients: str = "clients_record",
) -> tuple[RuleFacts, ...]:
    """As `linkage.blocking.make_keys`, from the keys that are kept and `near_key`."""
    places = ", ".join(str(RULES.index(rule)) for rule in rules)
    connection.execute(f"""
        CREATE OR REPLACE TABLE client_key AS
        SELECT key, k.id, {FIRST_RULES} AS first, rule FROM {SCHEMA}.clients_key k SEMI JOIN {clients} USING (id)
        WHERE rule IN ({places})""")
    connection.execute(f"""
        CREATE OR REPLACE TABLE register_key AS
        SELECT key, id, {FIRST_RULES} AS first, rule FROM near_key SEMI JOIN client_key USING (key)
        WHERE rule IN ({places})""")
    found = drop_large(connection, RULES)
    return tuple(found[RULES.index(rule)] for rule in rules)


def _with_content(record: str) -> str:
    """SELECT of a record and a hash of all of it: two columns are sooner compared than thirty."""
    return f"SELECT r.*, hash(r) AS content FROM {record} r"


def _all_keys(side: str, record: str) -> str:
    """SELECT of rule, key and id for every rule."""
    keys = " UNION ALL ".join(f"({_keys(side, record, place)})" for place in range(len(RULES)))
    return f"SELECT CAST(rule AS UTINYINT) AS rule, key, id FROM ({keys})"


def _keys(side: str, record: str, place: int) -> str:
    """SELECT of rule, key and id for one rule."""
    rule = RULES[place]
    parts = rule.client if side == "clients" else rule.register_parts
    return f"SELECT {place} AS rule, key, id FROM ({keys_sql(record, place, parts)})"
