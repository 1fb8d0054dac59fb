"""Where DuckDB puts what its memory does not hold, for a command that reads files about people."""

from __future__ import annotations

import tempfile
from pathlib import Path

from governance.at_rest import workshop
from governance.at_rest.folder import KEY_FILE
from governance.at_rest.rule import rule_for

Config = dict[str, str | bool | int | float | list[str]]


def spilling(near: Path) -> Config:
    """Settings of a connection to work on what is at `near`: it spills into the workshop where that is encrypted.

    Nothing is set elsewhere: DuckDB's own choice is a folder `.tmp` where the command was started.
    """
    rule = rule_for(near)
    if not rule.encrypt and not (near / KEY_FILE).is_file():
        return {}
    return {"temp_directory": tempfile.mkdtemp(prefix="spill-", dir=workshop.place(rule))}
