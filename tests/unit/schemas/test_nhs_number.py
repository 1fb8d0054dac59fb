"""What an NHS number is, and that the scalar and the vectorised form agree on everything."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.nhs_number import RANGES, Fault, NhsNumber, Range, check_digit, fault

Column = Callable[[str, list[str | None]], list[object]]

ACCEPTED = [
    ("9434765919", "plain"),
    ("943 476 5919", "spaces, 3-3-4"),
    ("943-476-5919", "hyphens, 3-3-4"),
    ("943 4765919", "one of the two spaces"),
    ("943-476 5919", "one of each"),
    ("  9434765919\r\n", "white space around"),
    ("943\u00a0476\u00a05919", "no-break spaces, as web pages and spreadsheets leave them"),
]

REFUSED = [
    (None, Fault.MISSING),
    ("", Fault.MISSING),
    (" \u00a0 ", Fault.MISSING),
    ("4.86E+09", Fault.SPREADSHEET),
    ("4.86e9", Fault.SPREADSHEET),
    ("9434765919.0", Fault.SPREADSHEET),
    ("943476591", Fault.SHAPE),
    ("94347659190", Fault.SHAPE),
    ("9434 765919", Fault.SHAPE),
    ("943  476  5919", Fault.SHAPE),
    ("943/476/5919", Fault.SHAPE),
    ("+9434765919", Fault.SHAPE),
    ("-9434765919", Fault.SHAPE),
    ("9223372036854775807", Fault.SHAPE),  # the largest whole number of 64 bits
    ("-9223372036854775808", Fault.SHAPE),
    ("94347659I9", Fault.SHAPE),
    ("９４３４７６５９１９", Fault.SHAPE),  # noqa: RUF001 - full-width digits are the point
    ("٩٤٣٤٧٦٥٩١٩", Fault.SHAPE),
    ("unknown", Fault.SHAPE),
    ("0000000000", Fault.SENTINEL),
    ("9999999999", Fault.SENTINEL),
    ("999 999 9999", Fault.SENTINEL),
    ("4444444444", Fault.REPEATED),
    ("1111111111", Fault.REPEATED),
    ("9434765918", Fault.CHECK_DIGIT),
    ("9434765991", Fault.CHECK_DIGIT),
]


@pytest.mark.parametrize(("text", "_why"), ACCEPTED)
def test_accepted(text: str, _why: str, column: Column) -> None:
    assert NhsNumber.parse(text).digits == "9434765919"
    assert column("nhs_number(x)", [text]) == ["9434765919"]
    assert column("nhs_number_fault(x)", [text]) == [None]


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_refused(text: str | None, why: Fault, column: Column) -> None:
    assert fault(text) is why
    assert column("nhs_number(x)", [text]) == [None]
    assert column("nhs_number_fault(x)", [text]) == [why.value]


def test_a_refusal_never_repeats_the_text() -> None:
    with pytest.raises(ValueError, match="Modulus 11") as refused:
        NhsNumber.parse("9434765918")
    assert "9434765918" not in str(refused.value)


# Worked by hand: sum of digit x weight, mod 11.
@pytest.mark.parametrize(
    ("nine", "check"),
    [
        ("943476591", 9),
        ("401023213", 7),
        ("000000001", 9),
        ("900000000", 9),
        ("900000006", 8),
        ("100000000", 1),
        ("100000001", None),
    ],
)
def test_check_digit(nine: str, check: int | None) -> None:
    weighted = sum(int(d) * w for d, w in zip(nine, (10, 9, 8, 7, 6, 5, 4, 3, 2), strict=True))
    by_hand = (11 - weighted % 11) % 11
    assert check_digit(nine) == check == (None if by_hand == 10 else by_hand)


@pytest.mark.parametrize(
    ("digits", "issuer"),
    [
        ("0101000000", Range.SCOTLAND),
        ("3200000000", Range.NORTHERN_IRELAND),
        ("4010232137", Range.ENGLAND_WALES_IOM),
        ("5900046192", Range.NOT_ISSUED),
        ("6000000000", Range.ENGLAND_WALES_IOM),
        ("8000000000", Range.IRELAND),
        ("9434765919", Range.TEST),
    ],
)
def test_range(digits: str, issuer: Range, column: Column) -> None:
    assert next(kind for first, last, kind in RANGES if first <= digits <= last) is issuer
    assert column("nhs_number_range(x)", [digits]) == [issuer.value]


def test_ranges_leave_no_gap_between_the_first_and_the_last() -> None:
    for (_, last, _), (first, _, _) in pairwise(RANGES):
        assert int(first) == int(last) + 1


_DIGITS = st.text("0123456789", min_size=8, max_size=12)
_VALID = st.integers(10**8, 10**9 - 1).map(str).filter(lambda nine: check_digit(nine) is not None)
_NUMBERS = st.one_of(
    _VALID.map(lambda nine: f"{nine}{check_digit(nine)}"),
    _VALID.map(lambda nine: f" {nine[:3]} {nine[3:6]}-{nine[6:]}{check_digit(nine)} "),
    _DIGITS,
    st.text("0123456789 -.eE+", max_size=14),
    st.text(max_size=12),
    st.none(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(_NUMBERS, min_size=1, max_size=40))
def test_both_forms_agree(texts: list[str | None], column: Column) -> None:
    texts = [None if text is None else text.replace("\x00", "") for text in texts]
    scalar = [fault(text) for text in texts]
    assert column("nhs_number_fault(x)", texts) == [None if f is None else f.value for f in scalar]
    wanted = [None if f else NhsNumber.parse(text or "").digits for text, f in zip(texts, scalar, strict=True)]
    assert column("nhs_number(x)", texts) == wanted


@given(nine=_VALID, place=st.integers(0, 9), digit=st.integers(0, 9))
def test_no_single_wrong_digit_passes(nine: str, place: int, digit: int) -> None:
    number = f"{nine}{check_digit(nine)}"
    slipped = f"{number[:place]}{digit}{number[place + 1 :]}"
    assert (fault(slipped) is None) == (slipped == number and fault(number) is None)
