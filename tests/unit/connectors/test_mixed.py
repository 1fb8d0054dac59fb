"""UTF-8 and Windows-1252 in one text, in blocks of any size."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from connectors.files import mixed, text

assert text.MIXED  # registers how a byte without a meaning is decoded

NAMES = st.sampled_from(["Zoë", "O\u2019Neill", "Łukasz", "Ștefan", "Siân", "Ŵyn", "Nguyễn", "Smith", "£5", "1\u20132"])
SIGNS = st.sampled_from(["Zoë", "O\u2019Neill", "Siân", "£5", "Smith", "1\u20132", "RENÉ\u2019S"])


def blocks(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


@given(st.lists(st.tuples(st.booleans(), NAMES, SIGNS), min_size=1), st.integers(1, 9))
def test_each_line_is_read_as_what_it_is(lines: list[tuple[bool, str, str]], size: int) -> None:
    content = b"\n".join(name.encode() if is_utf8 else sign.encode("cp1252") for is_utf8, name, sign in lines)
    expected = "\n".join(name if is_utf8 else sign for is_utf8, name, sign in lines)
    assert b"".join(mixed.utf8(blocks(content, size))).decode() == expected


@given(st.binary(), st.integers(1, 9))
def test_any_bytes_become_utf8(content: bytes, size: int) -> None:
    made = b"".join(mixed.utf8(blocks(content, size)))
    assert made == b"".join(mixed.utf8(iter([content])))
    made.decode()
