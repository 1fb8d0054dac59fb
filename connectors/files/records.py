"""Where records begin and end in delimited text, aware of quotes, so that a fault costs its own record only.

Lines that are a record beyond doubt (`lines.py`) are taken in bulk, and so are records over several lines where a piece
of the text leaves no doubt of any (`spanning.py`). Only other lines are looked at one by one, by the
csv module in its strict mode: alone, then as the beginning of a record over several lines. What passes neither is
rejected with its line, and reading goes on at the next line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from connectors.files.lines import MAX_RECORD as MAX_RECORD
from connectors.files.lines import PIECE, Flags, Ints, Lines, end_of_lines
from connectors.files.spanning import Spans, spans

UNCLOSED = "a quotation mark is never closed"
MISPLACED = "a quotation mark inside a value is not doubled"
NOT_TEXT = "bytes that are no text in the encoding of the file"
TOO_LONG = "longer than any record can be (1 MB)"
ONE_MORE = ", the last of them empty"
"""How the rule of a record ends that may have a delimiter more than its header."""
_DOS_END = b"\x1a"
"""The end-of-file mark of DOS programs."""
DOUBTFUL = "between two quotation marks that leave open where records begin"


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be read: its number, the line it begins on, and why."""

    record: int
    line: int
    rule: str


@dataclass(frozen=True)
class Batch:
    """Good records as clean CSV, with each one's number and line, and the rejected ones among them."""

    csv: bytes
    record: Ints
    line: Ints
    rejected: tuple[Rejected, ...]

    @classmethod
    def of(cls, batches: Sequence[Batch]) -> Batch:
        """Several batches as one."""
        return cls(
            b"".join(batch.csv for batch in batches),
            np.concatenate([batch.record for batch in batches]),
            np.concatenate([batch.line for batch in batches]),
            tuple(rejected for batch in batches for rejected in batch.rejected),
        )


