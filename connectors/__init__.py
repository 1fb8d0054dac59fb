"""How data comes in: any supplier's extract into the standard tables, with every record accounted for.

In: files, folders or tables in memory (`Source`). Out: the tables of `schemas.SOURCE_TABLES` in the working store, and
a `ReadReport`. Begin with `read`. `files/` turns a file into raw text columns; `supplier.py` says what a supplier can
declare about them, `suppliers/` holds the declarations, one file a supplier; `standardise/` carries them out. `feed/`
lays deliveries over each other, `propose/` makes a mapping of strange titles, `writers/` makes files for others.
"""

from __future__ import annotations

from connectors.read import SIDES, read
from connectors.source import FileFacts, ReadReport, Source
from connectors.suppliers import FORMATS

__all__ = ["FORMATS", "SIDES", "FileFacts", "ReadReport", "Source", "read"]
