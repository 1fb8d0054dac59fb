"""The command line: parses, calls one plain function, turns failures into one sentence and an exit code.

One module for each group of commands; `main` is the door, `failures` the exit codes. stdout holds
results, stderr the rest.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import weakref
from collections.abc import Sequence
from types import FrameType

from caretrace import console
from caretrace.cli.failures import ExitCode, Interrupted, write_crash_file

# Not by its own name, which is that of a module here.
from caretrace.cli.failures import explain as explain_failure
from governance import at_rest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    if arguments is None:
        _leave_what_lasts()
    console.prepare_streams()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        typed = sys.argv[1:]
        return _run((spread(typed) if os.name == "nt" else typed) if arguments is None else arguments)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.INPUT
    except BaseException as error:
        # The last stop: everything becomes a sentence and an exit code.
        if isinstance(error, Interrupted):
            error.seen = True
        return _fail(error)


def _leave_what_lasts() -> None:
    """Look for garbage seldom while a command works.

    What a command makes in Python are modules and declarations, which last as long as it does; records stand in
    columns. To go through them as often as Python would takes a tenth of a second of every command. At its end they
    are gone through all the same: for what is left then DuckDB's binding prints a page of "leaked" on stderr.
    """
    gc.set_threshold(50_000)


def spread(arguments: Sequence[str]) -> list[str]:
    """The files that `*` and `?` stand for, in order of name: shells of Windows leave that to us."""
    import glob

    spread_out: list[str] = []
    for each in arguments:
        # Path.glob takes no whole paths.
        names = sorted(glob.glob(each)) if set(each) & set("*?") else []  # noqa: PTH207
        spread_out += names or [each]
    return spread_out


def _run(arguments: Sequence[str]) -> int:
    from caretrace.cli.commands import declare

    try:
        declare(only=arguments[0] if arguments else None)(args=list(arguments), prog_name="caretrace")
    except SystemExit as ended:
        # Typer ends every command so, with 2 for wrong usage.
        return ended.code if isinstance(ended.code, int) else ExitCode.DONE
    finally:
        sys.stdout.flush()
        # What a command opened of encrypted files goes with it.
        at_rest.close()
    return ExitCode.DONE


def _fail(error: BaseException) -> int:
    failure = explain_failure(error)
    if failure is None:
        console.tell(f"caretrace: a bug of ours; where it happened is in {write_crash_file(error)}")
        return ExitCode.BUG
    console.tell(f"caretrace: {failure.sentence}")
    return failure.exit_code


_asked: weakref.ref[Interrupted] | None = None


def _interrupt(number: int, frame: FrameType | None) -> None:
    # A second signal must not stop the tidying that the first one started.
    global _asked
    if _asked is not None and _asked() is not None:
        return
    interrupted = Interrupted(_ask_again)
    _asked = weakref.ref(interrupted)
    try:
        raise interrupted
    finally:
        # Or its own traceback would keep it, and nobody could tell that it was lost.
        del interrupted


def _ask_again() -> None:
    """Raise the signal anew in a moment, from wherever the main thread is then."""
    timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGTERM])
    timer.daemon = True
    timer.start()
