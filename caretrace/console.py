"""What a person sees while a command works: progress bars on stderr, nothing at all where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from schemas.progress import SILENT, Progress


def prepare_streams() -> None:
    """Let both streams carry any text: a Windows console may not know the characters of a name or a path."""
    import io

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def say(text: str) -> None:
    """Write the result to stdout."""
    print(text)  # noqa: T201 - stdout is where results go


def tell(text: str) -> None:
    """Write a word to the person, to stderr."""
    print(text, file=sys.stderr)  # noqa: T201 - stderr is where everything but results goes


def interactive() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def progress() -> Iterator[Progress]:
    """Bars on stderr while the block runs, or silence where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield SILENT
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    bars = Bars(*columns, console=Console(stderr=True), transient=True)

    class Drawn:
        """Draws each stage as one bar."""

        @contextmanager
        def stage(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
            task = bars.add_task(name, total=total)
            try:
                yield lambda done: bars.advance(task, done)
            finally:
                bars.remove_task(task)

    with bars:
        yield Drawn()
