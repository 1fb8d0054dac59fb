"""The date of birth by its parts: whole, swapped, one part wrong, known in part."""

from __future__ import annotations

from linkage.comparison.level import Comparison, Level

_FULL = "l.birth_day IS NOT NULL AND r.birth_day IS NOT NULL"
_SAME_Y, _SAME_M, _SAME_D = (f"l.birth_{part} = r.birth_{part}" for part in ("year", "month", "day"))
_NEW_YEAR = "({0}.birth_month = 1 AND {0}.birth_day = 1)"
_YEAR_SLIP = (
    "(abs(l.birth_year - r.birth_year) IN (1, 10, 100)"
    " OR levenshtein(CAST(l.birth_year AS VARCHAR), CAST(r.birth_year AS VARCHAR)) = 1"
    " OR (l.birth_year // 100 = r.birth_year // 100 AND l.birth_year % 10 = (r.birth_year // 10) % 10"
    " AND (l.birth_year // 10) % 10 = r.birth_year % 10))"
)

_WHOLE, _IN_PART = "whole dates", "dates known in part"

BIRTH = Comparison(
    "date of birth",
    "l.birth_year IS NULL OR r.birth_year IS NULL",
    (
        Level(
            "exact",
            f"{_FULL} AND {_SAME_Y} AND {_SAME_M} AND {_SAME_D}",
            "the same day",
            "birth_u",
            "agrees",
            among=_WHOLE,
        ),
        Level(
            "swapped",
            f"{_FULL} AND {_SAME_Y} AND l.birth_day = r.birth_month AND l.birth_month = r.birth_day",
            "day and month stand in each other's place",
            at_least="birth_u",
            among=_WHOLE,
        ),
        Level(
            "day differs",
            f"{_FULL} AND {_SAME_Y} AND {_SAME_M}",
            "the same year and month, another day",
            at_least="birth_u",
            among=_WHOLE,
        ),
        Level(
            "month differs",
            f"{_FULL} AND {_SAME_Y} AND {_SAME_D}",
            "the same year and day, another month",
            at_least="birth_u",
            among=_WHOLE,
        ),
        Level(
            "year slip",
            f"{_FULL} AND {_SAME_M} AND {_SAME_D} AND {_YEAR_SLIP}",
            "the same day and month, the year one, ten or a hundred off, one digit wrong or two swapped",
            at_least="birth_u",
            among=_WHOLE,
        ),
        Level(
            "year and month",
            f"NOT ({_FULL}) AND {_SAME_Y} AND coalesce({_SAME_M}, false)",
            "the same year and month, the day not known",
            among=_IN_PART,
        ),
        Level(
            "year only",
            f"{_SAME_Y} AND (l.birth_month IS NULL OR r.birth_month IS NULL OR {_NEW_YEAR.format('l')}"
            f" OR {_NEW_YEAR.format('r')})",
            "the same year, the rest not known, or 1 January on one side, which often stands for that",
            "year_u",
            among=_IN_PART,
        ),
        Level("year agrees", _SAME_Y, "the same year, another day and month", None, "differs", "birth_u", True),
        Level("different", "true", "different dates", None, "differs", namesakes_reach=True),
    ),
    role="birth",
)
