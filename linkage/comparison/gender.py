"""Gender, which weighs little and tells siblings apart."""

from __future__ import annotations

from linkage.comparison.level import Comparison, Level

GENDER = Comparison(
    "gender",
    "l.gender IS NULL OR r.gender IS NULL",
    (
        Level("same", "l.gender = r.gender", "the same"),
        Level("different", "true", "different"),
    ),
    role="gender",
)
