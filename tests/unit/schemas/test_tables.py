"""The declarations themselves: complete, checkable, and honest about what identifies."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from schemas import PERSON, TABLES, Column, Identifies, InputError, Table, Type

KEY = ("source", "source_org", "record_id")


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_says_what_it_means(table: Table) -> None:
    assert table.grain.startswith("one row per")
    for column in table.columns:
        assert column.meaning.endswith("."), column.name


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_the_database_table_is_the_declared_one(table: Table) -> None:
    with duckdb.connect() as connection:
        connection.execute(table.ddl("t"))
        table.check(connection.sql("SELECT * FROM t").to_arrow_table())


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_names_numbers_and_ids_of_people_identify_directly(table: Table) -> None:
    words = (
        "nhs_number",
        "family_name",
        "given_name",
        "middle_names",
        "record_id",
        "address_line",
        "phone",
        "email",
        "uprn",
        "person_key",
    )
    for column in table.columns:
        if any(word in column.name for word in words) and not column.name.endswith("status"):
            assert column.identifies is Identifies.DIRECT, column.name


def test_a_table_of_another_shape_is_refused_by_column_name() -> None:
    good = PERSON.arrow_schema().empty_table()
    PERSON.check(good)
    with pytest.raises(InputError, match="gender"):
        PERSON.check(good.drop_columns(["gender"]))
    with pytest.raises(InputError, match="favourite_colour"):
        PERSON.check(good.append_column("favourite_colour", pa.array([], pa.string())))
    place = PERSON.names.index("birth_date")
    with pytest.raises(InputError, match="birth_date"):
        PERSON.check(good.set_column(place, "birth_date", pa.array([], pa.string())))


def test_declarations_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(TypeError, match="stands twice"):
        Table("T", "one row per thing", (Column("a", Type.TEXT, "A."), Column("a", Type.DATE, "A.")))
    with pytest.raises(TypeError, match="not declared"):
        Table("T", "one row per thing", (Column("a", Type.TEXT, "A."),), key=("b",))
    with pytest.raises(TypeError, match="codes need a text column"):
        Column("a", Type.DATE, "A.", codes={"1": "one"})
