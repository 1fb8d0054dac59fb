"""Rows in the order the state holds them, each beside its own key, however many threads write them."""

from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from caretrace.run_folder import sha256
from caretrace.warehouse import migrations
from caretrace.warehouse.publish import current
from caretrace.warehouse.store import State

PEOPLE = 40_000


def made(folder: Path, threads: int) -> Path:
    """The tables of a state whose rows lie in many row groups, in no order of their ids, some without a key."""
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("ATTACH ':memory:' AS state (ROW_GROUP_SIZE 2048)")
        connection.execute("ATTACH ':memory:' AS store")
        connection.execute("USE store")
        migrations.create(connection)
        state = State(connection, 2, folder)
        connection.execute(
            "INSERT INTO state.run (run, as_at) VALUES (1, ?), (2, ?)", [date(2026, 11, 1), date(2026, 11, 2)]
        )
        for side, first in (("clients", 0), ("register", PEOPLE)):
            rows = f"(SELECT {first} + (i * 7919) % {PEOPLE} AS id, i FROM range({PEOPLE}) r(i))"
            connection.execute(f"""INSERT INTO state.{side}.person BY NAME
                SELECT id, 1 + id % 2 AS from_run, 's' AS source, 'o' AS source_org,
                    'r' || id AS record_id FROM {rows}""")
            connection.execute(f"""INSERT INTO state.{side}.service BY NAME
                SELECT id, 1 AS from_run, 's' AS source, 'o' AS source_org, 'r' || id AS record_id, 'e' || i AS event_id
                FROM {rows} WHERE i % 3 = 0""")
        connection.execute(
            f"INSERT INTO state.person_key SELECT id, 'k' || id, 1 FROM range({2 * PEOPLE}) r(id) WHERE id % 5 > 0"
        )
        folder.mkdir()
        current.write(state, folder)
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("current") / "four", 4)


@pytest.mark.parametrize("table", ["person", "person_key", "service"])
def test_each_row_has_its_own_key_and_its_place(written: Path, table: str) -> None:
    rows = pq.read_table(written / "linked" / f"{table}.parquet").to_pydict()
    ids = [int(each[1:]) for each in rows["record_id"]]
    places = [(i * 7919) % PEOPLE for i in range(PEOPLE) if table != "service" or i % 3 == 0]
    assert ids == [*places, *(PEOPLE + place for place in places)]
    assert rows["person_key"] == [f"k{its_id}" if its_id % 5 else None for its_id in ids]
    assert rows["side"] == ["client"] * len(places) + ["register"] * len(places)


def test_rows_say_since_when(written: Path) -> None:
    rows = pq.read_table(written / "linked" / "person.parquet", columns=["record_id", "valid_from", "from_run"])
    for record_id, valid_from, from_run in zip(*rows.to_pydict().values(), strict=True):
        assert from_run == 1 + int(record_id[1:]) % 2
        assert valid_from == date(2026, 11, from_run)


def test_threads_change_no_byte(written: Path, tmp_path: Path) -> None:
    again = made(tmp_path / "one", 1)
    for path in sorted(written.rglob("*.parquet")):
        assert sha256(path) == sha256(again / path.relative_to(written)), path.name
