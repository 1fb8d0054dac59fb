"""What a user may tell the Spark engine: a master, Spark's own settings, and a few of ours beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from linkage.spark.plan import Size
from schemas.errors import SettingsError

OWN = "spark.caretrace."
"""Ours stand among Spark's, since Spark passes on only names that begin with `spark.`."""


@dataclass(frozen=True)
class SparkSettings:
    """How Spark is started and used; nothing here changes the links."""

    master: str | None = None
    """As Spark writes it (`local[4]`, `spark://host:7077`, `yarn`); None: this machine, or the running session."""
    conf: Mapping[str, str] = field(default_factory=dict)
    """Spark's own settings."""
    folder: Path | None = None
    """Where records wait for executors: a place that driver and executors see under one path. None: here, if local."""
    size: Size = field(default_factory=Size)
    worker_memory: str = "1GB"
    """What the DuckDB of one Python worker may hold before it spills; beside it come the rows of its task."""
    log: Path | None = None
    """Where Spark's own messages are kept; None: nowhere. They may hold values of the data."""

    def __post_init__(self) -> None:
        if self.size.pairs < 1 or self.size.rows < 1:
            raise SettingsError(f"{OWN}pairsPerTask and {OWN}rowsPerTask must be 1 or more")
        if not re.fullmatch(r"[0-9]+ ?[KMGT]i?B", self.worker_memory, re.IGNORECASE):
            raise SettingsError(f"{OWN}workerMemory is not a size such as 800MB or 2GB")

    @classmethod
    def parse(cls, master: str | None, options: Iterable[str]) -> SparkSettings:
        """From options `key=value`; SettingsError where one is not of that form, or is ours and not known."""
        conf: dict[str, str] = {}
        own: dict[str, str] = {}
        for option in options:
            key, separator, value = option.partition("=")
            if not separator or not key.startswith("spark."):
                raise SettingsError(f"--spark-conf {key}: give it as spark.NAME=VALUE")
            (own if key.startswith(OWN) else conf)[key.removeprefix(OWN)] = value
        known = {"folder", "pairsPerTask", "rowsPerTask", "workerMemory", "log"}
        if unknown := sorted(own.keys() - known):
            raise SettingsError(f"--spark-conf {OWN}{unknown[0]}: not known; ours are {', '.join(sorted(known))}")
        if "spark.master" in conf:
            raise SettingsError("--spark-conf spark.master: give it as --spark-master")
        return cls(
            master,
            conf,
            _path(own.get("folder")),
            Size(
                _number(own, "pairsPerTask", Size.pairs),
                _number(own, "rowsPerTask", Size.rows),
            ),
            own.get("workerMemory", cls.worker_memory),
            _path(own.get("log")),
        )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _number(own: Mapping[str, str], name: str, default: int) -> int:
    text = own.get(name, str(default))
    if not re.fullmatch("[0-9]{1,15}", text):
        raise SettingsError(f"--spark-conf {OWN}{name}: not a whole number")
    return int(text)
