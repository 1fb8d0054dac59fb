"""Whatever is wrong with an extract, every record is accounted for, or one sentence says what is wrong."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import FORMATS


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutations", Path(__file__).with_name("mutations.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutations = _load()
files_of = cache(mutations.files_of)
PROVE = "CARETRACE_PROVE" in os.environ


def test_there_is_an_extract_of_every_format() -> None:
    assert set(FORMATS) - {"other"} <= set(mutations.FOLDERS)


@pytest.mark.prove
@pytest.mark.parametrize("folders", [(each,) for each in mutations.FOLDERS] if PROVE else [tuple(mutations.FOLDERS)])
@given(data=st.data())
@settings(
    max_examples=40 if PROVE else 5, derandomize=not PROVE, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_any_mutation_is_accounted_for(folders: tuple[str, ...], data: st.DataObject) -> None:
    files = files_of(data.draw(st.sampled_from(folders)))
    mutations.attempt(data.draw(mutations.mutated(files)), mutations.values_of(files))


@given(data=st.data())
@settings(
    max_examples=400 if PROVE else 20, derandomize=not PROVE, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_no_damaged_list_allows_anybody_it_does_not_name(data: st.DataObject) -> None:
    files = files_of(mutations.LISTS)
    mutations.attempt_lists(data.draw(mutations.mutated(files)), mutations.values_of(files))


@pytest.mark.parametrize(
    ("folder", "name", "old", "new"),
    [
        ("pds_mesh", "RESP_29.csv", b"UNIQUE REFERENCE", b"UNIQUE REFERENCE," + b"9" * 40),
        ("pds_mesh", "RESP_29.csv", b"GP_REGISTRATION_DATE", b"9434765919"),
        ("pds_mesh", "RESP_29.csv", b"GP_REGISTRATION_DATE", b"GP_REGISTRATION_DATE9434765919"),
        ("pds_mesh", "RESP_29.csv", b"GP_REGISTRATION_DATE", b"Smith"),
    ],
)
def test_a_value_among_the_titles_is_not_repeated(folder: str, name: str, old: bytes, new: bytes) -> None:
    files = files_of(folder)
    content = files[name]
    assert old in content
    value = new.replace(old, b"").strip(b",").decode()
    mutations.attempt({name: content.replace(old, new, 1)}, frozenset({value}))
