"""The second engine, in pandas with recordlinkage: for small lists, and as an oracle for the SQL.

The same records in, the same table `ranked` out as `linkage.batch`, reached another way: candidate pairs by
recordlinkage's indexes, levels by its `Compare` with rules written again in Python, weights by its naive Bayes
classifier with the model's probabilities set, decisions in pandas. Where the two differ, one of them is wrong.
Cleaning, training and the last step from `ranked` to links are the ones of every engine.

Begin with `engine`. recordlinkage is an extra: only `toolkit` imports it.
"""

from __future__ import annotations

from linkage.reference.engine import MOST_PAIRS, RecordLinkageEngine

__all__ = ["MOST_PAIRS", "RecordLinkageEngine"]
