"""An interruption while Java starts waits until Java can be ended."""

from __future__ import annotations

import signal

import pytest

from linkage.spark.session import _signals_wait


def test_a_signal_waits_and_then_goes_to_whom_it_would_have_gone() -> None:
    # Whatever runs the tests may hold signals back itself.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    reached = []
    try:
        with pytest.raises(KeyboardInterrupt), _signals_wait():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")
        assert reached == ["the end of the block"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_the_block_sets_does_not_stay() -> None:
    before = signal.getsignal(signal.SIGINT)
    with _signals_wait():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGINT) is before
