"""The bench of releases: what it promises, and when that is kept."""

from __future__ import annotations

from typing import Any

import page
import pytest
import release

KEPT = [60.0, 2000.0, 8.0, 5.0, 5.0, 500.0]


def figures(seconds: float, megabytes: float, alone: float, log: float, script: float, rate: float) -> Any:
    taken = [(seconds, megabytes), (alone, 1.0), (log, 1.0), (script, 1.0), (9.0, 1.0)]
    made = {f"part {n}": {"seconds": s, "cpu": None, "megabytes": m} for n, (s, m) in enumerate(taken)}
    made["part 4"]["rates"] = {"1": 3.0, "50": rate, "500": 9000.0}
    return made


def test_every_promise_can_be_kept() -> None:
    assert [holds for _, holds in release.promises(figures(*KEPT))] == [True] * 6


@pytest.mark.parametrize("broken", range(6))
def test_each_promise_can_be_broken_alone(broken: int) -> None:
    values = [value * (1.01 if at != 5 else 0.99) if at == broken else value for at, value in enumerate(KEPT)]
    assert [holds for _, holds in release.promises(figures(*values))] == [at != broken for at in range(6)]


def test_the_page_gets_the_figures_between_its_marks(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"before\n{release.MARK}\nold\n{release.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", path)
    release.write(figures(*KEPT[:5], 499.0))
    text = path.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| part 0 | 60.0 | - | 2,000 |" in text
    assert "| 50 | 499 |" in text
    assert text.count("**not kept**") == 1


def test_the_page_has_the_marks() -> None:
    text = page.PAGE.read_text("utf-8")
    assert text.index(release.MARK) < text.index(release.END) < text.index(page.MARK)
