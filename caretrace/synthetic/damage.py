"""Files as they should not arrive: cut off, under wrong titles, of chance bytes. The list of people is what suffers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

HALVED = "half the people gone"
"""A full extract of two people in five; made before it is written."""
_WRITTEN_HERE = ("record_id", "family_name", "CareFirst ID", "Surname", "SWIFT_NUMBER", "SURNAME")


def damage(folder: Path, kind: str, seed: int) -> None:
    """Damage the file of people in `folder` in the way `kind` (one of `KINDS` but HALVED) says."""
    (people,) = [path for path in folder.iterdir() if "person" in path.stem.lower()]
    people.write_bytes(_WAYS[kind](people, np.random.default_rng([seed, len(kind)])))


def _truncated(path: Path, _: np.random.Generator) -> bytes:
    """The first three fifths, as a broken connection leaves them; text ends amid a line, before half its cells."""
    data = path.read_bytes()
    kept = data[: len(data) * 3 // 5]
    if path.suffix == ".parquet":
        return kept
    line = kept[: kept.rindex(b"\n") + 1] if b"\n" in kept else b""
    following = data[len(line) :].split(b"\n", 1)[0]
    return line + following[: following.find(b",", 2) + 3]


def _wrong_columns(path: Path, _: np.random.Generator) -> bytes:
    """Another report's titles over the same cells: neither an id nor a name is among them."""
    return _retitled(path, lambda titles: [f"Col{at}" if t in _WRITTEN_HERE else t for at, t in enumerate(titles)])


def _shifted(path: Path, _: np.random.Generator) -> bytes:
    """Titles one column beside their cells from the second on: names stand under NHS number, dates under names."""
    return _retitled(path, lambda titles: [titles[0], *titles[2:], titles[1]])


def _garbage(path: Path, rng: np.random.Generator) -> bytes:
    """Chance bytes of the same length."""
    return rng.bytes(path.stat().st_size)


def _retitled(path: Path, change: Callable[[list[str]], list[str]]) -> bytes:
    if path.suffix == ".parquet":
        table = pyarrow.parquet.read_table(path)
        sink = pa.BufferOutputStream()
        pyarrow.parquet.write_table(table.rename_columns(change(table.column_names)), sink)
        return bytes(sink.getvalue().to_pybytes())
    first, rest = path.read_bytes().split(b"\n", 1)
    end = b"\r" if first.endswith(b"\r") else b""
    quote = b'"' if first.startswith(b'"') else b""
    titles = [title.strip(b'"').decode() for title in first.rstrip(b"\r").split(b",")]
    written = b",".join(quote + title.encode() + quote for title in change(titles))
    return written + end + b"\n" + rest


_WAYS: Mapping[str, Callable[[Path, np.random.Generator], bytes]] = {
    "truncated": _truncated,
    "wrong columns": _wrong_columns,
    "garbage bytes": _garbage,
    "shifted titles": _shifted,
}
KINDS = ("truncated", HALVED, "wrong columns", "garbage bytes", "shifted titles")
"""In the order in which they befall the nights."""
