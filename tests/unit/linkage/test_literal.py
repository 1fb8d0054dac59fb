"""Figures in SQL are doubles, to the last bit."""

from __future__ import annotations

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from linkage.literal import double

CONNECTION = duckdb.connect()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_figure_is_the_double_it_is_in_python(value: float) -> None:
    [(kind, found)] = CONNECTION.execute(f"SELECT typeof({double(value)}), {double(value)}").fetchall()
    assert (kind, found) == ("DOUBLE", value)
