"""The names that a record holds: the person's own, as they were asked for, heard and typed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic import pools, slips
from caretrace.synthetic.naming import WITH_ENGLISH_NAMES
from caretrace.synthetic.people import NONE, Integers, People
from caretrace.synthetic.rates import Errors

Floats = NDArray[np.float64]

_NO_TEXT = pa.scalar(None, pa.string())
_BEFORE = ("Mr ", "Mrs ", "TWIN 1 ", "TWIN 2 ", "Baby ")
_AFTER = (" (known as)", " (Mrs)", " - see notes", " (TWIN)", " *")


def held_names(
    rng: np.random.Generator, people: People, of: Integers, errors: Errors, care: Floats
) -> dict[str, pa.Array]:
    """The name columns of PERSON; `care` multiplies the rates, record by record."""
    family, previous = _family_names(rng, people, of, errors, care)
    given, middle = _given_names(rng, people, of, errors, care)

    def slip(column: pa.Array, rate: float, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
        return slips.apply(column, rng.random(len(of)) < rate * care, change)

    given = slip(given, errors.nickname, slips.mapped(rng, slips.nicknames()))
    given = slip(given, errors.given_name_variant, slips.mapped(rng, slips.spellings()))
    family = slip(family, errors.given_name_variant, slips.mapped(rng, slips.spellings()))
    family = slips.apply(family, rng.random(len(of)) < errors.punctuation, slips.plain)
    given = slips.apply(given, rng.random(len(of)) < errors.punctuation, slips.plain)
    given = slip(given, errors.given_name_typo, slips.typed(rng))
    family = slip(family, errors.family_name_typo, slips.typed(rng))
    given = slip(given, errors.given_initial, lambda texts: pc.utf8_slice_codeunits(texts, 0, 1))
    foreign = ~np.isin(people.community[of], WITH_ENGLISH_NAMES)
    swapped = pa.array(rng.random(len(of)) < errors.names_swapped * care * np.where(foreign, 3.0, 0.6))
    given, family = pc.if_else(swapped, family, given), pc.if_else(swapped, given, family)
    given = slip(given, errors.name_noise, slips.noisy(rng, _BEFORE, _AFTER))
    family = slip(family, errors.name_noise / 2, slips.noisy(rng, ("(Mrs) ",), (" (Mrs)", " DECD")))
    return {"family_name": family, "given_name": given, "middle_names": middle, "previous_family_name": previous}


def _family_names(
    rng: np.random.Generator, people: People, of: Integers, errors: Errors, care: Floats
) -> tuple[pa.Array, pa.Array]:
    """Family name and previous family name: halves of double names may be missing, marriages not yet known."""
    n, surnames = len(of), pa.array(pools.load().surnames)
    family = surnames.take(pa.array(people.surname[of]))
    second = people.second_surname[of]
    halves = rng.random(n)
    both = pa.array((second != NONE) & (halves >= errors.double_barrel_half))
    second_text = surnames.take(pa.array(np.maximum(second, 0)))
    family = pc.if_else(both, pc.binary_join_element_wise(family, second_text, "-"), family)
    family = pc.if_else(pa.array((second != NONE) & (halves < errors.double_barrel_half / 2)), second_text, family)

    maiden = people.maiden[of]
    maiden_text = pc.if_else(pa.array(maiden != NONE), surnames.take(pa.array(np.maximum(maiden, 0))), _NO_TEXT)
    unmarried = (maiden != NONE) & (rng.random(n) < errors.maiden_name * care)
    family = pc.if_else(pa.array(unmarried), maiden_text, family)
    return family, slips.blank(maiden_text, unmarried | (rng.random(n) >= errors.maiden_recorded))


def _given_names(
    rng: np.random.Generator, people: People, of: Integers, errors: Errors, care: Floats
) -> tuple[pa.Array, pa.Array]:
    """Given name and middle names; some people go by the middle name."""
    n, givens = len(of), pa.array(pools.load().given)
    given = givens.take(pa.array(people.given[of]))
    middle = people.middle[of]
    middle_text = pc.if_else(pa.array(middle != NONE), givens.take(pa.array(np.maximum(middle, 0))), _NO_TEXT)
    by_middle = (middle != NONE) & (rng.random(n) < errors.middle_as_given * care)
    given = pc.if_else(pa.array(by_middle), middle_text, given)
    return given, slips.blank(middle_text, by_middle | (rng.random(n) < errors.middle_missing))
