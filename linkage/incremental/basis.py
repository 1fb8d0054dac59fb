"""What nights stand on: a model with its bands and the register's frequencies, of the day they were learnt.

Were they learnt anew each night, every register row that comes or goes would move every weight by a hair, and every
client would have to be compared again. They are refreshed by a full run (`update` with `again`), when the council
chooses.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from linkage.frequencies import (
    FOR_CLIENTS,
    OF_VALUES,
    USUAL_AGREEMENT,
    Frequencies,
    count_clients,
    count_register,
)
from linkage.model import Model
from linkage.model_file import from_facts

if TYPE_CHECKING:
    import duckdb

SCHEMA = "state.linkage"
Numberless = Literal["auto", "link", "review"]
_COUNTS = (*OF_VALUES, *FOR_CLIENTS)
_KEPT = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'state' AND schema_name = 'linkage'"
_NONE_COUNTED = "SELECT NULL::VARCHAR AS middle, NULL::UTINYINT AS gender, NULL::INT AS decade, 0 AS n WHERE false"
"""Stands for the counts of middle names in a state of before they were compared, whose model does not ask for them."""


@dataclass(frozen=True)
class Basis:
    """What is frozen, beside the frequency tables."""

    model: Model
    """With bands."""
    frequencies: Frequencies
    numberless: Numberless
    """The setting it was decided with (linkage.Settings)."""
    code: str
    """Version of the cleaning and of DuckDB, whose hashes the blocking keys are: under another, all is made again."""
    reached_all: bool
    """Whether one client's outcome depended on all others' at the last update (`linkage.room`, `linkage.leftovers`)."""
    facts: dict[str, Any]
    """What the full run found, as JSON (linkage.LinkFacts)."""
    large_keys: bool = True
    """Whether keys that are too large were counted, and brought up to date by every night since: earlier versions of
    ours do neither."""


def read_basis(connection: duckdb.DuckDBPyConnection) -> Basis | None:
    """What the state holds; None where nothing was linked yet."""
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'state' AND schema_name = 'linkage'"
        " AND table_name = 'basis'"
    ).fetchall()
    rows = connection.execute(f"SELECT facts FROM {SCHEMA}.basis").fetchall() if found else []
    if not rows:
        return None
    facts = json.loads(rows[0][0])
    agree = {"middle": USUAL_AGREEMENT["middle"], **facts["frequencies"]["agree"]}
    model = from_facts(facts["model"])
    # As in a full run, where a model that was given has counted another register.
    of_model = {"agree": agree, "names_together": model.names_together}
    return Basis(
        model,
        Frequencies(**(facts["frequencies"] | of_model)),
        facts["numberless"],
        facts["code"],
        facts["reached_all"],
        facts["facts"],
        facts.get("large_keys", False),
    )


def write_basis(connection: duckdb.DuckDBPyConnection, basis: Basis) -> None:
    """Keep it in the place of what was there; the frequency tables stay as they are."""
    facts = {
        "model": basis.model.to_json(),
        "frequencies": asdict(basis.frequencies),
        "numberless": basis.numberless,
        "code": basis.code,
        "reached_all": basis.reached_all,
        "facts": basis.facts,
        "large_keys": True,
    }
    connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.basis (facts VARCHAR)")
    connection.execute(f"INSERT INTO {SCHEMA}.basis VALUES (?)", [json.dumps(facts)])


def count_for_nights(connection: duckdb.DuckDBPyConnection) -> Frequencies:
    """As `linkage.frequencies.count_frequencies`, of every value of the register: tomorrow's clients ask for others."""
    frequencies = count_register(connection, every=True)
    count_clients(connection)
    for table in _COUNTS:
        connection.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{table} AS FROM {table}")
    drop(connection, *FOR_CLIENTS)
    return frequencies


def lay_counts(connection: duckdb.DuckDBPyConnection, basis: Basis) -> Frequencies:
    """The same tables as they were frozen."""
    drop(connection, *_COUNTS)
    kept = {name for (name,) in connection.execute(_KEPT).fetchall()}
    for table in _COUNTS:
        held = f"FROM {SCHEMA}.{table}" if table in kept else _NONE_COUNTED
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS {held}")
    count_clients(connection)
    return basis.frequencies


def take_counts_away(connection: duckdb.DuckDBPyConnection) -> None:
    """Undo `count_for_nights` or `lay_counts`."""
    drop(connection, *_COUNTS, "f_client")


def drop(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Drop tables and views of the working store, whichever they are; what is not there is passed over."""
    found = connection.execute(
        "SELECT CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END, table_name FROM information_schema.tables"
        " WHERE table_name IN (SELECT unnest(?)) AND table_catalog IN (current_database(), 'temp')"
        " AND table_schema = 'main'",
        [list(names)],
    ).fetchall()
    connection.execute("; ".join(f"DROP {kind} {name}" for kind, name in found))
