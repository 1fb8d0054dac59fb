"""What messages call a column: titles that are words are repeated, what may be somebody's value never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.called import are_values, called
from connectors.supplier import plain


def _known(title: str) -> bool:
    return plain(title) in {"uniquereference", "postcode"}


@pytest.mark.parametrize(
    "title",
    [
        *("DOB", "colour", "surnmae", "GP_REGISTRATION_DATE", "ERROR/SUCCESS_CODE", "Address Line 1", "AddressLine1"),
        *(
            "Census 2021 ward",
            "NHS No.",
            "Ward",
            "Mark",
            "Date of birth (dd/mm/yyyy)",
            "Surname, Forename",
            "X",
            "F",
        ),
        *("SF-36 score", "Carer?", "Client's own ref", "Q1", "Enw cyntaf", "Ethnicity 16+1"),
    ],
)
def test_a_title_of_words_is_repeated(title: str) -> None:
    assert called(["UNIQUE REFERENCE", title], _known) == ["UNIQUE REFERENCE", title]


@pytest.mark.parametrize(
    "value",
    [
        *("9" * 40, "9434765919", "943 476 5919", "943-476-5919", "12/03/1950", "1950-03-12", "1950-03-12 00:00:00"),
        *("12 March 1950", "12-Mar-50", "3rd March 1950", "19500312", "ab12cd@example.org", "BR1 1AA", "BR11AA"),
        *("12 High Street", "Flat 3, 12 High Street", "Smith", "SMITH", "Smith, John", "Mr John Smith", "John Smith"),
        *(
            "Kowalczyk, Zofia",
            "Female",
            "Yes",
            "07700 900123",
            "+44 7700 900123",
            "a" * 61,
            "=1/0",
            '{"id"',
            "POSTCODE 9434",
        ),
        *("POSTCODE\r\n1|Kowalczyk", "POSTCODE9434765919", "home at BR1 1AA", "£12.50", "--", "9.43E+09", "2021"),
        *("2 week wait", "%%", "\ufffd\ufffd", "a\x00b", "Kowalczyk;Zofia"),
    ],
)
def test_what_may_be_a_value_is_told_by_its_place(value: str) -> None:
    assert called(["UNIQUE REFERENCE", value], _known) == ["UNIQUE REFERENCE", "column 2"]


@pytest.mark.parametrize(
    ("titles", "words"),
    [
        # The first record on the line of titles: its name is no name of a list, but its date is a date.
        ("UNIQUE REFERENCE,POSTCODE1,Kowalczyk,12/03/1950", "UNIQUE REFERENCE,column 2,column 3,column 4"),
        ("Kowalczyk,12/03/1950,postcode", "column 1,column 2,postcode"),
        ("Smith,John,borough", "column 1,column 2,column 3"),
        ("Smith,F,borough", "column 1,column 2,column 3"),
        # One alone may be chance.
        ("Smith,borough", "column 1,borough"),
        ("X,borough,,postcode", "X,borough,column 3,postcode"),
        ("Date of\nbirth,  borough ", "Date of birth,borough"),
    ],
)
def test_one_value_makes_the_whole_line_doubtful(titles: str, words: str) -> None:
    assert ",".join(called(titles.split(","), _known)) == words


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["surnmae", "colour"], False),
        (["Smith", "colour"], False),
        (["Smith", "John"], True),
        (["Smith", "F"], True),
        (["colour", "12/03/1950"], True),
        (["2 week wait", "colour"], False),
        ([], False),
    ],
)
def test_lines_that_are_values(cells: list[str], expected: bool) -> None:
    assert are_values(cells) is expected


@given(st.lists(st.text(), max_size=6), st.integers(0, 5), st.from_regex(r"\A[0-9]{5,12}\Z"))
def test_no_five_digits_in_a_row_are_ever_repeated(titles: list[str], at: int, number: str) -> None:
    words = called([*titles[:at], number, *titles[at:]])
    assert not any(number in word for word in words if word != f"column {at + 1}")
    assert all("\n" not in word for word in words)
