"""The page of docs/warehouse.md and the diagram in it."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from schemas.warehouse import PUBLISHED

PAGE = (Path(__file__).parents[4] / "docs" / "warehouse.md").read_text(encoding="utf-8")
[SQL] = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)
QUESTIONS = [each.strip() for each in SQL.split(";") if each.strip()]


@pytest.mark.parametrize("number", range(1, len(QUESTIONS)))
def test_every_question_of_the_page_can_be_asked(nights: Any, number: int) -> None:
    with duckdb.connect(str(nights.root / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(QUESTIONS[0])
        assert connection.execute(QUESTIONS[number]).fetchall()


def test_every_table_is_on_the_page_and_in_the_diagram() -> None:
    [diagram] = re.findall(r"```mermaid\n(.*?)```", PAGE, flags=re.DOTALL)
    for each in PUBLISHED:
        assert f"\n### {each.name}\n" in PAGE
        assert f"    {each.table.name} {{" in diagram
        for column in each.table.columns:
            assert f"\n| `{column.name}` |" in PAGE


def test_the_diagram_is_mermaid() -> None:
    """As much of the grammar of erDiagram as we use."""
    [diagram] = re.findall(r"```mermaid\n(.*?)```", PAGE, flags=re.DOTALL)
    line = re.compile(
        r"erDiagram|    \w+ [|}][|o](--|\.\.)[|o][|{] \w+ : \w+|    \w+ \{|        \w+ \w+ (PK|FK)|    \}"
    )
    assert [each for each in diagram.splitlines() if not line.fullmatch(each)] == []
