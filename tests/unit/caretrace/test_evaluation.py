"""The words and pages of an evaluation, from facts made by hand; and what a sample of decisions says."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from caretrace.evaluate.measure import captured_json
from caretrace.evaluate.sample import Answered, by_stratum, estimates
from caretrace.evaluate.words import lines
from caretrace.report.evaluation import render, sections
from caretrace.report.evaluation_charts import thresholds_chart
from caretrace.report.words import exact
from linkage import evaluate as statistics
from linkage.evaluate import Captured, Share, Split
from linkage.evaluate.capture import ByRule
from linkage.evaluate.judge import blocking_recall

SPLITS = (
    Split(("date",), ("address",), 990, 900, 800, 735),
    Split(("number",), ("address", "date"), 500, 480, 490, 470),
    Split(("given name",), ("family name",), 990, 3, 2, 1),
)
BLOCKING = captured_json(Captured(990, (ByRule("number", 480, 10), ByRule("date and house", 900, 20)), SPLITS))


def facts(**more: Any) -> dict[str, Any]:
    """What evaluation.json holds of a run without truth."""
    return {
        "run_id": "a" * 32,
        "run_created_at": "2026-11-22T10:00:00+00:00",
        "model_id": "b" * 16,
        "bands": {"link_at": 0.97, "review_at": 0.1},
        "counts": {"linked": 990, "review": 10, "none": 20},
        "evaluated_at": "2026-11-23T10:00:00+00:00",
        "caretrace_version": "0",
        "evaluation": None,
        "sample": None,
        "hidden_number": None,
        "estimates": {"expected": None, "blocking": BLOCKING, "compared": []},
        **more,
    }


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_blocking_is_told_as_a_bound() -> None:
    # The lowest of the bounds is the closest; one link in both groups bounds nothing.
    assert BLOCKING["recall_at_most"]["value"] == pytest.approx(min(each.recall.value for each in SPLITS[:2]))
    recall = exact(BLOCKING["recall_at_most"]["value"])
    page = words(render(facts()))
    assert f"at most {recall} of the true links" in page
    assert f"they make {exact(470 / 480)} (470 of 480)" in page
    assert "too few to tell" in page
    assert f"at most {recall}" in "\n".join(lines(facts()))


def test_a_run_that_recorded_nothing_says_so() -> None:
    empty = facts(estimates={"expected": None, "blocking": None, "compared": []})
    page = words(render(empty))
    assert "The run recorded too little to tell" in page
    assert "judged without known truth" in page
    assert list(lines(empty)) == ["run aaaaaaaaaaaa: 990 links, 10 for review, 20 not linked"]


def test_too_few_numbers_to_hide() -> None:
    few = facts(hidden_number={"clients": 7, "too_few": 100})
    assert "Only 7 clients hold a number" in words(render(few))
    assert any("only 7 clients" in line for line in lines(few))


def test_truth_of_nobody_who_could_be_found() -> None:
    """Nothing is divided by nothing."""
    rows = [("1", "none", None, "alone", False), ("2", "none", 0.01, "probabilistic", False)]
    with duckdb.connect() as connection:
        connection.execute("""CREATE TABLE judged (
            record_id VARCHAR, decision VARCHAR, probability DOUBLE, method VARCHAR, findable BOOLEAN, linked BOOLEAN,
            "right" BOOLEAN, best_right BOOLEAN, by_person BOOLEAN, guard VARCHAR, reached BOOLEAN)""")
        connection.executemany(
            "INSERT INTO judged VALUES (?, ?, ?, ?, ?, false, false, false, false, NULL, false)", rows
        )
        evaluation = {
            "truth": {"rows": 2, "clients": 2, "of_no_client": 0, "not_told": 0},
            **statistics.counts(connection).to_json(),
            "blocking_recall": blocking_recall(connection).to_json(),
            "thresholds": [each.to_json() for each in statistics.thresholds(connection, link_at=0.97, review_at=0.1)],
            "calibration": statistics.calibration(connection).to_json(),
            "errors": [],
            "groups": [],
        }
    assert evaluation["precision"]["value"] is None
    page = words(render(facts(evaluation=evaluation)))
    assert "No client was linked , and nobody is in the register" in page.replace("linked,", "linked ,")
    assert "none to count" in "\n".join(lines(facts(evaluation=evaluation)))


def test_nothing_to_draw_draws_nothing() -> None:
    made = sections(None, None)
    assert [name for name, value in made.items() if value and name != "facts"] == []
    assert thresholds_chart({}) is None


STRATA = [
    Answered("link, 0.99 to 1", "link", 900, 90, 90, 90, 90, 0, 0),
    Answered("link, 0 to 0.99", "link", 100, 50, 40, 30, 35, 5, 0),
    Answered("review, 0 to 1", "review", 50, 25, 25, 10, 15, 15, 2),
    Answered("none, 0 to 1", "none", 100, 20, 20, 0, 1, 1, 0),
]


def test_answers_are_counted_by_client() -> None:
    # client, rank, what the readers made of the candidate
    answers = [
        ("right", "link", 1, "same"),
        ("right", "link", 2, "different"),
        ("wrong", "link", 1, "different"),
        ("elsewhere", "link", 1, "different"),
        ("elsewhere", "link", 2, "same"),
        ("unclear", "link", 1, "cannot tell"),
        ("second unclear", "link", 1, "same"),
        ("second unclear", "link", 2, "disagreed"),
        ("nobody", "none", 1, "different"),
        ("missed", "none", 1, "same"),
    ]
    rows = [
        {
            **{"source": "s", "source_org": "o", "record_id": name, "decision": decision, "rank": rank},
            **{"verdict": verdict, "blind": True, "stratum": f"{decision}, all", "size": 100, "drawn": 5},
        }
        for name, decision, rank, verdict in answers
    ]
    with duckdb.connect() as connection:
        links, none = by_stratum(connection, pa.Table.from_pylist(rows))
    # drawn, known, right, there to be found, missed, shown with scores
    assert links == Answered("link, all", "link", 100, 5, 4, 2, 3, 1, 0)
    assert none == Answered("none, all", "none", 100, 2, 2, 1, 1, 1, 0)


def test_precision_and_recall_from_answers() -> None:
    found = estimates(STRATA, {"link": 1000, "review": 60, "none": 140})
    # 900 x 1 + 100 x 0.75 of 1,000 links are right.
    assert found["precision"]["value"] == pytest.approx(0.975)
    # Missed: 100 x 5/40 linked to somebody else, 50 x 15/25 in review, 100 x 1/20 below.
    missed = 12.5 + 30 + 5
    assert found["recall"]["value"] == pytest.approx(975 / (975 + missed))
    assert found["not_known"] == 10
    summary = " ".join(found["summary"])
    assert "50 clients were not drawn from" in summary
    assert "2 clients were shown with the model's score" in summary
    page = words(render(facts(sample=found)))
    assert "Estimated from a sample that people looked at" in page
    assert "Precision: 97.50% of the links" in page


def test_without_answers_below_the_band_there_is_no_recall() -> None:
    found = estimates(STRATA[:2], {"link": 1000, "none": 10})
    assert found["recall"] is None
    assert found["precision"] is not None
    unanswered = [Answered("link, 0 to 1", "link", 10, 5, 0, 0, 0, 0, 0)]
    assert estimates(unanswered, {"link": 10})["precision"] is None


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (1, "100%"), (0.12345, "12.35%"), (0.99995, "99.9950%"), (0.9999, "99.99%")]
)
def test_shares_never_round_to_all(share: float, text: str) -> None:
    assert exact(share) == text
    assert exact(Share(1, 1).value) == "100%"
