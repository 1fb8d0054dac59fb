"""UTF-8 and Windows-1252 in one file: lists were put together, or one program wrote into another's file.

Read as either alone, the names with an accent in the other part would be other names, and nothing would show it. So
bytes that are UTF-8 for a letter of a European name or for punctuation are taken as that, and each other as
Windows-1252. Sequences that are likelier to be Windows-1252 (an E with an accent, an apostrophe) are not among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_UTF_8 = (
    rb"[\xc2-\xc5][\x80-\xbf]"  # Latin-1 and Latin Extended-A: in Windows-1252 a capital with an accent, and a sign
    rb"|\xc8[\x98-\x9b]"  # the Romanian letters with a comma below
    rb"|\xe1[\xb8-\xbb][\x80-\xbf]"  # Latin Extended Additional: Welsh, Vietnamese
    rb"|\xe2[\x80-\x82][\x80-\xbf]"  # quotation marks, dashes, the euro sign
)
_SEQUENCE = re.compile(_UTF_8)
_HIGH = re.compile(rb"(?:" + _UTF_8 + rb")+|[\x80-\xff]")
_BEGUN = re.compile(rb"(?:[\xc2-\xc5\xc8]|\xe1[\xb8-\xbb]?|\xe2[\x80-\x82]?)\Z")


def holds_utf8(block: bytes) -> bool:
    """Whether the block holds a character that can only be UTF-8."""
    return _SEQUENCE.search(block) is not None


def utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks as UTF-8; bytes that Windows-1252 does not define are NUL."""
    rest = b""
    for block in blocks:
        body = rest + block
        begun = _BEGUN.search(body)
        rest = begun[0] if begun else b""
        yield _HIGH.sub(_character, body[: len(body) - len(rest)])
    yield _HIGH.sub(_character, rest)


def _character(found: re.Match[bytes]) -> bytes:
    piece = found[0]
    return piece if len(piece) > 1 else piece.decode("cp1252", errors="caretrace-nul").encode()
