"""Texts as UTF-8 that are hashed, and whose encoding is settled, while they are read: one pass less over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from connectors.files.beginning import examine_head
from connectors.files.opening import Member, Tick
from connectors.files.text import Examination, Text, begun, examine, from_cp1252, is_utf8, utf8_blocks


class Otherwise(Exception):
    """A text is in another encoding than it was taken for while it was read; it is to be read again (`settled`)."""


def opened(member: Member, encodings: Sequence[str], tick: Tick) -> tuple[Iterator[bytes], Callable[[], Text]]:
    """The text as UTF-8 without its mark, and what is known of it once that is read; InputError where it is no text.

    Either may raise Otherwise, as soon as what was given is not what the whole text says. A text of UTF-8 or of
    Windows-1252 alone never comes to that, for what is ASCII is the same in both.
    """
    if member.head and examine_head(member.where, member.head)[0] in (None, "utf-8"):
        once = _Once(member, encodings, tick)
        return once.blocks, once.told
    return settled(member, encodings, tick)


def settled(member: Member, encodings: Sequence[str], tick: Tick) -> tuple[Iterator[bytes], Callable[[], Text]]:
    """The same, with the encoding settled first."""
    text = examine(member, encodings)
    return utf8_blocks(text, tick), lambda: text


class _Once:
    def __init__(self, member: Member, encodings: Sequence[str], tick: Tick) -> None:
        self.blocks = self._read(tick)
        self._member, self._encodings = member, encodings
        self._examination = Examination(member, encodings)
        self._taken_for: str | None = None
        self._ended = False

    def told(self) -> Text:
        """What is known of it, once its blocks are read; those that nobody asked for are read now."""
        for _ in self.blocks:
            pass
        if self._ended:
            return self._examination.text()
        # Who closed the blocks has it read again: the hash of part of a file would be a wrong one.
        text = examine(self._member, self._encodings)
        if self._taken_for not in (None, text.encoding):
            raise Otherwise
        return text

    def _read(self, tick: Tick) -> Iterator[bytes]:
        rest, mark = b"", 0
        for block in self._examination.blocks(tick):
            self._go_on()
            body, mark = rest + block[self._examination.mark - mark :], self._examination.mark
            end = len(body) - begun(body) if self._examination.encoding == "utf-8" else len(body)
            rest = body[end:]
            yield self._utf8(body[:end])
        self._go_on()
        self._ended = True
        if rest:
            yield self._utf8(rest)

    def _go_on(self) -> None:
        """Otherwise, unless it goes on in the encoding that it was taken for; ASCII was taken for nothing.

        Nor was the beginning of a character that a block ends with, which may be a character of its own: it waits.
        """
        examination, encoding = self._examination, self._examination.encoding
        changed = self._taken_for not in (None, encoding) or not (examination.sound or examination.settled)
        if encoding not in ("utf-8", "cp1252") or changed:
            raise Otherwise

    def _utf8(self, body: bytes) -> bytes:
        if self._taken_for is None and not self._examination.is_ascii and not body.isascii():
            self._taken_for = self._examination.encoding
        if self._examination.encoding == "cp1252":
            return from_cp1252(body)
        # What is no text in the only encoding that is possible costs its record.
        sound = self._examination.sound or is_utf8(body)
        return body if sound else body.decode(errors="caretrace-nul").encode(errors="caretrace-nul")
