"""Rows in the order the state holds them, each beside its own key, however many threads write them."""

from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from caretrace.warehouse import migrations
from caretrace.warehouse.publish import current

SIZES = {"clients": 1_000, "register": 300_000}
"""Fewer rows are one share of work, and DuckDB's joins keep the order of those."""


def ids(side: str, every: int = 1) -> list[int]:
    """Ids of a side's records, in the order of its rows, which is not theirs."""
    size = SIZES[side]
    first = 0 if side == "clients" else SIZES["clients"]
    return [first + (i * 7919) % size for i in range(0, size, every)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a state whose rows lie in many row groups, some without a person's key."""
    folder = tmp_path_factory.mktemp("current")
    with duckdb.connect(config={"threads": 4}) as connection:
        connection.execute("ATTACH ':memory:' AS state")
        connection.execute("ATTACH ':memory:' AS store; USE store")
        migrations.create(connection)
        days = [date(2026, 11, 1), date(2026, 11, 2)]
        connection.execute("INSERT INTO state.run (run, as_at) VALUES (1, ?), (2, ?)", days)
        for side, size in SIZES.items():
            first = 0 if side == "clients" else SIZES["clients"]
            rows = f"(SELECT {first} + (i * 7919) % {size} AS id, i FROM range({size}) r(i))"
            key = "id, 's' AS source, 'o' AS source_org, 'r' || id AS record_id"
            connection.execute(
                f"INSERT INTO state.{side}.person BY NAME SELECT {key}, 1 + id % 2 AS from_run FROM {rows}"
            )
            connection.execute(
                f"INSERT INTO state.{side}.service BY NAME SELECT {key}, 1 AS from_run FROM {rows} WHERE i % 3 = 0"
            )
        people = sum(SIZES.values())
        connection.execute(
            f"INSERT INTO state.person_key SELECT id, 'k' || id, 1 FROM range({people}) r(id) WHERE id % 5 > 0"
        )
        current.write(connection, folder)
    return folder


@pytest.mark.parametrize(("table", "every"), [("person", 1), ("person_key", 1), ("service", 3)])
def test_each_row_has_its_own_key_and_its_place(written: Path, table: str, every: int) -> None:
    path = written / "linked" / f"{table}.parquet"
    rows = pq.read_table(path, columns=["record_id", "person_key", "side"]).to_pydict()
    wanted = [*ids("clients", every), *ids("register", every)]
    assert rows["record_id"] == [f"r{each}" for each in wanted]
    assert rows["person_key"] == [f"k{each}" if each % 5 else None for each in wanted]
    clients = len(ids("clients", every))
    assert rows["side"] == ["client"] * clients + ["register"] * (len(wanted) - clients)


def test_rows_say_since_when(written: Path) -> None:
    rows = pq.read_table(written / "linked" / "person.parquet", columns=["record_id", "valid_from", "from_run"])
    found = set(zip(*rows.to_pydict().values(), strict=True))
    assert found == {
        (f"r{each}", date(2026, 11, 1 + each % 2), 1 + each % 2) for each in [*ids("clients"), *ids("register")]
    }


def nights_of_links(folder: Path, threads: int, clients: int) -> Path:
    """links.parquet and candidates.parquet of a state in which every seventh client was decided again in run 2."""
    folder.mkdir()
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("ATTACH ':memory:' AS state")
        migrations.create(connection)
        connection.execute("INSERT INTO state.run (run, as_at) VALUES (1, '2026-11-01'), (2, '2026-11-02')")
        for run, among in ((1, "true"), (2, "id % 7 = 0")):
            rows = f"SELECT id, 'r' || id AS record_id FROM range({clients}) r(id) WHERE {among} ORDER BY id"
            for table, more in (("link", f"{run} AS from_run"), ("candidate", "1 AS rank")):
                connection.execute(f"DELETE FROM state.{table} WHERE {among}")
                connection.execute(f"INSERT INTO state.{table} BY NAME SELECT *, {more} FROM ({rows})")
        current.write_small(connection, folder)
    return folder


def test_links_and_candidates_stand_as_in_the_state(tmp_path: Path) -> None:
    clients = 300_000
    one, four = (nights_of_links(tmp_path / str(threads), threads, clients) for threads in (1, 4))
    wanted = [f"r{each}" for again in (False, True) for each in range(clients) if (each % 7 == 0) == again]
    for name in ("links.parquet", "candidates.parquet"):
        assert pq.read_table(one / name, columns=["record_id"])["record_id"].to_pylist() == wanted
        assert (one / name).read_bytes() == (four / name).read_bytes()
    since = pq.read_table(one / "links.parquet", columns=["valid_from"])["valid_from"].to_pylist()
    assert since == [date(2026, 11, 1 + (int(each[1:]) % 7 == 0)) for each in wanted]


def test_where_nobody_is_known_the_files_are_empty(tmp_path: Path) -> None:
    folder = nights_of_links(tmp_path / "none", 2, 0)
    assert [pq.read_metadata(folder / f"{name}.parquet").num_rows for name in ("links", "candidates")] == [0, 0]
