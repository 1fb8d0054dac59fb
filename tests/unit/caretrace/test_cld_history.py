"""The history of submissions: a line each, the last of a quarter counts, what cannot be read is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from caretrace.cld.history import Written, add, of_report, place, quarters, read
from caretrace.cld.submission import Report
from caretrace.project import Project
from caretrace.report.marks import Bar
from caretrace.report.submissions import chart, table
from schemas.errors import InputError

Q1 = Written(
    *(date(2026, 4, 1), date(2026, 6, 30), "2026-07-09T10:00:00+00:00", 2, "exact", "r1"),
    *(900, 200, 120, 40, 160, "ab"),
)
Q2 = replace(Q1, first=date(2026, 7, 1), last=date(2026, 9, 30), before=150, after=190)


def test_a_line_for_each_and_the_last_of_a_quarter_counts(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert read(project) == ()
    again = replace(Q1, filled=50, after=170)
    for each in (Q2, Q1, again):
        add(project, each)
    assert read(project) == (Q2, Q1, again)
    assert quarters(read(project)) == ((again, 2), (Q2, 1))
    assert [path.name for path in place(project).parent.iterdir() if path.suffix == ".new"] == []


def test_what_a_report_says(tmp_path: Path) -> None:
    number = {"before": {"rows": 5, "people": 3}, "after": {"rows": 9, "people": 7}, "numbers": "traced"}
    facts = {"period": ["2026-10-01", "2026-12-31"], "release": 2, "run_id": "r", "rows": 11, "people": 8}
    found = of_report(Report({**facts, "nhs_number": number}, {}, {}), now=datetime(2027, 1, 5, tzinfo=UTC), sha256="x")
    assert (found.period, found.people, found.before, found.filled, found.after) == ("2026-27 Q3", 8, 3, 4, 7)
    assert found.numbers == "traced"
    assert replace(found, first=date(2026, 10, 2)).period == "2026-10-02 to 2026-12-31"
    assert replace(found, first=date(2026, 4, 1), last=date(2027, 3, 31)).period == "2026-27"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "is no line of a history"),
        ("[]", "is no line of a history"),
        ('{"format": 1}', "is no line of a history"),
        ('{"format": 2}', "is not of format 1"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, words: str) -> None:
    project = Project(tmp_path)
    add(project, Q1)
    path = place(project)
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        read(project)
    assert "line 2" in str(caught.value)


def test_the_chart_and_the_table_hold_the_same_numbers() -> None:
    those = quarters((Q1, Q2))
    drawn = chart(those)
    bars = [mark for mark in drawn.marks if isinstance(mark, Bar)]
    assert [bar.fill for bar in bars] == ["link", "review", "none"] * 2
    whole = sum(bar.width for bar in bars[:3])
    assert [round(bar.width / whole, 3) for bar in bars[:3]] == [0.6, 0.2, 0.2]
    assert [row[0] for row in table(those).rows] == ["2026-27 Q2", "2026-27 Q1"]
    assert table(those).rows[1][1:6] == (200, 120, 40, 160, "80.0%")
