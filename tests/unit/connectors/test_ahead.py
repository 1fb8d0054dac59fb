"""Work done ahead: in order, each job once, and an error where it belongs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from connectors.files.ahead import ahead


def _fails() -> int:
    raise ValueError("the third")


def _slowly(n: int) -> int:
    # Of two done at once the later one is ready first.
    time.sleep(0.01 if n % 2 == 0 else 0)
    return n


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_everything_comes_in_order(count: int, threads: int) -> None:
    assert list(ahead((partial(_slowly, n) for n in range(count)), threads)) == list(range(count))


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_is_made_ahead_than_threads_work_on(threads: int) -> None:
    made: list[int] = []

    def jobs() -> Iterator[Callable[[], int]]:
        for n in range(9):
            made.append(n)
            yield partial(int, n)

    for n in ahead(jobs(), threads):
        assert len(made) <= n + threads + 1


def test_what_came_before_an_error_is_given() -> None:
    given: list[int] = []
    jobs: list[Callable[[], int]] = [partial(int, 1), partial(int, 2), _fails, partial(int, 4)]
    with pytest.raises(ValueError, match="the third"):
        for n in ahead(jobs):
            given.append(n)
    assert given == [1, 2]
