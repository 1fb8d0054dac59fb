"""The bench of nights: what it says, and when its promise is kept."""

from __future__ import annotations

from typing import Any

import nights
import pytest


def taken(seconds: float, cpu: float | None = None, **more: Any) -> dict[str, Any]:
    return {"seconds": seconds, "cpu": cpu, "megabytes": 500.0, "stages": {"link": seconds / 2}, **more}


@pytest.mark.parametrize(
    ("night", "kept", "words"),
    [
        ([taken(10.0, 20.0)], True, "0.100 of its seconds, 0.100 of its cpu"),
        ([taken(10.1, 20.0)], False, "0.101 of its seconds"),
        ([taken(90.0, 20.0), taken(9.0, 18.0), taken(8.0, 20.0)], True, "0.090 of its seconds, 0.100 of its cpu"),
    ],
)
def test_a_night_is_measured_by_the_full_run(
    night: list[dict[str, Any]], kept: bool, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"full": taken(100.0, 200.0), "weekly": night, "nightly": [taken(30.0, 60.0)]}
    assert nights.report(figures, "two lists") is kept
    said = capsys.readouterr().out
    assert words in said
    assert "tables nightly: 0.300 of its seconds, 0.300 of its cpu" in said
    assert ("NOT KEPT" in said) is not kept


def test_what_the_system_does_not_tell_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert nights.report(
        {"full": taken(100.0), "weekly": [taken(5.0)], "nightly": [taken(9.0)], "link": taken(50.0)}, "two lists"
    )
    said = capsys.readouterr().out
    assert "of its cpu" not in said
    assert "link" in said
