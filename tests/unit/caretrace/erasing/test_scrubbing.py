"""Published past and kept trace answers, written again without the erased: which rows go, which are blanked."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from caretrace.erasing import scrubbing
from caretrace.project import Project

HERS, OTHERS = "9990000018", "9990000026"
KEY = "'s' AS source, 'o' AS source_org, '{}' AS record_id"
ROW = KEY.format
REGISTER = "'r' AS register_source, 'p' AS register_source_org, '{}' AS register_record_id".format


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Client c1 and register row g1 are to go, and the number that only they had."""
    with duckdb.connect() as made:
        made.execute(
            "CREATE TEMP TABLE erasing (id BIGINT, side VARCHAR, source VARCHAR, source_org VARCHAR, record_id VARCHAR)"
        )
        made.execute("INSERT INTO erasing VALUES (1, 'clients', 's', 'o', 'c1'), (2, 'register', 'r', 'p', 'g1')")
        made.execute(f"CREATE TEMP TABLE erasing_number AS SELECT '{HERS}' AS nhs_number")
        yield made


@pytest.mark.parametrize(
    ("table", "rows", "left"),
    [
        pytest.param(
            "person",
            [
                f"{ROW('c1')}, 'client' AS side, '{HERS}' AS person_nhs_number, '{HERS}' AS nhs_number",
                f"{ROW('c2')}, 'client', '{HERS}', '{HERS}'",
                f"{ROW('c1')}, 'register', '{OTHERS}', NULL",
            ],
            # What another record says of itself stays; whom it was linked to does not.
            [("c1", "register", OTHERS, None), ("c2", "client", None, HERS)],
            id="rows of another record, and of the other side, stay",
        ),
        pytest.param(
            "link",
            [
                f"{ROW('c1')}, '{HERS}' AS nhs_number, {REGISTER('g1')}, '{HERS}' AS runner_up_nhs_number",
                f"{ROW('c2')}, '{HERS}', 'r', 'p', 'g1', NULL",
                f"{ROW('c3')}, '{OTHERS}', 'r', 'p', 'g9', '{HERS}'",
            ],
            [("c2", None, None, None, None, None), ("c3", OTHERS, "r", "p", "g9", None)],
            id="links of others lose her",
        ),
        pytest.param(
            "link_change",
            [
                f"{ROW('c2')}, '{HERS}' AS nhs_number_before, '{OTHERS}' AS nhs_number",
                f"{ROW('c1')}, '{HERS}', NULL",
            ],
            [("c2", None, OTHERS)],
            id="changes of links",
        ),
        pytest.param("service", [f"{ROW('c2')}, 'client' AS side"], [("c2", "client")], id="nothing of hers"),
    ],
)
def test_the_published_past(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, table: str, rows: list[str], left: list[tuple[Any, ...]]
) -> None:
    path = tmp_path / "warehouse" / "history" / table / "000002.parquet"
    path.parent.mkdir(parents=True)
    duckdb.execute(f"COPY ({' UNION ALL '.join(f'SELECT {row}' for row in rows)}) TO '{path}' (FORMAT parquet)")
    before = path.read_bytes()
    told = scrubbing.scrub(connection, Project(tmp_path))
    assert duckdb.execute(f"SELECT * EXCLUDE (source, source_org) FROM '{path}' ORDER BY ALL").fetchall() == left
    assert told == (path.read_bytes() != before)
    # Once more there is nothing to do, and no file is touched.
    after = path.read_bytes()
    assert scrubbing.scrub(connection, Project(tmp_path)) == 0
    assert path.read_bytes() == after
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.fixture
def traces(tmp_path: Path) -> Callable[[str], list[tuple[Any, ...]]]:
    """A request and a reading about c1 and c2; gives what a file of them holds."""
    root = tmp_path / "traces"
    asked = [f"'Q{n}' AS reference, {ROW(f'c{n}')}, '{number}' AS nhs_number" for n, number in ((1, HERS), (2, OTHERS))]
    found = [f"'Q{n}' AS record_id, '{number}' AS nhs_number" for n, number in ((1, HERS), (2, OTHERS))]
    for name, rows in {
        "requests/A/questions.parquet": asked,
        "readings/0001/answers.parquet": asked,
        "readings/0001/register/person.parquet": found,
        "readings/0001/register/identifier.parquet": found,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        query = " UNION ALL ".join(f"SELECT {row}" for row in rows)
        duckdb.execute(f"COPY ({query}) TO '{root / name}' (FORMAT parquet)")
    with (root / "readings" / "0001" / "results.csv").open("w", encoding="utf-8-sig", newline="") as file:
        titles = ["source", "source_org", "record_id", "reason"]
        csv.writer(file).writerows([titles, ["s", "o", "c1", "'=x, y"], ["s", "o", "c2", "'=x, y"]])

    def rows_of(name: str) -> list[tuple[Any, ...]]:
        return duckdb.execute(f"FROM '{root / name}' ORDER BY ALL").fetchall()

    return rows_of


def test_questions_and_answers_about_her(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, traces: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    assert scrubbing.scrub(connection, Project(tmp_path)) == 5
    assert [row[0] for row in traces("requests/A/questions.parquet")] == ["Q2"]
    assert [row[0] for row in traces("readings/0001/answers.parquet")] == ["Q2"]
    assert traces("readings/0001/register/person.parquet") == [("Q2", OTHERS)]
    assert traces("readings/0001/register/identifier.parquet") == [("Q2", OTHERS)]
    text = (tmp_path / "traces" / "readings" / "0001" / "results.csv").read_bytes().decode("utf-8-sig")
    assert text == 'source,source_org,record_id,reason\r\ns,o,c2,"\'=x, y"\r\n'
    assert scrubbing.scrub(connection, Project(tmp_path)) == 0
    assert not any(HERS.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
