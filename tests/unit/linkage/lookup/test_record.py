"""A record made in Python is the row that `linkage.clean` makes in columns."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from linkage.clean import clean
from linkage.lookup.record import Record

COLUMNS = (
    *(each.name for each in fields(Record)),
    *("given_root", "given_sound", "family_sound", "district", "place"),
)

# Each example makes a store; to make a failing one smaller would take minutes.
SLOW = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(SLOW, max_examples=12)
@given(data=st.data())
def test_a_record_is_cleaned_alike(data: st.DataObject, people, both, records) -> None:
    connection = both(data.draw(st.lists(people, min_size=1, max_size=15)), [])
    made = records(connection, "clients")
    clean(connection, ("clients", "register"))
    rows = connection.execute(
        f"SELECT p.record_id, {', '.join(f'c.{name}' for name in COLUMNS)}"
        " FROM clients_record c JOIN clients.person p ON p.rowid = c.id"
    ).fetchall()
    assert len(rows) == len(made)
    for record_id, *values in rows:
        record = made[record_id]
        for name, value in zip(COLUMNS, values, strict=True):
            one = getattr(record, name)
            # In columns a list of nothing is null.
            assert one == (tuple(value or ()) if isinstance(one, tuple) else value), name


@pytest.mark.parametrize(
    ("line", "house", "street"),
    [
        ("14 High Street", "14", "HIGH STREET"),
        ("Flat 2, 14 High St", "2 14", "HIGH ST"),
        ("12A Park Lane", "12", "PARK LANE"),
        ("Rose Cottage", "ROSECOTTAGE", "ROSE COTTAGE"),
        ("2 4 6", "2 4", None),
    ],
)
def test_house_and_street(line: str, house: str, street: str | None) -> None:
    from linkage.lookup.record import record

    made = record({"address_line_1": line})
    assert (made.house, made.street) == (house, street)
