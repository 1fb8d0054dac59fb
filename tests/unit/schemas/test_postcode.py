"""Postcodes: what is one, what its parts are, and that both forms agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.postcode import Fault, Postcode, fault

Column = Callable[[str, list[str | None]], list[object]]


@pytest.mark.parametrize(
    ("text", "unit", "sector", "district", "area"),
    [
        ("SW1A 1AA", "SW1A 1AA", "SW1A 1", "SW1A", "SW"),
        ("sw1a1aa", "SW1A 1AA", "SW1A 1", "SW1A", "SW"),
        ("BD149XM", "BD14 9XM", "BD14 9", "BD14", "BD"),
        (" M1  1AE ", "M1 1AE", "M1 1", "M1", "M"),
        ("E1\u00a06AN", "E1 6AN", "E1 6", "E1", "E"),
        ("BR1 OAA", "BR1 0AA", "BR1 0", "BR1", "BR"),  # a letter O where the inward code has its digit
        ("BR1-3AA.", "BR1 3AA", "BR1 3", "BR1", "BR"),
    ],
)
def test_parts(text: str, unit: str, sector: str, district: str, area: str, column: Column) -> None:
    postcode = Postcode.parse(text)
    assert (postcode.unit, postcode.sector, postcode.district, postcode.area) == (unit, sector, district, area)
    assert column("postcode(x)", [text]) == [unit]
    assert column("postcode_sector(postcode(x))", [text]) == [sector]
    assert column("postcode_district(postcode(x))", [text]) == [district]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, Fault.MISSING),
        ("", Fault.MISSING),
        ("  ", Fault.MISSING),
        ("ZZ99 3VZ", Fault.PSEUDO),
        ("zz993wz", Fault.PSEUDO),
        ("XXXXXXX", Fault.SHAPE),
        ("NOPOSTCODE", Fault.SHAPE),
        ("SW1A", Fault.SHAPE),
        ("SW1A 1A", Fault.SHAPE),
        ("1SW 1AA", Fault.SHAPE),
        ("Not known", Fault.SHAPE),
    ],
)
def test_no_postcode(text: str | None, why: Fault, column: Column) -> None:
    assert fault(text) is why
    assert column("postcode(x)", [text]) == [None]
    assert column("postcode_fault(x)", [text]) == [why.value]


_TEXTS = st.one_of(
    st.from_regex(r"[A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9Oo][A-Za-z]{2}", fullmatch=True),
    st.text("ABCZ019 .-oO\u00a0", max_size=10),
    st.none(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(_TEXTS, min_size=1, max_size=40))
def test_both_forms_agree(texts: list[str | None], column: Column) -> None:
    scalar = [fault(text) for text in texts]
    assert column("postcode_fault(x)", texts) == [None if f is None else f.value for f in scalar]
    wanted = [None if f else Postcode.parse(text or "").unit for text, f in zip(texts, scalar, strict=True)]
    assert column("postcode(x)", texts) == wanted
