"""An explanation in words: what was decided, by what or by whom, and who else it may have been."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caretrace.explain import Explanation, to_text
from caretrace.explain.page import chart, render
from caretrace.explain.text import one_in, probability, sentences, shares
from linkage.explain import HOUSEHOLD, PRIOR, Bar, Competition, Waterfall
from linkage.guards import guards

BARS = (
    Bar(PRIOR, -10.0, "so many people"),
    Bar("given name", 7.0, "the same first given name", "exact", 0.9, 0.007, 0.01),
    Bar("gender", 0.0, "says nothing: not known on one side or both"),
    Bar("address", -3.0, "another district", "elsewhere", 0.12, 0.98),
    Bar(HOUSEHOLD, -1.0, "what somebody of the same household would share as well"),
)
FALL = Waterfall(1, "probabilistic", BARS, -7.0, 0.3)
BASE = Explanation(
    "a" * 32, "review", None, "probabilistic", 0.97, 0.1, (FALL,), Competition((0.3, 0.2, 0.1), 0.05, 0.35)
)


def test_a_guard_is_named_as_one() -> None:
    guard = guards(())[1].name
    assert f"held back, whatever its probability: {guard}" in sentences(replace(BASE, reason=guard))
    assert "reason: two candidates are close" in sentences(replace(BASE, reason="two candidates are close"))


def test_a_person_who_decided_is_named() -> None:
    said = sentences(
        replace(BASE, decision="link", method="review", decided_by="A. Reader", decided_at="2026-11-20T09:30")
    )
    assert said[0] == "a person decided it: A. Reader, 2026-11-20T09:30 (UTC)"


def test_everybody_it_may_be_adds_up() -> None:
    rows = shares(BASE.competition, 1)
    assert [name for name, _ in rows] == ["candidate 1", "other candidates, together", "not in the register"]
    assert sum(share for _, share in rows) == pytest.approx(1)


def test_bars_of_plain_characters_begin_where_the_last_one_ended() -> None:
    bars = {}
    for line in to_text(BASE).splitlines():
        for name in (PRIOR, "given name", "address"):
            if line.startswith(f"  {name}"):
                start = next((at for at, c in enumerate(line) if line[at : at + 2] in ("++", "--")), None)
                end = max((at for at, c in enumerate(line) if c in "+-"), default=None)
                bars[name] = (start, end)
    # 10 bits take 35 characters: from 0 down by 10, up by 7, down by 3.
    (left, right), (up, top), (down, low) = bars[PRIOR], bars["given name"], bars["address"]
    assert right - left + 1 == pytest.approx(10 * 3.5, abs=1)
    assert up == pytest.approx(left, abs=1)
    assert top - up + 1 == pytest.approx(7 * 3.5, abs=1)
    assert low == pytest.approx(top, abs=1)
    assert low - down + 1 == pytest.approx(3 * 3.5, abs=1)
    assert "not known" in to_text(BASE)


def test_the_picture_ends_at_the_sum() -> None:
    marks = chart(FALL).marks
    words = [mark.words for mark in marks if mark.tag == "text"]
    assert words[-1] == "-7.00"
    assert {"prior", "given name", "gender", "address", HOUSEHOLD, "sum"} <= set(words)
    bars = [mark for mark in marks if mark.tag == "bar"]
    assert [bar.fill for bar in bars] == ["none", "link", "review", "review", "review", "box-link"]


def test_the_page_says_whether_it_holds_values() -> None:
    assert "no names, NHS numbers or record ids" in render(BASE)
    shown = render(replace(BASE, values=({"family_name": ("Featherstone", None)},)))
    assert "Featherstone" in shown
    assert "This page holds personal data" in shown


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.5, "50.00%"),
        (0.99995, "99.995%"),
        (1 - 1e-8, "over 99.9999%"),
        (1e-8, "under 0.0001%"),
    ],
)
def test_no_share_is_rounded_to_certainty(share: float, words: str) -> None:
    assert probability(share) == words


@pytest.mark.parametrize(("share", "words"), [(0.25, "25.0%"), (0.004, "1 in 250"), (1 / 123_456, "1 in 120,000")])
def test_small_shares_are_one_in_so_many(share: float, words: str) -> None:
    assert one_in(share) == words
