"""Changes that say that somebody, or an event, is gone."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import connectors
from caretrace.warehouse.apply import apply, clear_read
from connectors import Source


@pytest.mark.parametrize(
    ("delta", "holds", "events"),
    [
        ({"person": [("a", "deleted")]}, ["b", "c"], ["b:1", "b:2", "c:1"]),
        ({"person": [("a", " Deleted "), ("b", "current")]}, ["b", "c"], ["b:1", "b:2", "c:1"]),
        ({"person": [("a", "archived")]}, ["a", "b", "c"], ["a:1", "b:1", "b:2", "c:1"]),
        ({"person": [("z", "deleted")]}, ["a", "b", "c"], ["a:1", "b:1", "b:2", "c:1"]),
        ({"person": [("a", "deleted"), ("a", "")]}, ["a", "b", "c"], ["a:1", "b:1", "b:2", "c:1"]),
        ({"service": [("b", "2", "deleted")]}, ["a", "b", "c"], ["a:1", "b:1", "c:1"]),
        ({"service": [("b", "2", "deleted"), ("c", "9", "")]}, ["a", "b", "c"], ["a:1", "b:1", "c:1", "c:9"]),
        ({"person": [("b", "deleted")], "service": [("b", "3", "")]}, ["a", "c"], ["a:1", "c:1"]),
    ],
)
def test_changes_say_who_and_what_is_gone(
    warehouse: Any, tmp_path: Path, delta: dict[str, list[tuple[str, ...]]], holds: list[str], events: list[str]
) -> None:
    def read(held: str | None, **tables: list[tuple[str, ...]]) -> None:
        folder = tmp_path / "delivery"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, rows in tables.items():
            title = "record_id,record_status,family_name" if name == "person" else "record_id,event_id,record_status"
            lines = [title, *(",".join([*row, "Webb"] if name == "person" else row) for row in rows)]
            (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        source = Source(folder, format="standard", name="feed")
        connectors.read(warehouse.connection, [source], side="clients", as_at=date(2026, 10, 1), held=held)

    def night(held: str | None, **tables: list[tuple[str, ...]]) -> None:
        warehouse.night()
        clear_read(warehouse.state, "clients")
        read(held, **tables)
        apply(warehouse.state, side="clients", feed="feed", whole=held is None)

    everybody = [(name, "") for name in "abc"]
    night(None, person=everybody, service=[("a", "1", ""), ("b", "1", ""), ("b", "2", ""), ("c", "1", "")])
    known = "(SELECT source, source_org, record_id FROM state.record WHERE side = 'clients' AND to_run IS NULL)"
    night(known, **delta)
    people = "SELECT record_id FROM state.clients.person ORDER BY 1"
    assert [name for (name,) in warehouse.ask(people)] == holds
    told = "SELECT concat(record_id, ':', event_id) FROM state.clients.service ORDER BY 1"
    assert [name for (name,) in warehouse.ask(told)] == events
    held_records = "SELECT record_id FROM state.record WHERE to_run IS NULL ORDER BY 1"
    assert [name for (name,) in warehouse.ask(held_records)] == holds
    gone = [how for _, how in warehouse.ask("FROM changed_clients ORDER BY ALL") if how == "gone"]
    assert len(gone) == 3 - len(holds)


def test_a_full_delivery_leaves_out_who_is_marked_as_deleted(warehouse: Any, tmp_path: Path) -> None:
    path = tmp_path / "person.csv"
    path.write_text("record_id,family_name,record_status\na,Webb,\nb,Webb,deleted\n", encoding="utf-8")
    report = connectors.read(
        warehouse.connection, [Source(path, format="standard")], side="clients", as_at=date(2026, 10, 1)
    )
    assert (report.records, report.used, report.excluded) == (2, 1, 1)
    warehouse.night()
    apply(warehouse.state, side="clients", feed="feed", whole=True)
    assert warehouse.ask("SELECT record_id FROM state.record") == [("a",)]
    assert warehouse.ask("SELECT DISTINCT rule FROM store.clients.set_aside") == [("marked as deleted",)]
