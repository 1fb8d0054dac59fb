"""A model as a file: written the same every time, and read as something to be distrusted."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from linkage.comparison import Level
from linkage.default import default_model
from linkage.model import Bands
from linkage.model_diff import diff
from linkage.model_file import LEVEL_ATTRIBUTES, dumps, findings, from_facts, load
from schemas.errors import SettingsError

Facts = dict[str, Any]


def custom(condition: str = "l.given = r.given", **more: Any) -> Facts:
    """A model file with one comparison of its own."""
    best = {"level": "same", "meaning": "the same", "condition": condition, "m": 0.9, "u": 0.1, "h": 0.1, **more}
    rest = {"level": "other", "meaning": "another", "condition": "true", "m": 0.1, "u": 0.9, "h": 0.9}
    comparison = {"comparison": "own", "role": "given", "unknown": "l.given IS NULL", "levels": [best, rest]}
    return {
        "format": 2,
        "in_register": 0.9,
        "household": 1.5,
        "bands": None,
        "comparisons": [comparison],
        "provenance": {},
    }


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = replace(default_model(), bands=Bands(0.97, 0.3), provenance={"origin": "trained", "b": 1, "a": [1, 2]})
    path = tmp_path / "model.json"
    path.write_text(dumps(model), encoding="utf-8", newline="\n")
    back = load(path)
    assert back == model
    assert back.model_id == model.model_id
    assert dumps(back) == dumps(model)


def test_the_order_of_provenance_changes_no_byte() -> None:
    one, other = ({"b": 1, "a": 2}, {"a": 2, "b": 1})
    assert dumps(replace(default_model(), provenance=one)) == dumps(replace(default_model(), provenance=other))


def test_a_condition_is_run_as_it_was_read_and_not_as_it_was_written() -> None:
    model = from_facts(custom("l.given=r.given -- whatever"))
    assert model.comparisons[0].comparison.levels[0].condition == "(l.given = r.given)"
    assert from_facts(json.loads(dumps(model))).model_id == model.model_id


def broken(change: Callable[[Facts], object]) -> Facts:
    facts = custom()
    change(facts)
    return facts


def own(facts: Facts) -> Facts:
    return facts["comparisons"][0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (custom("read_csv('x') IS NULL"), r"comparison 1 \('own'\), level 1: the condition calls read_csv"),
        (custom("(SELECT true)"), "level 1: the condition holds a subquery"),
        (custom("true; DROP TABLE link"), "level 1: the condition is not one expression"),
        (custom("l.key = r.key"), "reads l.key"),
        (custom("l.given"), "takes a text for true or false"),
        (custom("l.gender = 'M'"), "DuckDB does not take the condition"),
        (custom(7), "level 1: it has no condition"),  # type: ignore[arg-type]
        (custom(frequency="1; DROP TABLE link"), "its frequency must be one of given_u"),
        (custom(at_least="1) -- "), "its at_least must be one of given_u"),
        (custom(weight=2), "it has a key that no level has; the keys are among, at_least, condition"),
        (custom(stance="maybe"), "its stance must be one of agrees, differs"),
        (custom(namesakes_reach="yes"), "namesakes_reach true or false"),
        (custom(m=0), r"level 1 \('same'\): m must be a number above 0 and up to 1"),
        (custom(m=1.2), "m must be a number"),
        (custom(u="0.1"), "u must be a number"),
        (custom(h=True), "h must be a number"),
        (custom(h=float("nan")), "h must be a number"),
        (custom(m=0.09), "its m add up to 0.19, and should to 1"),
        (custom(level="it's"), "without quotes"),
        (custom(level=""), "1 to 100 characters"),
        (custom(level="other"), "two of its levels have one name"),
        (broken(lambda f: own(f).update(comparison="own'); DROP")), "letters, digits and spaces"),
        (broken(lambda f: own(f).update(role="colour")), "its role must be one of given"),
        (broken(lambda f: own(f).update(levels=[])), "no object with a list of levels"),
        (broken(lambda f: own(f).update(levels=["same"])), "level 1: it is no object"),
        (broken(lambda f: own(f).update(unknown="exists(from link)")), "unknown: the condition holds a subquery"),
        (broken(lambda f: own(f)["levels"][1].update(condition="l.given <> r.given")), "last level must be true"),
        (broken(lambda f: f["comparisons"].append(own(f))), "two comparisons of the model have one name"),
        (broken(lambda f: f.update(comparisons={})), "no list of comparisons"),
        (broken(lambda f: f.update(comparisons=[])), "no comparison"),
        (broken(lambda f: f.update(format=1)), "has format 1, this version reads 2"),
        (custom(level="\x1b[2J"), "without quotes"),
        (broken(lambda f: f.update(household=float("inf"))), "household is no number"),
        (broken(lambda f: f.update(household="1.5")), "household is no number"),
        (broken(lambda f: f.update(comparisons=f["comparisons"] * 51)), "51 comparisons, more than 50"),
        (broken(lambda f: own(f).update(levels=own(f)["levels"] * 51)), "102 levels, more than 100"),
        (broken(lambda f: f.update(in_register=1)), "in_register must lie between"),
        (broken(lambda f: f.update(bands={"link_at": 0.2, "review_at": 0.9})), "bands must rise"),
        (broken(lambda f: f.pop("household")), "lacks a part"),
        (broken(lambda f: own(f).pop("unknown")), "is none of ours"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(facts: Facts, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        from_facts(facts)


def test_a_comparison_the_wrong_way_round_is_refused() -> None:
    facts = custom(m=0.1, u=0.9, h=0.9)
    own(facts)["levels"][1].update(m=0.9, u=0.1, h=0.1)
    with pytest.raises(SettingsError, match="are its levels reversed"):
        from_facts(facts)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", r"model\.json: is no JSON: .* in line 1, column 2"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"[1]", "holds no JSON object"),
        (b"[" * 100_000, "is nested too deeply|is no JSON"),
        (b'{"comparisons": [{"comparison_levels": []}]}', "this is a Splink model; .*caretrace model import"),
        (b"{}", r"model\.json: this is no model"),
    ],
)
def test_what_is_no_model_file_says_what_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=reason):
        load(path)


def test_every_attribute_of_a_level_is_one_that_is_checked() -> None:
    """A new one may become a part of a query: check it in `linkage.model_file`, then name it there."""
    assert {each.name for each in fields(Level)} - {"name"} == LEVEL_ATTRIBUTES


def test_oddities_are_told_and_not_refused() -> None:
    assert findings(default_model()) == ()
    facts = custom(u=0.05)
    own(facts)["levels"].insert(1, {"level": "more", "condition": "l.given > r.given", "m": 1e-4, "u": 0.5, "h": 0.1})
    found = findings(from_facts(facts))
    assert [each for each in found if "its u add up to 1.45" in each]
    assert [each for each in found if "all but forbidden is a link at more (-12.29 bits)" in each]


def test_two_models_are_compared_in_bits() -> None:
    a = default_model()
    exact, *others = a["given name"].levels
    moved = replace(exact, m=exact.m / 2)
    b = replace(
        a.with_weights(replace(a["given name"], levels=(moved, *others))), bands=Bands(0.97, 0.3), in_register=0.95
    )
    assert diff(a, a) == ()
    found = {each.place: (each.before, each.after) for each in diff(a, b)}
    before, after = found["given name, exact"]
    assert before is not None and after is not None
    assert before - after == pytest.approx(1.0)
    assert found["link band"] == (None, 0.97)
    assert set(found) == {
        "odds of being in the register",
        "link band",
        "review band",
        "given name, exact",
        "given name, exact, against a relative",
    }


def test_levels_that_one_model_lacks_and_levels_that_ask_something_else_are_told() -> None:
    a, b = from_facts(custom()), from_facts(custom("l.given_root = r.given_root"))
    assert [each.place for each in diff(a, b)] == ["own, same: asks something else"]
    lacking = {each.place: (each.before, each.after) for each in diff(a, default_model())}
    assert lacking["own, same"] == (pytest.approx(3.17, abs=0.01), None)
    assert lacking["gender, same"][0] is None


def test_the_example_of_the_guide_is_a_model() -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text("utf-8")
    start = page.index('{"comparison": "second name"')
    facts, _ = json.JSONDecoder().raw_decode(page[start:])
    (weights,) = from_facts({**custom(), "comparisons": [facts]}).comparisons
    assert weights.comparison.name == "second name"
