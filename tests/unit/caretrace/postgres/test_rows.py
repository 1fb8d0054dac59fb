"""Which rows are new and which are gone, and how a row is written: without a server."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caretrace.warehouse.publish.postgres import rows
from caretrace.warehouse.publish.postgres.tables import STORED, Stored
from schemas import Column, Table, Type
from schemas.errors import InputError

PERSON = next(stored for stored in STORED if stored.name == "person")
PAIR = Stored("pair", Table("PAIR", "one row", (Column("a", Type.TEXT, "A."), Column("b", Type.INTEGER, "B."))))


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with rows.workspace(tmp_path_factory.mktemp("spill")) as connection:
        yield connection


def query(values: list[tuple[str | None, int | None]]) -> str:
    """A table of pairs as `rows.source` gives it."""
    listed = ", ".join(
        f"({n}, {'NULL' if a is None else repr(a).replace(chr(34), chr(39))}, {'NULL' if b is None else b})"
        for n, (a, b) in enumerate(values)
    )
    whole = f"SELECT * FROM (VALUES {listed}) v(place, a, b)" if values else "SELECT 0, NULL, NULL LIMIT 0"
    return f"SELECT place::BIGINT AS place, a::VARCHAR AS a, b::BIGINT AS b FROM ({whole}) v(place, a, b)"


def ids(duck: duckdb.DuckDBPyConnection, values: list[tuple[str | None, int | None]]) -> bytes:
    rows.compare(duck, PAIR, query(values), b"")
    return b"".join(row[0] for row in duck.execute("SELECT id FROM fresh").fetchall())


PAIRS = st.lists(
    st.tuples(st.sampled_from([None, "", "x", "x,", ",x", "y"]), st.sampled_from([None, 0, 1])), max_size=12
)


@settings(max_examples=40, deadline=None)
@given(before=PAIRS, after=PAIRS)
def test_what_differs_is_the_difference_of_the_rows_counted(
    duck: duckdb.DuckDBPyConnection,
    before: list[tuple[str | None, int | None]],
    after: list[tuple[str | None, int | None]],
) -> None:
    found = rows.compare(duck, PAIR, query(after), ids(duck, before))
    fresh, gone = Counter(after) - Counter(before), Counter(before) - Counter(after)
    assert (found.rows, found.fresh, found.gone) == (len(after), fresh.total(), gone.total())
    sent = b"".join(rows.fresh_lines(duck, PAIR, query(after))).decode()
    read = Counter(line.split(",", 1)[1] for line in sent.splitlines())
    written = Counter({as_csv(pair): count for pair, count in fresh.items()})
    assert read == written
    assert len(b"".join(rows.gone_lines(duck)).split()) == gone.total()


def as_csv(pair: tuple[str | None, int | None]) -> str:
    text, number = pair
    return f"{'' if text is None else chr(34) + text + chr(34)},{'' if number is None else number}"


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_a_text_is_read_back_as_it_was_by_whoever_reads_csv(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    table = pa.table({"place": [0], "a": [text], "b": [7]})
    duck.register("given_rows", table)
    rows.compare(duck, PAIR, "SELECT place, a, b FROM given_rows", b"")
    sent = b"".join(rows.fresh_lines(duck, PAIR, "SELECT place, a, b FROM given_rows")).decode()
    ((name, *values),) = csv.reader(io.StringIO(sent, newline=""))
    assert len(name) == 2 * rows.ID_BYTES
    assert values == [text, "7"]


def test_the_id_of_a_row_is_the_same_on_any_day_and_machine(duck: duckdb.DuckDBPyConnection) -> None:
    # A change here sends every row of every database anew.
    assert ids(duck, [("x", 1)]) == hashlib.sha256(b'"x",1#1').digest()[: rows.ID_BYTES]


def test_no_row_is_sent_by_python(duck: duckdb.DuckDBPyConnection) -> None:
    many = "SELECT range AS place, 'x' || range AS a, range AS b FROM range(100_000)"
    rows.compare(duck, PAIR, many, b"")
    blocks = list(rows.fresh_lines(duck, PAIR, many))
    assert sum(bytes(block).count(b"\n") for block in blocks) == 100_000
    assert len(blocks) < 50


def write(path: Path, table: Table, leave_out: tuple[str, ...] = (), **types: Any) -> Path:
    schema = [pa.field(f.name, types.get(f.name, f.type)) for f in table.arrow_schema() if f.name not in leave_out]
    pq.write_table(pa.Table.from_pylist([], schema=pa.schema(schema)), path)
    return path


def test_a_file_of_a_single_run_may_lack_since_when_rows_hold(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = write(tmp_path / "person.parquet", PERSON.table, ("valid_from", "from_run"))
    found = rows.source(duck, PERSON, [file])
    assert found is not None
    assert [row[0] for row in duck.execute(f"DESCRIBE {found}").fetchall()] == ["place", *PERSON.table.names]
    assert rows.source(duck, PERSON, []) is None


@pytest.mark.parametrize(
    ("leave_out", "types", "named"),
    [(("family_name",), {}, "family_name"), ((), {"birth_date": pa.string()}, "birth_date")],
    ids=["a column missing", "a column of another type"],
)
def test_a_file_of_another_version_is_refused(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path, leave_out: tuple[str, ...], types: dict[str, Any], named: str
) -> None:
    file = write(tmp_path / "person.parquet", PERSON.table, leave_out, **types)
    with pytest.raises(InputError, match=rf"declared columns of PERSON \({named}\)"):
        rows.source(duck, PERSON, [file])


def test_a_file_that_is_no_parquet_is_refused(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "person.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        rows.source(duck, PERSON, [tmp_path / "person.parquet"])


def test_what_duckdb_says_of_values_is_not_repeated(duck: duckdb.DuckDBPyConnection) -> None:
    bad = "SELECT 1 AS place, 'Zebedee' AS a, CAST('Zebedee' || range AS BIGINT) AS b FROM range(1)"
    with (
        pytest.raises(InputError, match=r"rows of pair of the run could not be read \(ConversionException\)") as caught,
        rows.reading("rows of pair"),
    ):
        rows.compare(duck, PAIR, bad, b"")
    assert "Zebedee" not in str(caught.value)


def test_a_nul_is_found_by_its_column(duck: duckdb.DuckDBPyConnection) -> None:
    assert rows.column_with_nul(duck, PAIR, "SELECT 'a' || chr(0) AS a, 1 AS b") == "a"
    assert rows.column_with_nul(duck, PAIR, "SELECT 'a' AS a, 1 AS b") is None
