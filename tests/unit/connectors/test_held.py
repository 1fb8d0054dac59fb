"""Changes laid over what is known: what hangs on people of an earlier delivery needs nobody beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from connectors import Source, read
from schemas import InputError
from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)
HELD = "(SELECT 'standard' AS source, 'council' AS source_org, unnest(['1', '2']) AS record_id)"
PERSON = "record_id,family_name,given_name,birth_date\n"
SERVICE = "record_id,event_id,service_type\n"


@pytest.mark.parametrize(
    ("person", "service", "held", "used", "set_aside"),
    [
        # Nobody is held: a service needs its person in the files.
        ("1,Ash,Amy,1950-01-01\n", "1,S1,Meals\n2,S2,Meals\n", None, ["S1"], 1),
        ("1,Ash,Amy,1950-01-01\n", "1,S1,Meals\n2,S2,Meals\n9,S9,Meals\n", HELD, ["S1", "S2"], 1),
        # Of a night in which only a service ended.
        ("", "2,S2,Meals\n", HELD, ["S2"], 0),
    ],
)
def test_services_of_people_who_are_held_are_used(
    write: Callable[..., Path], person: str, service: str, held: str | None, used: list[str], set_aside: int
):
    write("x/person.csv", PERSON + person)
    folder = write("x/service.csv", SERVICE + service).parent
    with duckdb.connect() as connection:
        install_macros(connection, as_at=AS_AT)
        report = read(connection, [Source(folder, name="council")], side="clients", as_at=AS_AT, held=held)
        found = connection.execute("SELECT event_id FROM clients.service ORDER BY 1").fetchall()
    assert [event for (event,) in found] == used
    assert (report.tables["SET_ASIDE"], report.records) == (set_aside, report.used + report.excluded)


def test_changes_need_no_list_of_people_where_people_are_held(write: Callable[..., Path]):
    folder = write("x/service.csv", SERVICE + "1,S1,Meals\n").parent
    with duckdb.connect() as connection:
        read(connection, [Source(folder, name="council")], side="clients", as_at=AS_AT, held=HELD)
        assert connection.execute("SELECT count(*) FROM clients.service").fetchall() == [(1,)]


def test_an_empty_list_of_people_is_refused_where_nobody_is_held(write: Callable[..., Path]):
    path = write("person.csv", PERSON)
    with duckdb.connect() as connection, pytest.raises(InputError, match="no records"):
        read(connection, [Source(path)], side="clients", as_at=AS_AT)


def test_several_files_hang_on_people_who_are_held_and_nothing_stays_behind(write: Callable[..., Path]):
    write("x/service.csv", SERVICE + "1,S1,Meals\n8,S8,Meals\n")
    write("x/address.csv", "record_id,postcode\n2,LS1 1AA\n9,LS1 1AA\n")
    folder = write("x/name.csv", "record_id,family_name\n1,Oak\n2,Elm\n7,Fir\n").parent
    query = "SELECT record_id FROM clients.{} ORDER BY 1"
    with duckdb.connect() as connection:
        read(connection, [Source(folder, name="council")], side="clients", as_at=AS_AT, held=HELD)
        used = {each: connection.execute(query.format(each)).fetchall() for each in ("service", "address", "name")}
        assert used == {"service": [("1",)], "address": [("2",)], "name": [("1",), ("2",)]}
        temporary = "SELECT table_name FROM duckdb_tables() WHERE temporary"
        assert (
            connection.execute(
                f"{temporary} UNION ALL SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal"
            ).fetchall()
            == []
        )
