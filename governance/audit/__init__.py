"""The log of what was released: append-only, a Merkle tree, signed checkpoints, and its readers.

In: events of `governance.making`. Out: `audit/` in the project folder. Begin with `verify`, which raises
IntegrityFailure where anything was altered; `register.rows` makes the register of disclosures of what it returns.
`log` appends, `merkle` is RFC 6962, `checkpoint` the C2SP signed note.
"""

from __future__ import annotations

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
    keep_anchor,
    verify,
)

__all__ = [
    "CHECKPOINT",
    "LEAVES",
    "LOG",
    "VKEY",
    "Entry",
    "Examined",
    "Verification",
    "entries",
    "examine",
    "keep_anchor",
    "verify",
]
