"""The command line: parses, calls one plain function, turns failures into one sentence and an exit code.

One module for each group of commands; `main` is the door, `process` the door of a process of its own, `failures` the
exit codes. stdout holds results, stderr the rest.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
import weakref
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from caretrace import console
from caretrace.cli.failures import ExitCode, Interrupted, write_crash_file

# Not by its own name, which is that of a module here.
from caretrace.cli.failures import explain as explain_failure
from governance import at_rest


def process() -> NoReturn:
    """Run the command that the process was started with, and end the process with its exit code."""
    codes: list[int] = []
    # Registered before the command registers anything, it is called when all else is done; what was registered by an
    # import comes after it no more, so that is registered anew.
    atexit.register(_end, codes)
    atexit.register(at_rest.close)
    _look_for_garbage_seldom()
    codes.append(main())
    sys.exit(codes[0])


def _end(codes: list[int]) -> None:
    """End the process without taking Python apart, object by object, which takes a command a sixth of a second.

    Threads have ended and what was registered for the end was called by now; only the memory is left to give back.
    """
    if not codes:
        return
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # `main` has told of it, or there is nowhere to tell.
            codes[0] = codes[0] or ExitCode.INPUT
    os._exit(codes[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
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


def _look_for_garbage_seldom() -> None:
    """Spare a tenth of a second of every command.

    What a command makes in Python are modules and declarations, which last as long as it does; records stand in
    columns.
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
