"""How data comes in: any supplier's extract into the standard tables, with every record accounted for.

In: files, folders or tables in memory (`Source`). Out: the tables of `schemas.SOURCE_TABLES` in the working store, and
a `ReadReport`. Begin with `read`. A supplier is one file of declarations (`emis.py`, `systmone.py`, `standard.py`) or a
mapping in `profiles/`; `supplier.py` says what can be declared, `records.py` finds the records in text.
"""

from __future__ import annotations

from connectors.read import SIDES, read
from connectors.source import FileFacts, ReadReport, Source
from connectors.suppliers import FORMATS

__all__ = ["FORMATS", "SIDES", "FileFacts", "ReadReport", "Source", "read"]
