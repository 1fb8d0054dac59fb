"""Address and postcode, which are not independent of each other, as one comparison."""

from __future__ import annotations

from linkage.comparison.level import Comparison, Level

_BOTH_UNITS = "(l.unit IS NOT NULL AND r.unit IS NOT NULL)"
_SAME_STREET = "(l.street = r.street OR jaro_winkler_similarity(l.street, r.street) >= 0.92)"

PLACE = Comparison(
    "address",
    f"NOT {_BOTH_UNITS} AND (l.street IS NULL OR r.street IS NULL)",
    (
        Level(
            "same house", "l.unit = r.unit AND l.house = r.house", "the same postcode and house", "house_u", "agrees"
        ),
        Level(
            "same postcode", "l.unit = r.unit", "the same postcode, the house not known or another", "unit_u", "agrees"
        ),
        Level(
            "earlier postcode",
            "list_contains(r.other_units, l.unit) OR list_contains(l.other_units, r.unit)"
            " OR list_has_any(l.other_units, r.other_units)",
            "a former postcode of the one is a postcode of the other",
            "other_unit_u",
            "agrees",
        ),
        Level(
            "same street and house",
            f"l.house = r.house AND {_SAME_STREET} AND (l.district = r.district OR NOT {_BOTH_UNITS})",
            "the same house number and street, the postcode not known or another of the same district",
            stance="agrees",
        ),
        Level(
            "postcode slip",
            "length(l.unit) = length(r.unit) AND hamming(l.unit, r.unit) = 1",
            "one character of the postcode apart",
            at_least="unit_u",
        ),
        Level("same sector", "l.unit[:-3] = r.unit[:-3]", "the same postcode sector", at_least="unit_u"),
        Level("same street", f"NOT {_BOTH_UNITS} AND {_SAME_STREET}", "the same street, the postcode not known"),
        Level(
            "same district",
            f"l.district = r.district OR NOT {_BOTH_UNITS} AND jaro_winkler_similarity(l.town, r.town) >= 0.92",
            "the same postcode district, or a town of like name where that is not known",
        ),
        Level("elsewhere", "true", "another district or town"),
    ),
    role="place",
)
