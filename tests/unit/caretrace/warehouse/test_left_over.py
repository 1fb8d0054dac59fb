"""An erasure ends with a look at every table that could name somebody."""

from __future__ import annotations

from typing import Any

import pytest

from caretrace.warehouse import left_over


@pytest.mark.parametrize(
    ("row", "left"),
    [
        ("state.loaded_back (id) VALUES (1)", True),
        ("state.loaded_back (id) VALUES (2)", False),
        ("state.register_past.address (id) VALUES (1)", True),
        ("state.clients.service (id, source, source_org, record_id) VALUES (9, 's', 'o', 'c1')", True),
        ("state.register.service (id, source, source_org, record_id) VALUES (9, 's', 'o', 'c1')", False),
        ("state.link (id, source, source_org, record_id) VALUES (9, 's', 'o', 'c1')", True),
        (
            "state.link_past (id, register_source, register_source_org, register_record_id) VALUES (9,'s','o','g2')",
            True,
        ),
        (
            "state.link_past (id, register_source, register_source_org, register_record_id) VALUES (9,'s','o','c1')",
            False,
        ),
        ("state.record (id, side, source, source_org, record_id) VALUES (9, 'register', 's', 'o', 'c1')", False),
    ],
)
def test_what_still_names_her_ends_the_run(warehouse: Any, row: str, left: bool) -> None:
    connection = warehouse.connection
    connection.execute("""CREATE TEMP TABLE erasing AS SELECT * FROM (VALUES (1, 'clients', 's', 'o', 'c1'),
        (11, 'register', 's', 'o', 'g2')) t(id, side, source, source_org, record_id)""")
    connection.execute(f"INSERT INTO {row}")
    if left:
        with pytest.raises(AssertionError, match="still name a record that was erased"):
            left_over.check(connection)
    else:
        left_over.check(connection)
