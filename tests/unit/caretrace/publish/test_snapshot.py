"""A night's run folder: its tables as declared, its numbers traceable, its past complete, its folder fit for others."""

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from caretrace import run_folder
from caretrace.run_settings import RunSettings
from caretrace.warehouse import views as state_views
from caretrace.warehouse.publish import republish
from caretrace.warehouse.publish.accounts import Accounts, Moved
from caretrace.warehouse.publish.figures import figures
from caretrace.warehouse.store import read_state
from schemas import Table
from schemas.warehouse import PUBLISHED, Published

FILES = [(each, each.file, each.table) for each in PUBLISHED if each.file]
PAST = [(each, each.history, each.past or each.table) for each in PUBLISHED if each.history]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def asked(folder: Path, sql: str, schema: str = "identifiable") -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(f"USE {schema}")
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("each", "name", "table"), [*FILES, *PAST], ids=lambda value: value if isinstance(value, str) else ""
)
def test_files_are_as_declared(nights: Any, each: Published, name: str, table: Table) -> None:
    found = pq.read_schema(nights.nights[-1].path / name)
    assert found.names == list(table.names)
    wanted = table.arrow_schema()
    for field in found:
        assert field.type.id == wanted.field(field.name).type.id, field.name


@pytest.mark.parametrize("night", [1, 2, 3])
def test_what_ended_later_and_what_began_earlier_is_what_held_on_a_night(nights: Any, night: int) -> None:
    """The past and the present together give every earlier run's tables back, row for row."""
    for name in ("person", "service", "person_key"):
        then = pq.read_table(nights.nights[night - 1].path / "linked" / f"{name}.parquet")
        told = [
            column for column in then.schema.names if column not in ("person_nhs_number", "person_key", "nhs_number")
        ]
        columns = ", ".join(told)
        found = asked(
            nights.root,
            f"SELECT {columns} FROM {name}_history WHERE from_run <= {night} AND coalesce(to_run > {night}, true)",
        )
        expected = [tuple(row[column] for column in told) for row in then.to_pylist()]
        assert sorted(map(str, found)) == sorted(map(str, expected))


def test_rows_say_from_when_they_hold_and_why_they_ended(nights: Any) -> None:
    found = asked(
        nights.root,
        "SELECT record_id, valid_from::VARCHAR, valid_to::VARCHAR, to_run, why FROM person_history"
        " WHERE to_run IS NOT NULL ORDER BY ALL",
    )
    assert found == [
        ("c0", "2026-11-01", "2026-11-02", 2, "changed at its source"),
        ("c3", "2026-11-01", "2026-11-02", 2, "its record is gone"),
        ("r0", "2026-11-01", "2026-11-03", 3, "changed at its source"),
    ]


def test_link_changes_tell_what_was_before(nights: Any) -> None:
    found = asked(
        nights.root,
        "SELECT run, change, record_id, decision_before, decision, nhs_number_before, nhs_number"
        " FROM link_change ORDER BY ALL",
    )
    assert found == [
        (1, "new client", "c5", None, "none", None, None),
        (1, "new link", "c0", None, "link", None, "9000000009"),
        (1, "new link", "c1", None, "link", None, "9000000017"),
        (1, "new link", "c2", None, "link", None, "9000000025"),
        (1, "new link", "c3", None, "link", None, "9000000033"),
        (2, "gone", "c3", "link", None, "9000000033", None),
        (2, "new link", "c4", None, "link", None, "9000000041"),
        (3, "changed", "c0", "link", "link", "9000000009", "9000000076"),
    ]


def test_only_numbers_not_given_before_are_loaded_back(nights: Any) -> None:
    given = [
        [(row["client_id"], row["nhs_number"]) for row in rows(run.path / "load_back.csv")] for run in nights.nights
    ]
    assert given == [
        [("c0", "9000000009"), ("c2", "9000000025"), ("c3", "9000000033")],
        [("c4", "9000000041")],
        [("c0", "9000000076")],
    ]


def test_a_number_that_proves_wrong_is_taken_back(nights: Any) -> None:
    assert rows(nights.nights[2].path / "retractions.csv") == [
        {
            "source": "council",
            "source_org": "council",
            "client_id": "c0",
            "nhs_number_to_remove": "9000000009",
            "reason": "the client is linked to another number now",
            "was_in": "",
        }
    ]
    assert rows(nights.nights[1].path / "retractions.csv") == []


def test_every_number_of_the_page_is_the_count_of_its_rows(nights: Any) -> None:
    run = nights.nights[-1]
    with read_state(nights.root / "warehouse", nights.settings(3)) as state:
        [(counts,)] = state.connection.execute("SELECT counts FROM state.run WHERE run = 3").fetchall()
    told = json.loads(counts)
    account = Accounts(
        3,
        {side: Moved(**moved) for side, moved in told["moved"].items()},
        {name: told[name] for name in ("own_number", "with_number", "linked", "review", "unlinked")},
        told["changes"],
        told["deliveries"],
        told["files"],
    )
    page = (run.path / "report.html").read_text(encoding="utf-8")
    for figure in figures(account).values():
        assert asked(nights.root, figure.sql) == [(figure.value,)], figure.sql
        assert figure.name in page
    assert account.faults == ()


@pytest.mark.parametrize(
    ("moved", "clients", "files", "said"),
    [
        (Moved(10, 2, 1, 1, 12), (5, 3, 4), (9, 5, 2, 2), "the client records before, 10"),
        (Moved(10, 2, 1, 0, 12), (5, 3, 3), (9, 5, 2, 2), "the decisions are not as many as the clients"),
        (Moved(10, 2, 1, 0, 12), (5, 3, 4), (9, 5, 2, 1), "the records of the files are not"),
    ],
)
def test_what_does_not_add_up_is_said(
    moved: Moved, clients: tuple[int, int, int], files: tuple[int, ...], said: str
) -> None:
    account = Accounts(
        7,
        {"client": moved, "register": Moved(0, 0, 0, 0, 0)},
        dict(zip(("linked", "review", "unlinked"), clients, strict=True)),
        {},
        {},
        dict(zip(("records", "used", "rejected", "excluded"), files, strict=True)),
    )
    assert [fault for fault in account.faults if said in fault] == list(account.faults)
    assert account.faults


def test_a_folder_that_was_lost_is_written_again_from_the_state(nights: Any, tmp_path: Path) -> None:
    settings: RunSettings = nights.settings(3)
    written = nights.nights[2]
    with read_state(nights.root / "warehouse", settings) as state, run_folder.drafting(tmp_path / "again") as draft:
        state_views.open_views(state)
        again = run_folder.finish(draft, republish(state, draft.path, settings))
    assert again.manifest["outputs"] == written.manifest["outputs"]
    assert {name: value for name, value in again.manifest.items() if name != "timings"} == {
        name: value for name, value in written.manifest.items() if name != "timings"
    }


def test_the_page_holds_nobody(nights: Any) -> None:
    for run in nights.nights:
        page = (run.path / "report.html").read_text(encoding="utf-8")
        for value in ("Warsame", "Amina", "9000000009", "9000000076", "ZZ9", "r0<", "c0<"):
            assert value not in page
