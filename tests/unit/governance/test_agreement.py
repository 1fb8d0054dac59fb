"""Agreements from TOML: what is wrong is said with file and field, never as a traceback."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from governance import agreement, example, release
from governance.deidentify.columns import RELEASABLE
from schemas.errors import Refused, SettingsError

if TYPE_CHECKING:
    from conftest import Kit

FIXTURES = Path(__file__).parents[3] / "fixtures" / "agreements"
DAY = date(2026, 11, 20)
TEXT = example.agreement_text(DAY)


def test_the_example_loads(tmp_path: Path) -> None:
    found = agreement.load(example.write(tmp_path, [], today=DAY))
    assert found.agreement.id == "DSA-EXAMPLE-01"
    assert len(found.sha256) == 64


# what, text replaced, its replacement, words of the message
FAULTS = [
    ("a key misspelt", "max_age_days", "max_age_day", "choices.max_age_day: Extra inputs"),
    ("a key missing", 'version = "1.0"\n', "", "version: Field required"),
    ("not a date", "review_date = 2027-04-19", 'review_date = "soon"', "dates.review_date: Input should"),
    ("not a form", '"pseudonymised_limited"', '"open"', "data.form: Input should be 'aggregate'"),
    ("no justification", '"Providers are commissioned by place."', '"  "', "data.tables.1.fields.3.justification"),
    ("unknown table", 'name = "service"', 'name = "servcie"', "unknown table 'servcie'"),
    ("a table of choices", 'name = "service"', 'name = "opt_out"', "unknown table 'opt_out'"),
    ("unknown field", 'name = "gender"', 'name = "sex"', "unknown field 'person.sex'"),
    ("our own key", 'name = "gender"', 'name = "person_key"', "unknown field 'person.person_key'"),
    ("a field of provenance", 'name = "gender"', 'name = "extract_line"', "unknown field 'person.extract_line'"),
    ("unknown transform", '"five_year_band"', '"blur"', "unknown transform 'blur' for 'person.birth_date'"),
    ("transform does not fit", 'transform = "district"', 'transform = "month"', "does not fit 'person.postcode'"),
    ("a field twice", 'name = "gender"', 'name = "postcode"', "lists a field twice"),
    ("a table twice", 'name = "service"', 'name = "person"', "unknown field 'person.event_id'"),
    ("too old a list", "max_age_days = 7", "max_age_days = 70", "choices.max_age_days"),
    ("k of none", "k = 5", "k = 0", "disclosure.k"),
    ("an id that cannot name a key", '"DSA-EXAMPLE-01"', '"a|b"', "id: has to be of letters, digits"),
    ("another format", "format = 2", "format = 3", "format: Input should be less"),
    ("approved by name only", "format = 2", "format = 1", "have it signed"),
    ("no key", "ed25519:", "rsa:", "parties.1.signatories.1.key: String should match"),
    ("a name on two lines", '"Example Guardian of the Council"', '"Example\\nGuardian"', "signatories.1.name"),
    ("not TOML", "[dates]", "[dates", "not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "old", "new", "words"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_fault_is_told_with_file_and_field(tmp_path: Path, what: str, old: str, new: str, words: str) -> None:
    assert old in TEXT
    path = tmp_path / "agreement.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        agreement.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "words"), [(None, "cannot be read"), (b"\xff\xfe", "not UTF-8"), (b"", "Field required")]
)
def test_a_file_that_is_no_agreement(tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "agreement.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SettingsError, match=words):
        agreement.load(path)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "agreement.toml"
    path.write_text(TEXT.replace("k = 5", "k = 0").replace('id = "DSA', 'idd = "DSA'), encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        agreement.load(path)
    assert all(words in str(error.value) for words in ("disclosure.k", "id: Field required", "idd: Extra"))


def test_choices_and_what_is_set_aside_never_leave() -> None:
    assert not {"opt_out", "objection", "set_aside", "data_quality"} & set(RELEASABLE)


def test_the_committed_agreement_is_the_one_the_code_makes() -> None:
    assert (FIXTURES / "commissioning-pseudonymised.toml").read_text("utf-8") == TEXT


def test_the_committed_list_allows_most_people_of_the_fixtures_and_not_all() -> None:
    allowed = {line.strip(" ,") for line in (FIXTURES / example.LIST_NAME).read_text("ascii").splitlines()}
    for path in sorted((FIXTURES.parent / "truth").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            people = {row["nhs_number"] for row in csv.DictReader(file) if row["nhs_number"]}
        assert 0.75 < len(people & allowed) / len(people) < 1, path.name


@pytest.mark.parametrize(
    ("name", "against"),
    [
        ("commissioning-pseudonymised", []),
        ("direct-care", []),
        ("publication-aggregate", []),
        ("refused", ["R03", "R04", "R07", "R11", "R12", "R13", "R21", "R31", "R32", "R36"]),
    ],
)
def test_the_committed_agreements_give_what_they_are_for(kit: Kit, name: str, against: list[str]) -> None:
    people = kit.crowd()
    for n, who in enumerate(people):
        who.person = {"birth_date": date(1940 + n % 2, 1, 1 + n)}
    desk = kit.desk(people)
    shutil.copytree(FIXTURES, desk.root / "fixtures")
    desk.agreement = desk.root / "fixtures" / f"{name}.toml"
    planned = desk.plan(today=DAY)
    if against:
        with pytest.raises(Refused) as refused:
            release.check(planned)
        assert sorted(reason.partition(":")[0] for reason in refused.value.reasons) == against
    else:
        release.check(planned)
        assert planned.people == 12
