"""Feeds: what suppliers send as full extracts and later changes, laid over each other before anything is standardised.

In: the files of one supplier and its raw relations. Out: records set aside that a later delivery has overtaken, so that
the rest of the pass sees one state of things. Begin with `tell` (which delivery each file belongs to, and whether one
is missing) and `replay` (what is left of them); `hold` and `leave_out` are for organisations that may not be read.
"""

from __future__ import annotations

from connectors.feed.deliveries import tell
from connectors.feed.facts import File
from connectors.feed.replay import clear, hold, leave_out, replay

__all__ = ["File", "clear", "hold", "leave_out", "replay", "tell"]
