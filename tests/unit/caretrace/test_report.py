"""The report: one page by itself, readable by everybody, with counts that add up and nobody's values."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from caretrace import pipeline
from caretrace.report.figures import Figures, Method
from caretrace.report.flow import Intake, diagram
from caretrace.report.marks import Bar, Text
from caretrace.run_settings import RunSettings
from caretrace.synthetic import make
from connectors import Source
from linkage.evaluate import Share

LEAK = "Zzyzxleak"
VOID = {
    "meta",
    "link",
    "br",
    "hr",
    "img",
    "input",
    "path",
    "rect",
    "line",
    "circle",
    "polygon",
    "use",
    "stop",
    "ellipse",
}


class Page(HTMLParser):
    """The elements of a page in order, with their attributes and the text directly in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on people who all carry a word that must not be seen again."""
    people = make(400, 4_000, seed=8)

    def marked(table: pa.Table) -> pa.Table:
        for name in ("family_name", "middle_names", "address_line_1", "email", "record_id"):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, pc.binary_join_element_wise(table[name], LEAK, " "))
        return table

    out = tmp_path_factory.mktemp("report") / "run"
    settings = RunSettings(as_at=date(2026, 11, 22), seed=1)
    more = people.register.append_column("colour", pa.nulls(4_000, pa.string()))
    register = [Source(marked(more), name="register")]
    pipeline.run(out, Source(marked(people.clients), name="clients"), register, settings)
    return out


@pytest.fixture(scope="module")
def text(run: Path) -> str:
    return (run / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nobodys_values_are_in_it(text: str) -> None:
    assert LEAK.lower() not in text.lower()
    assert re.findall(r"\b9\d{9}\b", text) == []  # every NHS number here begins with 9


def test_what_looks_wrong_stands_first_and_with_its_file(text: str) -> None:
    told = re.findall(r'<div class="callout"><p>(.*?)</p>', text)
    assert told[0] == "register: columns not used: colour"
    assert text.index(told[0]) < text.index('<ul class="cards">')
    assert re.search(r"Notes on files.*<td>columns not used: colour</td>", text, re.S)


def test_it_needs_nothing_else(page: Page) -> None:
    fetched = [
        value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")
    ]
    assert [value for value in fetched if value and not value.startswith("#")] == ["data:,"]  # an empty icon
    assert "script" not in {tag for tag, _ in page.elements}


def test_it_is_well_formed(page: Page) -> None:
    assert page.unbalanced == []
    assert page.open == []


def test_sentences_stand_apart(text: str, tmp_path: Path) -> None:
    """A block of a template swallows the line end after it."""
    people, truth = make(150, 1_500, seed=8), tmp_path / "truth.parquet"
    pq.write_table(people.truth, truth)
    settings = RunSettings(as_at=date(2026, 11, 22), seed=1)
    pipeline.run(tmp_path / "run", Source(people.clients), [Source(people.register)], settings, truth=truth)
    measured = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for paragraph in re.findall(r"<(?:p|li)\b[^>]*>(.*?)</(?:p|li)>", text + measured, re.DOTALL):
        assert not re.search(r"[a-z)%][.:;][A-Z]", re.sub(r"<[^>]+>", "", paragraph)), paragraph


def test_ids_are_given_once(page: Page) -> None:
    """An arrow's head is found by its id, and a heading of the same one hides it."""
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert sorted(ids) == sorted(set(ids))


def test_only_what_there_is_to_do_is_asked(run: Path, text: str) -> None:
    steps = dict(re.findall(r"<li><code>(\w+(?:\.csv)?)</code>: (.*?)</li>", text))
    rows = {file: len((run / file).read_text("utf-8-sig").splitlines()) - 1 for file in steps if "." in file}
    assert all(rows.values())
    assert "set_aside.csv" not in steps  # all of these records could be used
    assert f"{rows['load_back.csv']} NHS numbers" in steps["load_back.csv"]
    links = pq.read_table(run / "links.parquet")
    known = pq.read_table(run / "linked" / "person.parquet", filters=[("side", "=", "client")])
    had = set(known.filter(pc.is_valid(known["nhs_number"]))["record_id"].to_pylist())
    linked = links.filter(pc.equal(links["decision"], "link"))["record_id"].to_pylist()
    rest = len([client for client in linked if client not in had]) - rows["load_back.csv"]
    assert (f"The other {rest} linked clients" in steps["load_back.csv"]) is (rest > 0)


def test_no_words_of_the_flow_leave_their_box() -> None:
    """As wide as the widest of the usual typefaces sets them, with the numbers of a large council."""
    ways = (("probabilistic", 1_234_567), ("number and date", 12_345_678), ("review", 1_234))
    methods = [Method("link", name, number, 0, 0, 0, 0.0, 0.0) for name, number in ways]
    intake = Intake(23_456_789, 23_456_789, 0, 0, 23_456_789)
    marks = diagram(intake, intake, Figures(tuple(methods), (), (), ())).marks
    boxes = [mark for mark in marks if isinstance(mark, Bar)]
    for words in (mark for mark in marks if isinstance(mark, Text)):
        half = len(words.words) * 14 * 0.55 / 2
        assert [
            box
            for box in boxes
            if box.x <= words.x - half and words.x + half <= box.x + box.width and box.y < words.y < box.y + box.height
        ], words.words


def test_the_model_is_named_not_spelt_out(run: Path, text: str) -> None:
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    assert f"<dt>model</dt><dd>{manifest['linkage']['model_id']}" in text
    assert "comparisons" not in text[text.index('id="run"') :]


def test_headings_are_in_order(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_language_and_landmarks_are_said(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    assert page.elements[0][1]["lang"] in ("en", "en-GB")
    assert {"header", "main", "nav"} <= set(tags)


def test_every_chart_has_a_title_and_a_description(text: str) -> None:
    charts = re.findall(r"<svg[^>]*role=\"img\".*?</svg>", text, flags=re.DOTALL)
    assert len(charts) >= 5
    assert len(charts) == len(re.findall(r"<svg", text))
    for chart in charts:
        assert "<title" in chart
        assert "<desc" in chart


def test_every_table_has_a_caption_and_column_headings(text: str) -> None:
    tables = re.findall(r"<table.*?</table>", text, flags=re.DOTALL)
    assert tables
    for table in tables:
        assert "<caption" in table
        assert 'scope="col"' in table


def test_the_headline_is_the_count_of_links(run: Path, text: str) -> None:
    import pyarrow.parquet as pq

    decisions = pq.read_table(run / "links.parquet")["decision"].to_pylist()
    headline = re.search(r"<h1[^>]*>(.*?)</h1>", text, flags=re.DOTALL)
    assert headline is not None
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", headline[1]))
    assert f"{decisions.count('link'):,} of {len(decisions):,} clients" in words


# Wilson 1927; values from R's prop.test(correct = FALSE).
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662), (10, 10, 0.7225, 1.0)],
)
def test_wilson_intervals(part: int, whole: int, low: float, high: float) -> None:
    share = Share(part, whole)
    assert share.low == pytest.approx(low, abs=5e-4)
    assert share.high == pytest.approx(high, abs=5e-4)


def test_the_checklists_are_filled_with_what_is_known(text: str) -> None:
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    for item in ("6.3", "12.1", "12.2", "12.3", "1 Data provision", "2 Data linkage", "3 Analysis", "4 Reporting"):
        assert item in words
    assert "Linked from a probability of" in words
    assert "400 records read" in words
    assert "Measured error: not known" in words  # no truth was given
