"""A file of FHIR resources that is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from connectors import ReadReport, Source, read
from tests.spec.fhir.patients import AS_AT, Load, Patient


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


@pytest.fixture
def load(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Load:
    def load(*resources: Patient, text: str | None = None, name: str = "p.ndjson") -> ReadReport:
        path = tmp_path / name
        path.write_text(text or "\n".join(json.dumps(each) for each in resources), encoding="utf-8")
        report = read(connection, [Source(path)], side="clients", as_at=AS_AT)
        assert report.records == report.used + report.rejected + report.excluded
        return report

    return load
