"""Dates by the supplier's form, with precision, and that both forms agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.dates import Fault, Form, PartialDate, fault

Column = Callable[[str, list[str | None]], list[object]]
AS_AT = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("form", "text", "first_day", "precision"),
    [
        (Form.ISO, "1931", date(1931, 1, 1), "Y"),
        (Form.ISO, "1931-07", date(1931, 7, 1), "YM"),
        (Form.ISO, "1931-07-09", date(1931, 7, 9), "YMD"),
        (Form.ISO, "1931-07-09T23:59:59Z", date(1931, 7, 9), "YMD"),
        (Form.ISO, " 1931-07-09 00:00:00.000 ", date(1931, 7, 9), "YMD"),
        (Form.UK, "09/07/1931", date(1931, 7, 9), "YMD"),
        (Form.UK, "9.7.1931", date(1931, 7, 9), "YMD"),
        (Form.UK, "09/07/1931 00:00:00", date(1931, 7, 9), "YMD"),
        (Form.UK, "09/07/26", date(2026, 7, 9), "YMD"),
        (Form.UK, "09/07/27", date(1927, 7, 9), "YMD"),  # never in the future
        (Form.MONTH_NAME, "29 Sep 2011 14:53", date(2011, 9, 29), "YMD"),
        (Form.MONTH_NAME, "29-SEP-31", date(1931, 9, 29), "YMD"),
        (Form.MONTH_NAME, "1 September 1931", date(1931, 9, 1), "YMD"),
        (Form.BASIC, "19310709", date(1931, 7, 9), "YMD"),
        (Form.BASIC, "193107", date(1931, 7, 1), "YM"),
        (Form.BASIC, "1931", date(1931, 1, 1), "Y"),
    ],
)
def test_read(form: Form, text: str, first_day: date, precision: str, column: Column) -> None:
    assert PartialDate.parse(text, form, as_at=AS_AT) == PartialDate(first_day, precision)
    name = f"date_{form.name.lower()}"
    assert column(f"{name}(x)", [text]) == [first_day]
    assert column(f"{name}_precision(x)", [text]) == [precision]
    assert column(f"{name}_fault(x)", [text]) == [None]


@pytest.mark.parametrize(
    ("form", "text", "why"),
    [
        (Form.UK, None, Fault.MISSING),
        (Form.UK, " ", Fault.MISSING),
        (Form.UK, "31/02/1980", Fault.IMPOSSIBLE),
        (Form.UK, "29/02/1981", Fault.IMPOSSIBLE),
        (Form.UK, "00/00/0000", Fault.IMPOSSIBLE),
        (Form.UK, "1980-02-01", Fault.FORM),
        (Form.UK, "12/1980", Fault.FORM),
        (Form.UK, "07/09/1931 x", Fault.FORM),
        (Form.ISO, "01/02/1980", Fault.FORM),
        (Form.ISO, "1980-13", Fault.IMPOSSIBLE),
        (Form.ISO, "29619", Fault.FORM),  # a spreadsheet's day number
        (Form.MONTH_NAME, "29-Sxp-31", Fault.IMPOSSIBLE),
        (Form.BASIC, "19800231", Fault.IMPOSSIBLE),
    ],
)
def test_no_date(form: Form, text: str | None, why: Fault, column: Column) -> None:
    assert fault(text, form, as_at=AS_AT) is why
    assert column(f"date_{form.name.lower()}(x)", [text]) == [None]
    assert column(f"date_{form.name.lower()}_precision(x)", [text]) == [None]
    assert column(f"date_{form.name.lower()}_fault(x)", [text]) == [why.value]


def test_the_first_form_that_fits_reads() -> None:
    assert PartialDate.parse("29-Sep-31", Form.UK, Form.MONTH_NAME, as_at=AS_AT).first_day == date(1931, 9, 29)


_TEXTS = st.one_of(
    st.dates().map(str),
    st.dates().map(lambda d: d.strftime("%d/%m/%y")),
    st.dates().map(lambda d: f"{d.day:02d} {d:%b} {d.year:04d} 10:00"),
    st.dates().map(lambda d: f"{d.year:04d}{d.month:02d}{d.day:02d}"),
    st.from_regex(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{4}|[0-9]{2})", fullmatch=True).filter(str.isascii),
    st.text("0123456789/-: JanFeb", max_size=12),
    st.none(),
)


@pytest.mark.parametrize("form", Form)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(_TEXTS, min_size=1, max_size=40))
def test_both_forms_agree(form: Form, texts: list[str | None], column: Column) -> None:
    name = f"date_{form.name.lower()}"
    scalar = [fault(text, form, as_at=AS_AT) for text in texts]
    assert column(f"{name}_fault(x)", texts) == [None if f is None else f.value for f in scalar]
    read = [None if f else PartialDate.parse(t or "", form, as_at=AS_AT) for t, f in zip(texts, scalar, strict=True)]
    assert column(f"{name}(x)", texts) == [None if r is None else r.first_day for r in read]
    assert column(f"{name}_precision(x)", texts) == [None if r is None else r.precision for r in read]
