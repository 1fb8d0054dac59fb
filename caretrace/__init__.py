"""Record linkage around the NHS number: the public API.

Import from here; the packages beside it are where the code lives. Begin with `caretrace.link`.
"""

from importlib import import_module
from pathlib import Path

# A script's own folder comes first on the import path, so a `schemas.py` there would be imported in place of ours.
# Say so, rather than fail in a stranger way. `schemas` comes first since the others import it.
for _name in ("schemas", "connectors", "linkage", "governance"):
    _file = Path(import_module(_name).__file__ or "")
    if Path(__file__).parent.parent not in _file.parents:
        raise ImportError(f"{_file} hides this toolkit's own `{_name}` package; rename it")

from caretrace.api import LinkResult, link
from caretrace.matcher import Candidate, Match, Matcher
from caretrace.run_folder import Run
from caretrace.run_folder import open as open_run
from caretrace.version import __version__
from schemas import Busy, CaretraceError, InputError, IntegrityFailure, Refused, SettingsError

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
