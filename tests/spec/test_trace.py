"""What becomes of each answer of a tracing service: used, referred or set aside, by which rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import ReadReport, Source, read
from connectors.suppliers.trace_codes import DBS_CODES, PDS_CODES, meaning
from fixtures.systems import dbs, pds_mesh
from fixtures.systems.pds_mesh import ANSWERS, INVALID_LINE, SEVERAL, answer, mesh, mpt
from schemas.errors import InputError

AS_AT = date(2026, 11, 22)
A, B = "9000000009", "9000000017"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def load(connection: duckdb.DuckDBPyConnection, path: Path, **files: bytes) -> ReadReport:
    """Read files given by name (a `__` is a stop) from a folder of their own."""
    for name, data in files.items():
        (path / name.replace("__", ".")).write_bytes(data)
    connection.execute("DROP SCHEMA IF EXISTS register CASCADE")
    report = read(connection, [Source(path)], side="register", as_at=AS_AT)
    for file in report.files:
        [(filled,)] = connection.execute(
            "SELECT count(*) FROM register.trace WHERE extract_file = ?", [file.name]
        ).fetchall()
        assert filled == file.used
    return report


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"SELECT {columns} FROM register.{table} ORDER BY extract_file, extract_record"
    ).fetchall()


def aside(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows(connection, "set_aside", "extract_line, kind, rule")


PDS_ANSWERS = [
    ("CT0001", "00", "found", "9000000009", "9000000009", "01", "cross-check", 100.0),
    ("CT0002", "00", "found", "9000000017", None, "01", "alphanumeric", 100.0),
    ("CT0003", "00", "found", "9000000025", None, "05", "algorithmic", 62.5),
    ("CT0004", "90", "replaced", "9000000033", "9000000041", "01", "cross-check", 100.0),
    ("CT0005", "91", "suppressed", None, "9000000068", "05", None, 0.0),
    ("CT0006", "92", "sensitive", "9000000076", None, "01", "cross-check", 100.0),
    ("CT0007", "97", "ambiguous", None, None, "04", "algorithmic", 90.0),
    ("CT0008", "96", "ambiguous", None, None, "04", "alphanumeric", 100.0),
    ("CT0009", "98", "none", None, None, "04", None, 0.0),
    ("CT0010", "15", "not asked", None, None, "03", None, 0.0),
    ("CT0011", "14", "failed", None, None, "03", None, 0.0),
    ("CT0012", "00", "none", None, "9000000084", "04", "cross-check", 100.0),
    ("CT0013", "00", "found", "9000000092", None, "01", "cross-check", 100.0),
]
_TRACE = "record_id, code, outcome, nhs_number, requested_nhs_number, nhs_number_status, step, confidence"


@pytest.mark.parametrize("titles", [pds_mesh.MESH_TITLES, pds_mesh.MPT_TITLES])
def test_every_answer_of_pds_mesh(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, titles: tuple[str, ...]
) -> None:
    report = load(connection, tmp_path, reply__csv=mesh(ANSWERS, titles))
    assert report.files[0].version == f"{len(titles)} columns"
    assert rows(connection, "trace", _TRACE) == PDS_ANSWERS
    assert rows(connection, "data_quality", "record_id") == []


def test_the_same_answers_of_mpt_and_its_short_form_of_an_invalid_record(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(connection, tmp_path, reply__csv=mpt(ANSWERS, extra=INVALID_LINE))
    short = ("CT0014", "91", "suppressed", None, "9000000106", "05", "cross-check", None)
    assert rows(connection, "trace", _TRACE) == [*PDS_ANSWERS, short]
    assert aside(connection) == [
        (1, "excluded", "the header row"),
        (15, "excluded", "the rest of the record on the line above"),
    ]


def test_who_was_found_is_evidence_for_the_register(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    load(connection, tmp_path, reply__csv=mesh(ANSWERS))
    found = rows(connection, "person", "record_id, nhs_number, given_name, birth_date, postcode, restricted")
    born = date(1931, 7, 9)
    assert found == [
        ("CT0001", "9000000009", "ANN", born, "BR1 3AA", False),
        ("CT0002", "9000000017", "MARY", born, "BR1 3AA", False),
        ("CT0003", "9000000025", "MAY", born, "BR1 3AA", False),
        ("CT0004", "9000000033", "ROSE", born, "BR1 3AA", False),
        ("CT0006", "9000000076", "IVY", None, None, True),
        ("CT0013", "9000000092", "ANN", born, "BR1 3AA", False),
    ]
    assert rows(connection, "identifier", "record_id, scheme, value") == [
        ("CT0004", "superseded NHS number", "9000000041")
    ]
    assert rows(connection, "person", "DISTINCT source, source_org")[:1] == [("pds_mesh", "PDS")]


DBS_ANSWERS = [
    ("CT0001", "20", "found", "9000000009", None, "01", "alphanumeric", None),
    ("CT0002", "21", "none", None, None, "04", None, None),
    ("CT0003", "22", "ambiguous", None, None, "04", None, None),
    ("CT0004", "30", "found", "9000000017", "9000000017", "01", "cross-check", None),
    ("CT0005", "31", "none", None, "9000000025", "04", None, None),
    ("CT0006", "32", "ambiguous", None, "9000000033", "04", None, None),
    ("CT0007", "33", "found", "9000000068", "9000000041", "01", "alphanumeric", None),
    ("CT0008", "40", "replaced", "9000000084", "9000000076", "01", "cross-check", None),
    ("CT0009", "81", "not asked", None, None, "03", None, None),
    ("CT0010", "82", "failed", None, None, "03", None, None),
]


@pytest.mark.parametrize("as_csv", [False, True])
def test_every_record_type_of_dbs(connection: duckdb.DuckDBPyConnection, tmp_path: Path, as_csv: bool) -> None:
    load(connection, tmp_path, reply__txt=dbs.reply(dbs.ANSWERS, as_csv=as_csv))
    assert rows(connection, "trace", _TRACE) == DBS_ANSWERS
    assert rows(connection, "trace", "DISTINCT traced_on") == [(date(2026, 11, 22),)]
    assert aside(connection) == [(1, "excluded", "the header"), (12, "excluded", "the trailer")]
    found = rows(connection, "person", "record_id, family_name, birth_date, birth_date_precision, gp_practice_code")
    assert found[:2] == [
        ("CT0001", "FEATHERSTONE", date(1931, 7, 9), "YMD", "A81001"),
        ("CT0004", "FEATHERSTONE", date(1931, 1, 1), "Y", "A81001"),
    ]
    assert rows(connection, "identifier", "record_id, value") == [("CT0008", "9000000076")]


ONE = answer("CT1", "00", A, "1", "100")


NUMBER_AND_CODE = [
    ("00", SEVERAL, "ambiguous"),
    ("00", "9000000008", "none"),
    ("00", "", "none"),
    ("77", A, "unknown"),
    ("", A, "unknown"),
    ("95", A, "suppressed"),
    ("98", A, "none"),
]


def test_a_number_is_believed_only_where_code_and_number_agree(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    answers = (answer(f"CT{n}", code, number, "1", "100") for n, (code, number, _) in enumerate(NUMBER_AND_CODE))
    load(connection, tmp_path, reply__csv=mesh(tuple(answers)))
    assert rows(connection, "trace", "outcome") == [(outcome,) for *_, outcome in NUMBER_AND_CODE]
    assert rows(connection, "person", "nhs_number") == []


SEARCHES = [
    ("1", "100", "01"),
    ("3", "100.00", "01"),
    ("3", "99", "05"),
    ("4", "100", "05"),
    ("2", "100", "05"),
    ("0", "0", "05"),
    ("9", "100", "05"),
]


def test_only_an_exact_search_verifies(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    answers = (answer(f"CT{n}", "00", A, step, percent) for n, (step, percent, _) in enumerate(SEARCHES))
    load(connection, tmp_path, reply__csv=mesh(tuple(answers)))
    assert rows(connection, "person", "nhs_number_status") == [(status,) for *_, status in SEARCHES]


FLAGS = [("S", True), ("Y", True), ("R", True), ("", False), ("N", False), ("u", False)]


def test_a_sensitive_record_is_restricted_whatever_the_code(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    answers = (answer(f"CT{n}", "00", A, "1", "100", SENSITIVITY_FLAG=flag) for n, (flag, _) in enumerate(FLAGS))
    load(connection, tmp_path, reply__csv=mesh(tuple(answers)))
    assert rows(connection, "person", "restricted") == [(restricted,) for _, restricted in FLAGS]


def test_an_answer_given_twice_is_not_believed(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    other = answer("CT2", "00", B, "1", "100")
    load(connection, tmp_path, a__csv=mesh((ONE, other)), b__csv=mesh((answer("CT1", "00", B, "1", "100"),)))
    assert rows(connection, "trace", "record_id") == [("CT2",)]
    assert [rule for *_, rule in aside(connection)] == ["answered more than once: none of its answers is used"] * 2


def test_ragged_and_nameless_rows_are_set_aside(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ragged = mesh((ONE,)) + INVALID_LINE.encode() + b"\r\n" + b",".join([b""] * 29) + b"\r\n"
    report = load(connection, tmp_path, reply__csv=ragged)
    assert (report.used, report.rejected) == (1, 2)
    load(connection, tmp_path, reply__csv=mpt((ONE, ONE | {"UNIQUE REFERENCE": "CT2"})).replace(b"CT2", b'"CT2'))
    rule = "another number of fields than an answer has, or quotation marks that do not pair"
    assert aside(connection)[1:] == [(3, "excluded", rule)]


def test_columns_are_found_by_name_with_their_other_spellings(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    respelt = mesh(ANSWERS).replace(b"UNIQUE REFERENCE", b"UNIQUE_REFERENCE").replace(b"ERROR/SUCC", b"ERROR_SUCC")
    respelt = respelt.replace(b"SENSITIVITY", b"SENSITIVTY").replace(b"REQ_NHS_NUMBER", b"REQ_NHS_NO")
    load(connection, tmp_path, reply__csv=respelt)
    assert rows(connection, "trace", _TRACE) == PDS_ANSWERS


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (mpt((ONE,), count=2), "another number of answers"),
        (mpt((ONE,), code="06"), "code 06: it holds too many records"),
        (mpt((ONE,)).replace(b"RESP_MPTREQ", b"MPTREQ"), "a request, not the reply"),
        (dbs.reply(dbs.ANSWERS, as_csv=False, count=9), "another number of answers"),
        (dbs.reply(dbs.ANSWERS, as_csv=True, trailer=False), "no trailer"),
        (dbs.reply(dbs.ANSWERS, as_csv=True, kind="0"), "a request, not the reply"),
        (b"\r\n".join(dbs.reply(dbs.ANSWERS, as_csv=False).split(b"\r\n")[:4]), "another number of answers"),
    ],
)
def test_a_reply_that_is_not_whole_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, data: bytes, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        load(connection, tmp_path, reply__csv=data)


def test_an_mpt_header_of_five_fields(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    five = mpt((ONE,)).replace(b"SPINE_MPT_RESPONSE,", b"SPINE_MPT_RESPONSE,20261122100000,")
    load(connection, tmp_path, reply__csv=five)
    assert rows(connection, "trace", "record_id") == [("CT1",)]


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\x1a"), max_size=12)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=8), st.booleans())
def test_whatever_stands_in_names_and_addresses_every_answer_is_read(
    tmp_path: Path, texts: list[tuple[str, str]], as_mpt: bool
) -> None:
    answers = tuple(
        answer(f"CT{n}", "00", A, "1", "100", FAMILY_NAME=name, ADDRESS_LINE1=line)
        for n, (name, line) in enumerate(texts)
    )
    with duckdb.connect() as connection:
        load(connection, tmp_path, reply__csv=mpt(answers) if as_mpt else mesh(answers))
        found = rows(connection, "trace", "record_id, outcome")
        names = rows(connection, "person", "family_name")
    assert found == [(f"CT{n}", "found") for n in range(len(texts))]
    for (held, _), (name,) in zip(texts, names, strict=True):
        if held.isalpha() and held.isascii():
            assert name == held


WHOLE = [mesh(ANSWERS), mpt(ANSWERS), dbs.reply(dbs.ANSWERS, as_csv=False), dbs.reply(dbs.ANSWERS, as_csv=True)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WHOLE), st.integers(0), st.integers(0, 40), st.binary(max_size=12))
def test_a_damaged_reply_is_read_or_refused_in_one_sentence(
    tmp_path: Path, data: bytes, at: int, gone: int, put: bytes
) -> None:
    at %= len(data)
    with duckdb.connect() as connection:
        try:
            report = load(connection, tmp_path, reply__csv=data[:at] + put + data[at + gone :])
        except InputError as error:
            assert "\n" not in str(error)
            return
        [file] = report.files
        assert file.records == file.used + file.excluded + file.rejected
        found = rows(connection, "person", "nhs_number")
    # A digit may fall out of one number and leave another valid one only once in eleven; none is made of nothing.
    known = {number for source in WHOLE for number in re.findall(r"9[0-9]{9}", source.decode())}
    assert len({number for (number,) in found} - known) <= 1


def test_every_code_says_what_it_means() -> None:
    for source, codes in (("pds_mesh", PDS_CODES), ("dbs", DBS_CODES)):
        assert len({each.code for each in codes}) == len(codes)
        assert all(meaning(source, each.code) == each.meaning for each in codes)
    assert "published" in meaning("mpt", "55")
