"""Files that only tell who is gone: taken as changes where that is all they say, and never as a full list."""

from __future__ import annotations

import string
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import Source, read
from schemas import InputError
from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)
HELD = "(SELECT 'standard' AS source, 'council' AS source_org, unnest(['a', 'b', 'c']) AS record_id)"
TITLES = "record_id,record_status\n"


def taken(path: Path | Any, held: str | None = HELD) -> tuple[list[str], list[tuple[str, str]], str | None]:
    """Who is gone, what was set aside (verdict and rule), and the note of the first file."""
    with duckdb.connect() as connection:
        install_macros(connection, as_at=AS_AT)
        report = read(connection, [Source(path, name="council")], side="clients", as_at=AS_AT, held=held)
        assert report.tables["PERSON"] == report.used == 0
        aside = connection.execute("SELECT kind, rule FROM clients.set_aside ORDER BY extract_record").fetchall()
        known = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'gone'").fetchall()
        gone = connection.execute("SELECT record_id FROM clients.gone ORDER BY ALL").fetchall() if known else []
        return [name for (name,) in gone], aside, report.files[0].note


GONE = ("excluded", "marked as deleted")


@pytest.mark.parametrize(
    ("records", "gone", "aside"),
    [
        ("a,deleted\n", ["a"], [GONE]),
        ("a,deleted\nb, DELETED \nz,Deleted\n", ["a", "b", "z"], [GONE, GONE, GONE]),
        ("a,deleted\na,deleted\n", ["a"], [GONE, GONE]),
        (" ,deleted\nb,deleted\n", ["b"], [("rejected", "no record_id"), GONE]),
        (
            "a,deleted\n(2 rows affected),\n",
            ["a"],
            [GONE, ("excluded", "a line of totals under the records, and nobody's")],
        ),
        ("", [], []),
    ],
)
def test_what_is_taken(tmp_path: Path, records: str, gone: list[str], aside: list[tuple[str, str]]):
    path = tmp_path / "gone.csv"
    path.write_text(TITLES + records, encoding="utf-8")
    assert taken(path) == (gone, aside, None)


@pytest.mark.parametrize(
    ("titles", "records", "sentence"),
    [
        ("record_id,record_status", "a,deleted\nb,\n", "line 3: none of the columns nhs_number, family_name,"),
        ("record_id,record_status", "a,deleted\nb,current\n", "line 3: none of the columns"),
        # Nothing would come of it, and whoever wrote it meant that somebody is gone.
        ("record_id,record_status", "a,yes\n", "this record is not marked as deleted in record_status"),
        ("record_id,record_status,postcode", "a,deleted,\nb,,BR1 1AA\n", "line 3: none of the columns"),
        ("record_id", "a\n", "line 1: nothing says who the people are"),
        ("record_id,status", "a,deleted\n", "line 1: nothing says who the people are"),
    ],
)
def test_what_is_refused(tmp_path: Path, titles: str, records: str, sentence: str):
    path = tmp_path / "gone.csv"
    path.write_text(f"{titles}\n{records}", encoding="utf-8")
    with pytest.raises(InputError, match=sentence) as caught:
        taken(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("records", ["a,deleted\n", "a,\nb,\n", "a,\nb,deleted\n"])
def test_a_full_list_of_ids_is_refused(tmp_path: Path, records: str):
    path = tmp_path / "everybody.csv"
    path.write_text(TITLES + records, encoding="utf-8")
    with pytest.raises(InputError, match="is needed in a full list; one that only tells who is gone is read as a del"):
        taken(path, held=None)


def test_beside_a_file_of_people_and_their_services(tmp_path: Path):
    """Each file of a delivery is held to what it says; a record that one of them holds stays."""
    (tmp_path / "people.csv").write_text("record_id,family_name\nd,Ash\n", encoding="utf-8")
    (tmp_path / "gone.csv").write_text(TITLES + "a,deleted\nd,deleted\n", encoding="utf-8")
    (tmp_path / "service.csv").write_text("record_id,event_id\na,1\nb,2\n", encoding="utf-8")
    with duckdb.connect() as connection:
        install_macros(connection, as_at=AS_AT)
        report = read(connection, [Source(tmp_path, name="council")], side="clients", as_at=AS_AT, held=HELD)
        people = connection.execute("SELECT record_id FROM clients.person").fetchall()
        services = connection.execute("SELECT record_id FROM clients.service").fetchall()
        gone = connection.execute("SELECT record_id FROM clients.gone ORDER BY ALL").fetchall()
    assert (people, services, gone) == ([("d",)], [("b",)], [("a",), ("d",)])
    assert {file.name: file.note for file in report.files}["gone.csv"] is None


def test_as_parquet_and_from_memory(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"record_id": ["a", "b"], "record_status": ["deleted", "deleted"]})
    pq.write_table(table, tmp_path / "gone.parquet")
    assert taken(tmp_path / "gone.parquet") == taken(table) == (["a", "b"], [GONE, GONE], None)
    with pytest.raises(InputError, match="not marked as deleted"):
        taken(table.set_column(1, "record_status", pa.array(["deleted", None])))


STATUS = st.sampled_from(["deleted", "deleted", "deleted", " Deleted", "DELETED ", "", "current", "no"])
RECORDS = st.lists(st.tuples(st.text(string.ascii_lowercase[:4], min_size=1, max_size=2), STATUS), max_size=6)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS)
def test_it_says_what_a_file_with_blank_names_says_or_is_refused(tmp_path: Path, records: list[tuple[str, str]]):
    """A column more, which nobody filled, changes nothing of what a file of departures means."""
    short, wide = tmp_path / "gone.csv", tmp_path / "wide.csv"
    short.write_text(TITLES + "".join(f"{name},{status}\n" for name, status in records), encoding="utf-8")
    wide.write_text(
        "record_id,record_status,family_name\n" + "".join(f"{name},{status},\n" for name, status in records),
        encoding="utf-8",
    )
    if all(status.strip().lower() == "deleted" for _, status in records):
        assert taken(short)[:2] == taken(wide)[:2]
    else:
        with pytest.raises(InputError, match="not marked as deleted"):
            taken(short)
