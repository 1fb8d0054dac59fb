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


class Examination:
    """Hashes a text and settles its encoding while its blocks go by."""

    def __init__(self, member: Member, encodings: Sequence[str]) -> None:
        self.mark = 0
        self.is_ascii, self.is_mixed, self.sound = True, False, True
        """Of what was seen so far."""
        self.settled = False
        """Whether no other encoding than one was ever possible."""
        self._member, self._encodings = member, encodings
        self._digest, self._size = hashlib.sha256(), 0
        self._candidates: list[_Candidate] = []

    @property
    def encoding(self) -> str:
        """The encoding of what was seen so far."""
        encoding = self._candidates[0].encoding
        return MIXED if encoding == "cp1252" and self.is_mixed and "utf-8" in self._encodings else encoding

    def blocks(self, tick: Tick = lambda done: None) -> Iterator[bytes]:
        """The text's own blocks, each seen before it is given; InputError where it is no text at all."""
        plain = self._member.is_plain
        for block in _hashing(self._member.blocks(), self._digest.update) if plain else self._member.blocks(tick):
            if plain:
                tick(len(block))
            if self._size == 0:
                self.mark, self._candidates = _begin(self._member.where, block, self._encodings)
                self.settled = len(self._candidates) == 1
            self._see(block)
            yield block
        if self._size == self.mark:
            raise InputError("the file is empty; export it again", path=self._member.where)
        self._keep([candidate for candidate in self._candidates if not candidate.is_cut_short])

    def _see(self, block: bytes) -> None:
        self._size += len(block)
        if not block.isascii():
            self.is_ascii = False
            self.is_mixed = self.is_mixed or (not self.settled and mixed.holds_utf8(block))
        self._keep([candidate for candidate in self._candidates if candidate.holds(block)])

    def _keep(self, held: list[_Candidate]) -> None:
        self.sound = self.sound and bool(held)
        self._candidates = held or self._candidates[-1:]

    def text(self) -> Text:
        """What the text is, once all blocks went by."""
        member = self._member
        sha256 = self._digest.hexdigest() if member.is_plain else member.delivered.sha256
        return Text(member, self.encoding, self.mark, sha256, self.sound)


def examine(member: Member, encodings: Sequence[str]) -> Text:
    """Hash the text and settle its encoding in one pass over its bytes; InputError where it is no text at all."""
    examination = Examination(member, encodings)
    for _ in examination.blocks():
        pass
    return examination.text()


def _hashing(blocks: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    """The same blocks; while one is worked on, it is hashed and the next one is fetched: that takes as long."""
    with ThreadPoolExecutor(1) as thread:
        fetching = thread.submit(next, blocks, None)
        while (block := fetching.result()) is not None:
            thread.submit(update, block)
            fetching = thread.submit(next, blocks, None)
            yield block


def utf8_blocks(text: Text, tick: Tick) -> Iterator[bytes]:
    """The text as UTF-8 without its mark; what is no text in its encoding is a NUL. No character is cut in two."""
    blocks = _without_mark(text.member.blocks(tick), text.mark)
    if text.encoding == "utf-8" and text.sound:
        yield from _whole_characters(blocks)
    elif text.encoding == "cp1252":
        yield from map(from_cp1252, blocks)
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
        end = len(body) - begun(body)
        rest = body[end:]
        yield body[:end]
    if rest:
        yield rest


def begun(body: bytes) -> int:
    """How many bytes of a character that goes on in the next block stand at the end of UTF-8."""
    for length in range(1, min(3, len(body)) + 1):
        byte = body[-length]
        if byte >= 0xC0:
            return length if length < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0


def from_cp1252(block: bytes) -> bytes:
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
            end = len(body) - begun(body)
            self._rest = body[end:]
            return is_utf8(body[:end])
        try:
            self._decoder.decode(block)
        except UnicodeDecodeError:
            return False
        return True


def is_utf8(body: bytes) -> bool:
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
