"""Returned sheets into answers: every row checked against what was sent, every problem a sentence.

In: an export and the files that came back. Out: what each reader says of each pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from caretrace.review.codes import NAME_COLUMNS, name_prints
from caretrace.review.returned import Returned, Row
from caretrace.review.sheets import ANSWER, CODE, WORDS
from caretrace.review.sidecar import Export
from linkage.review import Answer
from schemas.errors import InputError

_MOST_PROBLEMS = 40
"""Told at once; who has more of them has one cause."""

_SPELLINGS = {"same": Answer.SAME, "different": Answer.DIFFERENT, "can t tell": Answer.CANNOT_TELL} | {
    "can not tell": Answer.CANNOT_TELL,
    **{words: answer for answer, words in WORDS.items()},
}
"""How an answer may be typed, small letters and single blanks."""

Answers = dict[int, dict[str, Answer]]
"""By the pair's place in the export, then by reader."""


def told(problems: Sequence[str]) -> str:
    """Problems as the end of a message: how many, then each on a line."""
    more = [f"and {len(problems) - _MOST_PROBLEMS} more"] if len(problems) > _MOST_PROBLEMS else []
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return "\n".join([count, *(f"  - {each}" for each in [*problems[:_MOST_PROBLEMS], *more])])


def collect(export: Export, files: Sequence[Returned], partial: bool) -> Answers:
    """Every answer in `files`; with `partial` there may be fewer than were asked for.

    Raises InputError with every problem, each with file, row and column, and never a value.
    """
    by_code = {sent.codes[reader]: (place, reader) for place, sent in enumerate(export.pairs) for reader in sent.codes}
    found = _Found({}, {}, set())
    problems: list[str] = []
    for file in files:
        problems += _read_file(export, file, by_code, found)
    problems += _two_at_once(export, found)
    problems += list(_missing(export, found, partial))
    if problems:
        raise InputError(f"nothing was imported: {told(problems)}")
    answers: Answers = {}
    for (place, reader), (answer, _) in found.answers.items():
        answers.setdefault(place, {})[reader] = answer
    return {
        place: {reader: answers[place][reader] for reader in export.readers if reader in answers[place]}
        for place in answers
    }


@dataclass(frozen=True)
class _Found:
    """What was read so far, by place of the pair and reader: the answer with where it stood, and rows without one."""

    answers: dict[tuple[int, str], tuple[Answer, str]]
    blank: dict[tuple[int, str], str]
    faulty: set[tuple[int, str]]
    """Rows that are there, with a problem that is told of the row."""


def _read_file(export: Export, file: Returned, by_code: Mapping[str, tuple[int, str]], found: _Found) -> Iterator[str]:
    """Add the answers of one file to `found`; gives its problems."""
    codes = [_code(row) for row in file.rows]
    if not file.rows:
        yield f"{file.name}: holds no pair; give the file the reader sent back"
    elif not any(code in by_code for code in codes):
        yield (
            f"{file.name}: none of its pairs belongs to export {export.export_id}; give the folder that this file was"
            " exported to"
        )
    elif absent := [title for title in NAME_COLUMNS if title.casefold() not in file.titles]:
        yield (
            f"{file.name}: the column {absent[0]!r} is gone, so nothing shows which pair an answer is about; put it"
            " back, or answer again in the file that was sent"
        )
    else:
        for row, code in zip(file.rows, codes, strict=True):
            yield from _read_row(export, file, row, by_code.get(code), found)


def _read_row(export: Export, file: Returned, row: Row, known: tuple[int, str] | None, found: _Found) -> Iterator[str]:
    where = f"{file.name}, row {row.number}"
    if known is None:
        if row.get(ANSWER) or _code(row):
            yield (
                f"{where}, column {CODE!r}: no pair of this export has this code; take the code again from the file"
                " that was sent"
            )
        return
    place, reader = known
    names = [row.get(title) for title in NAME_COLUMNS]
    if not set(name_prints(_code(row), names)) & set(export.pairs[place].prints[reader]):
        found.faulty.add(known)
        yield (
            f"{where}: the names are not those that were sent with this pair code; if one column was sorted or moved"
            " without the others, answer again in the file that was sent"
        )
        return
    text = _words(row.get(ANSWER))
    answer = _SPELLINGS.get(text)
    if not text:
        found.blank.setdefault(known, where)
    elif answer is None:
        found.faulty.add(known)
        yield f"{where}, column {ANSWER!r}: not one of {', '.join(WORDS.values())}"
    elif found.answers.setdefault(known, (answer, where))[0] is not answer:
        yield f"{where}, column {ANSWER!r}: another answer than in {found.answers[known][1]}, which is the same pair"


def _code(row: Row) -> str:
    return row.get(CODE).upper()


def _words(text: str) -> str:
    """Small letters, single blanks, no punctuation: "Can't tell." is "can t tell"."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _two_at_once(export: Export, found: _Found) -> Iterator[str]:
    """A reader cannot find one client to be two people."""
    first: dict[tuple[object, str], tuple[int, str]] = {}
    for (place, reader), (answer, where) in found.answers.items():
        if answer is Answer.SAME:
            earlier, stood = first.setdefault((export.pairs[place].asked.client, reader), (place, where))
            if earlier != place:
                yield (
                    f"{where}, column {ANSWER!r}: the client is {WORDS[Answer.SAME]!r} already in {stood}; a client is"
                    " one person of the register at most"
                )


def _missing(export: Export, found: _Found, partial: bool) -> Iterator[str]:
    for reader in export.readers:
        answered = {place for place, each in found.answers if each == reader}
        blank = {
            place: where for (place, each), where in found.blank.items() if each == reader and place not in answered
        }
        there = answered | blank.keys() | {place for place, each in found.faulty if each == reader}
        if not there:
            yield f"no file of reader {reader} was given; give the files of {' and '.join(export.readers)}"
        elif not partial:
            for where in blank.values():
                yield f"{where}, column {ANSWER!r}: no answer; give one, or import with --partial"
            if gone := len(export.pairs) - len(there):
                whole = len(export.pairs)
                yield f"reader {reader}: {gone} of {whole} rows gone; put them back, or import with --partial"
