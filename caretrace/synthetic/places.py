"""A made-up area: homes along streets, in postcode units, sectors, districts and areas of real sizes.

Homes are numbered along the map, so a home's unit, street and town follow from its number by integer arithmetic.
Sizes (Office for National Statistics, postcode directory): about 17 homes a unit, 2,600 a sector, 8,600 a district.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic import namelists as lists
from caretrace.synthetic.numbers import as_text
from schemas import SettingsError

Integers = NDArray[np.int64]

UNITS_A_SECTOR = 130
SECTORS_A_DISTRICT = 4
DISTRICTS_AN_AREA = 18
_UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # the inward code never uses C I K M O V
_TOWN_STARTS = (
    "Ash Barn Bex Brack Brom Cam Chal Crow Dart Dun Eal Ep Farn Graves Hat Hitch Ilk Ken Leight Lut Mard Nor Orp Pet "
    "Rick Sand Seven Stan Sut Thet Ux Wat Wel Wick Wob Yate"
)
_TOWN_ENDS = "ford|ton|ley|field|ham|bury|hill|wood|stead|well| Green| Heath|minster|borough|worth|mere"


@dataclass(frozen=True)
class Places:
    """`unit_of_home` for every home, and the texts of units, streets and towns."""

    unit_of_home: Integers
    first_home: Integers
    """By unit."""
    postcodes: pa.Array
    """By unit."""
    streets: pa.Array
    """By unit: neighbouring units share one."""
    towns: pa.Array
    """By district."""
    flats: NDArray[np.bool_]
    """By unit: one block of flats."""

    @property
    def homes(self) -> int:
        """How many homes there are."""
        return len(self.unit_of_home)

    def district(self, homes: Integers) -> Integers:
        """Which district each home stands in."""
        return self.unit_of_home[homes] // (UNITS_A_SECTOR * SECTORS_A_DISTRICT)

    def postcode(self, homes: Integers) -> pa.Array:
        """The postcode of each home."""
        return self.postcodes.take(pa.array(self.unit_of_home[homes]))

    def practice(self, homes: Integers) -> pa.Array:
        """ODS-shaped code of the practice most people there use; Y9 codes of this form are not issued [assumed]."""
        return as_text(self.unit_of_home[homes] // (UNITS_A_SECTOR * 2), 4, "Y9")

    def lines(self, homes: Integers) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Address lines 1 to 3 of each home: house and street, then town; flats take a line of their own."""
        unit = self.unit_of_home[homes]
        at = homes - self.first_home[unit]
        street = self.streets.take(pa.array(unit))
        town = self.towns.take(pa.array(self.district(homes)))
        # Odd numbers on one side: units take turns, and each continues where the one two before ended.
        house = as_text(at * 2 + 1 + unit % 2 + unit // 2 % 3 * 40)
        numbered = pc.binary_join_element_wise(house, street, " ")
        names = pa.array(lists.HOUSE_NAMES.split("|"))
        named = pc.binary_join_element_wise(names.take(pa.array(homes % len(names))), street, ", ")
        in_block = pa.array(self.flats[unit])
        is_named = pa.array((homes * 7919 % 100 < 3) & ~self.flats[unit])
        first = pc.if_else(in_block, as_text(at + 1, 0, "Flat "), pc.if_else(is_named, named, numbered))
        block = pc.binary_join_element_wise(as_text(unit % 60 + 1), street, " ")
        second = pc.if_else(in_block, block, town)
        return first, second, pc.if_else(in_block, town, pa.scalar(None, pa.string()))


def make(rng: np.random.Generator, homes: int) -> Places:
    """Lay out `homes` homes."""
    size = np.clip(np.rint(rng.gamma(3.2, 5.6, homes // 8 + 200)), 3, 90).astype(np.int64)
    ends = np.cumsum(size)
    units = int(np.searchsorted(ends, homes)) + 1
    unit = np.arange(units)
    districts = int(unit[-1]) // (UNITS_A_SECTOR * SECTORS_A_DISTRICT) + 1
    street = np.cumsum(rng.random(units) < 0.45)
    stems = pa.array([*lists.STREET_STEMS.split(), *_SURNAME_STREETS])
    suffixes, shares = zip(*lists.STREET_SUFFIXES, strict=True)
    stem = rng.integers(0, len(stems), street[-1] + 1)[street]
    suffix = rng.choice(len(suffixes), street[-1] + 1, p=np.array(shares) / sum(shares))[street]
    names = pc.binary_join_element_wise(stems.take(pa.array(stem)), pa.array(suffixes).take(pa.array(suffix)), " ")
    return Places(
        unit_of_home=np.searchsorted(ends, np.arange(homes), side="right"),
        first_home=(ends - size)[:units],
        postcodes=_postcodes(unit),
        streets=names,
        towns=_towns(rng, districts),
        flats=rng.random(units) < 0.15,
    )


_SURNAME_STREETS = tuple(
    stem + ending for stem in lists.SURNAME_STEMS.split()[::3] for ending in ("ley", "ford", "ton")
)


def _postcodes(unit: Integers) -> pa.Array:
    sector = unit // UNITS_A_SECTOR
    district = sector // SECTORS_A_DISTRICT
    area = district // DISTRICTS_AN_AREA
    names = lists.AREAS.split()
    if area[-1] >= len(names):
        raise SettingsError("a synthetic population this large needs more postcode areas than caretrace has names for")
    # 37 and 400 have no common factor, so the letters of a sector's units are spread and never repeat.
    letters = unit % UNITS_A_SECTOR * 37 % 400
    alphabet = pa.array(list(_UNIT_LETTERS))
    outward = pc.binary_join_element_wise(
        pa.array(names).take(pa.array(area)), as_text(district % DISTRICTS_AN_AREA + 1), ""
    )
    digit = as_text(sector % SECTORS_A_DISTRICT * 2 + 1 + district % 2)
    inward = (digit, alphabet.take(pa.array(letters // 20)), alphabet.take(pa.array(letters % 20)))
    return pc.binary_join_element_wise(outward, pc.binary_join_element_wise(*inward, ""), " ")


def _towns(rng: np.random.Generator, districts: int) -> pa.Array:
    """Every two districts share a town."""
    names = [start + end for end in _TOWN_ENDS.split("|") for start in _TOWN_STARTS.split()]
    shuffled = pa.array(names).take(pa.array(rng.permutation(len(names))))
    return shuffled.take(pa.array(np.arange(districts) // 2 % len(names)))
