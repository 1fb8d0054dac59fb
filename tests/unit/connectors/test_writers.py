"""Each writer: every length, letter and sign arrives as it should, and what was changed is counted."""

from __future__ import annotations

import csv
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.writers.dbs import FIELDS, Envelope, write_dbs
from connectors.writers.dbs import LENGTHS as DBS_LENGTHS
from connectors.writers.ndoo import Control, write_check
from connectors.writers.plain import Change, Written
from connectors.writers.trace_request import LENGTHS, REQUEST_COLUMNS, TITLES, mpt_name, write_mpt, write_pds_mesh
from schemas.errors import InputError, SettingsError
from schemas.sql import install_macros

NOW = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)
A, B = "9434765919", "9000000009"
_TYPES = {"birth_date": pa.date32(), "death_date": pa.date32()}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        install_macros(made, as_at=NOW.date())
        yield made


def ask(connection: duckdb.DuckDBPyConnection, *rows: dict[str, Any]) -> str:
    """A query of these questions; references are given where they are not said."""
    filled = [{"reference": f"CT{number:04d}"} | row for number, row in enumerate(rows, 1)]
    columns = {name: [row.get(name) for row in filled] for name in REQUEST_COLUMNS}
    table = pa.table({name: pa.array(texts, _TYPES.get(name, pa.string())) for name, texts in columns.items()})
    connection.register("asked", table)
    return "SELECT * FROM asked"


def pds(
    connection: duckdb.DuckDBPyConnection, path: Path, *rows: dict[str, Any]
) -> tuple[list[dict[str, str]], Written]:
    written = write_pds_mesh(connection, ask(connection, *rows), path)
    with path.open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file)), written


def said(written: Written) -> dict[tuple[str, Change], int]:
    return {key: count for key, count in written.changes.items() if count}


NAMES: list[tuple[str, str, Change | None]] = [
    ("O'Brien", "O'Brien", None),
    ("O\u2019Brien", "O'Brien", Change.LETTERS),
    ("Smith-Jones", "Smith-Jones", None),
    ("Smith\u2013Jones", "Smith-Jones", Change.LETTERS),
    ("Zo\u00eb", "Zoe", Change.LETTERS),
    ("Zoe\u0308", "Zoe", Change.LETTERS),
    ("\u0141uczak", "Luczak", Change.LETTERS),
    ("Strau\u00df", "Strauss", Change.LETTERS),
    ("\u00c6sop", "AEsop", Change.LETTERS),
    ("van  der   Berg", "van der Berg", None),
    ("Smith\r\nJones", "Smith Jones", None),
    ("Sm*th", "Sm th", Change.LETTERS),
    ('Smith, "Bob"', 'Smith, "Bob"', None),
    ("A" * 40, "A" * 40, None),
    ("A" * 41, "A" * 40, Change.SHORTENED),
    ("A" * 39 + " B", "A" * 39, Change.SHORTENED),
    ("\u041c\u0430\u0440\u0438\u044f", "", Change.LEFT_OUT),
    ("   ", "", None),
]


