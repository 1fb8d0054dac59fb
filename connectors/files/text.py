"""Files of bytes as blocks of UTF-8, by the encodings a supplier uses.

One encoding holds for a whole file: the byte order mark's, else the first of the supplier's in which every byte has a
meaning, else the supplier's last. Where these are UTF-8 and Windows-1252 and the file holds characters of both, each is
read as what it is. What is no text in it becomes a NUL, which no extract holds for good reason, and the
record index rejects the records with a NUL: a bad byte costs its record and nothing else.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from connectors.files import mixed
from connectors.files.opening import Member, Tick
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
_UNDEFINED_IN_WINDOWS_1252 = b"\x81\x8d\x8f\x90\x9d"
_PIECE = 4096

MIXED = "utf-8 and cp1252"

codecs.register_error("caretrace-nul", lambda error: ("\0", getattr(error, "end", 0)))


@dataclass(frozen=True)
class Text:
    """A text: its encoding (a Python codec name), how many bytes of mark stand before it, the delivered file's hash."""

    member: Member
    encoding: str
    mark: int
    sha256: str
    sound: bool
    """Every byte has a meaning in the encoding."""


def examine(member: Member, encodings: Sequence[str]) -> Text:
    """Hash the text and settle its encoding in one pass over its bytes; InputError where it is no text at all."""
    digest, size = hashlib.sha256(), 0
    mark, sound, multibyte = 0, True, False
    candidates: list[_Candidate] = []
    for block in _hashing(member.blocks(), digest.update) if member.is_plain else member.blocks():
        if size == 0:
            mark, candidates = _begin(member.where, block, encodings)
        size += len(block)
        multibyte = multibyte or (not block.isascii() and mixed.holds_utf8(block))
        held = [candidate for candidate in candidates if candidate.holds(block)]
        sound = sound and bool(held)
        candidates = held or candidates[-1:]
    if size == mark:
        raise InputError("the file is empty; export it again", path=member.where)
    sha256 = digest.hexdigest() if member.is_plain else member.delivered.sha256
    whole = [candidate for candidate in candidates if not candidate.is_cut_short]
    sound, candidates = sound and bool(whole), whole or candidates[-1:]
    encoding = candidates[0].encoding
    if encoding == "cp1252" and multibyte and "utf-8" in encodings:
        encoding = MIXED
    return Text(member, encoding, mark, sha256, sound)


def _hashing(blocks: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    """The same blocks, each hashed while it is looked at: to hash takes as long as all else here."""
    with ThreadPoolExecutor(1) as thread:
        for block in blocks:
            hashing = thread.submit(update, block)
            yield block
            hashing.result()


def utf8_blocks(text: Text, tick: Tick) -> Iterator[bytes]:
    """The text as UTF-8 without its mark; what is no text in its encoding is a NUL. No character is cut in two."""
    blocks = _without_mark(text.member.blocks(tick), text.mark)
    if text.encoding == "utf-8" and text.sound:
        yield from _whole_characters(blocks)
    elif text.encoding == "cp1252":
        yield from map(_from_cp1252, blocks)
    elif text.encoding == MIXED:
        yield from mixed.utf8(blocks)
    else:
        decoder = codecs.getincrementaldecoder(text.encoding)(errors="caretrace-nul")
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", errors="caretrace-nul")
        yield decoder.decode(b"", final=True).encode("utf-8", errors="caretrace-nul")


def _without_mark(blocks: Iterator[bytes], mark: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[mark:]
        mark = 0


def _whole_characters(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        body = rest + block
        end = len(body) - _begun(body)
        rest = body[end:]
        yield body[:end]


def _begun(body: bytes) -> int:
    """How many bytes of a character that goes on in the next block stand at the end of UTF-8."""
    for length in range(1, min(3, len(body)) + 1):
        byte = body[-length]
        if byte >= 0xC0:
            return length if length < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0


def _from_cp1252(block: bytes) -> bytes:
    """Decoding takes long, and nearly all pieces of a text in English are ASCII, which is itself in both."""
    if block.isascii():
        return block
    pieces = (block[at : at + _PIECE] for at in range(0, len(block), _PIECE))
    return b"".join(
        piece if piece.isascii() else piece.decode("cp1252", errors="caretrace-nul").encode() for piece in pieces
    )


class _Candidate:
    """An encoding that may still turn out to hold the whole file."""

    def __init__(self, encoding: str) -> None:
        self.encoding = codecs.lookup(encoding).name
        self._decoder = codecs.getincrementaldecoder(self.encoding)(errors="strict")
        self._rest = b""

    @property
    def is_cut_short(self) -> bool:
        """Whether what it was shown ends within a character."""
        return bool(self._rest or self._decoder.getstate()[0])

    def holds(self, block: bytes) -> bool:
        """Whether the bytes seen so far are text in it."""
        if self.encoding == "cp1252":
            return block.isascii() or not any(byte in block for byte in _UNDEFINED_IN_WINDOWS_1252)
        if self.encoding == "utf-8":
            body = self._rest + block
            end = len(body) - _begun(body)
            self._rest = body[end:]
            return _is_utf8(body[:end])
        try:
            self._decoder.decode(block)
        except UnicodeDecodeError:
            return False
        return True


def _is_utf8(body: bytes) -> bool:
    """Whether it is text; Arrow looks at it twenty times as fast as it is decoded."""
    import numpy as np
    import pyarrow as pa

    ends = pa.py_buffer(np.array([0, len(body)], np.int64))
    one = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(body)])
    try:
        one.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


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


def _begin(path: Path, block: bytes, encodings: Sequence[str]) -> tuple[int, list[_Candidate]]:
    proven, mark = examine_head(path, block)
    return mark, [_Candidate(encoding) for encoding in ((proven,) if proven else encodings)]
