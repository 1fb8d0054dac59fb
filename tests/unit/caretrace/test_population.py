"""A population's names: read with care, and believed where the register is too small to say."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from caretrace import Matcher, link
from caretrace.population import read
from schemas.errors import InputError, SettingsError

GOOD = "name_type,name,people\ngiven,Ann,1000\nGiven, Ann ,500\nfamily,O'Brien,12\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "names.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD, GOOD + "\n\n", "note,people,name,name_type\n,1500,Ann,given\n"],
)
def test_names_are_counted_together(tmp_path: Path, text: str) -> None:
    assert read(write(tmp_path, text)).people["given", "Ann"] == 1500


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "lacks the columns name_type, name, people"),
        ("name_type,name\ngiven,Ann\n", "lacks the columns people"),
        ("name_type,name,people\n", "holds no names"),
        ("name_type,name,people\nfirst,Zebedee,3\n", "line 2: name_type must be given or family"),
        ("name_type,name,people\ngiven,,3\n", "line 2: the name is empty"),
        ("name_type,name,people\ngiven,Ann,3\ngiven,Zebedee,1.5\n", "line 3: people must be a whole number above 0"),
        ("name_type,name,people\ngiven,Zebedee,0\n", "line 2: people must be"),
        ("name_type,name,people\ngiven,Zebedee\n", "line 2: the line has fewer columns"),
        (b"name_type,name,people\ngiven,Ren\xe9,1\n", "is not UTF-8"),
    ],
)
def test_a_faulty_file_is_refused_by_line_and_without_the_name(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read(write(tmp_path, text))
    assert said in str(caught.value)
    assert "Zebedee" not in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "absent.csv")


def test_a_small_register_believes_the_population(tmp_path: Path) -> None:
    """In a register of ten nobody is rare; whoever bears a rare name is better evidence than a common one."""
    columns = ("record_id", "given_name", "family_name", "birth_date", "postcode")
    people = [(str(n), "Ann", "Smith" if n % 2 else f"Smyth{chr(97 + n)}", f"19{30 + n}-07-09", "") for n in range(10)]
    for side in ("clients", "register"):
        rows = [",".join((*columns, *(["nhs_number"] if side == "register" else [])))]
        rows += [",".join((*row, *([""] if side == "register" else []))) for row in people]
        (tmp_path / f"{side}.csv").write_text("\n".join(rows) + "\n")
    names = write(tmp_path, "name_type,name,people\ngiven,Ann,300000\nfamily,Smith,600000\nfamily,Smythc,7\n")
    files = (tmp_path / "clients.csv", tmp_path / "register.csv")

    def weights(population: Path | None, out: str) -> dict[str, float]:
        found = link(*files, population=population, as_at=date(2026, 11, 22), out=tmp_path / out)
        return {row["record_id"]: row["weight"] for row in found.links.to_pylist()}

    without, with_names = weights(None, "without"), weights(names, "with")
    assert with_names["2"] - with_names["1"] > without["2"] - without["1"] + 3
    manifest = json.loads((tmp_path / "with" / "manifest.json").read_text())
    assert manifest["settings"]["population"]["names"] == 3
    assert manifest["run_id"] != json.loads((tmp_path / "without" / "manifest.json").read_text())["run_id"]


def test_the_look_up_refuses_a_model_whose_names_it_cannot_weigh(tmp_path: Path) -> None:
    from dataclasses import replace

    from linkage import default_model

    (tmp_path / "register.csv").write_text("record_id,given_name,family_name,birth_date\n1,Ann,Lee,1931-07-09\n")
    model = replace(default_model(), provenance={"names lean on": "a population"})
    with pytest.raises(SettingsError, match="without --population"):
        Matcher(tmp_path / "register.csv", model=model)
