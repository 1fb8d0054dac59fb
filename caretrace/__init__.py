"""Record linkage around the NHS number: the public API.

Import from here; the packages beside it are where the code lives. Begin with `caretrace.link`.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

# A script's own folder comes first on the import path, so a `schemas.py` there would be imported in place of ours.
# Say so, rather than fail in a stranger way. `schemas` comes first since the others import it.
for _name in ("schemas", "connectors", "linkage", "governance"):
    _found = find_spec(_name)
    _file = Path(_found.origin or "") if _found else Path()
    if Path(__file__).parent.parent not in _file.parents:
        raise ImportError(f"{_file} hides this toolkit's own `{_name}` package; rename it")

from caretrace.version import __version__
from schemas import Busy, CaretraceError, InputError, IntegrityFailure, Refused, SettingsError

if TYPE_CHECKING:
    from caretrace.api import LinkResult, link
    from caretrace.matcher import Candidate, Match, Matcher
    from caretrace.run_folder import Run
    from caretrace.run_folder import open as open_run

# Imported when first asked for: most commands and scripts need one of them, and each brings much with it.
_LATER = {
    "LinkResult": "caretrace.api:LinkResult",
    "link": "caretrace.api:link",
    "Candidate": "caretrace.matcher:Candidate",
    "Match": "caretrace.matcher:Match",
    "Matcher": "caretrace.matcher:Matcher",
    "Run": "caretrace.run_folder:Run",
    "open_run": "caretrace.run_folder:open",
}

__all__ = [
    "Busy",
    "Candidate",
    "CaretraceError",
    "InputError",
    "IntegrityFailure",
    "LinkResult",
    "Match",
    "Matcher",
    "Refused",
    "Run",
    "SettingsError",
    "__version__",
    "link",
    "open_run",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _LATER[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
