"""The codes of opt-outs: as shipped, and as a council changes them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from connectors import Source
from connectors.suppliers import gp_codes
from schemas.errors import SettingsError
from tests.spec.gp.emis import CODES, OBSERVATION, PATIENT, emis
from tests.spec.gp.reading import load, table


def test_a_council_changes_the_code_list(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text(
        'source = "emis"\n'
        '[says."our own flag"]\nscheme = "local"\nopted_out = true\n'
        '[[code]]\nsays = "our own flag"\nsnomed = "75367002"\nstanding = "assumed"\n'
        '[[code]]\nsays = "nothing"\nread2 = "9Nu0"\nstanding = "assumed"\n'
        '[[code]]\nsays = "nothing"\nsnomed = "827241000000103"\nstanding = "assumed"\n',
        encoding="utf-8",
    )
    entries = [{**OBSERVATION, "CodeId": code, "ObservationGuid": code} for code in ("1", "8")]
    folder = tmp_path / "emis"
    emis(folder, Admin_Patient=[PATIENT], CareRecord_Observation=entries, Coding_ClinicalCode=CODES)
    load(connection, Source(folder, mapping=own))
    assert table(connection, "opt_out", "scheme") == [("local",)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("code = 7", "code must be rows"),
        ("colour = 1", "unknown setting: colour"),
        ('[[code]]\nsays = "x"\nread2 = "9Nu0"\nstanding = "verified"', "says is one of type 1 opt-out,"),
        ('[[code]]\nsays = "type 1 opt-out"\nread2 = "9Nu0"\nstanding = "sure"', "standing is one of verified"),
        ('[[code]]\nsays = "nothing"\nread2 = "9Nu0"\nctv3 = "x"\nstanding = "assumed"', "a row is one of read2,"),
        ('[[code]]\nsays = "nothing"\nsnomed = "1777541000006110"\nstanding = "assumed"', "fails its check digit"),
        ('[says.x]\nscheme = "local"', "scheme and opted_out"),
    ],
)
def test_a_code_list_with_a_slip_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    own = tmp_path / "codes.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence):
        gp_codes.load(own)


def test_a_code_list_for_another_format_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text('source = "swift"', encoding="utf-8")
    with pytest.raises(SettingsError, match="source = 'swift', and this is read as emis"):
        load(connection, Source(tmp_path, format="emis", mapping=own))


def test_every_shipped_snomed_code_has_its_check_digit() -> None:
    codes = gp_codes.load().codes
    assert len(codes["snomed"]) > 10
    assert all(map(gp_codes.verhoeff, codes["snomed"]))
