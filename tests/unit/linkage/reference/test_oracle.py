"""Two implementations of one method, given the same people: wherever they differ, one of them is wrong."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("recordlinkage")

import linkage
from linkage.blocking import RULES, BlockingRule, make_keys, pairs_sql
from linkage.clean import clean
from linkage.comparison import COMPARISONS
from linkage.frequencies import Frequencies, count_frequencies, u_columns
from linkage.reference import RecordLinkageEngine, levels, pairs, records, weights
from linkage.weigh import levels_sql, pair_level_sql

SIDES = ("clients", "register")
NOTHING = st.none()
KNOWN_NAMES = ("Mary", "Mary Ann", "Ann", "Maryann", "William", "Bill", "Will", "Imran", "Khan", "Khan-Imran", "Imram")


@st.composite
def names(draw: st.DrawFn) -> str:
    """A known name, a slip of one, or letters that are alike."""
    name = draw(st.sampled_from(KNOWN_NAMES) | st.text("ABEN'- ", max_size=6))
    if name and draw(st.booleans()):
        place = draw(st.integers(0, len(name) - 1))
        edit = draw(st.sampled_from(["", "E", name[place] * 2]))
        name = name[:place] + edit + name[place + 1 :]
    return name


POSTCODES = st.builds(
    "{} {}{}".format,
    st.sampled_from(["BR1", "BR2", "BR11", "SW1A"]),
    st.sampled_from("12"),
    st.sampled_from(["AA", "AB", "BA"]),
)
ADDRESS_LINES = st.sampled_from(
    ["14 High Street", "14, HIGH ST", "Flat 2, 14 High Street", "Rose Cottage", "Rose Cott"]
)
DAYS = st.dates(min_value=pd.Timestamp("1928-01-01").date(), max_value=pd.Timestamp("1942-12-31").date())
BIRTHS = st.one_of(
    st.sampled_from(["1931-07-09", "1931-09-07", "1931-01-01", "1913-07-09", "1941-07-09", "2031-07-09", "1900-01-01"]),
    DAYS.map(str),
)
NUMBERS = st.sampled_from(["9434765919", "9000000009", "9000000017", "9000000025"])
PEOPLE = st.fixed_dictionaries(
    {},
    optional={
        "given_name": names(),
        "middle_names": names(),
        "family_name": names(),
        "previous_family_name": names(),
        "birth_date": BIRTHS,
        "birth_date_precision": st.sampled_from(["YMD", "YM", "Y"]),
        "gender": st.sampled_from(["0", "1", "2", "9"]),
        "postcode": POSTCODES,
        "address_line_1": ADDRESS_LINES,
        "nhs_number": NUMBERS,
    },
)
LISTS = st.lists(PEOPLE, min_size=1, max_size=12)


@st.composite
def two_lists(draw: st.DrawFn) -> dict[str, Any]:
    """Clients and register rows, with former addresses and other names for some."""
    clients, register = draw(LISTS), draw(LISTS)
    extras: dict[str, dict[str, list[dict[str, str]]]] = {"addresses": {}, "names": {}}
    for side, people in (("clients", clients), ("register", register)):
        keys = st.integers(1, len(people)).map(lambda n, side=side: f"{side[0]}{n}")
        address = st.fixed_dictionaries({"record_id": keys, "postcode": POSTCODES})
        name = st.fixed_dictionaries({"record_id": keys, "family_name": names(), "given_name": names()})
        extras["addresses"][side] = draw(st.lists(address, max_size=4))
        extras["names"][side] = draw(st.lists(name, max_size=4))
    return {"clients": clients, "register": register, **extras}


def looks(examples: int) -> settings:
    return settings(
        max_examples=examples,
        # Each example is a linkage; to shrink one that fails would take minutes.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def frames(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, pd.DataFrame]:
    return records.read(connection, "clients"), records.read(connection, "register")


@looks(40)
@given(lists=two_lists())
def test_levels_are_those_of_the_sql(lists: dict[str, Any], store) -> None:
    connection = store(**lists)
    clean(connection, SIDES)
    connection.execute("CREATE TABLE pair AS SELECT l.id AS c, r.id AS r FROM clients_record l, register_record r")
    expected = connection.sql(
        levels_sql(COMPARISONS, "clients_record", "register_record", "pair") + " ORDER BY c, r"
    ).df()
    clients, register = frames(connection)
    left, right = clients.loc[expected["c"]], register.loc[expected["r"]]
    for reference in levels.references(records.nicknames(connection)):
        (comparison,) = (each for each in COMPARISONS if each.name == reference.name)
        in_sql = expected[comparison.column].astype("Int16").fillna(levels.NOTHING).to_numpy(np.int8)
        np.testing.assert_array_equal(reference.reached(left, right), in_sql, comparison.name)


NARROW = tuple(BlockingRule(rule.name, rule.client, rule.register, rule.first, max_register_rows=2) for rule in RULES)


@pytest.mark.parametrize("rules", [RULES, NARROW], ids=["shipped", "keys of more than two rows left out"])
@looks(12)
@given(lists=two_lists())
def test_pairs_are_those_of_the_sql(rules: tuple[BlockingRule, ...], lists: dict[str, Any], store) -> None:
    connection = store(**lists)
    clean(connection, SIDES)
    facts = make_keys(connection, rules=rules)
    expected = connection.execute(f"SELECT * FROM ({pairs_sql()}) ORDER BY ALL").fetchall()
    made, found = pairs.make(rules, *frames(connection), most=10_000)
    assert [tuple(row) for row in made.itertuples(index=False)] == expected
    assert found == facts


@looks(20)
@given(lists=two_lists())
def test_frequencies_are_those_of_the_sql(lists: dict[str, Any], store) -> None:
    connection = store(**lists)
    clean(connection, SIDES)
    frequencies = count_frequencies(connection)
    connection.execute("""
        CREATE TABLE pair AS SELECT l.id AS c, r.id AS r, true AS first FROM clients_record l, register_record r""")
    expected = connection.sql(f"SELECT * FROM ({pair_level_sql(COMPARISONS, frequencies, 'pair')}) ORDER BY c, r").df()
    found = weights.with_frequencies(expected[["c", "r"]], *frames(connection), frequencies)
    for column in u_columns(frequencies):
        np.testing.assert_allclose(found[column], expected[column], atol=1e-12, err_msg=column)


def test_every_frequency_of_the_sql_is_there() -> None:
    empty = records_without_rows()
    found = weights.with_frequencies(pd.DataFrame({"c": [], "r": []}), empty, empty, Frequencies(1, AGREE))
    assert set(found.columns) == {"c", "r", *u_columns(Frequencies(1, AGREE))}


AGREE = {"given": 0.1, "family": 0.1, "birth_date": 0.1, "unit": 0.1}


def records_without_rows() -> pd.DataFrame:
    columns = ("id", "key", "nhs", "given", "family", "gender", "birth_year", "birth_date", "unit", "house")
    return pd.DataFrame({name: pd.Series([], dtype=float) for name in columns})


@looks(15)
@given(lists=two_lists())
def test_links_are_those_of_duckdb(lists: dict[str, Any], store) -> None:
    found = []
    for engine in (None, RecordLinkageEngine()):
        connection = store(**lists)
        linkage.link(connection, seed=1, run_id="x", engine=engine)
        found.append([connection.execute(f"FROM {table}").fetchall() for table in ("link", "candidate")])
    expected, given_ = found
    for table, rows in zip(given_, expected, strict=True):
        assert len(table) == len(rows)
        for one, two in zip(table, rows, strict=True):
            assert_same(one, two)


def assert_same(one: Any, two: Any) -> None:
    """Equal, numbers within a millionth of a bit."""
    if isinstance(one, tuple):
        for a, b in zip(one, two, strict=True):
            assert_same(a, b)
    elif isinstance(one, dict) and one and isinstance(next(iter(one.values())), float):
        assert one == pytest.approx(two, abs=2e-6)
    elif isinstance(one, float):
        assert one == pytest.approx(two, abs=2e-6)
    else:
        assert one == two
