"""What a mapping may say: layer over layer, and every slip of the pen by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.suppliers.mapped import PROFILES, load, profile_of
from connectors.suppliers.mapped.fields import KINDS
from connectors.suppliers.mapped.settings import read_mapping
from schemas.errors import SettingsError

DOCS = Path(__file__).parents[3] / "docs" / "connectors"
PROFILE_FILES = Path(__file__).parents[3] / "connectors" / "suppliers" / "profiles"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    return tmp_path / "map.toml"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_makes_a_supplier_in_under_a_hundred_lines(profile: str) -> None:
    assert load(profile).name == profile
    assert len((PROFILE_FILES / f"{profile}.toml").read_text(encoding="utf-8").splitlines()) < 100


@pytest.mark.parametrize("profile", ["carefirst", "swift", "eclipse", "mosaic", "liquidlogic"])
def test_every_profile_says_where_its_layout_comes_from_and_has_a_page(profile: str) -> None:
    assert "layout" in (load(profile).note or "")
    assert (DOCS / f"{profile}.md").is_file()


def test_the_page_on_mappings_names_every_kind_and_field() -> None:
    page = (DOCS / "mapping.md").read_text(encoding="utf-8")
    assert [name for kind, fields in KINDS.items() for name in (kind, *fields) if f"`{name}`" not in page] == []


def test_what_a_mapping_does_not_name_it_leaves(mapping: Path) -> None:
    mapping.write_text(
        'source = "mosaic"\ndates = ["dd/mm/yyyy"]\n[columns]\nperson_id = "Ref"\n'
        '[kinds.phone.columns]\nphone = "Tel"\n'
        '[words.gender]\nw = "2"\n[leave_out]\nduplicate = {}\n',
        encoding="utf-8",
    )
    made, shipped = read_mapping("mosaic", mapping), read_mapping("mosaic")
    assert {name: kind.columns["person_id"] for name, kind in made.kinds.items()} == dict.fromkeys(KINDS, ("Ref",))
    assert made.kinds["phone"].columns["phone"] == ("Tel",)
    assert made.kinds["address"].columns["address"] == shipped.kinds["address"].columns["address"]
    assert (made.unknown, made.name_flags) == (shipped.unknown, shipped.name_flags)
    assert made.words["gender"] == {"w": "2"}
    assert len(made.leave_out) == len(shipped.leave_out) - 1  # an empty entry takes a shipped one away


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('source = "other"\nperson_id_digits = "six"', "not as docs/connectors/mapping.md describes it"),
        ('source = "other"\nfull_name_order = "backwards"', "'backwards' is not allowed; it is one of given family"),
        ('source = "other"\nestimated_birth_date = "D"', "'D' is not allowed"),
        ('source = "other"\nplaceholder_births = ["1/1/1900"]', "not as docs/connectors/mapping.md describes it"),
        ('source = "other"\n[columns]\nsurname = "X"', "unknown column: surname"),
        ('source = "other"\n[address_types]\nabroad = ["X"]', "unknown address_types: abroad"),
        ('source = "other"\n[words.gender]\nx = "7"', "words.gender: '7' is not allowed"),
        ('source = "other"\n[leave_out.x]\ntitle = "X"', "unknown setting of leave_out.x: title"),
        ('source = "other"\n[leave_out.x]\nfield = "shoe"\nbecause = "b"', "unknown field of leave_out.x: shoe"),
        ('source = "other"\n[leave_out.phone]\ntitles = "X"\nbecause = "b"', "is no field's"),
        ('source = "Our System!"\nprofile = "other"', "source must be a short name in small letters"),
    ],
)
def test_slips_are_named(mapping: Path, text: str, sentence: str) -> None:
    mapping.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as failed:
        load(profile_of(mapping), mapping)
    assert str(failed.value).startswith(f"{mapping}: ")
    assert sentence in str(failed.value)


def test_a_system_of_its_own_says_which_profile_it_changes(mapping: Path) -> None:
    mapping.write_text('source = "northshire"', encoding="utf-8")
    with pytest.raises(SettingsError, match='needs profile = "other" beside it'):
        profile_of(mapping)
    mapping.write_text('source = "northshire"\nprofile = "swift"', encoding="utf-8")
    assert load(profile_of(mapping), mapping).name == "northshire"
