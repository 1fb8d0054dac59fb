"""The two shuffles of a round, as Spark runs them; everything that is computed is in `worker`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from linkage.spark import worker
from linkage.spark.exchange import Written
from linkage.spark.plan import Plan
from linkage.spark.wire import carried, load, unload

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from linkage.spark.worker import Work


@dataclass(frozen=True)
class Sent:
    """Parquet files of one side: its records, and its keys (id, block_key, first, bucket) in one round."""

    records: Written
    keys: Written


class Cluster:
    """A session that knows the work."""

    def __init__(self, spark: SparkSession, work: Work) -> None:
        self.work = work
        self._spark = spark
        self._pairs = spark.sparkContext.accumulator(0)
        # Numbers of partitions are planned: Spark knows bytes, and would join buckets of few rows and many pairs.
        spark.conf.set("spark.sql.adaptive.enabled", "false")
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "20000")
        # With a limit, Spark measures the whole batch again at every row: ten times the time.
        spark.conf.set("spark.sql.execution.arrow.maxBytesPerBatch", str(2**31 - 1))

    @property
    def pairs_compared(self) -> int:
        """Pairs that clients' candidates were chosen from, so far; pairs of a task that was run again count again."""
        return int(self._pairs.value)

    def find(self, plan: Plan, clients: Sent, register: Sent, into: Path, *, settled_only: bool) -> None:
        """Write the best candidates of each client as Parquet files into the new folder `into`."""
        from pyspark.sql import functions as f

        self._spark.conf.set("spark.sql.shuffle.partitions", str(plan.buckets))
        work, counter = self.work, self._pairs

        def compare(clients: pa.Table, register: pa.Table) -> pa.Table:
            return load(worker.compare(work, unload(clients, work.client), unload(register, work.register)))

        def rank(compared: pa.Table) -> pa.Table:
            ranked, pairs = worker.rank(work, unload(compared, work.compared_schema), settled_only=settled_only)
            counter.add(pairs)
            return load(ranked)

        one, other = (_at_keys(self._spark, side).groupBy("bucket") for side in (clients, register))
        compared = one.cogroup(other).applyInArrow(compare, _spark_schema(self.work.compared_schema))
        by_client = compared.withColumn("bucket", f.pmod(f.hash("c"), f.lit(plan.client_buckets)))
        grouped = by_client.repartition(plan.client_buckets, "bucket").groupBy("bucket")
        grouped.applyInArrow(rank, _spark_schema(self.work.ranked_schema)).write.parquet(_url(into))


def _at_keys(spark: SparkSession, side: Sent) -> DataFrame:
    """Each record once for each of its keys."""
    records, keys = (
        # Without a schema Spark would start a job to look for one, and it would take brackets in a path for a pattern.
        spark.read.schema(_spark_schema(each.schema)).option("__globPaths__", "false").parquet(_url(each.path))
        for each in (side.records, side.keys)
    )
    return keys.join(records, "id")


def _url(path: Path) -> str:
    """As Spark wants it: unlike a URL of the web, nothing in it is escaped."""
    return f"file:///{path.as_posix().removeprefix('/')}"


def _spark_schema(schema: pa.Schema) -> StructType:
    from pyspark.sql.pandas.types import from_arrow_schema

    shape: StructType = from_arrow_schema(carried(schema))
    return shape
