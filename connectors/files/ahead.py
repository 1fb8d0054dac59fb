"""Work on one piece while the next is fetched: Arrow and NumPy leave the interpreter to others meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(jobs: Iterable[Callable[[], T]], threads: int = 1) -> Iterator[T]:
    """What the jobs give, in their order; as many as there are `threads` are done while the job after them is made."""
    with ThreadPoolExecutor(threads) as pool:
        begun = deque[Future[T]]()
        for job in jobs:
            begun.append(pool.submit(job))
            if len(begun) > threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
