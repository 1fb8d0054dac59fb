"""The usual engine: DuckDB on one machine, clients in chunks, so that memory does not grow with their number.

In: `clients_record` and `register_record` with their frequencies. Out: `pair_level` of the training clients (`sample`)
and `ranked` for all (`score`). Whatever the chunks, the outcome is the same: clients do not depend on each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.blocking import RuleFacts, make_keys, pairs_sql
from linkage.decide import ranked_sql, settled_sql, weighed_sql
from linkage.frequencies import Frequencies
from linkage.model import Model
from linkage.train import training_clients_sql
from linkage.weigh import pair_level_sql
from schemas.progress import Progress

if TYPE_CHECKING:
    import duckdb

PAIRS_AT_ONCE = 6_000_000
"""Pairs to a chunk; each takes about 150 bytes while it is weighed."""


class DuckDBEngine:
    """See `linkage.engine.Engine`."""

    name = "duckdb"

    def sample(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, *, seed: int
    ) -> tuple[RuleFacts, ...]:
        """Make the keys of all records, and `pair_level` for the training clients under every rule."""
        facts = make_keys(connection)
        # Whom a person confirmed is a candidate whatever the records share today.
        connection.execute("INSERT INTO client_key SELECT hash(-1, c, r), c, true FROM confirmed")
        connection.execute("INSERT INTO register_key SELECT hash(-1, c, r), r, true FROM confirmed")
        connection.execute(
            f"CREATE OR REPLACE TABLE client_chunk AS SELECT id, 0 AS chunk FROM ({training_clients_sql(seed)})"
        )
        ((sampled, clients),) = connection.execute(
            "SELECT (SELECT count(*) FROM client_chunk), (SELECT count(*) FROM clients_record)"
        ).fetchall()
        self._chunks = max(1, -(-sum(rule.pairs for rule in facts) // PAIRS_AT_ONCE)) if clients > sampled else 0
        rest = max(clients - sampled, 1)
        connection.execute(f"""
            INSERT INTO client_chunk
            SELECT id, 1 + (row_number() OVER (ORDER BY hash(key, {seed}), key) - 1) * {self._chunks} // {rest}
            FROM clients_record ANTI JOIN client_chunk USING (id)""")
        _make_pairs(connection, "chunk = 0")
        _compare(connection, model, frequencies)
        return facts

    def score(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, progress: Progress
    ) -> int:
        """Make `ranked`; gives the number of pairs compared. `pair_level` must be that of `sample`."""
        compared = 0
        with progress.stage("Comparing", self._chunks + 1) as advance:
            for chunk in range(self._chunks + 1):
                if chunk:
                    self._look(connection, model, frequencies, chunk)
                else:
                    connection.execute(f"CREATE OR REPLACE TABLE weighed AS {weighed_sql(model, frequencies.people)}")
                    connection.execute(f"CREATE OR REPLACE TABLE settled AS {settled_sql()}")
                into = "INSERT INTO ranked" if chunk else "CREATE OR REPLACE TABLE ranked AS"
                connection.execute(f"{into} {ranked_sql()}")
                ((pairs,),) = connection.execute("SELECT count(*) FROM pair_level").fetchall()
                compared += pairs
                advance(1)
        for table in ("client_key", "register_key", "client_chunk", "pair", "pair_level", "weighed", "settled"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        return compared

    def _look(self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, chunk: int) -> None:
        """Make `pair_level`, `weighed` and `settled` for one chunk: first rules for all, others for the rest."""
        _make_pairs(connection, f"chunk = {chunk}", "first")
        _compare(connection, model, frequencies)
        connection.execute(f"CREATE OR REPLACE TABLE weighed AS {weighed_sql(model, frequencies.people)}")
        connection.execute(f"CREATE OR REPLACE TABLE settled AS {settled_sql()}")
        _make_pairs(connection, f"chunk = {chunk} AND id NOT IN (SELECT c FROM settled)", "NOT first")
        connection.execute("DELETE FROM pair WHERE (c, r) IN (SELECT (c, r) FROM pair_level)")
        connection.execute(f"""
            CREATE OR REPLACE TABLE pair_level_more AS {_pair_level(model, frequencies)}""")
        connection.execute(f"INSERT INTO weighed {weighed_sql(model, frequencies.people, 'pair_level_more')}")
        connection.execute("INSERT INTO pair_level FROM pair_level_more")
        connection.execute("DROP TABLE pair_level_more")


def _make_pairs(connection: duckdb.DuckDBPyConnection, clients: str, keys: str = "true") -> None:
    wanted = f"(SELECT id FROM client_chunk WHERE {clients})"
    client_key = f"(SELECT k.* FROM client_key k SEMI JOIN {wanted} USING (id) WHERE {keys})"
    register_key = f"(FROM register_key WHERE {keys})"
    connection.execute(f"CREATE OR REPLACE TABLE pair AS {pairs_sql(client_key, register_key)}")


def _compare(connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE pair_level AS {_pair_level(model, frequencies)}")


def _pair_level(model: Model, frequencies: Frequencies) -> str:
    return pair_level_sql((each.comparison for each in model.comparisons), frequencies, "pair")
