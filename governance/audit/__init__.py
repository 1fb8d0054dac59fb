"""The log of what was released: append-only, a Merkle tree, signed checkpoints, and its readers.

In: events of `governance.making`. Out: `audit/` in the project folder. Begin with `verify`, which raises
IntegrityFailure where anything was altered; `register.rows` makes the register of disclosures of what it returns.
`log` appends, `anchors` are states kept elsewhere, `merkle` is RFC 6962, `checkpoint` the C2SP signed note.
"""

from __future__ import annotations

from governance.audit.anchors import Anchor
from governance.audit.verification import (
    CHECKPOINT,
    LEAVES,
    LOG,
    VKEY,
    Entry,
    Examined,
    Verification,
    entries,
    examine,
    verify,
)

__all__ = [
    "CHECKPOINT",
    "LEAVES",
    "LOG",
    "VKEY",
    "Anchor",
    "Entry",
    "Examined",
    "Verification",
    "entries",
    "examine",
    "verify",
]
