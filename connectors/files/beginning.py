"""What the first bytes of a file prove: its encoding, or that it is no text at all."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from schemas.errors import InputError

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Leave no doubt, and can be told from the first bytes: what people send by mistake.
_NOT_TEXT = (
    (rb"%PDF", "it is a PDF; ask for the report as CSV"),
    (rb"PAR1", "it is a Parquet file; give it a name that ends in .parquet"),
    (rb"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it first"),
    (rb"BZh[1-9]1AY", "it is compressed with bzip2; unpack it first"),
    (rb"\xfd7zXZ", "it is compressed with xz; unpack it first"),
    (rb"7z\xbc\xaf\x27\x1c|Rar!", "it is an archive; unpack it first"),
    (rb"SQLite format 3", "it is a database; export its tables as CSV"),
    (rb"\{\\rtf", "it is a document of a word processor; ask for the report as CSV"),
    (rb"ID;P[A-Z0-9]", "it is a workbook in the format SYLK; save it as CSV UTF-8"),
    (rb"(?i:<\?xml|<!doctype)", "it is XML; open it in Excel, and save it as CSV UTF-8"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0c\x1a"))


def examine_head(path: Path, block: bytes) -> tuple[str | None, int]:
    """The encoding that the first bytes prove, if any, and the length of the mark; InputError for what is no text."""
    for magic, what in _NOT_TEXT:
        if re.match(rb"(?:\xef\xbb\xbf)?\s*(?:" + magic + rb")", block):
            raise InputError(f"this is not a text file: {what}", path=path)
    for mark, encoding in _MARKS:
        if block.startswith(mark):
            return encoding, len(mark)
    head = block[:4096]
    # Latin text in UTF-16 without its mark has a NUL in every other byte.
    if head[1::2].count(0) > len(head) // 3:
        return "utf-16-le", 0
    if head[::2].count(0) > len(head) // 3:
        return "utf-16-be", 0
    # Text holds next to no control characters; a stray one costs its record, not the file.
    if len(head) - len(head.translate(None, _CONTROLS)) > max(8, len(head) // 20):
        raise InputError("this is not a text file; export it as CSV or Parquet", path=path)
    return None, 0
