"""Fields at fixed places of their lines: the bytes of many lines are laid side by side, and each field is a column.

So no line is cut twice as often as it has fields, and none is gone through again for a field that nobody filled. Lines
with characters outside ASCII, where a place is not a byte, and those with control characters are cut one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from connectors.files.layouts.delimited import tidy

if TYPE_CHECKING:
    import pyarrow as pa

SPACE = " \t\x1a"
"""What may stand behind the last field of a line: 0x1A is the end-of-file mark of DOS programs."""
_AT_ONCE = 2048
"""Lines laid side by side at a time: as many as a processor keeps near itself."""
_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]


def cut(line: pa.Array, positions: Mapping[str, tuple[int, int]]) -> dict[str, pa.Array]:
    """The fields of lines (large strings with their breaks), trimmed and null where empty.

    Of the field `text`, where it has a position, what begins the line stays as it is.
    """
    width = max(start - 1 + length for start, length in positions.values())
    starts = np.frombuffer(line.buffers()[1], np.int64)[line.offset : line.offset + len(line) + 1]
    data, starts, ends = np.frombuffer(line.buffers()[2], np.uint8), starts[:-1], starts[1:]
    if len(starts) and starts[-1] + width > len(data):
        data = np.concatenate((data, np.full(width, ord(" "), np.uint8)))
    layout = np.dtype(
        {
            "names": list(positions),
            "formats": [f"V{length}" for _, length in positions.values()],
            "offsets": [start - 1 for start, _ in positions.values()],
            "itemsize": width,
        }
    )
    columns = {name: np.empty(len(starts), layout[name]) for name in positions}
    strange = np.zeros(len(starts), bool)
    for at in range(0, len(starts), _AT_ONCE):
        here = slice(at, at + _AT_ONCE)
        side_by_side = _side_by_side(data, starts[here], ends[here], width)
        strange[here] = _blanked(side_by_side)
        for name, column in columns.items():
            column[here] = side_by_side.view(layout)[name][:, 0]
    found = {name: _trimmed(column.view(np.uint8), len(starts), name == "text") for name, column in columns.items()}
    return _with_strange(found, line, strange, positions) if strange.any() else found


def _side_by_side(data: _Bytes, starts: _Ints, ends: _Ints, width: int) -> _Bytes:
    """The first `width` bytes of each line; spaces behind its end."""
    taken: _Bytes = np.lib.stride_tricks.sliding_window_view(data, width)[starts]
    short = np.flatnonzero(ends - starts < width + 2)
    if len(short):
        crlf = (data[ends[short] - 1] == ord("\n")) & (data[ends[short] - 2] == ord("\r"))
        length = (ends[short] - starts[short] - 1 - crlf).astype(np.int32)
        taken[short] = np.where(np.arange(width, dtype=np.int32) < length[:, None], taken[short], np.uint8(ord(" ")))
    return taken


def _blanked(lines: _Bytes) -> npt.NDArray[np.bool_]:
    """Which lines hold anything but ASCII that is shown; they are made spaces, and cut by themselves."""
    if lines.min() >= ord(" ") and lines.max() <= ord("~"):
        return np.zeros(len(lines), bool)
    strange = np.asarray(((lines < ord(" ")) | (lines > ord("~"))).any(axis=1))
    lines[strange] = ord(" ")
    return strange


def _trimmed(column: _Bytes, count: int, only_right: bool) -> pa.Array:
    """Texts of one length without the spaces around them, null where nothing is left."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not only_right and count and column.max() == ord(" "):
        return pa.nulls(count, pa.string())
    length = len(column) // max(count, 1)
    ends = pa.py_buffer(np.arange(count + 1, dtype=np.int32) * np.int32(length))
    texts = pa.Array.from_buffers(pa.string(), count, [None, ends, pa.py_buffer(column)])
    if only_right:
        return pc.ascii_rtrim(texts, " ")
    edges = column.reshape(count, length)
    if count and edges[:, 0].min() > ord(" ") and edges[:, -1].min() > ord(" "):
        return texts
    trimmed = pc.ascii_trim(texts, " ")
    _, ends, held = trimmed.buffers()
    filled = np.packbits(np.diff(np.frombuffer(ends, np.int32)[: count + 1]) > 0, bitorder="little")
    return pa.Array.from_buffers(pa.string(), count, [pa.py_buffer(filled), ends, held])


def _with_strange(
    columns: dict[str, Any], line: pa.Array, strange: npt.NDArray[np.bool_], positions: Mapping[str, tuple[int, int]]
) -> dict[str, pa.Array]:
    """The same with the fields of strange lines, cut by characters."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = pa.array(strange)
    text = pc.ascii_rtrim(line.filter(mask), SPACE + "\r\n").cast(pa.string())
    for name, (start, length) in positions.items():
        found = pc.utf8_slice_codeunits(text, start - 1, start - 1 + length)
        found = pc.ascii_rtrim(found, SPACE) if name == "text" else tidy(found)
        columns[name] = pc.replace_with_mask(columns[name], mask, found)
    return columns
