"""Valid extracts made wrong in the ways files go wrong, and what must hold of a reading whatever they hold.

A reading of any bytes either accounts for every record or fails with one sentence, and neither repeats a value. Import
by path (tests/functional does), or take the fixture files of a new system into `fixtures/`: they are mutated as well.
"""

from __future__ import annotations

import gzip
import io
import re
import tempfile
import traceback
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import duckdb
from hypothesis import strategies as st

from connectors import Source, read
from connectors.files.opening import ENDINGS, Opening
from governance import optout
from schemas.errors import CaretraceError
from schemas.sql import install_macros

FIXTURES = Path(__file__).parents[3] / "fixtures"
LISTS = "ndoo"
"""The folder of lists of numbers that may be used, which `attempt_lists` reads."""
# What stands beside the extracts in that folder.
_NO_EXTRACTS = ("agreements", LISTS, "systems", "truth", "__pycache__")
_SHOWN = 400
"""Bytes of a failing file that are printed."""
_WORKBOOKS = Path(__file__).with_name("workbooks")
FOLDERS = ["workbooks", *sorted(e.name for e in FIXTURES.iterdir() if e.is_dir() and e.name not in _NO_EXTRACTS)]

Files = dict[str, bytes]
Mutation = Callable[[st.DataObject, bytes], bytes]


def files_of(folder: str) -> Files:
    """The extract in a folder of fixtures; what stands there may also be several, or mean something alone."""
    place = _WORKBOOKS if folder == "workbooks" else FIXTURES / folder
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.suffix.lower() in ENDINGS and path.stem != "locked"
    }


def attempt(files: Mapping[str, bytes], values: frozenset[str] = frozenset()) -> list[str] | CaretraceError:
    """Read the files as one folder and hold the reading to what must hold; the tables filled, or the error."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            source = Source(Path(folder), opening=Opening(workbook_memory=1 << 30))
            report = read(connection, [source], side="clients", as_at=date(2026, 11, 22))
        except CaretraceError as error:
            _check_words(str(error).replace(folder, ""), values)
            assert "\n" not in str(error)
            return error
        counted = connection.execute(
            "SELECT extract_file, kind, count(*) FROM clients.set_aside GROUP BY ALL"
        ).fetchall()
        aside = {(name, kind): count for name, kind, count in counted}
        said = connection.execute(
            "SELECT DISTINCT rule || ' ' || coalesce(columns, '') FROM clients.set_aside"
            " UNION SELECT DISTINCT issue FROM clients.data_quality"
        ).fetchall()
    for file in report.files:
        assert file.records == file.used + file.rejected + file.excluded
        assert aside.get((file.name, "rejected"), 0) == file.rejected
        # Entries that nothing asks for, such as most codes of a GP record, are counted and not listed one by one.
        assert aside.get((file.name, "excluded"), 0) <= file.excluded
    for words in [*(sentence for (sentence,) in said), *(file.note or "" for file in report.files)]:
        _check_words(words, values)
    return [file.table for file in report.files if file.table != "-"]


def attempt_lists(files: Mapping[str, bytes], values: frozenset[str] = frozenset()) -> None:
    """Read each file as a list of numbers that may be used: nobody is allowed who stands on no line of it alone."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        install_macros(connection, as_at=date(2026, 11, 22))
        for name, content in files.items():
            path = Path(folder) / Path(name).name
            path.write_bytes(content)
            found = optout.read_list(connection, path, "allowed")
            allowed = {number for (number,) in connection.execute("SELECT nhs_number FROM allowed").fetchall()}
            assert len(allowed) == found.numbers
            assert not (found.fault and allowed)
            _check_words(found.fault or "", values)
            lines = {line.translate(None, b" \t\r\x0b\x0c,-") for line in content.split(b"\n")}
            assert {number.encode() for number in allowed} <= lines


def _check_words(words: str, values: frozenset[str]) -> None:
    found = {value for value in values if value in words}
    assert not found, f"the words hold {len(found)} values: {words[:400]}"


