"""Each layout on tiny texts, in blocks of every size: what is a record, where it stands, and what is rejected."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.detect import detect
from connectors.files.header import NO_HEADER, Header
from connectors.files.layouts import Layout, reader
from connectors.files.layouts.messages import HEADLESS, STRAY
from connectors.files.layouts.resources import NO_RESOURCE, NOT_JSON
from connectors.files.records import NOT_TEXT, TOO_LONG
from connectors.source import Source
from connectors.supplier import Fill, Kind, Supplier
from connectors.values import text as value
from schemas import PERSON
from schemas.errors import InputError

BLOCKS = [3, 1 << 20]
FILL = (Fill(PERSON, {"family_name": value("r.name")}),)
LIST = Kind(
    "list",
    {"text": ("text",)},
    (),
    layout=Layout.LINES,
    recognised=re.compile(rb"\A\d"),
    positions={"id": (1, 3), "name": (4, 5)},
    fills=FILL,
)
ADT = Kind("adt", {"MSH": ("MSH",), "PID": ("PID",)}, (), layout=Layout.MESSAGES, recognised=re.compile(rb"\A\x0b?MSH"))
FHIR = Kind(
    "fhir",
    {"resource_type": ("resource_type",), "json": ("json",)},
    (),
    layout=Layout.RESOURCES,
    recognised=re.compile(rb'"resourceType"'),
)


def read(kind: Kind, text: str, block: int, header: Header = NO_HEADER) -> tuple[list[dict[str, object]], list[object]]:
    """Rows without their record numbers, and the rejected; together they are every record."""
    raw = text.encode()
    # A block ends between characters, as the decoder's do.
    blocks: Iterator[bytes] = (
        (raw[at : at + block] for at in range(0, len(raw), block)) if raw.isascii() else iter([raw])
    )
    rows: list[dict[str, object]] = []
    rejected: list[object] = []
    records: list[object] = []
    for part in reader(kind.layout)(blocks, kind, header):
        rows += part.table.drop_columns("record").to_pylist() if part.table.num_rows else []
        records += [
            *(part.table["record"].to_pylist() if part.table.num_rows else []),
            *(r.record for r in part.rejected),
        ]
        rejected += [(r.line, r.rule) for r in part.rejected]
    assert sorted(records) == list(range(1, len(records) + 1))  # type: ignore[type-var]
    return rows, rejected


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(
    ("text", "rows", "rejected"),
    [
        ("001Ann\n002Bob\n", [("001", "Ann", "001Ann", 1), ("002", "Bob", "002Bob", 2)], []),
        ("001Ann\r\n\r\n  \r\n002Bob", [("001", "Ann", "001Ann", 1), ("002", "Bob", "002Bob", 4)], []),
        ("001Ann\r002Bob\r\x1a", [("001", "Ann", "001Ann", 1), ("002", "Bob", "002Bob", 2)], []),
        ("001  AnnaBella \n", [("001", "Ann", "001  AnnaBella", 1)], []),
        (" 01\n", [("01", None, " 01", 1)], []),
        ("001Zoë\n", [("001", "Zoë", "001Zoë", 1)], []),
        ("001A\0\n002Bob\n", [("002", "Bob", "002Bob", 2)], [(1, NOT_TEXT)]),
        ("\n\n", [], []),
        ("", [], []),
    ],
)
def test_lines(text: str, rows: list[tuple[object, ...]], rejected: list[object], block: int) -> None:
    found, aside = read(LIST, text, block)
    assert [tuple(row[name] for name in ("id", "name", "text", "line")) for row in found] == rows
    assert aside == rejected


def test_a_line_without_an_end_costs_itself() -> None:
    text = f"001Ann\n{'x' * 5_000_000}\n002Bob\n"
    found, aside = read(LIST, text, 1 << 20)
    assert [(row["id"], row["line"]) for row in found] == [("001", 1), ("002", 3)]
    assert aside == [(2, TOO_LONG)]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(
    ("text", "rows", "rejected"),
    [
        ("MSH|^~\\&|A\rPID|1||2\rPV1|x\r", [("MSH|^~\\&|A", "PID|1||2", 1)], []),
        ("MSH|1\nPID|1\nPID|2\n\nMSH|2\n", [("MSH|1", "PID|1\rPID|2", 1), ("MSH|2", None, 5)], []),
        ("\x0bMSH|1\r\nPID|1\r\n\x1c\r\n\x0bMSH|2\r\n\x1c\r\n", [("MSH|1", "PID|1", 1), ("MSH|2", None, 4)], []),
        ("FHS|x\rBHS|x\rMSH|1\rPID|1\rBTS|1\rFTS|1\r", [("MSH|1", "PID|1", 3)], []),
        ("MSH|1\rPID|half\rrest of it\rMSH|2\rZZ1|own\r", [("MSH|2", None, 4)], [(1, STRAY)]),
        ("MSH|1\rTHE rest\rMSH|2\r", [("MSH|2", None, 3)], [(1, STRAY)]),
        ("MSH$1\rPID$1\r", [("MSH$1", "PID$1", 1)], []),
        ("PID|0\rMSH|1\rPID|1\r", [("MSH|1", "PID|1", 2)], [(1, HEADLESS)]),
        ("MSH|1\rPID|\0\rMSH|2\r", [("MSH|2", None, 3)], [(1, NOT_TEXT)]),
        ("\r\n", [], []),
    ],
)
def test_messages(text: str, rows: list[tuple[object, ...]], rejected: list[object], block: int) -> None:
    found, aside = read(ADT, text, block)
    assert [tuple(row[name] for name in ("MSH", "PID", "line")) for row in found] == rows
    assert aside == rejected


def test_a_segment_that_is_used_may_not_be_too_long() -> None:
    long = "x" * 3_000_000
    found, aside = read(ADT, f"MSH|1\rPID|{long}\rMSH|2\rOBX|{long}\rPID|2\r", 1 << 20)
    assert [(row["MSH"], row["PID"]) for row in found] == [("MSH|2", "PID|2")]
    assert aside == [(1, TOO_LONG)]


ANN, BOB = '{"resourceType":"Patient","id":"1"}', '{"resourceType":"Group","id":"2"}'

NEL = '{"resourceType":"Patient","id":"1","text":"a\u0085{}\u2028b"}'


def bundle(*resources: str, indent: int | None = None) -> str:
    entries = [{"resource": json.loads(resource)} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "entry": entries}, indent=indent, separators=(",", ":"))


@pytest.mark.parametrize(
    ("text", "rows", "rejected"),
    [
        (f"{ANN}\n\n{BOB}\n", [("Patient", ANN, 1), ("Group", BOB, 3)], []),
        (f"{ANN}\n{{]\n{BOB}", [("Patient", ANN, 1), ("Group", BOB, 3)], [(2, NOT_JSON)]),
        (f'{ANN}\n{{"id":3}}\n', [("Patient", ANN, 1)], [(2, NO_RESOURCE)]),
        (bundle(ANN, BOB), [("Patient", ANN, 1), ("Group", BOB, 1)], []),
        (bundle(ANN, BOB, indent=2), [("Patient", ANN, None), ("Group", BOB, None)], []),
        # Documents of which a line is a whole object, and the other way about.
        (bundle(ANN), [("Patient", ANN, 1)], []),
        (bundle(ANN).replace("[", "[\n").replace("]", "\n]"), [("Patient", ANN, None)], []),
        (bundle(ANN).replace(ANN, f"\n{ANN}\n"), [("Patient", ANN, None)], []),
        (f"[\n{ANN}\n]", [("Patient", ANN, None)], []),
        (f'{{"resourceType":"Patient",\n{ANN}\n{BOB}', [("Patient", ANN, 2), ("Group", BOB, 3)], [(1, NOT_JSON)]),
        # Line separators of Unicode break no line of JSON.
        (f"{NEL}\n{BOB}", [("Patient", NEL, 1), ("Group", BOB, 2)], []),
        (f"[\n{ANN},\n{BOB}]", [("Patient", ANN, None), ("Group", BOB, None)], []),
        (json.dumps(json.loads(ANN), indent=1), None, []),
        ('{"resourceType":"Bundle"}', [], []),
        ('{"resourceType":"Bundle","entry":[{"search":1}]}', [], [(1, NO_RESOURCE)]),
    ],
)
def test_resources(text: str, rows: list[tuple[object, ...]] | None, rejected: list[object]) -> None:
    found, aside = read(FHIR, text, 1 << 20)
    if rows is None:
        assert [row["resource_type"] for row in found] == ["Patient"]
    else:
        assert [(row["resource_type"], row["json"], row["line"]) for row in found] == rows
    assert aside == rejected


def test_a_document_that_was_cut() -> None:
    with pytest.raises(InputError, match="is not valid JSON, or was cut short"):
        read(FHIR, bundle(ANN, BOB, indent=2)[:-9], 1 << 20)


HEADED = Kind("headed", {"id": ("Id",), "name": ("Name",)}, ("id", "name"), preamble=3, fills=FILL)
BARE = Kind(
    "bare",
    {"id": ("Id",), "name": ("Name",)},
    ("id",),
    headerless=("Id", "Name"),
    recognised=re.compile(rb"\A\d+;"),
    fills=FILL,
)


@pytest.mark.parametrize(
    ("kind", "text", "header", "names"),
    [
        (
            HEADED,
            "Report of today\n\nby,somebody\nId,Name,Other\n1,Ann,x\n",
            Header(("Id", "Name", "Other"), ",", 4),
            ["Ann"],
        ),
        (HEADED, "Id;Name\n1;Ann\n", Header(("Id", "Name"), ";", 1), ["Ann"]),
        (HEADED, 'Report of "today\nId,Name\n1,Ann\n', Header(("Id", "Name"), ",", 2), ["Ann"]),
        (BARE, "1;Ann\n2;Bob\n", Header(("Id", "Name"), ";", 0), ["Ann", "Bob"]),
        (LIST, "001Ann\n", NO_HEADER, ["Ann"]),
    ],
)
def test_what_a_kind_is_told_by(tmp_path: Path, kind: Kind, text: str, header: Header, names: list[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    supplier = Supplier("toy", (Kind("other", {"x": ("X",)}, ("x",), fills=FILL), kind))
    (found,) = detect(Source(path), (supplier,)).files
    assert (found.kind, found.header) == (kind, header)
    rows = [row for part in reader(kind.layout)(iter([text.encode()]), kind, header) for row in part.table.to_pylist()]
    assert [row["name"] for row in rows] == names


def test_a_kind_without_a_header_says_how_it_is_told() -> None:
    with pytest.raises(TypeError, match="told by `recognised`"):
        Kind("x", {}, (), layout=Layout.LINES)
    with pytest.raises(TypeError, match="told by `recognised`"):
        Kind("x", {}, (), recognised=re.compile(rb"x"))


_LINE = st.text(st.sampled_from("aZ 9\té€ \x1f\u00a0𝄞"), min_size=0, max_size=12)


@settings(deadline=None)
@given(st.lists(st.tuples(_LINE, st.sampled_from(["\n", "\r\n", "\r"])), max_size=12), st.integers(1, 40))
def test_fixed_width_lines_are_cut_by_characters_whatever_their_breaks_and_wherever_a_block_ends(
    lines: list[tuple[str, str]], size: int
) -> None:
    text = "".join(line + end for line, end in lines)
    blocks = iter([text[at : at + size].encode() for at in range(0, len(text), size)])
    found = [row for part in reader(Layout.LINES)(blocks, LIST, NO_HEADER) for row in part.table.to_pylist()]
    whole = [
        (at, line.rstrip(" \t")) for at, line in enumerate(re.split("\r\n|\r|\n", text), start=1) if line.rstrip(" \t")
    ]
    assert [(row["line"], row["text"], row["id"], row["name"]) for row in found] == [
        (at, line, line[:3].strip() or None, line[3:8].strip() or None) for at, line in whole
    ]
