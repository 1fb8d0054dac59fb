"""Work done ahead: in order, each job once, and an error where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from connectors.files.ahead import ahead


def _fails() -> int:
    raise ValueError("the third")


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_everything_comes_in_order(count: int) -> None:
    assert list(ahead(partial(int, n) for n in range(count))) == list(range(count))


def test_no_more_than_one_piece_is_made_ahead() -> None:
    made: list[int] = []

    def jobs() -> Iterator[Callable[[], int]]:
        for n in range(9):
            made.append(n)
            yield partial(int, n)

    for n in ahead(jobs()):
        assert len(made) <= n + 2


def test_what_came_before_an_error_is_given() -> None:
    given: list[int] = []
    jobs: list[Callable[[], int]] = [partial(int, 1), partial(int, 2), _fails, partial(int, 4)]
    with pytest.raises(ValueError, match="the third"):
        for n in ahead(jobs):
            given.append(n)
    assert given == [1, 2]
