"""The one family of errors.

    CaretraceError            any of ours; carries the exit code of the command line
    ├── InputError       (1)  the data or a file given to us is wrong
    ├── SettingsError    (1)  a setting, mapping, model or agreement file is wrong
    ├── Refused          (3)  governance refuses or refers a release, with every reason
    ├── IntegrityFailure (4)  something kept by us was altered, cut short or reordered
    └── Busy             (5)  another run holds the project

A message is one sentence that says what is wrong, where, and what to do. It never holds a person's value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def shown(name: Path | str) -> str:
    """A name of a file as messages and reports show it: on one line, and with nothing that a terminal would obey.

    >>> shown("a\\nb.csv")
    'a?b.csv'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in str(name))


class CaretraceError(Exception):
    """Anything a user can act on; shown without a traceback."""

    exit_code = 70


class InputError(CaretraceError):
    """The data given to us cannot be used as it is."""

    exit_code = 1

    def __init__(self, message: str, *, path: Path | str | None = None, line: int | None = None) -> None:
        """Place the fault: `path` and `line` (1-based, as a text editor counts) go before the sentence."""
        self.path = path
        self.line = line
        place = None if path is None else shown(path)
        where = "" if place is None else f"{place}: " if line is None else f"{place}, line {line}: "
        super().__init__(f"{where}{message}")


class SettingsError(CaretraceError):
    """A setting, mapping, model or agreement file is wrong."""

    exit_code = 1


class Refused(CaretraceError):
    """Governance says no, or asks a person; `reasons` holds every reason, never only the first."""

    exit_code = 3

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        """Join the sentence and its reasons, one to a line."""
        self.reasons = tuple(reasons)
        super().__init__("\n".join([message, *(f"  - {reason}" for reason in self.reasons)]))


class IntegrityFailure(CaretraceError):
    """What we keep was changed by somebody else."""

    exit_code = 4


class Busy(CaretraceError):
    """Another run holds the project."""

    exit_code = 5
