"""One key a person: shared by register rows of one number and the clients linked to it, by nobody else."""

from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from caretrace.linked import LINKED_TABLES, make_person_keys, write_linked
from schemas import LINK, PERSON_KEY, SOURCE_TABLES, TABLES

A, B, C = "9434765919", "9876543210", "9000000009"


@pytest.fixture
def store(empty_store: duckdb.DuckDBPyConnection, add: Callable[..., None]) -> duckdb.DuckDBPyConnection:
    for record, number in (("r1", A), ("r2", A), ("r3", B), ("r4", None), ("r5", None)):
        add("register.person", record_id=record, nhs_number=number)
    for record, own, decision, linked in (
        ("c1", A, "link", A),
        ("c2", None, "link", A),
        ("c3", B, "review", None),
        ("c4", None, "none", None),
        ("c5", C, "link", B),
    ):
        add("clients.person", record_id=record, nhs_number=own)
        add("link", record_id=record, decision=decision, nhs_number=linked)
    add("clients.service", record_id="c2", event_id="e2", service_type="Home care")
    add("clients.service", record_id="c2", event_id="e1", service_type="Home care")
    add("register.opt_out", record_id="elsewhere", nhs_number=B, scheme="type 1", opted_out=True)
    return empty_store


def keys(store: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(store.execute("SELECT record_id, person_key FROM person_key").fetchall())


def test_who_shares_a_key(store: duckdb.DuckDBPyConnection) -> None:
    make_person_keys(store, run_id="one")
    key = keys(store)
    assert len({key[each] for each in ("r1", "r2", "c1", "c2")}) == 1
    assert key["c5"] == key["r3"]
    assert len(set(key.values())) == 6  # A's, B's, and r4, r5, c3, c4 each their own


def test_a_client_linked_to_a_row_without_a_number_shares_its_key(
    store: duckdb.DuckDBPyConnection, add: Callable[..., None]
) -> None:
    add("clients.person", record_id="c6", nhs_number=C)
    row = {"register_source": "standard", "register_source_org": "practice", "register_record_id": "r4"}
    add("link", record_id="c6", decision="link", **row)
    make_person_keys(store, run_id="one")
    key = keys(store)
    assert {each for each in key if key[each] == key["r4"]} == {"c6", "r4"}


def test_the_number_is_the_linked_one_before_the_held_one(store: duckdb.DuckDBPyConnection) -> None:
    make_person_keys(store, run_id="one")
    numbers = dict(store.execute("SELECT record_id, nhs_number FROM person_key").fetchall())
    assert numbers == {
        "c1": A, "c2": A, "c3": B, "c4": None, "c5": B, "r1": A, "r2": A, "r3": B, "r4": None, "r5": None,
    }  # fmt: skip


def test_keys_come_from_the_run_and_from_no_identifier(store: duckdb.DuckDBPyConnection) -> None:
    make_person_keys(store, run_id="one")
    first = keys(store)
    make_person_keys(store, run_id="one")
    assert keys(store) == first
    make_person_keys(store, run_id="two")
    assert not set(keys(store).values()) & set(first.values())
    # The number of another person changes, the draw does not.
    store.execute("UPDATE register.person SET nhs_number = ? WHERE record_id = 'r4'", [C])
    make_person_keys(store, run_id="one")
    assert keys(store) == first
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in first.values())


def test_every_linked_table_begins_with_the_person(store: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    make_person_keys(store, run_id="one")
    write_linked(store, tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(
        [*(table.name.lower() for table in LINKED_TABLES), "person_key"]
    )
    for table in LINKED_TABLES:
        found = pq.read_table(tmp_path / f"{table.name.lower()}.parquet")
        assert found.schema.names == ["person_key", "person_nhs_number", "side", *TABLES[table.name].names]
    PERSON_KEY.check(pq.read_table(tmp_path / "person_key.parquet"))
    person = pq.read_table(tmp_path / "person.parquet")
    assert person.column("side").to_pylist() == ["client"] * 5 + ["register"] * 5
    service = pq.read_table(tmp_path / "service.parquet").to_pylist()
    assert [(row["event_id"], row["person_nhs_number"]) for row in service] == [
        ("e2", A),
        ("e1", A),
    ]  # as they were read
    (choice,) = pq.read_table(tmp_path / "opt_out.parquet").to_pylist()
    assert (choice["person_key"], choice["person_nhs_number"]) == (None, B)


_MANY = 300_000


@pytest.mark.parametrize("stands", ["i", "hash(i)"], ids=["as read", "in any order"])
def test_rows_come_in_the_order_in_which_they_were_read(stands: str, tmp_path: Path) -> None:
    """However they stand in the store: DuckDB's joins give them in the order in which its threads were done."""
    with duckdb.connect(config={"threads": 4}) as connection:
        for side in ("clients", "register"):
            connection.execute(f"CREATE SCHEMA {side}")
            for table in SOURCE_TABLES:
                connection.execute(table.ddl(f"{side}.{table.name.lower()}"))
        connection.execute(LINK.ddl("link"))
        connection.execute("""INSERT INTO clients.person BY NAME
            SELECT 's' AS source, 'o' AS source_org, 'c' AS record_id, 'c.csv' AS extract_file, 1 AS extract_record""")
        for table, step in (("person", 1), ("service", 2)):
            connection.execute(f"""INSERT INTO register.{table} BY NAME
                SELECT 's' AS source, 'o' AS source_org, CAST((i * 7919) % {_MANY} AS VARCHAR) AS record_id,
                       'r.csv' AS extract_file, i + 1 AS extract_record
                FROM range(0, {_MANY}, {step}) r(i) ORDER BY {stands}""")
        make_person_keys(connection, run_id="one")
        write_linked(connection, tmp_path)
    keys = pq.read_table(tmp_path / "person_key.parquet", columns=["record_id", "person_key"]).to_pydict()
    key_of = dict(zip(keys["record_id"], keys["person_key"], strict=True))
    for table, step in (("person", 1), ("person_key", 1), ("service", 2)):
        found = pq.read_table(tmp_path / f"{table}.parquet", columns=["record_id", "person_key"]).to_pydict()
        first = [] if table == "service" else ["c"]
        assert found["record_id"] == [*first, *(str((i * 7919) % _MANY) for i in range(0, _MANY, step))]
        assert found["person_key"] == [key_of[record_id] for record_id in found["record_id"]]
    drawn = [md5(f"one {place}".encode(), usedforsecurity=False).hexdigest() for place in range(_MANY + 1)]
    assert keys["person_key"] == drawn
