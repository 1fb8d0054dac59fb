"""The engine that a command is told to link with, and where Spark runs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace.api import named_engine

if TYPE_CHECKING:
    from linkage import Engine


class EngineName(StrEnum):
    """What computes."""

    DUCKDB = "duckdb"
    SPARK = "spark"
    RECORDLINKAGE = "recordlinkage"


SparkMaster = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where Spark runs, with --engine spark; this machine if not given."),
]
SparkConf = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A setting for Spark. Repeatable.")]


def require_spark(name: str, spark_master: str | None, spark_conf: list[str] | None) -> None:
    """End as after wrong usage where Spark's options are given for another engine."""
    if name != EngineName.SPARK and (spark_master or spark_conf):
        raise typer.BadParameter("it needs --engine spark", param_hint="--spark-master, --spark-conf")


def engine_of(name: str, spark_master: str | None, spark_conf: list[str] | None) -> Engine | None:
    """The engine of this name; None is DuckDB. SettingsError where there is none such or Spark's settings are none."""
    if name == EngineName.SPARK:
        from linkage.spark import SparkEngine, SparkSettings

        return SparkEngine(SparkSettings.parse(spark_master, spark_conf or []))
    return named_engine(name)
