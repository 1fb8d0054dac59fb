"""The record index: where records begin, and what a fault costs."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files import lines as text_lines
from connectors.files import records as text_records
from connectors.files.lines import Lines, last_breaks
from connectors.files.records import DOUBTFUL, MISPLACED, NOT_TEXT, ONE_MORE, TOO_LONG, UNCLOSED, RecordIndex
from connectors.files.spanning import spans

WIDTH = 3


def index(text: bytes, width: int = WIDTH, block: int = 1 << 20, delimiter: str = ","):
    """Rows by record number, lines by record number, and the rejected as (record, line, rule)."""
    made = RecordIndex(width, delimiter)
    rows, lines, rejected = {}, {}, []
    for batch in made.read(text[at : at + block] for at in range(0, len(text), block)):
        read = [row for row in csv.reader(io.StringIO(batch.csv.decode(), newline=""), delimiter=delimiter) if row]
        assert len(read) == len(batch.record) == len(batch.line)
        rows |= dict(zip(batch.record.tolist(), read, strict=True))
        lines |= dict(zip(batch.record.tolist(), batch.line.tolist(), strict=True))
        rejected += [(r.record, r.line, r.rule) for r in batch.rejected]
    assert sorted([*rows, *(r for r, _, _ in rejected)]) == list(range(1, made.records + 1))
    return rows, lines, rejected


@pytest.mark.parametrize(
    ("text", "lines", "rejected"),
    [
        pytest.param("1,a,b\n2,c,d\n", {1: 2, 2: 3}, [], id="plain"),
        pytest.param("1,a,b\r\n\r\n2,c,d", {1: 2, 2: 4}, [], id="a blank line is no record; no break at the end"),
        pytest.param("1,a,b\r2,c,d\r", {1: 2, 2: 3}, [], id="lone CR"),
        pytest.param('1,"a\nb",c\n2,d,e\n', {1: 2, 2: 4}, [], id="a value over two lines"),
        pytest.param('1,"a\r\n\r\nb",c\r\n2,d,e\r\n', {1: 2, 2: 5}, [], id="a blank line inside a value"),
        pytest.param('1,"a ""b"" c",d\n', {1: 2}, [], id="doubled quotes"),
        pytest.param('1,12" pipe,c\n2,d,e\n', {1: 2, 2: 3}, [], id="a quote inside an unquoted value stays"),
        pytest.param('1,12" a,14" b\n2,d,e\n', {1: 2, 2: 3}, [], id="two of them"),
        pytest.param('1,"a,b\n2,c,d\n3,e,f\n', {2: 3, 3: 4}, [(1, 2, UNCLOSED)], id="an unterminated quote"),
        pytest.param('1,a,"b\n2,c,d\n3,e,"f\n4,g,h', {2: 3, 4: 5}, [(1, 2, UNCLOSED), (3, 4, UNCLOSED)], id="two"),
        pytest.param('1,"O"Brien",b\n2,c,d\n', {2: 3}, [(1, 2, MISPLACED)], id="an undoubled quote, odd"),
        pytest.param('1,"a "b" c",d\n2,c,d\n', {2: 3}, [(1, 2, MISPLACED)], id="undoubled quotes, even"),
        pytest.param("1,a\n2,c,d\n", {2: 3}, [(1, 2, "2 fields where the header has 3")], id="too few fields"),
        pytest.param("1,a,b,c\n2,c,d\n", {2: 3}, [(1, 2, "4 fields where the header has 3")], id="too many fields"),
        pytest.param(
            "1,a,b,\n2,c,d\n", {2: 3}, [(1, 2, f"4 fields where the header has 3{ONE_MORE}")], id="one delimiter more"
        ),
        pytest.param("1,a\0,b\n2,c,d\n", {2: 3}, [(1, 2, NOT_TEXT)], id="a NUL"),
        pytest.param("1,a,b\n \t \n2,c,d\n\x1a", {1: 2, 2: 4}, [], id="white space and the DOS end of file"),
        pytest.param(
            '1,a,"b\n2,c,d\n9,Brown,"\n3,e,f\n',
            {4: 5},
            [(1, 2, DOUBTFUL), (2, 3, DOUBTFUL), (3, 4, DOUBTFUL)],
            id="two stray quotes that could be one value: nothing is invented, nothing lost unseen",
        ),
    ],
)
@pytest.mark.parametrize("block", [1 << 20, 7], ids=["one block", "blocks of 7 bytes"])
def test_records(text: str, lines: dict[int, int], rejected: list[tuple[int, int, str]], block: int) -> None:
    _, found, refused = index(text.encode(), block=block)
    assert (found, refused) == (lines, rejected)


def test_a_line_of_ten_megabytes_costs_its_record_only() -> None:
    text = b"1,a,b\n2," + b"x" * (10 << 20) + b",c\n3,d,e\n"
    for block in (1 << 20, 64 << 20):
        _, lines, rejected = index(text, block=block)
        assert (lines, rejected) == ({1: 2, 3: 4}, [(2, 3, TOO_LONG)])


def test_a_quote_that_never_closes_does_not_hold_the_rest_of_a_large_file() -> None:
    text = b'1,"a,b\n' + b"".join(b"%d,c,d\n" % n for n in range(2, 400_000))
    rows, _, rejected = index(text, block=1 << 20)
    assert rejected == [(1, 2, UNCLOSED)]
    assert len(rows) == 399_998


# Text that csv quotes in every way it can; the marker keeps a middle line of a value from being a record by itself.
values = st.text(st.sampled_from('ab ,"\n\r;é€😀'), max_size=12).map(
    lambda t: t.replace("\n", "\n|").replace("\r", "\r|")
)
tables = st.lists(st.lists(values, min_size=WIDTH, max_size=WIDTH), max_size=12)


def written(table: list[list[str]], line_end: str, quoting: int) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=line_end, quoting=quoting).writerows(table)
    return out.getvalue().encode()


# csv leaves a break unquoted where it is not the writer's own, so it is asked to quote everything but for CRLF.
styles = st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), *((end, csv.QUOTE_ALL) for end in ("\n", "\r\n", "\r"))])


@given(tables, styles, st.integers(1, 60))
@settings(max_examples=120, deadline=None)
def test_well_formed_text_is_read_as_python_reads_it(table, style, block) -> None:
    doubtful = any("|" in "".join(row) and "".join(row).count(",") >= WIDTH - 1 for row in table)
    rows, _, rejected = index(written(table, *style), block=block)
    if doubtful:  # a line within a value may look like a record: refused, never read
        assert all(row in table for row in rows.values())
    else:
        assert (list(rows.values()), rejected) == (table, [])


plain = st.text(st.sampled_from("abcdé "), max_size=6)


@given(
    st.lists(st.lists(plain, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=15),
    st.data(),
    st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_a_stray_quote_costs_at_most_one_record(table, data, quoted) -> None:
    lines = written(
        [[str(n), *row[1:]] for n, row in enumerate(table)], "\n", csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    )
    at = data.draw(st.integers(0, len(lines.decode())))
    text = lines.decode()
    _, _, rejected = index((text[:at] + '"' + text[at:]).encode())
    assert len(rejected) <= 1


@given(tables, st.binary(max_size=4), st.data(), st.integers(1, 80))
@settings(max_examples=120, deadline=None)
def test_no_damage_loses_count_of_records(table, noise, data, block) -> None:
    text = bytearray(written(table, "\r\n", csv.QUOTE_MINIMAL))
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, len(text)))
    text[at : at + len(noise)] = noise
    # `index` asserts that every record is either read or rejected, and what is read has the right width.
    rows, _, _ = index(bytes(text[:cut]).decode(errors="replace").encode(), block=block)
    assert all(len(row) == WIDTH for row in rows.values())


# Most of it is as suppliers write it, so that a piece often passes the short cut, and often only just does not.
pieces = st.one_of(
    st.builds(written, tables, st.sampled_from(["\n", "\r\n"]), st.just(csv.QUOTE_ALL)),
    st.lists(st.sampled_from(['"a"', '""', '","', "\n", "\r\n", "\r", ",", "b", '"', "\0"]), max_size=40).map(
        lambda parts: "".join(parts).encode()
    ),
)


@given(st.lists(pieces, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_the_short_cut_for_quoted_fields_says_what_the_long_way_says(parts) -> None:
    body = b"".join(parts) + b"\n"
    short, long = Lines.of(body, ",", WIDTH), Lines.of(body, ",", 1_000_000)
    for name in ("start", "end", "stop", "odd", "faulty"):
        assert np.array_equal(getattr(short, name), getattr(long, name)), name
    assert np.array_equal(short.sound(WIDTH), long.sound(WIDTH))


@given(st.lists(pieces, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_sound_line_is_a_record_to_python_too(parts) -> None:
    body = b"".join(parts) + b"\n"
    lines = Lines.of(body, ",", WIDTH)
    assert b"".join(lines.body[a:b] for a, b in zip(lines.start, lines.stop, strict=True)) == body
    for i in np.flatnonzero(lines.sound(WIDTH) & ~lines.blank):
        ((*fields,),) = csv.reader(io.StringIO(lines.text(i, i).decode(), newline=""), strict=True)
        assert len(fields) == WIDTH


@given(st.text(st.sampled_from("a\r\n"), max_size=20), st.integers(1, 21))
def test_line_breaks_are_found_wherever_a_piece_of_the_text_ends(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_lines, "PIECE", piece)
        found = last_breaks(np.frombuffer(text.encode(), np.uint8))
    assert found.tolist() == [match.end() - 1 for match in re.finditer("\r\n|\r|\n", text)]


# Addresses as they are written: most values stand on one line, some on several, one with what looks like a record.
address = st.sampled_from(
    ["", "a", "b, c", "1 High St\nPenge", "2 Low St\r\n\r\nPenge, Kent", 'the "Oaks"\nPenge', "x\n1,2,3"]
)
damage = st.sampled_from(["", "", "", '"', '""', ",", "\n", "\r", "\0", '"\n"', "x,", "\x1a\n"])


@given(st.lists(st.tuples(address, address), max_size=12), styles, damage, st.data(), st.integers(1, 200))
@settings(max_examples=150, deadline=None)
def test_several_lines_at_once_are_the_same_as_one_by_one(table, style, put, data, block) -> None:
    text = written([[str(n), *row] for n, row in enumerate(table)], *style).decode()
    at, cut = data.draw(st.integers(0, len(text))), data.draw(st.sampled_from([0, 0, 1, 2, 7]))
    damaged = (text[:at] + put + text[at + cut :]).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text_records, "spans", lambda *_, **__: None)
        one_by_one = index(damaged, block=block)
    assert index(damaged, block=block) == one_by_one


@pytest.mark.parametrize(
    ("text", "last", "found"),
    [
        pytest.param('1,"a\nb",c\n2,d,e\n3,"f\n\ng",h\n', True, ([0, 3], [1, 5], 6), id="two, and one between them"),
        pytest.param('1,"a\nb",c\n2,"d\n', False, ([0], [1], 2), id="what is open waits"),
        pytest.param('1,"a\nb",c\n2,"d\n', True, None, id="nothing follows that could close it"),
        pytest.param('1,"a\nb",c\n2,d\n', True, None, id="another line is no record"),
        pytest.param('1,"a\nb",c,d\n', True, None, id="too many fields"),
        pytest.param('1,"a\nb"c,d\n', True, None, id="a quote inside a value"),
        pytest.param('1,"a\nb\0",c\n', True, None, id="a NUL"),
        pytest.param('1,"a\n4,5,6\nb",c\n', True, None, id="a line that may be a record by itself"),
        pytest.param(f'1,"a\n{"b" * (1 << 17)}",c\n', True, None, id="longer than a field may be"),
        pytest.param("1,a,b\n", True, None, id="none"),
    ],
)
def test_records_over_several_lines(text: str, last: bool, found: tuple[list[int], list[int], int] | None) -> None:
    made = spans(Lines.of(text.encode(), ",", WIDTH), ",", WIDTH, last=last)
    assert (made and (made.first.tolist(), made.last.tolist(), made.stop)) == found
