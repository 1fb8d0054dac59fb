"""How long work tells a person how far it is; the rooms know this shape only, the command line draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Whoever wants to know how far long work is."""

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]:
        """Open a stage of `total` units (unknown where None); call what it gives with the units done since."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Do nothing, properly."""
        yield lambda done: None


SILENT = Silent()