def test_names_on_their_way_to_pds(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows, written = pds(connection, tmp_path / "r.csv", *({"family_name": held} for held, *_ in NAMES))
    assert [row["FAMILY_NAME"] for row in rows] == [sent for _, sent, _ in NAMES]
    expected = Counter(("family_name", change) for *_, change in NAMES if change)
    assert said(written) == expected
    assert written.to_text()[0] == f"{expected['family_name', Change.LETTERS]} x family_name: {Change.LETTERS.value}"


def test_a_pds_mesh_request(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    whole = {"nhs_number": A, "birth_date": date(1950, 2, 1), "postcode": "BR1 1AA", "gender": "2"}
    rows, written = pds(connection, tmp_path / "r.csv", whole, {"reference": "CT0000", "nhs_number": B})
    assert (tmp_path / "r.csv").read_bytes().startswith(b"UNIQUE REFERENCE,NHS_NO,FAMILY_NAME,")
    assert written.rows == 2
    assert [row["UNIQUE REFERENCE"] for row in rows] == ["CT0000", "CT0001"]
    kept = {title: text for title, text in rows[1].items() if text}
    assert kept == {
        "UNIQUE REFERENCE": "CT0001",
        "NHS_NO": A,
        "GENDER": "2",
        "DATE_OF_BIRTH": "19500201",
        "POSTCODE": "BR1 1AA",
    }


def test_the_form_of_24_columns_is_a_switch(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_pds_mesh(connection, ask(connection, {}), tmp_path / "r.csv", registration_date=True, line_end="lf")
    header, row, end = (tmp_path / "r.csv").read_text("ascii").split("\n")
    titles = header.split(",")
    assert (len(titles), titles[15:17], end) == (24, ["GP_PRACTICE_CODE", "GP_REGISTRATION_DATE"], "")
    assert row.count(",") == 23


@pytest.mark.parametrize("reference", [None, "", "1234567890", "CT:1", "ct1", "C" * 21])
def test_a_reference_is_plain_and_there(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, reference: str | None
) -> None:
    with pytest.raises(InputError, match="capital letters and digits"):
        pds(connection, tmp_path / "r.csv", {"reference": reference})
    with pytest.raises(InputError, match="stand twice"):
        pds(connection, tmp_path / "r.csv", {"reference": "CT1"}, {"reference": "CT1"})


def test_an_mpt_request_has_its_own_name_and_count(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    query = ask(connection, {"nhs_number": A}, {"nhs_number": B})
    with pytest.raises(ValueError, match="named by its own"):
        write_mpt(connection, query, tmp_path / "r.csv", now=NOW)
    path = tmp_path / mpt_name(NOW)
    write_mpt(connection, query, path, now=NOW)
    assert path.name == "MPTREQ_20261122090507.csv"
    header, *rows = path.read_bytes().decode("ascii").removesuffix("\r\n").split("\r\n")
    assert header == "MPTREQ_20261122090507,SPINE_MPTPHASE4_TRACE,20261122090507,2"
    assert [len(row.split(",")) for row in rows] == [23, 23]


def test_a_dbs_request_of_fixed_width(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    someone = {
        "nhs_number": A,
        "family_name": "Smith",
        "previous_family_name": "Jones",
        "given_name": "Zo\u00eb",
        "gender": "2",
        "birth_date": date(2019, 12, 30),
        "postcode": "BR1 1AA",
        "gp_practice_code": "A81001",
    }
    written = write_dbs(connection, ask(connection, someone), tmp_path / "r.txt", Envelope("X1", NOW, sequence=7))
    header, body, trailer = (tmp_path / "r.txt").read_text("ascii").splitlines()
    assert (len(header), len(body), len(trailer)) == (63, 600, 62)
    assert header == "0002010X1" + " " * 26 + "2026112209050700000007000001"
    assert trailer == header.replace("0002010", "990201", 1)
    cut = {"local": (3, 20), "dob": (23, 8), "number": (56, 10), "family": (66, 35), "previous": (101, 35)}
    cut |= {"given": (136, 35), "gender": (206, 1), "postcode": (382, 8), "practice": (581, 6)}
    # 30 December 2019 is in the first week of 2020: a week-year would be one too many.
    assert {name: body[start - 1 : start - 1 + length].rstrip() for name, (start, length) in cut.items()} == {
        **{"local": "CT0001", "dob": "20191230", "number": A, "family": "Smith", "previous": "Jones"},
        **{"given": "Zoe", "gender": "2", "postcode": "BR1 1AA", "practice": "A81001"},
    }
    assert said(written) == {("given_name", Change.LETTERS): 1}


def test_a_dbs_request_as_csv_keeps_its_fixed_header(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    query = ask(connection, {"family_name": 'O"Neil, Ann'})
    write_dbs(connection, query, tmp_path / "r.csv", Envelope("X1", NOW, as_csv=True, version="001"))
    header, body, trailer = (tmp_path / "r.csv").read_text("ascii").splitlines()
    assert (header[:7], len(header), len(trailer)) == ("0000011", 63, 62)
    [fields] = csv.reader([body])
    assert (len(fields), fields[0], fields[1], fields[6]) == (27, "10", "CT0001", 'O"Neil, Ann')


@pytest.mark.parametrize(
    "envelope", [{"organisation": ""}, {"organisation": "X" * 15}, {"sequence": 0}, {"version": "2"}]
)
def test_an_envelope_that_dbs_would_refuse(envelope: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Envelope(**{"organisation": "X1", "prepared": NOW, **envelope})


_NAME = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=45)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(_NAME, _NAME), min_size=1, max_size=20))
def test_whatever_the_names_every_file_keeps_its_shape(names: list[tuple[str, str]]) -> None:
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
        rows: list[dict[str, Any]] = [{"family_name": family, "given_name": given} for family, given in names]
        read, written = pds(connection, Path(folder) / "p.csv", *rows)
        write_dbs(connection, ask(connection, *rows), Path(folder) / "d.txt", Envelope("X1", NOW))
        body = (Path(folder) / "d.txt").read_text("ascii").splitlines()[1:-1]
    assert [len(row) for row in read] == [len(TITLES)] * len(names)
    assert [len(line) for line in body] == [sum(length for _, length in FIELDS)] * len(names)
    for (held, _), row, line in zip(names, read, body, strict=True):
        sent = row["FAMILY_NAME"]
        assert len(sent) <= LENGTHS["family_name"]
        assert re.fullmatch("[ -~]*", sent)
        assert line[65:100].rstrip() == sent[: DBS_LENGTHS["family_name"]].rstrip()
        if re.fullmatch(r"[A-Za-z'-]{1,35}", held):
            assert sent == held
    unsaid = sum(row["FAMILY_NAME"] != " ".join(held.split()) for (held, _), row in zip(names, read, strict=True))
    assert unsaid <= sum(count for (column, _), count in written.changes.items() if column == "family_name")


def test_the_check_for_opt_outs(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    numbers = f"SELECT unnest(['{A}', '{B}', '{A}', NULL]) AS nhs_number"
    assert write_check(connection, numbers, tmp_path / "a.dat") == 2
    assert (tmp_path / "a.dat").read_bytes() == f"{B},\n{A},\n".encode()
    write_check(connection, numbers, tmp_path / "b.dat", line_end="crlf")
    assert (tmp_path / "b.dat").read_bytes() == f"{B},\r\n{A},\r\n".encode()
    with pytest.raises(InputError, match="not valid"):
        write_check(connection, f"SELECT unnest(['{A}', '9434765918']) AS nhs_number", tmp_path / "c.dat")
    with pytest.raises(InputError, match="no NHS number"):
        write_check(connection, "SELECT NULL::VARCHAR AS nhs_number", tmp_path / "c.dat")
    assert not (tmp_path / "c.dat").exists()


def test_the_control_file_of_the_check() -> None:
    text = Control("8KM90", "8KM90-221126-0001").to_xml()
    for element in ("<WorkflowId>SPINE_NTT_UPHOLDING<", "<To_DTS>X26HC036<", "<LocalId>8KM90-221126-0001<"):
        assert element in text
    with pytest.raises(SettingsError):
        Control("8KM90", "a name with spaces")
