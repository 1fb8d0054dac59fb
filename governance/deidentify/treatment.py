"""How records were coarsened and withheld, in a hash that the log keeps: releases under the same pseudonyms agree.

Somebody withheld from one release and found in another, or told by year in one and by place in the other, is known by
both together (rule R27).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from governance.deidentify.columns import column
from schemas.table import Identifies

if TYPE_CHECKING:
    from governance.agreement.control import Disclosure
    from governance.request import Field


def treatment(settings: Disclosure, leaving: Iterable[Field], lookup: str | None = None) -> str:
    """A hash of what bears on groups of look-alikes: their fields as they leave, and what befalls groups too small.

    `lookup` is the hash of the lookup of postcodes that was used: another one draws other areas.
    """
    told = [f"k {settings.k}", settings.below_k, f"rare {settings.rare_below} events {settings.events}"]
    if lookup is not None:
        told[2] += f" areas {lookup}"
    for field in leaving:
        declared = column(field.table, field.name)
        if declared is None or declared.identifies is Identifies.INDIRECT:
            told.append(f"{field.path} {field.transform}")
    return sha256("\n".join([*told[:3], *sorted(told[3:])]).encode()).hexdigest()
