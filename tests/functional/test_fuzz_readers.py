"""Fuzzing of the readers, for as long as is asked: no bytes end in a traceback.

Two seconds in `make test`, an hour in `make prove`; CARETRACE_FUZZ says how many seconds otherwise, and so does
CARETRACE_PROVE where it is more than 1 (`CARETRACE_PROVE=120 make prove`). A failure prints the seed, with which
CARETRACE_FUZZ_SEED begins again, and the smallest files that show it.
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
    files = {folder: mutations.files_of(folder) for folder in [*mutations.FOLDERS, mutations.LISTS]}
    begun = time.monotonic()
    round_ = int(os.environ.get("CARETRACE_FUZZ_SEED") or (time.time() if _seconds() > 2 else 1))
    while time.monotonic() - begun < _seconds():
        if failure := _round(mutations, files, round_):
            pytest.fail(failure, pytrace=False)
        round_ += 1


def _round(mutations: ModuleType, files: dict[str, dict[str, bytes]], number: int) -> str | None:
    """Some cases of one seed; what there is to say of the smallest that fails."""
    tried: list[tuple[str, dict[str, bytes]]] = []

    @seed(number)
    @settings(
        max_examples=_AT_ONCE if _seconds() > 2 else 2,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def one(data: st.DataObject) -> None:
        folder = data.draw(st.sampled_from(sorted(files)))
        made = data.draw(mutations.mutated(files[folder]))
        tried[:] = [(folder, made)]
        attempt = mutations.attempt_lists if folder == mutations.LISTS else mutations.attempt
        attempt(made, mutations.values_of(files[folder]))

    try:
        one()
    except Exception as error:
        # The last case tried is the smallest; hypothesis would print pages of its bytes.
        ((folder, made),) = tried
        how = f"fixtures/{folder}, damaged; again with CARETRACE_FUZZ_SEED={number}"
        return str(mutations.told(error, made, files[folder], how))
    return None
