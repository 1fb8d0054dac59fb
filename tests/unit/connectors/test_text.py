"""Encodings: blocks of any bytes become the same UTF-8 that Python would make of the whole, wherever they are cut."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.once import Otherwise, opened
from connectors.files.opening import DEFAULT, Delivered, Member, members
from connectors.files.text import Text, examine, utf8_blocks
from schemas.errors import InputError


def member(*blocks: bytes) -> Member:
    """Something inside a file that gives these blocks."""
    return Member(Delivered(Path(__file__)), "a.csv", "a", 0, _blocks=lambda tick: iter(blocks))


def headed(*blocks: bytes) -> Member:
    """The same with its first bytes known."""
    return replace(member(*blocks), head=b"".join(blocks)[:4096])


def decoded(text: Text) -> list[bytes]:
    return list(utf8_blocks(text, lambda done: None))


# Longer than the pieces that Windows-1252 is decoded in, so that some are ASCII and some are not.
texts = st.builds(
    lambda parts, at, long: "ab" + "".join(parts[:at]) + "x" * long + "".join(parts[at:]),
    st.lists(st.sampled_from(["a", "é", "€", "😀", "\u00a0", "\n", '"', "Zoë,"]), max_size=20),
    st.integers(0, 20),
    st.sampled_from([0, 4090, 9000]),
)
noise = st.sampled_from([b"", b"", b"\xff", b"\xc3", b"\xe2\x82", b"\x81", b"\xed\xa0\x80", b"\xc0\x80"])


def cut(body: bytes, at: list[int]) -> list[bytes]:
    places = sorted({min(place, len(body)) for place in at} | {0, len(body)})
    return [body[a:b] for a, b in itertools.pairwise(places)]


@given(texts, noise, st.booleans(), st.lists(st.integers(0, 9100), max_size=5))
@settings(max_examples=300, deadline=None)
def test_utf_8_is_held_where_python_holds_it_and_bad_bytes_become_nul(
    text: str, bad: bytes, in_the_middle: bool, places: list[int]
) -> None:
    body = text.encode()
    body = body[:2] + bad + body[2:] if in_the_middle else body + bad
    found = examine(member(*cut(body, places)), ("utf-8",))
    try:
        body.decode()
        good = True
    except UnicodeDecodeError:
        good = False
    assert (found.encoding, found.sound) == ("utf-8", good)
    blocks = decoded(found)
    assert b"".join(blocks) == body.decode(errors="caretrace-nul").encode()
    for block in blocks:  # no character is cut in two
        block.decode()


@given(texts, noise, st.booleans(), st.booleans(), st.lists(st.integers(0, 9100), max_size=5))
@settings(max_examples=300, deadline=None)
def test_a_text_of_one_encoding_is_read_once_and_found_to_be_the_same(
    text: str, bad: bytes, in_the_middle: bool, marked: bool, places: list[int]
) -> None:
    body = b"\xef\xbb\xbf" * marked + text.encode()
    body = body[:5] + bad + body[5:] if in_the_middle else body + bad
    # A mark stands in one block, which are long.
    made = cut(body, [8 + place for place in places])
    passes: list[list[bytes]] = []

    def blocks(tick: object) -> Iterator[bytes]:
        passes.append(made)
        return iter(made)

    once = Member(Delivered(Path(__file__)), "a.csv", "a", 0, head=body[:4096], _blocks=blocks)
    read, told = opened(once, ("utf-8",), lambda done: None)
    found = list(read)
    assert len(passes) == 1
    twice = examine(once, ("utf-8",))
    assert told() == twice
    assert b"".join(found) == b"".join(utf8_blocks(twice, lambda done: None))
    for block in found:
        block.decode()


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf", b"{}", b"{}\xff\n" * 9, "{}é".encode("utf-16")])
@pytest.mark.parametrize("asked_for", [0, 1, 9])
def test_a_file_has_the_hash_of_all_its_bytes_however_many_were_asked_for(
    tmp_path: Path, body: bytes, asked_for: int
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(body)
    (member,) = members(path, "a.json", DEFAULT)
    if body in (b"", b"\xef\xbb\xbf"):
        with pytest.raises(InputError, match="the file is empty"):
            list(opened(member, ("utf-8",), lambda done: None)[0])
        return
    read, told = opened(member, ("utf-8",), lambda done: None)
    list(itertools.islice(read, asked_for))
    if asked_for == 1:
        read.close()  # type: ignore[attr-defined]
    assert told().sha256 == hashlib.sha256(body).hexdigest()


@given(texts, st.sampled_from([b"", b"\x81", b"\x9d"]), st.lists(st.integers(0, 9100), max_size=5))
@settings(max_examples=200, deadline=None)
def test_windows_1252_is_the_last_resort(text: str, undefined: bytes, places: list[int]) -> None:
    body = text.encode("cp1252", errors="ignore") + undefined + b"\xe9 "
    found = examine(member(*cut(body, places)), ("utf-8", "cp1252"))
    assert (found.encoding, found.sound) == ("cp1252", not undefined)
    assert b"".join(decoded(found)) == body.decode("cp1252", errors="caretrace-nul").encode()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_a_mark_proves_the_encoding_and_is_no_text(encoding: str) -> None:
    body = "\ufeffid,name\n1,Zoë\n".encode(encoding)
    found = examine(member(body[:9], body[9:]), ("cp1252",))
    assert (found.encoding, found.sound) == (encoding, True)
    assert b"".join(decoded(found)).decode() == "id,name\n1,Zoë\n"


def test_a_last_letter_outside_ascii_is_not_taken_for_half_of_another() -> None:
    found = examine(member(b"id,name\n1,Zo\xe9"), ("utf-8", "cp1252"))
    assert (found.encoding, b"".join(decoded(found)).decode()) == ("cp1252", "id,name\n1,Zo\u00e9")


@given(st.sampled_from(["utf-8", "cp1252"]), texts, noise, st.lists(st.integers(0, 9100), max_size=5))
@settings(max_examples=300, deadline=None)
def test_what_is_read_while_it_is_examined_is_the_same_or_is_read_again(
    written: str, text: str, bad: bytes, places: list[int]
) -> None:
    body = text.encode(written, errors="ignore") + bad + b" "
    parts = cut(body, places)
    found = examine(member(*parts), ("utf-8", "cp1252"))
    try:
        read, told = opened(headed(*parts), ("utf-8", "cp1252"), lambda done: None)
        blocks = list(read)
    except Otherwise:
        assert not found.sound or bad
    else:
        assert b"".join(blocks) == b"".join(decoded(found))
        assert (told().encoding, told().sound) == (found.encoding, found.sound)
        for block in blocks:
            block.decode()


@pytest.mark.parametrize(
    ("blocks", "read"),
    [
        ((b"id,na", b"me"), "id,name"),
        (("Zoë".encode()[:3], "Zoë".encode()[3:]), "Zoë"),
        ((b"Zo", b"\xeb, ", b"Ren\xe9"), "Zoë, René"),
        # What a block ends with may begin a character of UTF-8, or be one of Windows-1252.
        ((b"Zo\xeb", b", Ren\xe9 "), "Zoë, René "),
        ((b"Zo", b"\xc3"), "Zo\u00c3"),
        # UTF-8 so far, and then not; both at once; no text in either.
        (("Zoë".encode(), b"Ren\xe9 "), None),
        ((b"Zo\xeb ", "René".encode()), None),
        ((b"Zo", b"\x81"), None),
    ],
)
def test_a_text_is_read_again_where_more_of_it_says_otherwise(blocks: tuple[bytes, ...], read: str | None) -> None:
    given, _ = opened(headed(*blocks), ("utf-8", "cp1252"), lambda done: None)
    if read is None:
        with pytest.raises(Otherwise):
            list(given)
    else:
        assert b"".join(given).decode() == read
