"""The order of the transforms of a field: each value of a step stands for whole values of the step before.

What an agreement allows is the finest that may leave; the repair of small groups goes up from there, never down.
"""

from __future__ import annotations

from governance.deidentify.columns import column
from schemas.table import Type

DROP = "drop"

_BIRTH = ("keep", "month", "year", "five_year_band", "ten_year_band")
_POSTCODE = ("keep", "sector", "district", "area")
_DATE = ("keep", "month", "quarter", "year")


def steps(table: str, name: str, agreed: str, coarsest: str | None = None) -> tuple[str, ...]:
    """The transforms of a field from the agreed one up to the coarsest that may be, by default up to leaving it out.

    A transform that is in no order (ISO weeks lie across months) can only be kept or left out.
    """
    declared = column(table, name)
    order: tuple[str, ...] = ()
    if name == "birth_date":
        order = _BIRTH
    elif name == "postcode":
        order = _POSTCODE
    elif declared is not None and declared.type is Type.DATE:
        order = _DATE
    above = order[order.index(agreed) :] if agreed in order else (agreed,)
    whole = above if agreed == DROP else (*above, DROP)
    return whole if coarsest is None else whole[: whole.index(coarsest) + 1]
