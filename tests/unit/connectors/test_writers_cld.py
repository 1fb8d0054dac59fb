"""The submission as a file: titles, order, quotes where they are needed, and no cell changed."""

from __future__ import annotations

from pathlib import Path

import duckdb

from connectors.suppliers.cld import CLD, fields
from connectors.writers.cld import write_cld


def test_the_46_fields_under_a_councils_titles(tmp_path: Path) -> None:
    values = {"la_code": "318", "event_description": '=1+1, "so"', "event_reference": "-7", "gender": "Female\n"}
    columns = ", ".join(
        "'" + values[each.name].replace("'", "''") + f"' AS {each.name}"
        if each.name in values
        else f"NULL AS {each.name}"
        for each in fields()
    )
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE row AS SELECT 1 AS record, {columns}")
        assert write_cld(connection, "row", tmp_path / "s.csv", order="record") == 1
    header, line = (tmp_path / "s.csv").read_bytes().decode("utf-8").removesuffix("\r\n").split("\r\n")
    titles = header.split(",")
    assert len(titles) == len(fields()) == 46
    assert CLD.kind("event").missing(tuple(titles)) == ()
    assert line.startswith('318,,,,,,"Female\n",,')
    assert ',-7,,,"=1+1, ""so""",' in line


def test_every_field_of_a_list_knows_its_labels() -> None:
    """A complete list is one with labels, and a renaming leads from a label of the one release to one of the other."""
    for field in fields():
        for release in field.labels.complete:
            assert field.labels.labels[release], field.name
        for old, new in field.labels.renamed.items():
            assert old in field.labels.labels[1], (field.name, old)
            assert new in field.labels.labels[2], (field.name, new)
        assert field.kind == "list" or not field.labels.labels, field.name
