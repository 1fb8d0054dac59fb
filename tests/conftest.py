"""A working store built from a few readable rows, a project that keeps its files encrypted, and what is left out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from schemas import ADDRESS, IDENTIFIER, NAME, PERSON, SOURCE_TABLES, Table
from schemas.sql import install_macros

LEFT_OUT = {
    "long": None if "CARETRACE_PROVE" in os.environ else "long proofs (`make prove` runs them)",
    "vault": None
    if shutil.which("bao") or shutil.which("vault")
    else "the keeper `vault` against the service itself (neither `bao`, which is OpenBao, nor `vault` is installed)",
}
"""By marker, what is not run here and why; a skipped test is a fault in CI, and these are none."""

Row = dict[str, Any]
Store = Callable[..., duckdb.DuckDBPyConnection]


def pytest_report_header() -> list[str]:
    """Say what is left out, and why."""
    return [f"left out: {why}" for why in LEFT_OUT.values() if why]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave it out."""
    left = [each for each in items if any(why and each.get_closest_marker(mark) for mark, why in LEFT_OUT.items())]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [each for each in items if each not in left]


def _insert(connection: duckdb.DuckDBPyConnection, side: str, table: Table, rows: list[Row]) -> None:
    if not rows:
        return
    filled = [{"source": side, "source_org": "T", "record_id": f"{side[0]}{n}"} | row for n, row in enumerate(rows, 1)]
    for row in filled:
        if table is PERSON and row.get("birth_date"):
            row.setdefault("birth_date_precision", "YMD")
    names = sorted({name for row in filled for name in row})
    given = pa.table({name: pa.array([row.get(name) for row in filled], pa.string()) for name in names})
    connection.register("given_rows", given)
    connection.execute(f"INSERT INTO {side}.{table.name.lower()} BY NAME SELECT * FROM given_rows")
    connection.unregister("given_rows")


@pytest.fixture
def store() -> Iterator[Store]:
    """Give a function that makes a store of clients and register; rows leave out what they do not need."""
    made: list[duckdb.DuckDBPyConnection] = []

    def make(
        clients: list[Row],
        register: list[Row],
        *,
        threads: int = 2,
        addresses: dict[str, list[Row]] | None = None,
        names: dict[str, list[Row]] | None = None,
        identifiers: dict[str, list[Row]] | None = None,
    ) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"threads": threads})
        made.append(connection)
        install_macros(connection, as_at=date(2026, 11, 22))
        for side, rows in (("clients", clients), ("register", register)):
            connection.execute(f"CREATE SCHEMA {side}")
            for table in SOURCE_TABLES:
                connection.execute(table.ddl(f"{side}.{table.name.lower()}"))
            _insert(connection, side, PERSON, rows)
            _insert(connection, side, ADDRESS, (addresses or {}).get(side, []))
            _insert(connection, side, NAME, (names or {}).get(side, []))
            _insert(connection, side, IDENTIFIER, (identifiers or {}).get(side, []))
        return connection

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def encrypted_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project that wants encryption, with its key (in `tmp_path/keys`) and a workshop of this test's own."""
    from governance import at_rest, keys
    from governance.keys import at_rest as project_key

    at_rest.close()
    monkeypatch.setenv("CARETRACE_KEYS", str(tmp_path / "keys"))
    (tmp_path / "work").mkdir()
    root = tmp_path / "project"
    root.mkdir()
    (root / "caretrace.toml").write_text(f"[at_rest]\nencrypt = true\nwork = {str(tmp_path / 'work')!r}\n", "utf-8")
    keys.create(tmp_path / "keys", project=root)
    project_key.make(root, tmp_path / "keys", maker="a test", now=datetime(2026, 11, 22, 12, tzinfo=UTC))
    yield root
    at_rest.close()
