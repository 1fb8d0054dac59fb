"""Two implementations of one method, given the same records: wherever they differ, one of them is wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("recordlinkage")

from linkage.blocking import RULES, BlockingRule, make_keys, pairs_sql
from linkage.comparison import COMPARISONS
from linkage.frequencies import count_frequencies, u_columns
from linkage.reference import levels, pairs, records, weights
from linkage.weigh import levels_sql, pair_level_sql

KNOWN_NAMES = (
    *("MARY", "ANN", "ANNE", "MARYANN", "WILLIAM", "BILL", "IMRAN", "KHAN", "MOHAMMED"),
    *("CHRISTOPHER", "KRISTOPHER", "FEATHERSTONEHAUGH"),
)


@st.composite
def names(draw: st.DrawFn) -> str:
    """A known name, a slip of one, or letters that are alike."""
    name = draw(st.sampled_from(KNOWN_NAMES) | st.text("ABEN", min_size=1, max_size=6))
    place = draw(st.integers(0, len(name)))
    slip = draw(st.sampled_from(["", "", "drop", "add", "swap"]))
    if slip == "drop" and len(name) > 1:
        return name[:place] + name[place + 1 :]
    if slip == "add":
        return name[:place] + "E" + name[place:]
    if slip == "swap":
        return name[:place] + name[place : place + 2][::-1] + name[place + 2 :]
    return name


UNITS = st.sampled_from(["BR1 1AA", "BR1 1AB", "BR1 1BA", "BR1 2AA", "BR2 1AA", "BR11 1AA", "SW1A 1AA"])
NUMBERS = st.sampled_from([9434765919, 9000000009, 9000000017])
# One of the numbers, cut short, lengthened, altered, two neighbours swapped, and something else.
AS_ENTERED = st.sampled_from(["9434765919", "943476591", "94347659190", "9434765918", "9434765991", "1234567890", ""])
DAYS = st.sampled_from(
    [date(1931, 7, 9), date(1931, 9, 7), date(1931, 7, 19), date(1931, 8, 9), date(1931, 1, 1), date(1913, 7, 9)]
) | st.dates(date(1928, 1, 1), date(1942, 12, 31))


def many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """None where there would be nothing to list."""
    return st.lists(values, min_size=1, max_size=3)


COLUMNS = {
    "nhs": NUMBERS,
    "nhs_entered": AS_ENTERED,
    "former_nhs": many(NUMBERS),
    "given": names(),
    "given_root": names(),
    "middle": names(),
    "given_sound": st.sampled_from(["A500", "M600"]),
    "other_givens": many(names()),
    "family": names(),
    "family_sound": st.sampled_from(["K500", "I560"]),
    "other_families": many(names()),
    "gender": st.sampled_from([1, 2]),
    "unit": UNITS,
    "other_units": many(UNITS),
    "house": st.sampled_from(["14", "2 14", "ROSECOTTAGE"]),
    "street": st.sampled_from(["HIGH", "HIGHFIELD", "HIGFIELD", "CHURCH"]),
    "town": st.sampled_from(["BROMLEY", "BROMELY", "LEEDS"]),
    "district": st.sampled_from(["BR1", "BR2", "BROMLEY"]),
    "place": UNITS | st.just("14 HIGH"),
    "ids": many(st.sampled_from([2**64 - 1, 7, 8])),
    "schemes": many(st.sampled_from([2**63, 5])),
}


def letters(name: str | None) -> int | None:
    """A bit for each letter of the alphabet that the name has."""
    return None if name is None else sum(2 ** (ord(letter) - ord("A")) for letter in set(name))


@st.composite
def record(draw: st.DrawFn) -> dict[str, Any]:
    """A record that knows some of its columns, and its date of birth whole, in part or not at all."""
    known = {name: draw(st.none() | values) for name, values in COLUMNS.items()}
    day, precision = draw(DAYS), draw(st.sampled_from(["", "Y", "YM", "YMD", "YMD"]))
    return known | {
        "given_letters": letters(known["given"]),
        "family_letters": letters(known["family"]),
        "birth_year": day.year if precision else None,
        "birth_month": day.month if len(precision) > 1 else None,
        "birth_day": day.day if precision == "YMD" else None,
        "birth_date": day if precision == "YMD" else None,
    }


LISTS = st.fixed_dictionaries({side: st.lists(record(), min_size=1, max_size=12) for side in ("clients", "register")})


def looks(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        # An example holds hundreds of values: to shrink one takes minutes, and the message names the pair that differs.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )


def frames(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, pd.DataFrame]:
    return records.read(connection, "clients"), records.read(connection, "register")


def test_every_column_is_drawn(record_store) -> None:
    """Whatever a comparison or a blocking rule looks at can be there."""
    columns = set(records.read(record_store({"clients": [], "register": []}), "clients").columns)
    assert {
        *COLUMNS,
        "given_letters",
        "family_letters",
        "birth_year",
        "birth_month",
        "birth_day",
        "birth_date",
        "id",
        "key",
        "source",
    } == columns


@looks(15)
@given(lists=LISTS)
def test_levels_are_those_of_the_sql(lists: dict[str, Any], record_store) -> None:
    connection = record_store(lists)
    connection.execute(
        "CREATE OR REPLACE TABLE pair AS SELECT l.id AS c, r.id AS r FROM clients_record l, register_record r"
    )
    sql = levels_sql(COMPARISONS, "clients_record", "register_record", "pair")
    expected = connection.sql(f"SELECT * FROM ({sql}) ORDER BY c, r").df()
    clients, register = frames(connection)
    left, right = clients.loc[expected["c"]], register.loc[expected["r"]]
    written = levels.references(records.nicknames(connection))
    for comparison, reference in zip(COMPARISONS, written, strict=True):
        in_sql = expected[comparison.column].astype("Int16").fillna(levels.NOTHING).to_numpy(np.int8)
        reached = reference.reached(left, right)
        differ = np.flatnonzero(reached != in_sql)[:1]
        values = [side.iloc[differ][list(reference.columns)].to_dict("records") for side in (left, right)]
        assert not len(differ), (comparison.name, *values, reached[differ], in_sql[differ])


NARROW = tuple(BlockingRule(rule.name, rule.client, rule.register, rule.first, max_register_rows=2) for rule in RULES)


@pytest.mark.parametrize("rules", [RULES, NARROW], ids=["shipped", "keys of more than two rows left out"])
@looks(4)
@given(lists=LISTS)
def test_pairs_are_those_of_the_sql(rules: tuple[BlockingRule, ...], lists: dict[str, Any], record_store) -> None:
    connection = record_store(lists)
    facts = make_keys(connection, rules=rules)
    expected = connection.execute(f"SELECT * FROM ({pairs_sql()}) ORDER BY ALL").fetchall()
    made, found = pairs.make(rules, *frames(connection), most=100_000)
    assert [tuple(row) for row in made.itertuples(index=False)] == expected
    assert found == facts


POPULATION = st.none() | st.lists(
    st.tuples(st.sampled_from(["given", "family"]), names(), st.integers(1, 10**7)), min_size=1, max_size=6
)


@looks(8)
@given(lists=LISTS, population=POPULATION)
def test_frequencies_are_those_of_the_sql(lists: dict[str, Any], population: list[Any] | None, record_store) -> None:
    connection = record_store(lists)
    connection.execute("DROP TABLE IF EXISTS population_name")
    if population is not None:
        connection.execute("CREATE TABLE population_name (name_type VARCHAR, name VARCHAR, people BIGINT)")
        connection.executemany("INSERT INTO population_name VALUES (?, ?, ?)", population)
    frequencies = count_frequencies(connection)
    assert frequencies.population == (population is not None)
    shares = records.shares(connection) if population is not None else None
    connection.execute("""
        CREATE OR REPLACE TABLE pair AS
        SELECT l.id AS c, r.id AS r, true AS first FROM clients_record l, register_record r""")
    sql = pair_level_sql(COMPARISONS, frequencies, "pair")
    expected = connection.sql(f"SELECT * FROM ({sql}) ORDER BY c, r").df()
    found = weights.with_frequencies(expected[["c", "r"]], *frames(connection), frequencies, shares)
    assert set(found.columns) == {"c", "r", *u_columns(frequencies)}
    for column in u_columns(frequencies):
        np.testing.assert_allclose(found[column], expected[column], atol=1e-12, err_msg=column)