class RecordIndex:
    """Splits UTF-8 text that begins after the header into records; feed it blocks in order."""

    def __init__(self, width: int, delimiter: str, *, first_line: int = 2) -> None:
        """`width` fields to a record, parted by `delimiter` (one ASCII character)."""
        self.width = width
        self.delimiter = delimiter
        self._line = first_line
        self._record = 1
        self._pending = b""
        self._overlong = False

    @property
    def records(self) -> int:
        """Records met so far, rejected ones included."""
        return self._record - 1

    def read(self, blocks: Iterator[bytes]) -> Iterator[Batch]:
        """All batches of the text."""
        for block in blocks:
            for at in range(0, len(block), PIECE):
                yield from self._feed(block[at : at + PIECE])
        yield from self._feed(b"", last=True)

    def _feed(self, block: bytes, *, last: bool = False) -> Iterator[Batch]:
        body = self._pending + block
        self._pending = b""
        if self._overlong:
            body = self._skip_rest_of_line(body)
        end = len(body) if last else end_of_lines(body)
        body, self._pending = body[:end], body[end:]
        if last and body and not body.endswith((b"\n", b"\r")):
            # Behind the last value it would be part of it.
            body = body.rstrip(_DOS_END) + b"\n"
        if body:
            batch, used = self._index(body, last)
            self._pending = body[used:] + self._pending
            yield batch
        if not last and len(self._pending) > 2 * MAX_RECORD:
            yield self._give_up_line()

    def _give_up_line(self) -> Batch:
        """Reject a line without an end in sight, and forget what was read of it."""
        rejected = Rejected(self._record, self._line, TOO_LONG)
        self._record += 1
        self._overlong, self._pending = True, b""
        none = np.empty(0, np.int64)
        return Batch(b"", none, none, (rejected,))

    def _skip_rest_of_line(self, body: bytes) -> bytes:
        ends = [at for at in (body.find(b"\n"), body.find(b"\r")) if at >= 0]
        if not ends:
            return b""
        self._overlong = False
        self._line += 1
        rest = body[min(ends) :]
        return rest[2:] if rest.startswith(b"\r\n") else rest[1:]

    def _index(self, body: bytes, last: bool) -> tuple[Batch, int]:
        lines = Lines.of(body, self.delimiter, self.width)
        suspicious = ~lines.blank & ~lines.sound(self.width)
        verdict = _Verdict(is_record=~lines.blank, good=~lines.blank & ~suspicious)
        stop = lines.count
        spanned = spans(lines, self.delimiter, self.width, last=last) if suspicious.any() else None
        if spanned:
            stop = spanned.stop
            verdict.take(spanned, lines.count)
        elif suspicious.any():
            stop = self._examine(lines, np.flatnonzero(suspicious), verdict, last)
        batch = self._batch(lines, verdict, stop)
        used = int(lines.start[stop]) if stop < lines.count else len(body)
        self._line += stop
        self._record += int(np.count_nonzero(verdict.is_record[:stop]))
        return batch, used

    def _examine(self, lines: Lines, suspicious: Ints, verdict: _Verdict, last: bool) -> int:
        """Decide each suspicious line; returns the line to stop before where its record may go on in the next block."""
        done = -1
        for i in map(int, suspicious):
            if i <= done:
                continue
            outcome = self._one_line(lines, i)
            if isinstance(outcome, str) and lines.odd[i] and outcome == UNCLOSED:
                end = lines.next_odd(i)
                if end is None and not last and len(lines.body) - int(lines.start[i]) <= MAX_RECORD:
                    return i
                done, outcome = self._several_lines(lines, i, end, verdict)
            verdict.decide(i, outcome)
        return lines.count

    def _one_line(self, lines: Lines, i: int) -> bytes | str | None:
        """The record as clean CSV, the rule that rejects it, or None where the line is blank after all."""
        raw = lines.text(i, i)
        if not raw.strip(b" \t" + _DOS_END):
            return None
        if len(raw) > MAX_RECORD:
            return TOO_LONG
        if b"\0" in raw:
            return NOT_TEXT
        return self._parse(raw)

    def _several_lines(self, lines: Lines, i: int, end: int | None, verdict: _Verdict) -> tuple[int, bytes | str]:
        """Try the lines from `i` to the one that makes its quotes even again as one record."""
        if end is None or int(lines.end[end] - lines.start[i]) > MAX_RECORD:
            return i, UNCLOSED
        raw = lines.text(i, end)
        outcome = NOT_TEXT if b"\0" in raw else self._parse(raw)
        if isinstance(outcome, str):
            return i, UNCLOSED
        if verdict.good[i + 1 : end].any():
            # Either the value holds lines that look like records, or two stray quotes hold records between them. To
            # read them could invent people, to join them could lose people: so each is set aside where all can see it.
            for k in range(i + 1, end + 1):
                if verdict.is_record[k]:
                    verdict.decide(k, DOUBTFUL)
            return end, DOUBTFUL
        verdict.is_record[i + 1 : end + 1] = False
        verdict.good[i + 1 : end + 1] = False
        return end, outcome

    def _parse(self, raw: bytes) -> bytes | str:
        try:
            rows = list(csv.reader(io.StringIO(raw.decode(), newline=""), delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            return UNCLOSED if "unexpected end" in str(error) else MISPLACED
        if len(rows) != 1:
            return MISPLACED
        if len(rows[0]) != self.width:
            found = f"{len(rows[0])} field{'s' * (len(rows[0]) != 1)} where the header has {self.width}"
            # Not guessed: a value with a delimiter and no quotes looks like this too where the last column is empty.
            return f"{found}{ONE_MORE}" if len(rows[0]) == self.width + 1 and not rows[0][-1] else found
        clean = io.StringIO(newline="")
        csv.writer(clean, delimiter=self.delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(rows[0])
        return clean.getvalue().encode()

    def _batch(self, lines: Lines, verdict: _Verdict, stop: int) -> Batch:
        numbers = self._record - 1 + np.cumsum(verdict.is_record[:stop], dtype=np.int64)
        kept = verdict.good[:stop].copy()
        pieces: list[bytes] = []
        rejected: list[Rejected] = []
        begin = 0
        for i, outcome in verdict.decided:
            if i >= stop:
                break
            pieces.append(lines.run(begin, i, verdict.is_record))
            begin = i + 1
            if isinstance(outcome, str):
                rejected.append(Rejected(int(numbers[i]), self._line + i, outcome))
            elif outcome is not None:
                pieces.append(outcome)
                kept[i] = True
        pieces.append(lines.run(begin, stop, verdict.is_record))
        at = np.flatnonzero(kept)
        return Batch(b"".join(pieces), numbers[at], self._line + at, tuple(rejected))


class _Verdict:
    """What each line of a block was found to be."""

    def __init__(self, is_record: Flags, good: Flags) -> None:
        self.is_record = is_record
        self.good = good
        self._decided: dict[int, bytes | str | None] = {}

    def take(self, spanned: Spans, count: int) -> None:
        """Records over several lines are good as they stand; the lines that they take in are none."""
        within = spanned.within(count)
        self.is_record[within] = self.good[within] = False
        self.good[spanned.first] = True

    def decide(self, i: int, outcome: bytes | str | None) -> None:
        """Line `i` is a record given as clean CSV, or rejected by a rule, or blank."""
        self.good[i] = False
        self.is_record[i] = outcome is not None
        self._decided[i] = outcome

    @property
    def decided(self) -> list[tuple[int, bytes | str | None]]:
        """Lines decided one by one, in order."""
        return sorted(self._decided.items())
