"""Fields at fixed places: cut from many lines at once they are what Python cuts from each line by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.header import NO_HEADER
from connectors.files.layouts import Layout, fixed, reader
from connectors.supplier import Kind

POSITIONS = {"text": (1, 6), "first": (1, 1), "gap": (3, 2), "over": (4, 4), "last": (9, 4)}
KIND = Kind("x", {}, (), layout=Layout.LINES, recognised=re.compile(b""), positions=POSITIONS)

even = st.text(st.sampled_from("aZ9 ~"), min_size=12, max_size=12)
"""What nearly all lines are."""
uneven = st.text(st.sampled_from("aZ 9\té€ \x01\x1a\x1f\x7f\u00a0𝄞"), min_size=0, max_size=16)


@pytest.fixture(autouse=True)
def few_at_once() -> Iterator[None]:
    """So that a test has lines on both sides of a seam."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixed, "_AT_ONCE", 3)
        yield


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(st.one_of(even, even, uneven), st.sampled_from(["\r\n", "\r\n", "\n", "\r"])), max_size=14),
    st.booleans(),
    st.integers(1, 90),
)
def test_cut_together_or_one_by_one_is_the_same(lines: list[tuple[str, str]], ended: bool, size: int) -> None:
    text = "".join(line + end for line, end in lines) + ("" if ended else "Zo\xeb 12345 9 x")
    blocks = [text[at : at + size].encode() for at in range(0, len(text), size)]
    rows = [row for part in reader(Layout.LINES)(iter(blocks), KIND, NO_HEADER) for row in part.table.to_pylist()]
    said = [line.rstrip(" \t\x1a") for line in re.split("\r\n|\r|\n", text)]
    wanted = [
        {
            **{
                name: line[start - 1 : start - 1 + length].strip() or None
                for name, (start, length) in POSITIONS.items()
            },
            "text": line[:6].rstrip(" \t\x1a"),
            "record": record,
            "line": at,
        }
        for record, (at, line) in enumerate(((at, line) for at, line in enumerate(said, start=1) if line), start=1)
    ]
    assert rows == wanted
