"""The NHS number, as it is and as it was entered, and ids of other systems."""

from __future__ import annotations

from linkage.comparison.level import Comparison, Level

_BOTH_NUMBERS = "(l.nhs IS NOT NULL AND r.nhs IS NOT NULL)"
_FORMER = "(list_contains(r.former_nhs, l.nhs) OR list_contains(l.former_nhs, r.nhs))"
# Modulus 11 catches every single wrong digit and every transposition, so two valid numbers are never a slip apart: a
# slip shows as a number that was entered and refused.
_NEAR = (
    "(CASE WHEN l.nhs IS NULL AND l.nhs_entered IS NOT NULL"
    " THEN damerau_levenshtein(l.nhs_entered, lpad(CAST(r.nhs AS VARCHAR), 10, '0')) = 1"
    " WHEN r.nhs IS NULL AND r.nhs_entered IS NOT NULL"
    " THEN damerau_levenshtein(r.nhs_entered, lpad(CAST(l.nhs AS VARCHAR), 10, '0')) = 1 END)"
)

NUMBER = Comparison(
    "NHS number",
    f"NOT {_BOTH_NUMBERS} AND NOT coalesce({_FORMER} OR {_NEAR}, false)",
    (
        Level("same", "l.nhs = r.nhs", "the same number", stance="agrees"),
        Level("superseded", _FORMER, "one's number is a number that the other had before", stance="agrees"),
        Level("near", _NEAR, "a number as entered, which cannot be one, is one slip from the other's"),
        Level("different", "true", "another valid number", stance="differs"),
    ),
    role="number",
)

OTHER_ID = Comparison(
    "other identifier",
    "l.schemes IS NULL OR r.schemes IS NULL OR NOT list_has_any(l.schemes, r.schemes)",
    (
        Level(
            "same", "list_has_any(l.ids, r.ids)", "the same id of another system, such as a national insurance number"
        ),
        Level("different", "true", "another id of one system"),
    ),
    role="other id",
)
