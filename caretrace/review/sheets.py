"""A reader's sheet, a workbook or CSV: a row for each pair, the two records side by side, and a place to answer.

In: the questions in a reader's own order. Out: a file that any spreadsheet opens. Every cell is a text, none a formula.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.outputs import neutralised
from caretrace.review.marks import FIELDS, Kind, Shown
from linkage.review import Answer

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

NUMBER, ANSWER, NOTE, READER, CODE = "No.", "Your answer", "Your note", "Reader", "Pair code"
CLIENT, REGISTER = "Client: ", "Register: "
"""What stands before a field's title on either side."""
WORDS = {Answer.SAME: "same person", Answer.DIFFERENT: "different people", Answer.CANNOT_TELL: "cannot tell"}
SHEET, GUIDE_SHEET = "Pairs", "How to answer"

_LONGEST = 2000
_NOT_IN_XML = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffe\uffff]")

GUIDE = (
    "Thank you for reading these records.",
    "Each row shows one person of the client list beside one person of the register. Are they the same person?",
    f'Choose in the column "{ANSWER}": {", ".join(WORDS.values())}.',
    "Rows with the same number and another letter show the same client beside other people. At most one of them can be"
    " the same person.",
    'Below each value of the register, in brackets, it says how the two compare: "same", "NEARLY" and how, "DIFFERENT",'
    ' or "not on both" where one record does not hold it.',
    "A value that is missing says neither yes nor no. People move, marry, and are written down wrongly; twins, and"
    " parents and children of one name, are different people.",
    "Look things up in your own systems where that is part of your work. Do not guess: cannot tell is a good answer.",
    "Read on your own: do not compare answers with the other reader before both files are back.",
    f'"{NOTE}" is for your manager; caretrace does not keep it.',
    "Only the answers and notes can be changed. Save the file as it is, and send it back the way it came: it holds"
    " personal data.",
)


@dataclass(frozen=True)
class Question:
    """One row of the sheet."""

    number: str
    """Of the client in this reader's order, and a letter where it has several rows."""
    first: bool
    """Whether another client's rows end above it."""
    fields: tuple[Shown, ...]
    code: str
    scores: tuple[str, ...] = ()
    """What the model made of the pair, where the reader is not blind: in the order of SCORES."""


SCORES = ("Model: probability", "Model: method", "Model: decision for the client")


def header(*, scores: bool) -> list[str]:
    """The column titles."""
    sides = [f"{side}{field.title}" for field in FIELDS for side in (CLIENT, REGISTER)]
    return [NUMBER, ANSWER, NOTE, *sides, *(SCORES if scores else ()), READER, CODE]


def row(question: Question, reader: str) -> list[str]:
    """The cells of one row, made safe: in the register's cells the comparison stands below the value."""
    sides = [text for shown in question.fields for text in (shown.client, beside(shown))]
    return [_safe(text) for text in (question.number, "", "", *sides, *question.scores, reader, question.code)]


def _safe(text: str) -> str:
    """No formula, no character that a workbook cannot hold, and no more than a cell and a reader can take."""
    return neutralised(_NOT_IN_XML.sub("", text)[:_LONGEST])


def beside(shown: Shown) -> str:
    """The register's value with the comparison below it; nothing where neither record holds anything."""
    return f"{shown.register}\n{shown.mark}".strip() if shown.client or shown.register else ""


def write_csv(path: Path, questions: Collection[Question], reader: str) -> None:
    """UTF-8 with BOM, CRLF, every cell quoted."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(header(scores=_has_scores(questions)))
        writer.writerows(row(question, reader) for question in questions)


def write_xlsx(path: Path, questions: Collection[Question], reader: str) -> None:
    """A workbook with the pairs, a drop-down in each answer, all other cells locked, and a sheet that explains."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        # The same questions give the same bytes.
        book.set_properties({"title": "caretrace review", "created": datetime(2000, 1, 1)})  # noqa: DTZ001
        _write_pairs(book, questions, reader)
        guide = book.add_worksheet(GUIDE_SHEET)
        guide.set_column(0, 0, 100)
        for at, line in enumerate(GUIDE):
            guide.write_string(at, 0, line, book.add_format({"text_wrap": True, "valign": "top"}))


_WIDTHS = {NUMBER: 6, ANSWER: 17, NOTE: 14, READER: 9, CODE: 17}
_FIELD_WIDTHS = {"address": 28, "gender": 14, "contacts": 22, "NHS number": 14, "born": 16, "died": 16}
_SCREEN = 18
"""Characters across, where nothing else is said."""
_LOOK: dict[Kind, dict[str, Any]] = {
    # Bold or slanted beside the colour, so that a print in black and white says the same.
    Kind.DIFFERENT: {"bg_color": "#FBD9C6", "bold": True},
    Kind.NEARLY: {"bg_color": "#FFF2CC", "italic": True},
}


def _write_pairs(book: Workbook, questions: Collection[Question], reader: str) -> None:
    sheet = book.add_worksheet(SHEET)
    titles = header(scores=_has_scores(questions))
    top = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 2, "bg_color": "#E7EBEE"})
    for at, title in enumerate(titles):
        sheet.write_string(0, at, title, top)
        sheet.set_column(at, at, _width(title))
    looks = _Looks(book)
    for line, question in enumerate(questions, 1):
        marks = [kind for shown in question.fields for kind in (None, shown.mark.kind)]
        before = titles.index(f"{CLIENT}{FIELDS[0].title}")
        for at, text in enumerate(row(question, reader)):
            mark = marks[at - before] if 0 <= at - before < len(marks) else None
            open_to_reader = titles[at] in (ANSWER, NOTE)
            sheet.write_string(line, at, text, looks(mark, question.first, open_to_reader))
    _guide_the_hand(sheet, titles, len(questions))


def _guide_the_hand(sheet: Worksheet, titles: Sequence[str], rows: int) -> None:
    at = titles.index(ANSWER)
    rule = {
        "validate": "list",
        "source": list(WORDS.values()),
        "input_title": "Same person?",
        "input_message": "Choose one. Cannot tell is a good answer.",
        "error_title": "Please choose from the list",
        "error_message": f"The answers are: {', '.join(WORDS.values())}.",
    }
    sheet.data_validation(1, at, max(rows, 1), at, rule)
    sheet.freeze_panes(1, at + 1)
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_zoom(85)
    # Without a password: it keeps a slip of the hand away, such as sorting one column without the others.
    sheet.protect("", {"format_columns": True, "format_rows": True})


class _Looks:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Workbook):
        self._book = book
        self._made: dict[tuple[Kind | None, bool, bool], Format] = {}

    def __call__(self, mark: Kind | None, first: bool, open_to_reader: bool) -> Format:
        """For a cell with this mark, in the first row of a client or not, locked or not."""
        wanted = (mark, first, open_to_reader)
        if wanted not in self._made:
            # Text format, so that what is typed stays as typed.
            look: dict[str, Any] = {"text_wrap": True, "valign": "top", "num_format": "@", "bottom": 4}
            look |= _LOOK.get(mark, {}) if mark else {}
            look |= {"top": 2} if first else {}
            look |= {"locked": False, "bg_color": "#FFFFFF", "border": 1} if open_to_reader else {}
            self._made[wanted] = self._book.add_format(look)
        return self._made[wanted]


def _width(title: str) -> int:
    field = title.removeprefix(CLIENT).removeprefix(REGISTER)
    return _WIDTHS.get(title) or _FIELD_WIDTHS.get(field, _SCREEN)


def _has_scores(questions: Collection[Question]) -> bool:
    return any(question.scores for question in questions)
