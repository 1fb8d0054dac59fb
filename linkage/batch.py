"""The usual engine: DuckDB on one machine, clients in chunks, so that memory does not grow with their number.

In: `clients_record` and `register_record` with their frequencies. Out: `pair_level` of the training clients (`sample`)
and `ranked` for all (`score`). Whatever the chunks, the outcome is the same: clients do not depend on each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from linkage.blocking import RULES, BlockingRule, RuleFacts, make_keys, pairs_sql
from linkage.frequencies import Frequencies
from linkage.model import Model
from linkage.rank import NOBODY, ranked_sql, settled_sql, weighed_sql
from linkage.train import training_clients_sql
from linkage.weigh import pair_level_sql
from schemas.progress import Progress

if TYPE_CHECKING:
    import duckdb

PAIRS_AT_ONCE = 6_000_000
"""Pairs to a chunk; each takes about 150 bytes while it is weighed."""


@dataclass(frozen=True)
class Scored:
    """How many pairs were compared, and what each blocking rule found."""

    pairs: int
    rules: tuple[RuleFacts, ...]
    """The wide rules' are those of the training clients and of clients whom the first rules leave."""


class KeyMaker(Protocol):
    """Makes `client_key` and `register_key` for some rules and clients, as `linkage.blocking.make_keys` does."""

    def __call__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        rules: tuple[BlockingRule, ...],
        clients: str = "clients_record",
    ) -> tuple[RuleFacts, ...]:
        """What each rule found."""


FIRST = tuple(rule for rule in RULES if rule.first)
WIDE = tuple(rule for rule in RULES if not rule.first)


