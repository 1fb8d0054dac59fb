"""HL7 version 2 text in columns, held against the `hl7` package, which reads one message at a time."""

from __future__ import annotations

import duckdb
import hl7
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.suppliers.hospital.hl7 import SEGMENTS, cut, day, field, marks, moment, plain, reference, said
from schemas import SettingsError

USUAL, OWN, SHORT = "|^~\\&", "#*+?%", "|^~\\"
VALUES = st.text(alphabet="AZaz09 '-.éßŁ|^~\\&#*+?%", min_size=1, max_size=6).map(str.strip).filter(bool)


def escaped(value: str, own: str) -> str:
    """A value as it stands in a message with these delimiters."""
    field, component, repetition, escape = own[:4]
    letters = {field: "F", component: "S", repetition: "R", escape: "E", **({own[4]: "T"} if own[4:] else {})}
    return "".join(f"{escape}{letters[c]}{escape}" if c in letters else c for c in value)


def segment(fields: list[list[list[str]]], own: str) -> str:
    """A PID from fields of repetitions of components."""
    return own[0].join(["PID", *(own[2].join(own[1].join(escaped(c, own) for c in r) for r in f) for f in fields)])


def header(own: str) -> str:
    return f"MSH{own}{own[0]}PAS"


def taken(rows: list[tuple[str, str]], *references: str) -> list[tuple[str | None, ...]]:
    """What the references say of each pair of MSH and PID."""
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE raw (place INTEGER, "MSH" VARCHAR, "PID" VARCHAR)')
        connection.executemany("INSERT INTO raw VALUES (?, ?, ?)", [(at, *row) for at, row in enumerate(rows)])
        texts = {name: plain(f'"{name}"') for name in ("MSH", "PID")}
        lists = ", ".join(f"string_split({text}, '|') AS {SEGMENTS[name]}" for name, text in texts.items())
        cuts = ", ".join(f'{cut(name)} AS "{name}"' for name in dict.fromkeys(map(field, references)))
        columns = ", ".join(said(reference(name)) for name in references)
        return connection.execute(
            f"SELECT {columns} FROM (SELECT place, {cuts} FROM"
            f" (SELECT place, {lists} FROM (SELECT *, {marks()} FROM raw))) ORDER BY place"
        ).fetchall()


@given(st.lists(st.tuples(st.sampled_from([USUAL, OWN, SHORT]), VALUES, VALUES, VALUES), min_size=1, max_size=40))
@settings(max_examples=12, deadline=None)
def test_values_come_out_as_they_were_and_as_the_package_reads_them(cases: list[tuple[str, str, str, str]]) -> None:
    rows = []
    for own, *values in cases:
        a, b, c = values
        text = segment([[["1"]], [[""]], [[a, b], [c]]], own)
        rows.append((header(own), text))
        # The package leaves an escaped escape character out, and needs all five of its characters.
        if own[3] not in a + b + c and own != SHORT:
            message = hl7.parse(f"{header(own)}\r{text}\r")
            theirs = [message.extract_field("PID", 1, 3, r, k) for r, k in ((1, 1), (1, 2), (2, 1))]
            assert [message.unescape(each) for each in theirs] == values
    assert taken(rows, "PID-3.1", "PID-3.2", "PID-3(2).1") == [tuple(values) for _, *values in cases]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A\\X4869\\B", "AHiB"),
        ("A\\X0D0A\\B", "A B"),
        ("\\XC3A9\\", "é"),
        ("\\XE9\\", "é"),
        ("a\\.br\\b", "a b"),
        ("\\H\\a\\N\\", "a"),
        ("\\Z12\\a", "a"),
        ("C\\O Smith", "C\\O Smith"),
        ("C\\O Smith\\T\\Co", "C\\O Smith&Co"),
        ("\\", "\\"),
        ("\\X\\", "\\X\\"),
        ("\\XZZ\\", "\\XZZ\\"),
        ('""', None),
        ("", None),
    ],
)
def test_escapes(text: str, value: str | None) -> None:
    assert taken([(header(USUAL), f"PID|{text}")], "PID-1") == [(value,)]


def test_places() -> None:
    rows = [(header(USUAL) + "|RYJ^X", "PID|1||a^b~c^d")]
    places = ("MSH-3", "MSH-4.1", "PID-3", "PID-3.2", "PID-3(2).1", "PID-3(3)", "PID-30")
    assert taken(rows, *places) == [("PAS", "RYJ", "a^b~c^d", "b", "c", None, None)]


@pytest.mark.parametrize(
    "name", ["PID", "PID-", "ZZZ-1", "pid-3", "PID-3.1.1", "PID-3'", "PID-103", "PID-3(0)", "PID-3.0"]
)
def test_what_is_no_place(name: str) -> None:
    with pytest.raises(SettingsError, match="is no place in a message"):
        reference(name)


@pytest.mark.parametrize(
    ("stamp", "at", "on"),
    [
        ("20260301", "20260301000000", "20260301"),
        ("202603011015", "20260301101500", "20260301"),
        ("20260301101530.1234+0100", "20260301101530", "20260301"),
        ("20260301+0000", "20260301000000", "20260301"),
        ("2026", "20260000000000", "2026"),
        ("2026-03-01", "20260000000000", "2026-03-01"),
        ("soon", None, "soon"),
        (None, None, None),
    ],
)
def test_time_stamps(stamp: str | None, at: str | None, on: str | None) -> None:
    with duckdb.connect() as connection:
        query = f"SELECT {moment('x')}, {day('x')} FROM (SELECT CAST(? AS VARCHAR) AS x)"
        assert connection.execute(query, [stamp]).fetchall() == [(at, on)]


@given(st.lists(st.text(alphabet='A~!" \xa0\u2003é\x1c\x1d\x1e\x1f\x7f😀', max_size=5), min_size=1, max_size=200))
@settings(max_examples=20, deadline=None)
def test_a_value_by_its_name_and_one_by_an_expression_are_meant_alike(values: list[str]) -> None:
    with duckdb.connect() as connection:
        query = f"SELECT DISTINCT x, {said('x')}, {said('(x)')} FROM (SELECT unnest(CAST(? AS VARCHAR[])) AS x)"
        found = connection.execute(query, [values]).fetchall()
    assert [by_name for _, by_name, _ in found] == [by_expression for _, _, by_expression in found]
    hidden = str.maketrans("\x1c\x1d\x1e\x1f", "|~^&")
    meant = {x: x.translate(hidden).strip(" \xa0\u2003") for x in values}
    assert {x: by_name for x, by_name, _ in found} == {x: m if m not in ("", '""') else None for x, m in meant.items()}
