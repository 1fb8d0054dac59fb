"""Our own format: what is set aside."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.spec.formats.reading import aside, load, rows


@pytest.mark.parametrize(
    ("record", "kind", "rule"),
    [
        ("1,Again,,,", "excluded", "duplicate record_id: an earlier record has the same id"),
        (" ,Nobody,,,", "rejected", "no record_id"),
        ("2,Test,,,true", "excluded", "marked as a test record"),
        ('2,"Open,,,', "rejected", "a quotation mark is never closed"),
        ("2,Short", "rejected", "2 fields where the header has 5"),
    ],
)
def test_standard_sets_aside(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, record: str, kind: str, rule: str
) -> None:
    path = tmp_path / "council.csv"
    path.write_text(
        f"record_id,family_name,birth_date,gender,test_record\n1,First,1931-07,m,\n{record}\n3,Last,1931,x,0\n",
        encoding="utf-8",
    )
    load(connection, path)
    assert aside(connection) == [("council.csv", 3, kind, rule)]
    assert rows(connection, "person", "source, source_org, record_id, birth_date, birth_date_precision") == [
        ("standard", "council", "1", date(1931, 7, 1), "YM"),
        ("standard", "council", "3", date(1931, 1, 1), "Y"),
    ]