def told(error: BaseException, made: Mapping[str, bytes], sound: Mapping[str, bytes], how: str) -> str:
    """A failing case in a few lines that give it again: `how` it was made, and what was damaged as hex, cut short."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    shown = [
        f"  {name!r}: {len(content):,} bytes {content[:_SHOWN].hex()}{' ...' if len(content) > _SHOWN else ''}"
        for name, content in sorted(made.items(), key=lambda item: len(item[1]))
        if content != sound.get(name)
    ]
    beside = (
        f"  beside {len(made) - len(shown)} sound files; not there: {', '.join(sorted(sound.keys() - made)) or '-'}"
    )
    return "\n".join([how, f"  {type(error).__name__}: {str(error)[:300]}", f"  at {places}", *shown, beside])


def values_of(files: Mapping[str, bytes]) -> frozenset[str]:
    """Texts of the files that are plainly values: long enough not to be met by chance, and in no title."""
    texts = [
        re.split(r"[\r\n]+", content.decode("utf-8", errors="replace").lstrip("\ufeff")) for content in files.values()
    ]
    titles = " ".join(lines[0] for lines in texts).casefold()
    cells = (cell for lines in texts for line in lines[1:] for cell in re.split(r'[,;\t|"^~&{}]', line))
    named = {cell for lines in texts for cell in _names_of(lines)}
    return frozenset(
        cell.strip()
        for cell in [*cells, *named]
        if (cell in named or re.search(r"\d{4}", cell))
        and len(cell.strip()) > 6
        and cell.strip().casefold() not in titles
    )


def _names_of(lines: list[str]) -> set[str]:
    """Surnames and forenames that stand under a title that says so, without quotation marks in their line."""
    mark = max(",;\t|", key=lines[0].count)
    titles = [re.sub(r"\W|_", "", title).casefold() for title in lines[0].split(mark)]
    at = [
        n for n, title in enumerate(titles) if title in ("surname", "familyname", "lastname", "givenname", "forename")
    ]
    rows = [line.split(mark) for line in lines[1:] if '"' not in line]
    return {row[n] for row in rows if len(row) == len(titles) for n in at if row[n].isalpha()}


@st.composite
def mutated(draw: st.DrawFn, files: Files) -> Files:
    """The files, or one of them alone, with one to three things wrong in one; now and then another is not there."""
    data = draw(st.data())
    name = draw(st.sampled_from(sorted(files)))
    made = dict(files) if draw(st.booleans()) else {name: files[name]}
    for mutation in draw(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3)):
        made[name] = mutation(data, made[name])
    others = sorted(made.keys() - {name})
    if others and draw(st.integers(0, 9)) == 0:
        del made[draw(st.sampled_from(others))]
    if draw(st.integers(0, 9)) == 0:
        pack = draw(st.sampled_from([_gzipped, _zipped]))
        made[name] = pack(data, made[name])
    return made


def _place(data: st.DataObject, content: bytes) -> int:
    return data.draw(st.integers(0, len(content)))


def _line(data: st.DataObject, content: bytes) -> tuple[list[bytes], int]:
    lines = content.splitlines(keepends=True) or [b""]
    return lines, data.draw(st.integers(0, len(lines) - 1))


def _cut(data: st.DataObject, content: bytes) -> bytes:
    return content[: _place(data, content)]


def _beheaded(data: st.DataObject, content: bytes) -> bytes:
    return content[_place(data, content) :]


def _noisy(data: st.DataObject, content: bytes) -> bytes:
    noise = data.draw(
        st.binary(min_size=1, max_size=4) | st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"\xff\xfe"])
    )
    at = _place(data, content)
    return content[:at] + noise + content[at:]


def _overwritten(data: st.DataObject, content: bytes) -> bytes:
    at = _place(data, content)
    noise = data.draw(st.binary(min_size=1, max_size=8))
    return content[:at] + noise + content[at + len(noise) :]


def _unquoted(data: st.DataObject, content: bytes) -> bytes:
    at = content.find(b'"', _place(data, content))
    return content[:at] + content[at + 1 :] if at >= 0 else content


def _without_line(data: st.DataObject, content: bytes) -> bytes:
    lines, at = _line(data, content)
    return b"".join(lines[:at] + lines[at + 1 :])


def _with_line_again(data: st.DataObject, content: bytes) -> bytes:
    lines, at = _line(data, content)
    return b"".join([*lines, lines[at] if at else lines[0]])


def _with_blank_lines(data: st.DataObject, content: bytes) -> bytes:
    lines, at = _line(data, content)
    return b"".join([*lines[:at], b"\r\n \r\n\r\n", *lines[at:]])


def _delimiter(content: bytes) -> bytes:
    first = content.partition(b"\n")[0]
    return max((b",", b";", b"\t", b"|"), key=first.count)


def _with_column(data: st.DataObject, content: bytes) -> bytes:
    """A column more on every line: sound only where no value runs over lines."""
    mark = _delimiter(content)
    cell = data.draw(st.sampled_from([b"", b"x", b'"a""b"', b"Surname"]))
    return b"\r\n".join(line + mark + cell for line in content.splitlines())


def _reordered(data: st.DataObject, content: bytes) -> bytes:
    mark = _delimiter(content)
    rows = [line.split(mark) for line in content.splitlines()]
    width = len(rows[0]) if rows else 0
    order = data.draw(st.permutations(range(width)))
    return b"\n".join(mark.join(row[at] for at in order) if len(row) == width else mark.join(row) for row in rows)


def _recoded(data: st.DataObject, content: bytes) -> bytes:
    encoding = data.draw(st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-8-sig", "cp500"]))
    text = content.decode("utf-8", errors="replace")
    return text.encode(encoding, errors="replace")


def _partly_recoded(data: st.DataObject, content: bytes) -> bytes:
    at = _place(data, content)
    rest = content[at:].decode("utf-8", errors="replace") + "Zo\u00eb"
    return content[:at] + rest.encode(data.draw(st.sampled_from(["cp1252", "utf-16-le"])), errors="replace")


def _with_other_delimiter(data: st.DataObject, content: bytes) -> bytes:
    return content.replace(_delimiter(content), data.draw(st.sampled_from([b";", b"\t", b"|", b"^"])))


def _with_strange_cell(data: st.DataObject, content: bytes) -> bytes:
    lines, at = _line(data, content)
    mark = _delimiter(content)
    cells = lines[at].rstrip(b"\r\n").split(mark)
    cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(st.sampled_from(STRANGE))
    return b"".join([*lines[:at], mark.join(cells) + b"\n", *lines[at + 1 :]])


STRANGE = [
    *(
        b"",
        b" ",
        b"NULL",
        b"=1/0",
        b"0",
        b"-1",
        b"9" * 40,
        b"1e400",
        b"nan",
        b"T",
        b"%s{0}",
        b"\\",
        b"$.x",
        b"a" * 5000,
    ),
    *(b"00/00/0000", b"31/02/1950", b"2999-12-31", b"0001-01-01", b"99999999", b"1950-02-01T25:61:61Z"),
    *(b"9.43E+09", b"4857773457", b"\xf0\x9f\xa6\x84", b"'; DROP TABLE person; --", b"MSH|^~\\&|"),
    *(b"{", b"[", b'{"resourceType":"Patient"}'),
]


def _with_value_for_title(data: st.DataObject, content: bytes) -> bytes:
    """A cell of the line of titles holds a value: one from the file, or another; or it is a column more."""
    first, newline, rest = content.partition(b"\n")
    mark = _delimiter(content)
    titles = first.rstrip(b"\r").split(mark)
    held = [cell for cell in rest[:2000].replace(b"\n", mark).split(mark) if re.search(rb"\d", cell)]
    value = data.draw(st.sampled_from([b"9" * 40, b"9434765919", b"12/03/1950", b"BR1 1AA", *held[:50]]))
    at = data.draw(st.integers(0, len(titles)))
    return mark.join([*titles[:at], value.strip(), *titles[at + 1 :]]) + newline + rest


def _with_lines_joined(data: st.DataObject, content: bytes) -> bytes:
    """A line break is lost, now and then the first: a record stands on the line of titles."""
    breaks = [found.span() for found in re.finditer(rb"\r?\n", content)]
    if not breaks:
        return content
    begin, end = breaks[0] if data.draw(st.booleans()) else data.draw(st.sampled_from(breaks))
    return content[:begin] + data.draw(st.sampled_from([b"", _delimiter(content)])) + content[end:]


def _gzipped(data: st.DataObject, content: bytes) -> bytes:
    packed = gzip.compress(content, mtime=0)
    return packed[: _place(data, packed)] if data.draw(st.booleans()) else packed


def _zipped(data: st.DataObject, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            data.draw(st.sampled_from(["a.csv", "../b.txt", "c.xlsx", "d.json", "e.zip", "f.hl7"])), content
        )
    packed = made.getvalue()
    return _overwritten(data, packed) if data.draw(st.booleans()) else packed


MUTATIONS: list[Mutation] = [
    *(_cut, _beheaded, _noisy, _overwritten, _unquoted, _without_line, _with_line_again, _with_blank_lines),
    *(_with_value_for_title, _with_lines_joined),
    *(_with_column, _reordered, _recoded, _partly_recoded, _with_other_delimiter, _with_strange_cell),
]