class DuckDBEngine:
    """See `linkage.engine.Engine`.

    Everybody is looked for by the first rules, which settle most clients; the wide rules make keys and pairs only for
    the training clients and for whoever is left.
    """

    name = "duckdb"

    def __init__(self, keys: KeyMaker = make_keys) -> None:
        self._make_keys = keys

    def sample(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, *, seed: int
    ) -> None:
        """Make `pair_level` for the training clients under every rule."""
        self.sample_of(connection, model, frequencies, training_clients_sql(seed))

    def sample_of(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, training: str
    ) -> None:
        """The same for training clients given as a SELECT of id, which may be none."""
        connection.execute(f"CREATE OR REPLACE TABLE training_client AS {training}")
        self._first = self._make_keys(connection, rules=FIRST)
        add_confirmed(connection)
        for table in _KEYS:
            connection.execute(f"CREATE OR REPLACE TABLE first_{table} AS FROM {table}")
        among = "(FROM clients_record SEMI JOIN training_client USING (id))"
        self._wide = self._make_keys(connection, rules=WIDE, clients=among)
        connection.execute(f"""
            INSERT INTO client_key {_clients_only("first_client_key", "FROM training_client")}""")
        connection.execute(
            "INSERT INTO register_key SELECT f.* FROM first_register_key f SEMI JOIN client_key USING (key)"
        )
        connection.execute(f"CREATE OR REPLACE TABLE pair AS {pairs_sql()}")
        connection.execute(f"CREATE OR REPLACE TABLE pair_level AS {_pair_level(model, frequencies)}")

    def score(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, progress: Progress
    ) -> Scored:
        """Make `ranked`, and `settled_client` (c), whom the first rules settled; `pair_level` is that of `sample`."""
        ((self._pairs,),) = connection.execute("SELECT count(*) FROM pair_level").fetchall()
        connection.execute(f"CREATE OR REPLACE TABLE weighed AS {weighed_sql(model, frequencies.people)}")
        connection.execute(f"CREATE OR REPLACE TABLE settled AS {settled_sql()}")
        connection.execute("CREATE OR REPLACE TABLE settled_client AS FROM settled")
        connection.execute(f"CREATE OR REPLACE TABLE ranked AS {ranked_sql()}")
        left: tuple[RuleFacts, ...] = ()
        if connection.execute("FROM clients_record ANTI JOIN training_client USING (id) LIMIT 1").fetchall():
            self._settle(connection, model, frequencies, progress)
            left = self._widen(connection, model, frequencies, progress)
        wide = (_together(*each) for each in zip(self._wide, left, strict=True)) if left else self._wide
        for table in MADE:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        return Scored(self._pairs, (*self._first, *wide))

    def _settle(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, progress: Progress
    ) -> None:
        """Rank those whom the first rules settle; `open_pair` and `open_weighed` hold the pairs of the others."""
        connection.execute("CREATE OR REPLACE TABLE open_pair AS SELECT c, r FROM pair LIMIT 0")
        connection.execute("CREATE OR REPLACE TABLE open_weighed AS FROM weighed LIMIT 0")
        clients = "(FROM clients_record ANTI JOIN training_client USING (id))"
        with progress.stage("Comparing", chunks := self._chunk(connection, clients, self._first)) as advance:
            for chunk in range(chunks):
                wanted = f"SELECT id FROM client_chunk WHERE chunk = {chunk}"
                first = pairs_sql(f"({_clients_only('first_client_key', wanted)})", "first_register_key")
                self._weigh(connection, model, frequencies, first)
                connection.execute(f"CREATE OR REPLACE TABLE settled AS {settled_sql()}")
                connection.execute("INSERT INTO settled_client FROM settled")
                connection.execute("INSERT INTO open_pair SELECT c, r FROM pair ANTI JOIN settled USING (c)")
                connection.execute("INSERT INTO open_weighed FROM weighed ANTI JOIN settled USING (c)")
                theirs = ranked_sql("(FROM weighed SEMI JOIN settled USING (c))", NOBODY)
                connection.execute(f"INSERT INTO ranked {theirs}")
                advance(1)

    def _widen(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, progress: Progress
    ) -> tuple[RuleFacts, ...]:
        """Look for whoever is left by the wide rules too, and rank them; gives what those rules found."""
        connection.execute("""
            CREATE OR REPLACE TABLE left_client AS
            SELECT id FROM clients_record ANTI JOIN training_client USING (id)
            ANTI JOIN (SELECT DISTINCT c AS id FROM ranked) USING (id)""")
        clients = "(FROM clients_record SEMI JOIN left_client USING (id))"
        wide = self._make_keys(connection, rules=WIDE, clients=clients)
        with progress.stage("Comparing those left", chunks := self._chunk(connection, clients, wide)) as advance:
            for chunk in range(chunks):
                wanted = f"SELECT id FROM client_chunk WHERE chunk = {chunk}"
                more = pairs_sql(f"({_clients_only('client_key', wanted)})")
                self._weigh(connection, model, frequencies, f"FROM ({more}) ANTI JOIN open_pair USING (c, r)")
                connection.execute(f"INSERT INTO weighed FROM open_weighed WHERE c IN ({wanted})")
                connection.execute(f"INSERT INTO ranked {ranked_sql(settled=NOBODY)}")
                advance(1)
        return wide

    def _weigh(self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, pairs: str) -> None:
        """Make `pair` of a SELECT of pairs, and `weighed`, the same compared and weighed."""
        connection.execute(f"CREATE OR REPLACE TABLE pair AS {pairs}")
        ((made,),) = connection.execute("SELECT count(*) FROM pair").fetchall()
        self._pairs += made
        compared = weighed_sql(model, frequencies.people, f"({_pair_level(model, frequencies)})")
        connection.execute(f"CREATE OR REPLACE TABLE weighed AS {compared}")

    def _chunk(self, connection: duckdb.DuckDBPyConnection, clients: str, rules: tuple[RuleFacts, ...]) -> int:
        """Make `client_chunk` (id, chunk) of `clients`; gives the number of chunks."""
        chunks = max(1, -(-sum(rule.pairs for rule in rules) // PAIRS_AT_ONCE))
        connection.execute(f"CREATE OR REPLACE TABLE client_chunk AS SELECT id, key % {chunks} AS chunk FROM {clients}")
        return chunks


_KEYS = ("client_key", "register_key")
MADE = (
    *_KEYS,
    *(f"first_{table}" for table in _KEYS),
    *("training_client", "left_client", "client_chunk"),
    *("pair", "pair_level", "weighed", "settled", "open_pair", "open_weighed"),
)


def add_confirmed(connection: duckdb.DuckDBPyConnection) -> None:
    """Whom a person confirmed is a candidate whatever the records share today: a key for each, of a first rule."""
    for side, row in (("client", "c"), ("register", "r")):
        connection.execute(f"INSERT INTO {side}_key SELECT hash(-1, c, r), {row}, true, NULL FROM confirmed")


def _together(one: RuleFacts, other: RuleFacts) -> RuleFacts:
    """What a rule found for two sets of clients; a key that is too large for both counts twice."""
    keys, pairs = one.oversized_keys + other.oversized_keys, one.oversized_pairs + other.oversized_pairs
    return RuleFacts(one.name, one.pairs + other.pairs, keys, pairs)


def _clients_only(keys: str, wanted: str) -> str:
    return f"SELECT k.* FROM {keys} k SEMI JOIN ({wanted}) USING (id)"


def _pair_level(model: Model, frequencies: Frequencies) -> str:
    return pair_level_sql((each.comparison for each in model.comparisons), frequencies, "pair", model.sources)
