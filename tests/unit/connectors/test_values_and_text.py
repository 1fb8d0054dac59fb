"""Short ways hold to the long ones; encodings; tables in memory; the order of rows."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import Source, read, values
from schemas.dates import Form
from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as made:
        install_macros(made, as_at=AS_AT)
        made.execute("CREATE TEMP MACRO reading_day() AS DATE '2026-11-22'")
        yield made


def column(connection, sql: str, texts: list[str]) -> list[object]:
    read = connection.execute(f"SELECT {sql} FROM (SELECT unnest(?::VARCHAR[]) AS x)", [texts]).fetchall()
    return [value for (value,) in read]


digits = st.text("0123456789", min_size=1, max_size=4)
dates = st.one_of(
    st.builds(lambda d, m, y, s: f"{d}{s}{m}{s}{y}", digits, digits, digits, st.sampled_from("/-. ")),
    st.builds(
        lambda d, m, y, s: f"{d}{s}{m}{s}{y}",
        digits,
        st.sampled_from(["Jan", "FEB", "sept", "Mai"]),
        digits,
        st.sampled_from("- "),
    ),
    st.dates(date(900, 1, 1), date(2999, 12, 31)).map(lambda d: d.strftime("%d/%m/%Y")),
    st.dates(date(900, 1, 1), date(2999, 12, 31)).map(lambda d: d.strftime("%d-%b-%Y").upper()),
    st.dates(date(900, 1, 1), date(2999, 12, 31)).map(str),
)


@given(st.lists(dates, min_size=1, max_size=40), st.sampled_from(list(Form)))
@settings(max_examples=40, deadline=None)
def test_plain_dates_are_read_as_the_macros_read_them(connection, texts, form) -> None:
    macro = f"date_{form.name.lower()}"
    # A whole date in ISO 8601 is read from every source.
    whole = "CASE WHEN regexp_full_match(x, '[12][0-9]{3}-[0-9]{2}-[0-9]{2}') THEN date_iso(x) END"
    expected = column(connection, f"coalesce({macro}(x), {whole})", texts)
    assert column(connection, values.day("x", form).parsed, texts) == expected
    born = values.birth_date("x", form)
    precision = column(
        connection,
        f"CASE WHEN {born['birth_date'].parsed} IS NOT NULL THEN {born['birth_date_precision'].parsed} END",
        texts,
    )
    whole = f"CASE WHEN {whole} IS NOT NULL THEN 'YMD' END"
    assert precision == column(connection, f"coalesce({macro}_precision(x), {whole})", texts)


postcodes = st.text("SWBR1 0OzZ9a-", max_size=9) | st.from_regex(
    r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}", fullmatch=True
)


@given(st.lists(postcodes | st.just("ZZ99 3VZ") | st.just("ZZ993VZ"), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_sound_postcodes_are_read_as_the_macro_reads_them(connection, texts) -> None:
    assert column(connection, values.postcode("x").parsed, texts) == column(connection, "postcode(x)", texts)


HEADER, RECORDS = "record_id,family_name", "1,Zoë\r\n2,OßNeil €5\r\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (f"{HEADER}\r\n{RECORDS}".encode(), "UTF-8"),
        (f"{HEADER}\r\n{RECORDS}".encode("utf-8-sig"), "UTF-8 with a byte order mark"),
        (f"{HEADER}\r\n{RECORDS}".encode("utf-16"), "UTF-16 with a byte order mark"),
        (f"{HEADER}\r\n{RECORDS}".encode("utf-16-le"), "UTF-16"),
        (f"{HEADER}\r\n{RECORDS}".encode("utf-16-be"), "UTF-16"),
        (f"{HEADER}\r\n{RECORDS}".encode("cp1252"), "Windows-1252"),
    ],
)
def test_encodings(store, write, content: bytes, encoding: str) -> None:
    report = store.read(write("a.csv", content))
    assert report.files[0].encoding == encoding
    assert store.rows("person", "family_name") == [("Zoë",), ("OßNeil €5",)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"{HEADER}\n1,Zoë\n".encode("cp1252") + b"2,\x81\n3,Last\n", id="undefined in Windows-1252"),
        pytest.param(f"{HEADER}\n1,Zoë\n".encode("utf-8-sig") + b"2,\xff\n3,Last\n", id="not UTF-8 though marked so"),
        pytest.param(f"{HEADER}\n1,Zoë\n2,\0\n3,Last\n".encode(), id="a NUL"),
    ],
)
def test_bytes_that_are_no_text_cost_their_record(store, write, content: bytes) -> None:
    report = store.read(write("a.csv", content))
    assert store.rows("set_aside", "extract_line", "kind", "rule") == [
        (3, "rejected", "bytes that are no text in the encoding of the file")
    ]
    assert (report.records, report.used, report.rejected) == (3, 2, 1)


def test_utf_16_cut_in_the_middle_of_a_character(store, write) -> None:
    store.read(write("a.csv", f"{HEADER}\n1,Zoë\n2,Al".encode("utf-16")[:-1]))
    assert store.rows("person", "family_name") == [("Zoë",)]
    assert store.rows("set_aside", "extract_line", "kind") == [(3, "rejected")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(store, write, delimiter: str, end: str) -> None:
    text = end.join(["record_id,family_name,phone", "1,Smith,2", "", '3,"a,b",4']).replace(",", delimiter)
    store.read(write("a.txt", text))
    assert store.rows("person", "record_id", "phone", "extract_line") == [("1", "2", 2), ("3", "4", 4)]


def test_tables_in_memory_and_parquet_are_read_alike(tmp_path) -> None:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = {
        "record_id": [1, 2],
        "family_name": ["Smith", " "],
        "nhs_number": [9434765919, 9434765918],
        "birth_date": [date(1950, 2, 1), None],
        "restricted": [True, False],
    }
    table = pa.table(data)
    pq.write_table(table, tmp_path / "memory.parquet")
    frames = [table, pd.DataFrame(data), pl.DataFrame(data), tmp_path / "memory.parquet"]
    found = []
    for frame in frames:
        with duckdb.connect() as made:
            read(made, [Source(frame, name="memory")], side="register", as_at=AS_AT)
            columns = "source_org, record_id, family_name, nhs_number, birth_date, birth_date_precision, restricted"
            found.append(
                made.execute(
                    f"SELECT {columns}, extract_record FROM register.person ORDER BY extract_record"
                ).fetchall()
            )
    assert found[0] == [
        ("memory", "1", "Smith", "9434765919", date(1950, 2, 1), "YMD", True, 1),
        ("memory", "2", None, None, None, None, False, 2),
    ]
    assert found[1] == found[2] == found[3] == found[0]


def test_a_folder_of_our_own_tables(store, write) -> None:
    folder = write("council/person.csv", "record_id,family_name\n1,Smith\n").parent
    write("council/address.csv", "record_id,address_type,postcode,from_date\n1,home,br11aa,2000-01-01\n9,home,,\n")
    store.read(folder)
    assert store.one("address", "source_org", "record_id", "postcode") == ("council", "1", "BR1 1AA")
    assert store.one("set_aside", "extract_file", "rule") == (
        "address.csv",
        "its person is not in the extract, or was set aside",
    )


bad = st.lists(st.binary(min_size=1, max_size=3) | st.sampled_from([b'"', b",", b"\n", b"\r", b"\0"]), max_size=4)


@given(bad, st.data())
@settings(max_examples=12, deadline=None)
def test_damage_never_loses_count(noise, data) -> None:
    text = bytearray(f'{HEADER}\n{RECORDS}3,"a\nb"\n4,Last\n'.encode())
    for piece in noise:
        at = data.draw(st.integers(len(HEADER) + 1, len(text)))
        text[at:at] = piece
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as made:
        path = Path(folder) / "a.csv"
        path.write_bytes(bytes(text))
        report = read(made, [Source(path, "standard")], side="clients", as_at=AS_AT)
        ((people, aside),) = made.execute(
            "SELECT (SELECT count(*) FROM clients.person), (SELECT count(*) FROM clients.set_aside)"
        ).fetchall()
    assert report.records == report.used + report.rejected + report.excluded == people + aside
