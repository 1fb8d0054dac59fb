"""A submission that is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import pytest

from connectors import ReadReport, Source, read
from tests.spec.cld.submissions import AS_AT, Row, csv_of


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


@pytest.fixture
def load(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., ReadReport]:
    def load(*files: Sequence[Row], **form: bool) -> ReadReport:
        paths = [tmp_path / f"q{n}.csv" for n in range(len(files))]
        for path, records in zip(paths, files, strict=True):
            path.write_text(csv_of(records, **form), encoding="utf-8", newline="")
        report = read(connection, [Source(path) for path in paths], side="clients", as_at=AS_AT)
        tables = ("person", "service", "assessment", "request", "care_review")
        union = " UNION ".join(f"SELECT extract_file, extract_record FROM clients.{table}" for table in tables)
        filled = connection.execute(f"SELECT extract_file, count(*) FROM ({union}) GROUP BY ALL").fetchall()
        assert {file.name: file.used for file in report.files if file.used} == dict(filled)
        return report

    return load
