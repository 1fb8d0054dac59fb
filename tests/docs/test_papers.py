"""The pages made from the code say what is there: a control, test, setting or rule that is gone is found."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from caretrace.papers import hazards, writing
from caretrace.papers.paper import Paper, Row, Section
from governance.rules import rule
from governance.rules.rule import Standing

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def papers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_papers", DOCS / "papers.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_nothing_is_missing(papers: ModuleType) -> None:
    assert papers.faults() == []


def test_the_pages_are_those_made_from_the_code(papers: ModuleType) -> None:
    for name, page in papers.PAGES.items():
        assert (DOCS / name).read_text("utf-8") == page().rstrip() + "\n", f"docs/{name}: run `make docs`"


@pytest.mark.parametrize(
    ("shown_by", "words"),
    [
        ("tests/unit/governance/test_papers.py::test_of_old", "H1: there is no test_of_old"),
        ("tests/unit/gone.py::test_of_old", "H1: there is no tests/unit/gone.py"),
        ("linkage/gone.py", "H1: there is no linkage/gone.py"),
    ],
)
def test_a_control_that_is_gone_is_found(
    papers: ModuleType, monkeypatch: pytest.MonkeyPatch, shown_by: str, words: str
) -> None:
    first, *others = hazards.read()
    changed = replace(first, controls=(*first.controls, hazards.Control("something", (shown_by,))))
    monkeypatch.setattr(hazards, "read", lambda: (changed, *others))
    assert any(words in fault for fault in papers.faults())


def test_a_hazard_without_a_test_is_found(papers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = hazards.read()
    monkeypatch.setattr(hazards, "read", lambda: (replace(first, controls=()), *others))
    assert "H1: no test shows any of its controls" in papers.faults()


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("kept by [retain]", "caretrace.toml has no [retain]"),
        ("see R99", "there is no rule R99"),
        ("`caretrace officer shred`", "there is no command caretrace officer shred"),
        ("`caretrace officer shared`, [retention], R13a [assumed]", ""),
    ],
)
def test_a_setting_rule_or_command_that_is_gone_is_found(
    papers: ModuleType, monkeypatch: pytest.MonkeyPatch, says: str, words: str
) -> None:
    one = Paper("one", "One", "", (Section("s", (Row("item", says=says),)),))
    monkeypatch.setattr(papers, "papers", lambda: (one,))
    assert papers.faults() == ([f"one: {words}"] if words else [])


def test_a_rule_that_the_guide_does_not_have_is_found(papers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    new: Any = replace(rule.RULES["R01"], id="R99")
    monkeypatch.setitem(rule.RULES, "R99", new)
    assert any("its table of rules" in fault for fault in papers.faults())


def test_a_rule_that_is_only_assumed_must_be_called_so(papers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rule.RULES, "R01", replace(rule.RULES["R01"], standing=Standing.ASSUMED))
    assert papers.faults() == ["ig-guide.md: R01 rests on something assumed, and the guide does not say so"]


def test_a_test_that_the_security_page_names_and_is_gone_is_found(
    papers: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "SECURITY.md").write_text("`tests/gone.py`, [a page](docs/gone.md), `make sbom`", encoding="utf-8")
    monkeypatch.setattr(papers, "ROOT", tmp_path)
    assert [*papers._missing_files()] == [
        "SECURITY.md: there is no tests/gone.py",
        "SECURITY.md: there is no docs/gone.md",
    ]


def test_every_paper_is_a_page(papers: ModuleType) -> None:
    assert {"hazard-log", "dpia", "processing"} == {each.name for each in writing.papers()}
