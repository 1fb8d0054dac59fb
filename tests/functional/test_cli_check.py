"""`caretrace check`: what is in extracts, in words and as JSON, the lists it writes, and what changed since."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from caretrace.cli import main

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_in_words(caretrace: Any, people: Path) -> None:
    done = caretrace("check", people / "clients.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert "clients.csv: standard" in done.stdout
    assert "150 records = 150 used + 0 rejected + 0 excluded" in done.stdout
    assert "\nstandard, clients: 150 people\n  records  share  look   what\n" in done.stdout
    assert "  soon   no NHS number\n" in done.stdout


def test_as_json_alone_on_stdout(caretrace: Any, people: Path) -> None:
    done = caretrace("check", people / "clients", "--as", "standard", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert {each["table"] for each in facts["read"]["files"]} == {"PERSON", "ADDRESS", "SERVICE"}
    (source,) = facts["quality"]["sources"]
    assert source["records"] == 150
    assert all(f["present"] + f["missing"] + f["refused"] == 150 for f in source["fields"])


@pytest.fixture(scope="module")
def checked(caretrace: Any, people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a check of both sides writes."""
    out: Path = tmp_path_factory.mktemp("checks") / "one"
    arguments = ("--register", people / "register.csv", "--out", out, "--xlsx", "--as-at", "2026-11-22")
    done = caretrace("check", people / "clients.csv", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"written: {out / 'quality.html'}\n")
    assert "register: 1,500 records read = " in done.stdout
    assert "\nshare: of the records; of what another system contradicts" in done.stdout
    return out


def test_what_it_writes(checked: Path) -> None:
    names = {path.relative_to(checked).as_posix() for path in checked.rglob("*") if path.is_file()}
    lists = {f"to_fix/standard-{side}.{kind}" for side in ("clients", "register") for kind in ("csv", "xlsx")}
    assert names == {"quality.html", "quality.json", *lists}
    if os.name != "nt":
        assert {(checked / name).stat().st_mode & 0o777 for name in names} == {0o600}


def test_the_page_says_what_is_odd_about_a_file(caretrace: Any, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("record_id,family_name,colour\n1,Ng,blue\n", encoding="utf-8")
    done = caretrace("check", tmp_path / "odd.csv", "--out", tmp_path / "check")
    assert done.returncode == 0
    page = (tmp_path / "check" / "quality.html").read_text(encoding="utf-8")
    assert "<td>columns not used: colour; columns absent: " in page


def test_lists_and_figures_agree(checked: Path) -> None:
    figures = json.loads((checked / "quality.json").read_text(encoding="utf-8"))["quality"]["figures"]
    counted = {(f["kind"], f["side"]): f["records"] for f in figures}
    for side in ("clients", "register"):
        with (checked / "to_fix" / f"standard-{side}.csv").open(encoding="utf-8-sig", newline="") as file:
            kinds = [row["kind"] for row in csv.DictReader(file)]
        assert kinds
        assert {kind: kinds.count(kind) for kind in kinds} == {kind: counted[kind, side] for kind in kinds}


def test_what_changed_since(caretrace: Any, people: Path, checked: Path) -> None:
    both = (people / "clients.csv", "--register", people / "register.csv", "--as-at", "2026-11-22")
    done = caretrace("check", *both, "--previous", checked, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert {change["direction"] for change in json.loads(done.stdout)["trend"]["changes"]} == {"same"}


def test_a_run_is_an_earlier_state_too(caretrace: Any, people: Path, run_folder: Path) -> None:
    done = caretrace("check", people / "clients", "--previous", run_folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "● as before  soon   no NHS number\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--out", "{people}"), 1, "exists already; give --out a new name"),
        (("--previous", "{people}"), 1, "not a finished run"),
        (("--register", "{people}/nothing.csv"), 1, "no such file"),
        (("--xlsx",), 2, "it needs --out"),
        (("--register-as", "x.csv=emis"), 2, "none of the registers given"),
    ],
)
def test_what_it_refuses(
    people: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    given = ["check", str(people / "clients.csv"), *(each.format(people=people) for each in arguments)]
    assert main(given) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_a_run_says_what_was_mended_since(caretrace: Any, people: Path, run_folder: Path, tmp_path: Path) -> None:
    both = ("link", people / "clients", people / "register.csv", "--out", tmp_path / "two", "--as-at", "2026-11-22")
    refused = caretrace(*both, "--previous", people)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert caretrace(*both, "--previous", run_folder).returncode == 0
    page = (tmp_path / "two" / "report.html").read_text(encoding="utf-8")
    assert "Before: one, as at 2026-11-22." in page
    assert "● as before" in page


def test_a_register_has_settings_of_its_own(caretrace: Any, people: Path, tmp_path: Path) -> None:
    habits = tmp_path / "habits.toml"
    habits.write_text('source = "sus"\nrecord_types = []\n', encoding="utf-8")
    hospital = FIXTURES / "sus"
    both = (people / "clients.csv", "--register", people / "register.csv", "--register", hospital, "--json")

    def used(*options: object) -> int:
        done = caretrace("check", *both, *options)
        assert done.returncode == 0
        return sum(file["used"] for file in json.loads(done.stdout)["register"]["files"])

    assert used("--register-map", f"{hospital}={habits}") < used()


def test_a_practice_is_left_out_knowingly(caretrace: Any) -> None:
    fixtures = Path(__file__).parents[2] / "fixtures"
    register = ("check", fixtures / "carefirst", "--register", fixtures / "emis", "--json")
    both, one = caretrace(*register), caretrace(*register, "--without", "Y90001")
    assert (both.returncode, one.returncode) == (0, 0), both.stderr + one.stderr
    assert "Y90001" in both.stdout
    assert '"source_org": "Y90001"' not in one.stdout
    slip = caretrace(*register, "--without", "Y90099")
    assert slip.returncode == 1
    assert "Y90099" in slip.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--feed", "delta"), 0, "2 people"),
        (("--as", "standard", "--feed", "full"), 1, "no standard person file found"),
        (
            ("--register", "{here}/../../standard/clients.csv", "--register-feed", "full"),
            1,
            "Changes alone are for `caretrace run`",
        ),
        (("--feed", "everything"), 2, "'everything' is not one of 'full', 'delta'"),
        (("--register", "{here}", "--register-feed", "{here}=sometimes"), 2, "'sometimes' is neither full nor delta"),
        (("--register", "{here}", "--register-feed", "nowhere=full"), 2, "nowhere is none of the registers given"),
    ],
)
def test_what_a_delivery_is_can_be_said(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    here = FIXTURES / "emis_delta" / "2026-10-03"
    given = [each.replace("{here}", str(here)) for each in arguments]
    assert main(["check", str(here), *given]) == code
    said = capsys.readouterr()
    assert words in " ".join((said.out + said.err).replace("│", "").split())
