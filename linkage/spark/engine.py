"""Linking on a Spark cluster, with the SQL of one machine.

The driver cleans, counts, trains and decides; executors make the pairs, weigh them and rank each client's candidates,
which is where the time goes. Two rounds, as on one machine: the first rules for everybody, all rules for whoever those
do not settle. In each round

1. rows of both sides travel to the bucket of each of their keys (`plan`), where a DuckDB in memory makes and weighs
   the pairs (`worker.compare`);
2. weighed pairs travel to the bucket of their client, where the same pair from several buckets becomes one and
   candidates compete (`worker.rank`);
3. the best few candidates of each client come back as Parquet.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from linkage.batch import MADE, DuckDBEngine, Scored, add_confirmed
from linkage.blocking import make_keys
from linkage.frequencies import Frequencies
from linkage.model import Model
from linkage.spark import exchange, worker
from linkage.spark.cluster import Cluster, Sent
from linkage.spark.exchange import Written
from linkage.spark.plan import Plan, plan_round
from linkage.spark.session import require_spark, session
from linkage.spark.settings import OWN, SparkSettings
from linkage.spark.work import make_work, records_sql
from linkage.spark.worker import Work
from linkage.weigh import pair_level_sql
from schemas.errors import SettingsError
from schemas.progress import Progress

if TYPE_CHECKING:
    import duckdb


class SparkEngine:
    """See `linkage.engine.Engine`.

    Raises SettingsError at once where PySpark, Java or a folder for executors is missing, before any data is read.
    """

    name = "spark"

    def __init__(self, settings: SparkSettings | None = None) -> None:
        self._settings = settings or SparkSettings()
        if self._settings.master:
            exchange.require_shared(self._settings.master, self._settings.folder)
        self.plans: tuple[Plan, ...] = ()
        """Of the rounds of the last `score`."""
        require_spark()

    def sample(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, *, seed: int
    ) -> None:
        """As on one machine: the training clients are few."""
        DuckDBEngine().sample(connection, model, frequencies, seed=seed)

    def score(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, progress: Progress
    ) -> Scored:
        """Make `ranked` on the cluster."""
        for table in MADE:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        rules = make_keys(connection)
        add_confirmed(connection)
        self.plans = ()
        compared = self._find(connection, model, frequencies, progress)
        levels = pair_level_sql(
            (each.comparison for each in model.comparisons),
            frequencies,
            "(SELECT c, r, false AS first FROM found)",
            model.sources,
        )
        # Executors send back who, not why: the few pairs kept are compared again here sooner than all travel in full.
        connection.execute(f"""
            CREATE OR REPLACE TABLE ranked AS
            SELECT b.rank, b.weight, b.probability, b.pass, t.* EXCLUDE (first, r_key)
            FROM found b JOIN ({levels}) t ON t.c = b.c AND t.r = b.r""")
        for table in ("found", "client_key", "register_key"):
            connection.execute(f"DROP TABLE {table}")
        return Scored(compared, rules)

    def _find(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, progress: Progress
    ) -> int:
        """Make `found`: c, person, r, rank, weight, probability, pass of the best candidates."""
        settings = self._settings
        with exchange.folder(connection, settings.folder) as folder:
            work = make_work(connection, model, frequencies, folder, settings.worker_memory)
            _create(connection, "found", work)
            with (
                session(settings.master, settings.conf, folder, settings.log or folder / "spark.log") as spark,
                progress.stage("Comparing on Spark", 2) as advance,
            ):
                exchange.require_shared(spark.sparkContext.master, settings.folder)
                records = {
                    side: exchange.write(connection, query, folder / f"{side}.parquet")
                    for side, query in records_sql(connection).items()
                }
                cluster = Cluster(spark, work)
                for settled_only in (True, False):
                    self._round(connection, cluster, records, folder, settled_only=settled_only)
                    advance(1)
                return cluster.pairs_compared

    def _round(
        self,
        connection: duckdb.DuckDBPyConnection,
        cluster: Cluster,
        records: Mapping[str, Written],
        folder: Path,
        *,
        settled_only: bool,
    ) -> None:
        """Add to `found`: whom the first rules settle, or by all rules everybody else."""
        clients = "WHERE first" if settled_only else "ANTI JOIN (SELECT c AS id FROM found) USING (id)"
        register = "WHERE first" if settled_only else ""
        plan = plan_round(
            connection, f"FROM client_key {clients}", f"FROM register_key {register}", self._settings.size
        )
        self.plans += (plan,)
        name = "first" if settled_only else "all"
        sent = {}
        for side in records:
            keys = f"SELECT *, CAST(block_key % {plan.buckets} AS INTEGER) AS bucket FROM {side}_sent"
            written = exchange.write(connection, keys, folder / f"{side}_key_{name}.parquet")
            sent[side] = Sent(records[side], written)
            connection.execute(f"DROP TABLE {side}_sent")
        if not plan.pairs:
            return
        best = folder / f"best_{name}"
        cluster.find(plan, sent["client"], sent["register"], best, settled_only=settled_only)
        exchange.read_into(connection, "found", best, cluster.work.ranked_schema)


def _create(connection: duckdb.DuckDBPyConnection, table: str, work: Work) -> None:
    """Make an empty `table` of the shape that executors give, which also proves their SQL before they see it."""
    import duckdb

    try:
        connection.register("none_yet", work.ranked_schema.empty_table())
    except duckdb.OutOfMemoryException as error:
        raise SettingsError(
            f"{OWN}workerMemory: {work.memory} is too little to weigh a single pair; give 100MB or more"
        ) from error
    finally:
        worker.forget()
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM none_yet")
    connection.unregister("none_yet")
