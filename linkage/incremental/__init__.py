"""Matching every night: only whom a change reaches is compared again, and the outcome is a full run's.

In: `state.<side>.*`, the records as they stand now, numbered by `id`; `changed_clients` and `changed_register` (id and
how: new, changed or gone) since the last time; `verdict`, what people decided. Out: `link` and `candidate` of the
clients decided again, each with its `id`. What nights stand on is kept in `state.linkage`.

A night is comparable with the one before because what is learnt from all records at once is frozen: the model with its
bands, and the register's frequencies (`basis`). With these a client's candidates depend on nothing but its own record
and the register rows that share a blocking key with it, so a change reaches exactly the clients who share a key with
it (`reach`). Begin with `update`.
"""

from __future__ import annotations

from linkage.incremental.basis import Basis, read_basis
from linkage.incremental.update import Updated, update

__all__ = ["Basis", "Updated", "read_basis", "update"]
