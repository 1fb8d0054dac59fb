"""Coverage-guided fuzzing of everything that makes records of bytes, with atheris where it runs (Linux, CPython 3.11).

    pip install atheris
    python tests/functional/fuzz_readers.py -max_total_time=600 CORPUS_FOLDER

The parts that are one language with SQL are fuzzed by `test_fuzz_readers.py`; here no database is opened, so that some
two thousand files a minute are tried. Any end but rows or a CaretraceError is a fault, and so is a count that is off.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["connectors.files"]):
    from connectors.files.header import NO_HEADER, Header, headerless, read_head
    from connectors.files.layouts import Layout, reader
    from connectors.files.once import Otherwise, opened, settled
    from connectors.files.opening import Member, Opening, members

from connectors.files.text import Text
from connectors.supplier import Kind
from schemas.errors import CaretraceError

_ANY = re.compile(b"")
_FIELDS = ("MSH", "PID", "PV1", "MSH-9", "PID-3", "PID-30", "PV1-0", "PV1-19")
KINDS = (
    Kind("delimited", {name: (name,) for name in "abc"}, ("a",)),
    Kind("bare", {name: (name,) for name in "abc"}, (), recognised=_ANY, headerless=("a", "b", "c")),
    Kind("lines", {"text": ("text",)}, (), layout=Layout.LINES, recognised=_ANY, positions={"x": (2, 3), "y": (4, 99)}),
    Kind("rows", {"text": ("text",)}, (), layout=Layout.LINES, recognised=_ANY, rows={2: {"x": 1}, 3: {"y": 1}}),
    Kind("messages", {"MSH": ("MSH",), "PID": ("PID",)}, (), layout=Layout.MESSAGES, recognised=_ANY),
    Kind("fields", {n: (n,) for n in _FIELDS}, (), layout=Layout.MESSAGES, recognised=_ANY),
)
ENCODINGS = (("utf-8", "cp1252"), ("utf-8",))
PATH = Path(tempfile.mkdtemp()) / "a.csv"


def try_one(data: bytes) -> None:
    # A workbook is opened by a process of its own, which takes too long here and is not instrumented.
    if len(data) < 2 or data[2:].startswith(b"\xd0\xcf\x11\xe0") or b"Content_Types" in data or b"content.xml" in data:
        return
    kind, encodings = KINDS[data[0] % len(KINDS)], ENCODINGS[data[1] % 2]
    PATH.write_bytes(data[2:])
    try:
        for member in members(PATH, "a.csv", Opening()):
            read(member, kind, encodings)
    except CaretraceError as error:
        assert "\n" not in str(error)


def read(member: Member, kind: Kind, encodings: tuple[str, ...]) -> None:
    if member.sheet:
        for header in member.sheet.headers():
            list(member.sheet.read(kind, header))
        return
    head = read_head(member, preamble=3)
    header = NO_HEADER
    if kind.headerless:
        header = headerless(head, kind.headerless)
    elif kind.layout is Layout.DELIMITED:
        if not isinstance(head.first, Header):
            raise head.first
        header = head.first
        if kind.missing(header.titles):
            return
    try:
        count(*opened(member, encodings, lambda done: None), kind, header)
    except Otherwise:
        count(*settled(member, encodings, lambda done: None), kind, header)


def count(blocks: Iterator[bytes], told: Callable[[], Text], kind: Kind, header: Header) -> None:
    numbers: list[int] = []
    for rows in reader(kind.layout)(blocks, kind, header):
        numbers += rows.table["record"].to_pylist() if rows.table.num_rows else []
        numbers += [rejected.record for rejected in rows.rejected]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert len(told().sha256) == 64


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
