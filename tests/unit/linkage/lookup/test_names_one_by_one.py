"""Names one at a time are the names of the columns."""

from __future__ import annotations

import unicodedata

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.lookup import names as one
from linkage.names import NOISE, TITLES, _folded, build_names
from schemas import NAME, PERSON

WORDS = (
    *("Ann", "O'Brien", "de", "la", "Cruz", "J", "Bill", "Smith-Jones", "Müller", "Ærø", "(known as", "TWIN", "2", "ß"),
    *("İpek", "ﬁn", "Ŀ", "ǆ", "Nguyễn", "\u00a0", "\t", ".", "--", *TITLES[:3], *NOISE[:8]),
)
raw_names = st.one_of(
    st.text(max_size=12), st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
).filter(lambda text: "\0" not in text and not any(unicodedata.category(c) == "Cs" for c in text))


def cleaned(texts: list[str]) -> dict[str, tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA clients")
        for table in (PERSON, NAME):
            connection.execute(table.ddl(f"clients.{table.name.lower()}"))
        connection.executemany("INSERT INTO clients.person (given_name) VALUES (?)", [[text] for text in texts])
        build_names(connection, ("clients",))
        rows = connection.execute(
            'SELECT raw, "first", words, rest, joined, parts, first_root, first_sound, joined_sound FROM name_value'
        ).fetchall()
    return {raw: tuple(tuple(each) if isinstance(each, list) else each for each in columns) for raw, *columns in rows}


@settings(max_examples=25, deadline=None)
@given(st.lists(raw_names, min_size=1, max_size=30))
def test_a_name_is_cleaned_alike(texts: list[str]) -> None:
    for raw, columns in cleaned(texts).items():
        name = one.name_value(raw)
        first, joined = name.first, name.joined
        roots = (one.root(first), one.sound(first)) if first else (None, None)
        assert columns == (
            first,
            name.words or None,
            name.rest or None,
            joined,
            name.parts or None,
            *roots,
            one.sound(joined) if joined else None,
        )


def test_every_letter_there_is_folds_alike() -> None:
    letters = [
        chr(n) for n in range(1, 0x30000) if (unicodedata.category(chr(n))[0] in "LMN" and n < 0xD800) or n < 0x3000
    ]
    letters = [letter for letter in letters if unicodedata.category(letter) not in ("Cs", "Cn")]
    with duckdb.connect() as connection:
        folded = connection.execute(
            f"SELECT x, {_folded('x')} FROM (SELECT unnest(?) AS x)", [[f"A{letter}B" for letter in letters]]
        ).fetchall()
    assert [raw for raw, text in folded if one.fold(raw) != text] == []


def test_nicknames_are_those_of_the_table() -> None:
    known = ("BILL", "WILLIAM", "WILL", "ALEX", "ALEXANDRA", "SMITH", "MO", "MOHAMMED")
    texts = [*sorted(one._forms().listed)[::5], *known]
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA clients")
        for table in (PERSON, NAME):
            connection.execute(table.ddl(f"clients.{table.name.lower()}"))
        connection.executemany("INSERT INTO clients.person (given_name) VALUES (?)", [[text] for text in texts])
        build_names(connection, ("clients",))
        held = set(connection.execute("SELECT a, b FROM nickname").fetchall())
    words = {one.name_value(text).first for text in texts} - {None}
    assert held & {(a, b) for a in words for b in words} == {
        (a, b) for a in words for b in words if one.are_nicknames(a, b)
    }
    assert len(held) > 100


@pytest.mark.parametrize(("a", "b"), [("BILL", "WILLIAM"), ("WILLIAM", "BILL"), ("BILL", "WILL")])
def test_nicknames_work_both_ways(a: str, b: str) -> None:
    assert one.are_nicknames(a, b)
    assert not one.are_nicknames(a, a)
