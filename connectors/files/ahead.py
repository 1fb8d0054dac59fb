"""Work on one piece while the next is fetched: Arrow and NumPy leave the interpreter to others meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
    """What the jobs give, in their order; each is done in a thread while the job after it is being made."""
    with ThreadPoolExecutor(1) as thread:
        last: Future[T] | None = None
        for job in jobs:
            begun = thread.submit(job)
            if last:
                yield last.result()
            last = begun
        if last:
            yield last.result()
