"""What a run of the warehouse gives to others: a run folder, a database of views, and the page of the night.

In: the state with the views of `warehouse.views`. Out: a draft of a run folder of format 1, on which every command of
`caretrace` works, with the times of its rows and what ended; beside it `warehouse/history/` and `warehouse.duckdb`.
Begin with `snapshot` and `refresh`; `schemas.warehouse.PUBLISHED` says what is in it.
"""

from __future__ import annotations

from caretrace.warehouse.publish.night import Night
from caretrace.warehouse.publish.refresh import refresh
from caretrace.warehouse.publish.snapshot import republish, snapshot

__all__ = ["Night", "refresh", "republish", "snapshot"]
