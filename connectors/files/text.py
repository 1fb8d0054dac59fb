"""Files of bytes as blocks of UTF-8, by the encodings a supplier uses.

One encoding holds for a whole file: the byte order mark's, else the first of the supplier's in which every byte has a
meaning, else the supplier's last. Where these are UTF-8 and Windows-1252 and the file holds characters of both, each is
read as what it is. What is no text in it becomes a NUL, which no extract holds for good reason, and the
record index rejects the records with a NUL: a bad byte costs its record and nothing else.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from connectors.files import mixed
from connectors.files.beginning import examine_head
from connectors.files.opening import Member, Tick
from schemas.errors import InputError

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


def opened(member: Member, encodings: Sequence[str], tick: Tick) -> tuple[Iterator[bytes], Callable[[], Text]]:
    """The text as UTF-8 without its mark, and what is known of it once that is read; InputError where it is no text.

    Where nothing but UTF-8 is possible it is hashed and looked at while it is read, and not read twice.
    """
    if encodings == ("utf-8",) and member.head:
        encoding, mark = examine_head(member.where, member.head)
        if encoding in (None, "utf-8"):
            once = _Once(member, mark, tick)
            return once.blocks, once.told
    text = examine(member, encodings)
    return utf8_blocks(text, tick), lambda: text


class _Once:
    """A text of UTF-8 that is gone through once."""

    def __init__(self, member: Member, mark: int, tick: Tick) -> None:
        self.blocks = self._read(tick)
        self._member, self._mark = member, mark
        self._digest, self._sound, self._ended = hashlib.sha256(), True, False

    def told(self) -> Text:
        """What is known of it, once its blocks are read; those that nobody asked for are read now."""
        for _ in self.blocks:
            pass
        # The hash of part of a file would be a wrong one: who closed the blocks has it read again.
        is_whole = self._ended and self._member.is_plain
        sha256 = self._digest.hexdigest() if is_whole else self._member.delivered.sha256
        return Text(self._member, "utf-8", self._mark, sha256, self._sound)

    def _read(self, tick: Tick) -> Iterator[bytes]:
        blocks, size = self._member.blocks(tick), 0
        if self._member.is_plain:
            blocks = _hashing(blocks, self._digest.update)
        for body in _whole_characters(_without_mark(blocks, self._mark)):
            size += len(body)
            if _is_utf8(body):
                yield body
            else:
                self._sound = False
                yield body.decode(errors="caretrace-nul").encode(errors="caretrace-nul")
        if not size:
            raise InputError("the file is empty; export it again", path=self._member.where)
        self._ended = True


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
    if rest:
        yield rest


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


def _begin(path: Path, block: bytes, encodings: Sequence[str]) -> tuple[int, list[_Candidate]]:
    proven, mark = examine_head(path, block)
    return mark, [_Candidate(encoding) for encoding in ((proven,) if proven else encodings)]
