"""Lines of values without titles: split as they are read or taken apart in SQL, they say what a plain oracle says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import commas
from connectors.files.header import NO_HEADER
from connectors.files.layouts import Layout, reader
from connectors.supplier import Kind

ROWS = {2: {"a": 1, "b": 2}, 3: {"a": 1, "b": 3, "c": 2}}
KIND = Kind("line", {"text": ("text",)}, (), layout=Layout.LINES, recognised=re.compile(b""), rows=ROWS)
Fields = tuple[int, bool, str | None, str | None, str | None]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def fields(connection: duckdb.DuckDBPyConnection, text: str, size: int = 1 << 20) -> list[Fields]:
    """Line, whether it is the rest of another, a, b and c of each record."""
    blocks = iter([text[at : at + size].encode() for at in range(0, len(text), size)])
    tables = [part.table for part in reader(Layout.LINES)(blocks, KIND, NO_HEADER) if part.table.num_rows]
    if not tables:
        return []
    table = pa.concat_tables(tables)
    connection.register("raw_line", table.append_column("file", pa.array([1] * table.num_rows)))
    found = f"SELECT line, continued, a, b, c FROM ({commas.records('line', ROWS)}) ORDER BY line"
    return connection.execute(found).fetchall()


def oracle(text: str) -> list[Fields]:
    """The same, a line at a time."""
    wholes: list[list[tuple[int, str]]] = []
    inside = False
    for at, line in enumerate(text.split("\n"), start=1):
        if not (line := line.rstrip(" \t\x1a")):
            continue
        if inside:
            wholes[-1].append((at, line))
        else:
            wholes.append([(at, line)])
        inside ^= line.count('"') % 2 == 1
    found: list[Fields] = []
    for (at, first), *rest in wholes:
        values = _values(" ".join([first, *(line for _, line in rest)]))
        places = ROWS.get(len(values), {})
        a, b, c = (values[places[x] - 1].strip() or None if x in places else None for x in "abc")
        found.append((at, False, a, b, c))
        found += [(line, True, None, None, None) for line, _ in rest]
    return found


def _values(line: str) -> list[str]:
    if re.fullmatch(commas.SHAPE, "," + line) is None:
        return []
    values = re.findall(r',("(?:[^"]|"")*"|[^",]*)', "," + line)
    return [value[1:-1].replace('""', '"') if value.startswith('"') else value for value in values]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1, x \n1,y,z\n", [(1, False, "1", "x", None), (2, False, "1", "z", "y")]),
        ("1,2,3,4\n\n7\n", [(1, False, None, None, None), (3, False, None, None, None)]),
        ('1,"x,y"\n', [(1, False, "1", "x,y", None)]),
        ('1,"x""y"\n2,z\n', [(1, False, "1", 'x"y', None), (2, False, "2", "z", None)]),
        (
            '1,"x\n9,9\ny"\n2,z\n',
            [(1, False, "1", "x 9,9 y", None), *((n, True, *[None] * 3) for n in (2, 3)), (4, False, "2", "z", None)],
        ),
        ('1,x"y"\n2,z\n', [(1, False, None, None, None), (2, False, "2", "z", None)]),
        ('1,"x\n2,z\n', [(1, False, None, None, None), (2, True, None, None, None)]),
    ],
)
def test_lines(connection: duckdb.DuckDBPyConnection, text: str, expected: list[Fields]) -> None:
    assert fields(connection, text) == oracle(text) == expected
    # A block that ends within a value in quotation marks.
    assert fields(connection, text, size=5) == expected


_VALUE = st.text(st.sampled_from('aé \t\u00a0\u2003"'), max_size=3)
_LINE = st.lists(st.one_of(_VALUE, _VALUE.map(lambda x: '"' + x.replace('"', '""') + '"')), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(_LINE.map(",".join), max_size=8), st.integers(1, 30))
def test_any_lines_are_taken_apart_as_the_oracle_does(
    connection: duckdb.DuckDBPyConnection, lines: list[str], size: int
) -> None:
    text = "\n".join(lines)
    assert fields(connection, text, size) == oracle(text)


_PLAIN = st.text(st.sampled_from("aé \t\u00a0\u2003;'"), max_size=3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(_PLAIN, min_size=2, max_size=4), max_size=6))
def test_quotation_marks_around_every_value_change_nothing(
    connection: duckdb.DuckDBPyConnection, lines: list[list[str]]
) -> None:
    plain = "\n".join(",".join(["1", *line]) for line in lines)
    quoted = "\n".join(",".join(f'"{value}"' for value in ["1", *line]) for line in lines)
    assert fields(connection, plain) == fields(connection, quoted)


def test_both_ways_trim_the_same_space(connection: duckdb.DuckDBPyConnection) -> None:
    characters = pa.array([chr(code) + "x" + chr(code) for code in range(1, 0xD800)])
    connection.register("characters", pa.table({"x": characters}))
    trimmed = connection.sql(f"SELECT trim(x, {commas.SPACE}) AS x FROM characters").to_arrow_table()["x"]
    assert trimmed.combine_chunks().equals(pc.utf8_trim_whitespace(characters))
