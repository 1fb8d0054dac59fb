"""Linking on a Spark cluster, for lists that outgrow one machine; the same links, row for row.

Begin with `SparkEngine` in `engine`. Spark moves rows and nothing else: every formula is SQL of `linkage`, run by
DuckDB inside the executors (`worker`). PySpark is imported only where it is used.
"""

from __future__ import annotations

from linkage.spark.engine import SparkEngine
from linkage.spark.settings import SparkSettings

__all__ = ["SparkEngine", "SparkSettings"]
