"""What a command was given to read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors import Source


def source(path: Path, *, format: str | None = None, mapping: Path | None = None) -> Source:
    """A file or folder, opened as the environment says: CARETRACE_GPG_PASSPHRASE_FILE, CARETRACE_UNPACK_TIMES."""
    from caretrace.opening import opening
    from connectors import Source

    return Source(path, format=format, mapping=mapping, opening=opening(os.environ))
