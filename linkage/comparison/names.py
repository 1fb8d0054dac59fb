"""Given, middle and family names: exact, nicknames, a slip apart, in each other's place, another name of the person."""

from __future__ import annotations

from linkage.comparison.level import Comparison, Level

# Two names are mostly nothing like each other, and measuring how much costs more than all the rest. Letters that only
# one of them has are counted in an instant, and bound what any measure can reach: such a letter matches nothing, so
# with x of them in names no longer than n, Jaro is at most 1 - x / 3n and Levenshtein at least x / 2. Jaro-Winkler adds
# at most 0.4 of what is missing to 1, and only where the first letters agree. So the bounds decide nothing themselves.
_UNSHARED = "bit_count(xor({a}_letters, {b}_letters))"
_LONGER = "greatest(length({a}), length({b}))"
# Levenshtein counts a transposition as two, and Jaro-Winkler is kind to those but in short names: it takes all three.
_ONE_SLIP = (
    "(length({a}) > 2 AND length({b}) > 2"
    f" AND {_UNSHARED} <= greatest(2, 7 * {_LONGER} // 20)"
    " AND (jaro_winkler_similarity({a}, {b}) >= 0.93"
    f" OR ({_LONGER} > 3 AND levenshtein({{a}}, {{b}}) = 1)"
    " OR (length({a}) = length({b}) AND length({a}) < 7 AND {a}[1] = {b}[1]"
    " AND damerau_levenshtein({a}, {b}) = 1 AND levenshtein({a}, {b}) = 2)))"
)
_ALIKE = (
    f"({_UNSHARED} <= greatest(4, 9 * {_LONGER} // 10)"
    f" AND ({{a}}[1] = {{b}}[1] OR {_UNSHARED} <= greatest(4, 27 * {_LONGER} // 50))"
    " AND (jaro_winkler_similarity({a}, {b}) >= 0.82 OR (length({a}) > 2 AND length({b}) > 2"
    f" AND levenshtein({{a}}, {{b}}) <= CASE WHEN {_LONGER} > 4 THEN 2 ELSE 1 END)))"
)
_ANY_SLIP = (
    "({others} IS NOT NULL AND length({one}) > 3"
    " AND len(list_filter({others}, lambda x: jaro_winkler_similarity(x, {one}) >= 0.93)) > 0)"
)
_CROSSWISE = f"({_UNSHARED} <= 3 * {_LONGER} // 5 AND jaro_winkler_similarity({{a}}, {{b}}) >= 0.88)"
_SWAPPED = (
    f"(l.given = r.family AND {_ALIKE.format(a='r.given', b='l.family')}"
    f" OR r.given = l.family AND {_ALIKE.format(a='l.given', b='r.family')}"
    f" OR {_CROSSWISE.format(a='l.given', b='r.family')} AND {_CROSSWISE.format(a='r.given', b='l.family')})"
)
_HALF_SWAPPED = "(length(l.given) > 3 AND l.given = r.family OR length(r.given) > 3 AND r.given = l.family)"

GIVEN = Comparison(
    "given name",
    "l.given IS NULL OR r.given IS NULL",
    (
        Level("exact", "l.given = r.given", "the same first given name", "given_u", "agrees"),
        Level(
            "nickname",
            "n.a IS NOT NULL",  # from a join with table `nickname`
            "nicknames of one name",
            "nickname_u",
            "agrees",
        ),
        Level(
            "one slip",
            _ONE_SLIP.format(a="l.given", b="r.given"),
            "one letter or a transposition apart",
            at_least="given_u",
        ),
        Level("swapped", _SWAPPED, "given and family name stand in each other's place"),
        Level(
            "other name",
            "list_contains(r.other_givens, l.given) OR list_contains(r.other_givens, l.given_root)"
            " OR list_contains(l.other_givens, r.given) OR list_contains(l.other_givens, r.given_root)"
            f" OR {_ANY_SLIP.format(one='l.given', others='r.other_givens')}"
            f" OR {_ANY_SLIP.format(one='r.given', others='l.other_givens')}",
            "one's first given name is another given name of the other, or a form of it, or one slip from it",
            at_least="given_u",
        ),
        Level(
            "initial",
            "starts_with(l.given, r.given) OR starts_with(r.given, l.given)",
            "an initial, or the beginning of a name, that fits",
            at_least="given_u",
        ),
        Level("half swapped", _HALF_SWAPPED, "one of the names stands in the other's place, the other is another"),
        Level("alike", _ALIKE.format(a="l.given", b="r.given"), "alike, more than one slip apart", at_least="given_u"),
        Level("different", "true", "different given names", stance="differs", namesakes_reach=True),
    ),
    role="given",
)

# Then the given names have reached "other name", which weighs it.
_EXCHANGED = "(l.middle = r.given OR r.middle = l.given OR l.middle = r.given_root OR r.middle = l.given_root)"
_FIT = "l.middle[1] = r.middle[1]"

MIDDLE = Comparison(
    "middle name",
    f"l.middle IS NULL OR r.middle IS NULL OR {_EXCHANGED}",
    (
        Level("same", "l.middle = r.middle AND length(l.middle) > 1", "the same first middle name", "middle_u"),
        Level("initial", f"{_FIT} AND (length(l.middle) = 1 OR length(r.middle) = 1)", "an initial that fits"),
        Level(
            "other name",
            "list_contains(r.other_givens, l.middle) OR list_contains(l.other_givens, r.middle)",
            "one's first middle name is another name of the other, or a form of it",
        ),
        Level(
            "one slip",
            f"{_FIT} AND (jaro_winkler_similarity(l.middle, r.middle) >= 0.93 OR levenshtein(l.middle, r.middle) = 1)",
            "one letter or a transposition apart, the first letter the same",
        ),
        Level("different", "true", "different middle names", namesakes_reach=True),
    ),
    role="middle",
)

FAMILY = Comparison(
    "family name",
    "l.family IS NULL OR r.family IS NULL",
    (
        Level("exact", "l.family = r.family", "the same family name", "family_u", "agrees"),
        Level("swapped", _SWAPPED, "given and family name stand in each other's place"),
        Level(
            "other name",
            "list_contains(r.other_families, l.family) OR list_contains(l.other_families, r.family)"
            " OR list_has_any(l.other_families, r.other_families)",
            "the same as a previous name, or one part of a double-barrelled name",
            "other_family_u",
            "agrees",
        ),
        Level(
            "one slip",
            _ONE_SLIP.format(a="l.family", b="r.family"),
            "one letter or a transposition apart",
            None,
            "agrees",
            "family_near_u",
        ),
        Level("half swapped", _HALF_SWAPPED, "one of the names stands in the other's place, the other is another"),
        Level(
            "alike",
            _ALIKE.format(a="l.family", b="r.family"),
            "alike, more than one slip apart",
            at_least="family_near_u",
        ),
        Level("different", "true", "different family names", stance="differs"),
    ),
    role="family",
)
