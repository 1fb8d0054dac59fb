"""Whatever stands in a name, the sheet that holds it opens, runs nothing, and is known again when it comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.review import returned, sheets
from caretrace.review.codes import NAME_COLUMNS, name_prints
from caretrace.review.marks import FIELDS
from caretrace.review.plain import Record
from caretrace.review.sheets import CODE, Question

ODD = [
    "_x0041_",
    "=1+1",
    "a\rb",
    "a\x0bb",
    "\x00",
    "\uffff",
    "x" * 40_000,
    "http://example.org",
    "\ufeff",
    "'",
    '"',
    "",
]
NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=20)


def question(number: int, name: str) -> Question:
    record = Record({"family_name": name, "given_name": name, "address_line_1": name})
    return Question(str(number), True, tuple(field.shown(record, record) for field in FIELDS), f"BBBB-CCCC-{number}")


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES)
def test_any_name_comes_back(tmp_path: Path, form: str, names: list[str]) -> None:
    questions = [question(number, name) for number, name in enumerate([*names, *ODD])]
    path = tmp_path / f"sheet.{form}"
    {"xlsx": sheets.write_xlsx, "csv": sheets.write_csv}[form](path, questions, "ann")
    back = returned.read(path)
    assert [row.get(CODE) for row in back.rows] == [each.code for each in questions]
    for sent, row in zip(questions, back.rows, strict=True):
        cells = dict(zip(sheets.header(scores=False), sheets.row(sent, "ann"), strict=True))
        expected, found = ([each[title] for title in NAME_COLUMNS] for each in (cells, _Cells(row)))
        assert set(name_prints(sent.code, expected)) & set(name_prints(sent.code, found))
        assert not any(row.get(title).startswith(tuple("=+-@")) for title in cells)


class _Cells:
    def __init__(self, row: returned.Row):
        self._row = row

    def __getitem__(self, title: str) -> str:
        return self._row.get(title)
