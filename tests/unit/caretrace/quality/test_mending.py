"""What is mended first, and the trend from one look to the next."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from caretrace import quality
from caretrace.quality import first, trend
from caretrace.report import mending
from schemas.errors import InputError
from tests.unit.caretrace.quality.records import AS_AT


def figure(
    kind: str, records: int, unmatched: int = 0, org: str = "Northshire", side: str = "clients"
) -> quality.Figure:
    return quality.Figure(kind, side, "carefirst", org, records, 0, unmatched)


def made(*figures: quality.Figure, records: int = 1000, unmatched: int = 100, linked: bool = True) -> quality.Quality:
    sources = tuple(
        quality.SourceQuality(side, "carefirst", org, records, records // 2, 0, 0, unmatched, (), {})
        for side, org in dict.fromkeys((f.side, f.source_org) for f in figures)
    )
    return quality.Quality(AS_AT, linked, sources, figures, (), (), ())


def test_what_costs_most_links_is_mended_first() -> None:
    found = made(
        figure("ethnicity-missing", 500, 50),
        figure("birth-date-missing", 40, 30),
        figure("postcode-missing", 100, 40),
        figure("dead-with-open-service", 3, 0),
        figure("unknown-to-register", 90, 90),
        figure("gp-practice-differs", 7, 0),
    )
    items = first.to_mend(found)
    assert [(item.kind.name, round(item.effect, 1)) for item in items] == [
        ("postcode-missing", 33.3),
        ("birth-date-missing", 27.1),
        ("dead-with-open-service", 0),
        ("gp-practice-differs", 0),
        ("ethnicity-missing", 0),
    ]
    assert [item.of for item in items] == [1000, 1000, 1000, 500, 1000]
    assert [(kind.name, n) for kind, n in first.urgent(found)] == [("dead-with-open-service", 3)]


def test_organisations_of_a_system_are_mended_together() -> None:
    (item,) = first.to_mend(made(figure("birth-date-missing", 4), figure("birth-date-missing", 5, org="Southshire")))
    assert (item.records, item.of) == (9, 2000)


@pytest.mark.parametrize(
    ("before", "now", "direction", "words"),
    [
        ((10, 1000), (10, 1000), "same", "● as before"),
        ((10, 1000), (20, 2000), "same", "● as before"),
        ((10, 1000), (11, 1000), "worse", "▲ 10 (1.0%)"),
        ((10, 1000), (10, 2000), "better", "▼ 10 (1.0%)"),
        ((0, 1000), (1, 1000), "worse", "▲ 0 (0%)"),
        ((0, 0), (0, 0), "same", "● as before"),
    ],
)
def test_a_trend_goes_by_share(before: tuple[int, int], now: tuple[int, int], direction: str, words: str) -> None:
    change = trend.Change(*before, *now)
    assert (change.direction, mending.then(change)) == (direction, words)


def test_a_trend_needs_only_the_figures_of_before() -> None:
    then = made(figure("postcode-missing", 10), figure("gender-differs", 5)).summary()
    now = made(
        figure("postcode-missing", 12), figure("birth-date-missing", 1), figure("postcode-missing", 3, org="Southshire")
    )
    found = trend.compare(now, "october", json.loads(json.dumps(then)))
    assert {key[0]: (change.before, change.now) for key, change in found.changes.items()} == {
        "postcode-missing": (10, 12),
        "birth-date-missing": (0, 1),
        "gender-differs": (5, 0),
    }
    assert found.change(now.figures[2]) is None  # the council was not there before
    assert [row[1:] for row in mending.gone(now, found).rows] == [("another gender in another system", 5)]


def test_contradictions_by_links_and_by_numbers_are_not_compared() -> None:
    then = made(figure("gender-differs", 5), linked=False).summary()
    assert trend.compare(made(figure("gender-differs", 9)), "october", then).changes == {}


def test_figures_of_other_rules_are_not_compared() -> None:
    found = trend.compare(made(figure("postcode-missing", 1)), "october", {"rules": 0, "sources": []})
    assert (found.changes, found.why_not) == ({}, "its figures were counted by other rules")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("quality.json", "{", "is not what `caretrace check --out` writes"),
        ("quality.json", "[]", "is not what `caretrace check --out` writes"),
        ("quality.json", '{"summary": {}}', "keeps no figures of data quality"),
        ("quality.json", '{"summary": {"sources": [{"side": 1}]}}', "keeps no figures of data quality"),
        ("quality.json", '{"summary": []}', "keeps no figures of data quality"),
        ("nothing", "", "not a finished run"),
    ],
)
def test_an_earlier_folder_that_tells_nothing(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        trend.load(tmp_path)


def test_the_newest_run_that_keeps_figures_is_the_earlier_one(tmp_path: Path) -> None:
    def run(name: str, day: int, **more: Any) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "links.parquet").touch()
        made_at = (AS_AT + timedelta(days=day)).isoformat()
        manifest = {"format": 1, "created_at": made_at, "outputs": {"links.parquet": ""}, **more}
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return tmp_path / name

    run("a", 3, quality={})
    b = run("b", 4, quality={})
    run("older version", 5)
    run("not ours", 6, format=99, quality={})
    last = run("this one", 7, quality={})
    assert trend.newest(tmp_path, but=last) == b
    assert trend.newest(tmp_path / "nowhere") is None
