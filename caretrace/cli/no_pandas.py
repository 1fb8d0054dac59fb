"""Arrow without pandas.

pyarrow imports pandas with the first array it makes, only to ask whether it was given one of its series. No command
gives it one, and to import pandas takes longer than to link a small list.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_PANDAS = "pandas"


class _Hidden:
    """A finder by which there is no pandas."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == _PANDAS:
            raise ModuleNotFoundError("hidden from pyarrow's first look", name=name)
        return None


def look_without_pandas() -> None:
    """Let pyarrow take its one look while pandas cannot be seen; whoever converts to or from it later still can."""
    if _PANDAS in sys.modules:
        return
    import pyarrow as pa

    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(hidden)
