"""The run's id: the same for the same work, another for anything that could change what comes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from caretrace.identity import identify
from caretrace.run_settings import RunSettings
from connectors import FileFacts, ReadReport

FILE = FileFacts("clients.csv", "standard", None, "UTF-8", "aa", 10, "PERSON", 5, 5, 0, 0)
OTHER = replace(FILE, name="register.csv", sha256="bb")
SETTINGS = RunSettings(as_at=date(2026, 11, 22), seed=1)


def run_id(
    files=(FILE, OTHER), organisations=(("clients", "standard", "x"),), mappings=None, settings=SETTINGS, given=()
) -> str:
    reports = {"clients": ReadReport(tuple(files), {})}
    return identify(reports, organisations, mappings or {}, settings, given=given)


def test_the_same_work_has_the_same_id() -> None:
    assert run_id() == run_id()
    assert run_id(settings=replace(SETTINGS, threads=1, memory="4GB")) == run_id()


@pytest.mark.parametrize(
    "change",
    [
        {"files": (FILE,)},
        {"files": (OTHER, FILE)},  # the first of two records with one key is kept
        {"files": (replace(FILE, sha256="cc"), OTHER)},
        {"organisations": (("clients", "standard", "y"),)},
        {"mappings": {"council.toml": "dd"}},
        {"given": (("delta",),)},
        {"given": ((None, "Y90001"),)},
        {"settings": replace(SETTINGS, seed=2)},
        {"settings": replace(SETTINGS, as_at=date(2026, 11, 23))},
        {"settings": replace(SETTINGS, test_numbers="refuse")},
    ],
)
def test_anything_that_decides_the_output_changes_it(change) -> None:
    assert run_id(**change) != run_id()
