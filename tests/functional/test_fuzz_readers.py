"""Fuzzing of the readers, for as long as is asked: no bytes end in a traceback.

Two seconds in `make test`, an hour in `make prove`; CARETRACE_FUZZ says how many seconds otherwise, and so does
CARETRACE_PROVE where it is more than 1 (`CARETRACE_PROVE=120 make prove`). A failure prints the seed and the smallest
files that show it.
"""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

_AT_ONCE = 20


def _mutations() -> ModuleType:
    path = Path(__file__).parents[1] / "unit" / "connectors" / "mutations.py"
    spec = importlib.util.spec_from_file_location("mutations", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _seconds() -> int:
    asked = os.environ.get("CARETRACE_FUZZ") or os.environ.get("CARETRACE_PROVE") or "2"
    return 3600 if asked == "1" else int(asked)


@pytest.mark.prove
def test_no_bytes_end_in_a_traceback() -> None:
    mutations = _mutations()
    files = {folder: mutations.files_of(folder) for folder in mutations.FOLDERS}
    begun = time.monotonic()
    round_ = int(time.time()) if _seconds() > 2 else 1
    while time.monotonic() - begun < _seconds():

        @seed(round_)
        @settings(
            max_examples=_AT_ONCE if _seconds() > 2 else 2,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(data=st.data())
        def attempt(data: st.DataObject) -> None:
            folder = data.draw(st.sampled_from(sorted(files)))
            mutations.attempt(data.draw(mutations.mutated(files[folder])), mutations.values_of(files[folder]))

        attempt()
        round_ += 1
