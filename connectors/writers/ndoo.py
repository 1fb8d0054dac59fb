"""The check for national data opt-outs: NHS numbers out, and the numbers that may be used back.

One number and a comma a line, `.dat`, by MESH (UK Renal Registry, NHS Digital: LF; one published sender writes CRLF).
One number that is not valid turns the whole reply into a blank line, so none is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from connectors.writers import lines
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    import duckdb

WORKFLOW = "SPINE_NTT_UPHOLDING"
MAILBOX = "X26HC036"
"""Where two public senders address the live check."""


@dataclass(frozen=True)
class Control:
    """What the control file beside the request says; the MESH client reads it."""

    sender: str
    """Mailbox of the organisation that asks."""
    local_id: str
    """Names the request: letters, digits, _ and - only; a subject and a local id are compulsory."""
    recipient: str = MAILBOX

    def __post_init__(self) -> None:
        if not all(re.fullmatch(r"[A-Za-z0-9_-]+", text) for text in (self.sender, self.local_id, self.recipient)):
            raise SettingsError("mailboxes and the name of a request are letters, digits, _ and - only")

    def to_xml(self) -> str:
        """The control file."""
        fields = {
            "Version": "1.0",
            "AddressType": "DTS",
            "MessageType": "Data",
            "From_DTS": self.sender,
            "To_DTS": self.recipient,
            "Subject": self.local_id,
            "LocalId": self.local_id,
            "WorkflowId": WORKFLOW,
        }
        inside = "".join(f"  <{name}>{escape(text)}</{name}>\n" for name, text in fields.items())
        return f"<DTSControl>\n{inside}</DTSControl>\n"


def write_check(connection: duckdb.DuckDBPyConnection, query: str, path: Path, *, line_end: str = "lf") -> int:
    """Write every NHS number of the one column `nhs_number` of `query` once, in order; gives how many.

    The connection has the macros of `schemas.sql`. InputError where one fails its check digit, or where there is none.
    """
    numbers = f"SELECT DISTINCT nhs_number FROM ({query}) WHERE nhs_number IS NOT NULL"
    [(count, bad)] = connection.execute(
        f"SELECT count(*), count(*) FILTER (nhs_number_fault(nhs_number) IS NOT NULL) FROM ({numbers})"
    ).fetchall()
    if bad:
        raise InputError(f"{bad} NHS numbers of the request are not valid; one is enough to spoil the whole reply")
    if not count:
        raise InputError("there is no NHS number to check")
    return lines.write(connection, f"SELECT nhs_number || ',' FROM ({numbers}) ORDER BY 1", path, line_end=line_end)
