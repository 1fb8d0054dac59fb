"""Periods, lists, and what a project's measures.toml may say."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretrace.measures import lists
from caretrace.measures.declared import measures, named
from caretrace.measures.period import By, newest, period, quarter, year
from caretrace.measures.settings import Settings, load
from schemas.errors import SettingsError


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2025-26", date(2025, 4, 1), date(2026, 3, 31)),
        ("1999-00", date(1999, 4, 1), date(2000, 3, 31)),
        ("2025-26 Q1", date(2025, 4, 1), date(2025, 6, 30)),
        ("2025-26q3", date(2025, 10, 1), date(2025, 12, 31)),
        ("2023-24 Q4", date(2024, 1, 1), date(2024, 3, 31)),
    ],
)
def test_periods(name: str, first: date, last: date) -> None:
    found = period(name)
    assert (found.first, found.last) == (first, last)


@pytest.mark.parametrize("name", ["2025", "2025-27", "2025-26 Q5", "25-26", "", "2025-26 Q", "\u0662025-26"])
def test_what_is_no_period_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="is no period"):
        period(name)


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)))
def test_the_newest_periods_are_complete_and_follow_each_other(until: date) -> None:
    for by, count in ((By.YEAR, 2), (By.QUARTER, 4)):
        found = newest(by, until)
        assert len(found) == count
        assert all(a.last + timedelta(days=1) == b.first for a, b in pairwise(found))
        after = found[-1].last + timedelta(days=1)
        assert after <= until < after + timedelta(days=366 if by is By.YEAR else 92)
        assert all(period(each.name) == each for each in found)


@given(st.integers(1900, 2100))
def test_quarters_make_the_year_and_twelve_months_up_to_the_last_are_it(begins: int) -> None:
    quarters = [quarter(begins, n) for n in (1, 2, 3, 4)]
    assert (quarters[0].first, quarters[-1].last) == (year(begins).first, year(begins).last)
    assert quarters[-1].window(12) == year(begins).window(None)


def test_every_list_of_avoidable_conditions_is_of_codes_with_a_source() -> None:
    assert set(lists.acsc_lists()) == {"nhs-institute-19", "nhsof-2.3.i", "nhsof-3a"}
    for each in lists.acsc_lists().values():
        assert each.source
        assert each.standing
        codes = [code for _, code in each.codes]
        assert len(set(codes)) == len(codes)
        # No code lies within another of its list, so no condition counts twice.
        assert not [code for code in codes for other in codes if code != other and code.startswith(other)]


@pytest.mark.parametrize(
    ("service_type", "component", "kind"),
    [
        ("Long term support: Community", "Home support or domiciliary care", "community"),
        ("Long Term Support: Community", "", "community"),
        ("Long term support: Residential care", "Short term residential care", "short stay"),
        ("Short Term Support: ST-Max", "", "reablement"),
        ("", "Reablement", "reablement"),
        ("Long term support: Community", "Reablement", "community"),
        ("Carer Support: Direct to Carer", "", "for a carer"),
        ("Home help", "", "community"),
        ("Long term support: Community", "Home help", "community"),
        ("Meals", "", lists.NOT_KNOWN),
        ("", "", lists.NOT_KNOWN),
    ],
)
def test_kinds_of_service(service_type: str, component: str, kind: str) -> None:
    assert lists.kind_of(service_type, component, {"homehelp": "community"}) == kind


def settings_of(folder: Path, text: str) -> Settings:
    path = folder / "measures.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_what_a_project_may_say(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "t"\nsource = "s"\nstanding = "x"\ntransfers_count = true\n'
        '[[condition]]\nname = "asthma"\ncodes = ["J45"]\n'
    )
    found = settings_of(
        tmp_path,
        'acsc_lists = ["own.toml"]\n[measures.local_metric]\nmin_age = 80\nacsc_list = "own"\n'
        '[services]\n"Home-Help" = "community"\n[cost_units]\n"per Night" = 7\n[areas]\nts1 = "North"\n'
        '[segments]\nname = "mine"\nversion = 3\n[[segments.segment]]\nname = "all"\n',
    )
    assert found.of(measures()["local_metric"])["min_age"] == 80
    assert found.services == {"homehelp": "community"}
    assert found.cost_units["pernight"] == 7
    assert found.areas == {"TS1": "North"}
    assert [each.name for each in found.segments.segments] == ["all"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[measure]\n", "is no section"),
        ("[measures.local]\n", "there is no measure 'local'"),
        ("[measures.local_metric]\nage = 3\n", "has no parameter 'age'"),
        ('[measures.local_metric]\nmin_age = "80"\n', "is of another kind"),
        ('[measures.local_metric]\nacsc_list = "none"\n', "there is no list of avoidable conditions 'none'"),
        ('[services]\nMeals = "food"\n', "is no kind of service"),
        ('[cost_units]\nnight = "some"\n', 'is neither units a week, nor "planned"'),
        ('[areas]\nTS1 = "All"\n', "an area may not be called All"),
        ('[segments]\nname = "x"\n', "segments need a name"),
        (
            '[segments]\nname = "x"\nversion = 1\n[[segments.segment]]\nname = "a"\nservices = ["x"]\n',
            "no kind of service",
        ),
        ('acsc_lists = ["gone.toml"]\n', "there is no such file"),
        ("x = \n", "not TOML that can be read"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        settings_of(tmp_path, text)


def test_the_settings_of_the_page_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "measures.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    own = Path(lists.__file__).parent / "lists" / "acsc-nhsof-3a.toml"
    (tmp_path / "our-acsc.toml").write_text(own.read_text(encoding="utf-8"), encoding="utf-8")
    found = settings_of(tmp_path, example)
    assert found.of(measures()["local_metric"])["acsc_list"] == "nhsof-3a"
    assert found.cost_units["pernight"] == 7
    assert all(f"`{name}`" in page for name in (*measures(), *lists.acsc_lists()))
    assert all(kind in page for kind in lists.kinds())


def test_measures_are_found_by_name() -> None:
    assert [each.name for each in named(())] == sorted(measures())
    assert [each.name for each in named(("local_metric", "local_metric"))] == ["local_metric"]
    with pytest.raises(SettingsError, match="there is no measure 'x'"):
        named(("x",))
