"""What a reader sees of two records, field by field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretrace.review.marks import FIELDS, WITHHELD, Kind
from caretrace.review.plain import Record, in_words, letters

BY_TITLE = {field.title: field for field in FIELDS}


def mark(title: str, client: dict[str, Any], register: dict[str, Any]) -> str:
    return str(BY_TITLE[title].shown(_record(client), _record(register)).mark)


def _record(row: dict[str, Any]) -> Record:
    person = {key: value for key, value in row.items() if key not in ("addresses", "names")}
    return Record(person, row.get("addresses", ()), row.get("names", ()))


FAMILY, GIVEN, BORN = "family_name", "given_name", "birth_date"
EARLIER = {"address_line_1": "1 Low Road", "postcode": "LS2 1AA", "to_date": date(2019, 5, 1)}


@pytest.mark.parametrize(
    ("title", "client", "register", "words"),
    [
        ("family name", {FAMILY: "O'Neil"}, {FAMILY: "ONEIL"}, "(same)"),
        ("family name", {FAMILY: "Müller"}, {FAMILY: "Muller"}, "(same)"),
        ("family name", {FAMILY: "Smith"}, {FAMILY: "Smyth"}, "(NEARLY: one letter differs, or two are swapped)"),
        ("family name", {FAMILY: "Brown"}, {FAMILY: "Jones"}, "(DIFFERENT)"),
        ("family name", {FAMILY: "Brown"}, {}, "(not on both)"),
        ("family name", {FAMILY: "Ng"}, {FAMILY: "Ho"}, "(DIFFERENT)"),
        (
            "family name",
            {FAMILY: "Brown"},
            {FAMILY: "Jones", "previous_family_name": "Brown"},
            "(NEARLY: the same as another name on the record)",
        ),
        ("family name", {FAMILY: "Brown-Jones"}, {FAMILY: "Jones"}, "(NEARLY: one part is the same)"),
        (
            "given names",
            {FAMILY: "Ali", GIVEN: "Hassan"},
            {FAMILY: "Hassan", GIVEN: "Ali"},
            "(NEARLY: given and family name stand in each other's place)",
        ),
        ("given names", {GIVEN: "J"}, {GIVEN: "Jane"}, "(NEARLY: one is the beginning of the other)"),
        (
            "given names",
            {GIVEN: "Bill"},
            {GIVEN: "William", "names": [{FAMILY: None, GIVEN: "Bill"}]},
            "(NEARLY: the same as another name on the record)",
        ),
        ("born", {BORN: date(1950, 3, 12)}, {BORN: date(1950, 12, 3)}, "(NEARLY: day and month swapped)"),
        ("born", {BORN: date(1950, 3, 12)}, {BORN: date(1951, 3, 12)}, "(NEARLY: only the year differs)"),
        ("born", {BORN: date(1950, 3, 12)}, {BORN: date(1951, 4, 12)}, "(DIFFERENT)"),
        (
            "born",
            {BORN: date(1950, 1, 1), "birth_date_precision": "Y"},
            {BORN: date(1950, 7, 9)},
            "(same: as far as it is known: the year)",
        ),
        ("born", {BORN: date(1950, 1, 1), "birth_date_precision": "Y"}, {BORN: date(1951, 7, 9)}, "(DIFFERENT)"),
        ("gender", {"gender": "1"}, {"gender": "2"}, "(DIFFERENT)"),
        ("gender", {"gender": "1"}, {"gender": "9"}, "(not on both)"),
        (
            "address",
            {"address_line_1": "Flat 2, 9 High St", "postcode": "LS1 2AB"},
            {"address_line_1": "2/9 High Street", "postcode": "LS1 2AB"},
            "(same: by house number and postcode)",
        ),
        (
            "address",
            {"address_line_1": "9 High St", "postcode": "LS1 2AB"},
            {"address_line_1": "11 High St", "postcode": "LS1 2AB"},
            "(NEARLY: only the postcode is the same)",
        ),
        (
            "address",
            {"address_line_1": "3 New Road", "postcode": "LS9 9ZZ", "addresses": [EARLIER]},
            {"address_line_1": "1 Low Road", "postcode": "LS2 1AA"},
            "(NEARLY: the same as an earlier or other address)",
        ),
        ("address", {"postcode": "LS1 2AB"}, {"postcode": "LS1 3AB"}, "(DIFFERENT)"),
        ("NHS number", {"nhs_number": "9990000018"}, {"nhs_number": "9990000026"}, "(DIFFERENT)"),
        ("NHS number", {}, {"nhs_number": "9990000026"}, "(not on both)"),
        (
            "contacts",
            {"phone": "0113 496 0000", "gp_practice_code": "B86001"},
            {"phone": "01134960000", "gp_practice_code": "B86002"},
            "(NEARLY: the same phone)",
        ),
    ],
)
def test_the_mark_says_how_they_compare(
    title: str, client: dict[str, Any], register: dict[str, Any], words: str
) -> None:
    assert mark(title, client, register) == words
    assert mark(title, register, client) == words


def test_dates_and_numbers_are_shown_so_that_no_spreadsheet_changes_them() -> None:
    assert in_words(date(1950, 3, 12)) == "12 March 1950"
    assert in_words(date(1950, 3, 1), "YM") == "March 1950"
    assert BY_TITLE["NHS number"].show(_record({"nhs_number": "9990000018"})) == "999 000 0018"
    assert BY_TITLE["NHS number"].show(_record({})) == ""


def test_earlier_names_and_addresses_stand_beneath_the_present_ones_once_each() -> None:
    row = {
        **{"family_name": "Jones", "previous_family_name": "BROWN", "given_name": "Ann", "middle_names": "Mary"},
        "names": [{FAMILY: "Brown", GIVEN: "Annie"}, {FAMILY: "Jones", GIVEN: "Mary"}],
        **{"address_line_1": "3 New Road", "postcode": "LS9 9ZZ"},
        "addresses": [EARLIER, {"address_line_1": "3 NEW ROAD", "postcode": "LS9 9ZZ"}],
    }
    shown = {title: BY_TITLE[title].show(_record(row)) for title in ("family name", "given names", "address")}
    assert shown == {
        "family name": "Jones\nalso: BROWN",
        "given names": "Ann Mary\nalso: Annie",
        "address": "3 New Road, LS9 9ZZ\nuntil 1 May 2019: 1 Low Road, LS2 1AA",
    }


@pytest.mark.parametrize("restricted", ["client", "register"])
def test_where_a_restricted_person_is_stays_hidden_on_both_sides(restricted: str) -> None:
    rows = {
        side: {"postcode": "LS1 2AB", "phone": "0113 496 0000", "given_name": "Ann"} for side in ("client", "register")
    }
    rows[restricted]["restricted"] = True
    for field in FIELDS:
        shown = field.shown(_record(rows["client"]), _record(rows["register"]))
        assert "LS1" not in shown.client + shown.register
        assert "496" not in shown.client + shown.register
    assert BY_TITLE["address"].shown(_record(rows["client"]), _record(rows["register"])).client == WITHHELD


ROWS = st.fixed_dictionaries(
    {},
    optional={
        **{
            column: st.text(max_size=12)
            for column in (FAMILY, GIVEN, "middle_names", "address_line_1", "phone", "email")
        },
        BORN: st.dates(),
        "birth_date_precision": st.sampled_from(["Y", "YM", "YMD"]),
        "gender": st.sampled_from("0129"),
        "postcode": st.sampled_from(["LS1 2AB", "LS2 1AA"]),
    },
)


@given(ROWS, ROWS)
def test_a_mark_does_not_depend_on_which_side_is_which(one: dict[str, Any], other: dict[str, Any]) -> None:
    for field in FIELDS:
        assert mark(field.title, one, other) == mark(field.title, other, one)


@given(ROWS)
def test_a_record_never_differs_from_itself_and_a_null_never_agrees(row: dict[str, Any]) -> None:
    for field in FIELDS:
        kind = field.compare(_record(row), _record(row)).kind
        assert kind in (Kind.SAME, Kind.UNKNOWN)
        assert field.compare(_record(row), _record({})).kind is Kind.UNKNOWN


@given(st.text())
def test_letters_are_what_they_were_once_taken(text: str) -> None:
    assert letters(letters(text)) == letters(text)
