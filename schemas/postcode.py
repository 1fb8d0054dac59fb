"""UK postcodes: unit, sector, district and area; pseudo-postcodes and placeholders are no postcode.

ZZ99 codes stand for "no fixed abode", "not known" and foreign countries (HES HOMEADD), so they say nothing about where
two records agree and become null. The scalar and the vectorised form are held equal by a property test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """Why a text is not a postcode; the value is the sentence for reports."""

    MISSING = "missing"
    PSEUDO = "a pseudo-postcode (ZZ99...)"
    SHAPE = "not a UK postcode"


_UNIT = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}")
_NOISE = re.compile(r"[ \t\r\n\u00a0.-]+")


@dataclass(frozen=True)
class Postcode:
    """A postcode unit, upper case with its space.

    >>> Postcode.parse("sw1a1aa").sector
    'SW1A 1'
    """

    unit: str

    @classmethod
    def parse(cls, text: str) -> Postcode:
        """Read a postcode with or without its space; ValueError says what is wrong and never repeats the text."""
        if found := fault(text):
            raise ValueError(f"not a postcode: {found.value}")
        compact = _compact(text)
        return cls(f"{compact[:-3]} {compact[-3:]}")

    @property
    def sector(self) -> str:
        """District and the first digit after the space: about 2,600 households."""
        return self.unit[:-2]

    @property
    def district(self) -> str:
        """The part before the space (outward code): about 8,600 households."""
        return self.unit[:-4]

    @property
    def area(self) -> str:
        """The one or two letters it begins with."""
        return self.unit[: 2 if self.unit[1].isalpha() else 1]


def _compact(text: str) -> str:
    """Upper case without spaces, stops and hyphens; a letter O where the inward code has its digit becomes 0."""
    compact = _NOISE.sub("", text).upper()
    return f"{compact[:-3]}0{compact[-2:]}" if len(compact) >= 5 and compact[-3] == "O" else compact


def fault(text: str | None) -> Fault | None:
    """Why `text` is not a postcode, or None where it is one."""
    compact = _compact(text or "")
    if not compact:
        return Fault.MISSING
    if compact.startswith("ZZ99"):
        return Fault.PSEUDO
    return None if _UNIT.fullmatch(compact) else Fault.SHAPE


# The vectorised form. `_compact` mends the letter O in the place of the inward code's digit: third from the end.
MACROS: tuple[str, ...] = (
    "postcode_compact(x) AS regexp_replace(upper(translate(x, ' .-' || chr(160) || chr(9) || chr(10) || chr(13), '')),"
    " '(?s)^(..+)O(..)$', '\\10\\2')",
    f"""postcode_fault(x) AS CASE
        WHEN coalesce(postcode_compact(x), '') = '' THEN '{Fault.MISSING.value}'
        WHEN starts_with(postcode_compact(x), 'ZZ99') THEN '{Fault.PSEUDO.value}'
        WHEN NOT regexp_full_match(postcode_compact(x), '{_UNIT.pattern}') THEN '{Fault.SHAPE.value}' END""",
    f"postcode(x) AS CASE WHEN regexp_full_match(postcode_compact(x), '{_UNIT.pattern}')"
    " AND NOT starts_with(postcode_compact(x), 'ZZ99')"
    " THEN postcode_compact(x)[:-4] || ' ' || postcode_compact(x)[-3:] END",
    "postcode_sector(unit) AS unit[:-3]",
    "postcode_district(unit) AS unit[:-5]",
)
