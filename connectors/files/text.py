"""Files of bytes as blocks of UTF-8, by the encodings a supplier uses.

One encoding holds for a whole file: the byte order mark's, else the first of the supplier's in which every byte has a
meaning, else the supplier's last. What is no text in it becomes a NUL, which no extract holds for good reason, and the
record index rejects the records with a NUL: a bad byte costs its record and nothing else.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.files.opening import Member, Tick
from schemas.errors import InputError

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Leave no doubt, and can be told from the first bytes: what people send by mistake.
_NOT_TEXT = (
    (b"\x1f\x8b", "it is compressed with gzip; unpack it first"),
    (b"PK\x03\x04", "it is a zip archive or an Excel workbook; unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "it is an old Excel workbook; save the sheet as CSV UTF-8"),
    (b"%PDF", "it is a PDF; ask for the report as CSV"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it first"),
    (b"BZh", "it is compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "it is compressed with xz; unpack it first"),
    (b"-----BEGIN PGP MESSAGE", "it is encrypted with PGP; decrypt it first"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0c\x1a"))
_UNDEFINED_IN_WINDOWS_1252 = b"\x81\x8d\x8f\x90\x9d"

codecs.register_error("caretrace-nul", lambda error: ("\0", getattr(error, "end", 0)))


@dataclass(frozen=True)
class Text:
    """A text: its encoding (a Python codec name), how many bytes of mark stand before it, size and SHA-256."""

    member: Member
    encoding: str
    mark: int
    bytes: int
    sha256: str


def examine(member: Member, encodings: Sequence[str]) -> Text:
    """Hash the text and settle its encoding in one pass over its bytes; InputError where it is no text at all."""
    digest, size = hashlib.sha256(), 0
    mark = 0
    candidates: list[_Candidate] = []
    for block in member.blocks():
        if size == 0:
            mark, candidates = _begin(member.where, block, encodings)
        digest.update(block)
        size += len(block)
        if not block.isascii():
            candidates = [c for c in candidates if c.holds(block)] or candidates[-1:]
    if size == mark:
        raise InputError("the file is empty; export it again", path=member.where)
    return Text(member, candidates[0].encoding, mark, size, digest.hexdigest())


def utf8_blocks(text: Text, tick: Tick) -> Iterator[bytes]:
    """The text as UTF-8 without its mark; what is no text in its encoding is a NUL."""
    decoder = codecs.getincrementaldecoder(text.encoding)(errors="caretrace-nul")
    one_byte = text.encoding in ("utf-8", "cp1252")
    skip = text.mark
    for block in text.member.blocks(tick):
        body, skip = block[skip:], 0
        # ASCII is itself in both, and most blocks of most extracts are nothing else.
        if one_byte and body.isascii() and not decoder.getstate()[0]:
            yield body
        else:
            yield decoder.decode(body).encode("utf-8", errors="caretrace-nul")
    yield decoder.decode(b"", final=True).encode("utf-8", errors="caretrace-nul")


class _Candidate:
    """An encoding that may still turn out to hold the whole file."""

    def __init__(self, encoding: str) -> None:
        self.encoding = codecs.lookup(encoding).name
        self._decoder = codecs.getincrementaldecoder(self.encoding)(errors="strict")

    def holds(self, block: bytes) -> bool:
        """Whether the bytes seen so far are text in it."""
        if self.encoding == "cp1252":
            return len(block.translate(None, _UNDEFINED_IN_WINDOWS_1252)) == len(block)
        try:
            self._decoder.decode(block)
        except UnicodeDecodeError:
            return False
        return True


def examine_head(path: Path, block: bytes) -> tuple[str | None, int]:
    """The encoding that the first bytes prove, if any, and the length of the mark; InputError for what is no text."""
    for magic, what in _NOT_TEXT:
        if block.startswith(magic):
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


def _begin(path: Path, block: bytes, encodings: Sequence[str]) -> tuple[int, list[_Candidate]]:
    proven, mark = examine_head(path, block)
    return mark, [_Candidate(encoding) for encoding in ((proven,) if proven else encodings)]
