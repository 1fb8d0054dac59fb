"""What a system holds about people: the truth as somebody asked it, heard it and typed it.

`view` turns numbers of people into a PERSON table of text columns, with the slips of `Errors` in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic import numbers, pools, slips
from caretrace.synthetic.held_names import held_names
from caretrace.synthetic.people import NONE, People
from caretrace.synthetic.population import Population
from caretrace.synthetic.rates import Errors

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

_NO_TEXT = pa.scalar(None, pa.string())
_STREET_FORMS = (
    ("Road", "Rd"),
    ("Street", "St"),
    ("Avenue", "Ave"),
    ("Close", "Cl"),
    ("Drive", "Dr"),
    ("Flat ", "Flat"),
)
_PSEUDO = ("ZZ99 3VZ", "ZZ99 3WZ", "ZZ99 3CZ")
_MIXED = ("D", "E", "F", "G")


@dataclass(frozen=True)
class Who:
    """Whose records these are, and where each record has them live."""

    people: Integers
    at_old_address: Flags
    """Records that must hold the former home where there is one, whatever the rates say."""


def view(rng: np.random.Generator, population: Population, who: Who, errors: Errors) -> dict[str, pa.Array]:
    """PERSON columns but record_id, nhs_number and gp_practice_code, one row for each of `who`."""
    people, n = population.people, len(who.people)
    care = _care(rng, n, errors)
    names = held_names(rng, people, who.people, errors, care)
    home, stale = _home(rng, people, who, errors, care)
    line_1, line_2, line_3 = population.places.lines(home)
    line_1 = _noisy_lines(line_1, rng.random(n) < errors.address_noise * care)
    postcode = _postcode(rng, population.places.postcode(home), errors, care)
    blank = np.asarray(pc.is_null(postcode))
    born = _born(rng, people.born[who.people], population.as_at, errors, care)
    died = people.died[who.people]
    return names | {
        "birth_date": _dates(rng, born, errors, care),
        "gender": _gender(rng, people.female[who.people], errors, care),
        "death_date": pc.if_else(pa.array(died != NONE), _iso(died), _NO_TEXT),
        "address_line_1": slips.blank(line_1, blank & (rng.random(n) < 0.5)),
        "address_line_2": line_2,
        "address_line_3": line_3,
        "postcode": postcode,
        "phone": slips.blank(numbers.phones(rng, n), rng.random(n) < 0.4),
        "email": _email(rng, names, rng.random(n) < 0.25),
        "ethnicity": _ethnicity(rng, people, who.people),
        "restricted": pc.if_else(pa.array(rng.random(n) < 0.003), "true", "false"),
        "_home": pa.array(home),
        "_stale": pa.array(stale),
    }


def _care(rng: np.random.Generator, n: int, errors: Errors) -> Floats:
    """By record, what every rate of a slip is multiplied by; 1 on average."""
    share, factor = errors.careless_records, errors.careless_factor
    return np.where(rng.random(n) < share, factor, (1 - share * factor) / (1 - share))


def _home(rng: np.random.Generator, people: People, who: Who, errors: Errors, care: Floats) -> tuple[Integers, Flags]:
    old = people.previous_home[who.people]
    moved = old != NONE
    # The rate is a share of all records; only those who moved can be out of date.
    rate = min(1.0, errors.old_address / max(float(moved.mean()), 0.01))
    stale = moved & (who.at_old_address | (rng.random(len(old)) < rate * care))
    return np.where(stale, old, people.home[who.people]), stale


def _noisy_lines(lines: pa.Array, mask: Flags) -> pa.Array:
    def shortened(texts: pa.Array) -> pa.Array:
        for full, short in _STREET_FORMS:
            texts = pc.replace_substring(texts, full, short)
        return texts

    return slips.apply(lines, mask, shortened)


def _postcode(rng: np.random.Generator, postcode: pa.Array, errors: Errors, care: Floats) -> pa.Array:
    n = len(postcode)
    postcode = slips.apply(postcode, rng.random(n) < errors.postcode_typo * care, slips.typed(rng))
    pseudo = pa.array(_PSEUDO).take(pa.array(rng.integers(0, len(_PSEUDO), n)))
    postcode = pc.if_else(pa.array(rng.random(n) < errors.postcode_pseudo * care), pseudo, postcode)
    return slips.blank(postcode, rng.random(n) < errors.postcode_missing * care)


def _born(rng: np.random.Generator, days: Integers, as_at: date, errors: Errors, care: Floats) -> Integers:
    """Days of birth with their slips, none of which leads into the future."""
    n = len(days)
    true = days.astype("datetime64[D]")
    month_of = true.astype("datetime64[M]")
    year = month_of.astype("datetime64[Y]").astype(np.int64) + 1970
    month = month_of.astype(np.int64) % 12 + 1
    day = (true - month_of).astype(np.int64) + 1
    swap = (rng.random(n) < errors.birth_date_swapped * care) & (day <= 12)
    day, month = np.where(swap, month, day), np.where(swap, day, month)
    digit, part, by = rng.random(n) < errors.birth_date_digit * care, rng.integers(0, 3, n), rng.integers(1, 9, n)
    day = np.where(digit & (part == 0), day // 10 * 10 + (day % 10 + by) % 10, day)
    month = np.where(digit & (part == 1), (month + by - 1) % 12 + 1, month)
    year = np.where(digit & (part == 2), year // 10 * 10 + (year % 10 + by) % 10, year)
    off = rng.choice([-1, 1, -10, 10, -100], n, p=[0.4, 0.4, 0.09, 0.09, 0.02])
    year = np.where(rng.random(n) < errors.birth_date_year * care, year + off, year)
    first = rng.random(n) < errors.birth_date_january * care
    day, month = np.where(first, 1, day), np.where(first, 1, month)
    day = np.clip(day, 1, 28 + np.where(month == 2, 0, 2) + (day == 31) * np.isin(month, (1, 3, 5, 7, 8, 10, 12)))
    slipped = ((year - 1970) * 12 + month - 1).astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    known = slipped.astype(np.int64)
    slipped_at_all = swap | digit | first | (year != true.astype("datetime64[Y]").astype(np.int64) + 1970)
    known = np.where(slipped_at_all & (known <= (as_at - date(1970, 1, 1)).days), known, days)
    placeholder = rng.random(n) < errors.birth_date_placeholder * care
    return np.where(placeholder, (date(1900, 1, 1) - date(1970, 1, 1)).days, known)


def _dates(rng: np.random.Generator, born: Integers, errors: Errors, care: Floats) -> pa.Array:
    text = _iso(born)
    year_only = pa.array(rng.random(len(born)) < errors.birth_year_only * care)
    text = pc.if_else(year_only, pc.utf8_slice_codeunits(text, 0, 4), text)
    return slips.blank(text, rng.random(len(born)) < errors.birth_date_missing * care)


def _iso(days: Integers) -> pa.Array:
    return pc.cast(pa.array(days.astype("datetime64[D]")), pa.string())


def _gender(rng: np.random.Generator, female: Flags, errors: Errors, care: Floats) -> pa.Array:
    n = len(female)
    wrong = rng.random(n) < errors.gender_wrong * care
    text = pc.if_else(pa.array(female ^ wrong), "2", "1")
    return pc.if_else(pa.array(rng.random(n) < errors.gender_missing * care), "0", text)


def _email(rng: np.random.Generator, names: dict[str, pa.Array], held: Flags) -> pa.Array:
    local = pc.binary_join_element_wise(names["given_name"], names["family_name"], ".")
    local = pc.utf8_lower(pc.replace_substring_regex(local, r"[^A-Za-z.]", ""))
    number = numbers.as_text(rng.integers(1, 9999, len(held)))
    return slips.blank(pc.binary_join_element_wise(local, number, "@example.org", ""), ~held)


def _ethnicity(rng: np.random.Generator, people: People, of: Integers) -> pa.Array:
    codes = pa.array([community.ethnicity for community in pools.COMMUNITIES])
    own = codes.take(pa.array(people.community[of]))
    mixed = pa.array(_MIXED).take(pa.array(people.household[of] % len(_MIXED)))
    text = pc.if_else(pa.array(people.mixed[of]), mixed, own)
    chance = rng.random(len(of))
    return slips.blank(pc.if_else(pa.array(chance > 0.97), "Z", text), chance < 0.12)


def client_numbers(rng: np.random.Generator, people: People, of: Integers, errors: Errors) -> pa.Array:
    """The NHS numbers a client list holds: missing, mistyped, or a valid number of somebody else."""
    n, everybody = len(of), len(people)
    chance = rng.random(n)
    bounds = np.cumsum(
        [
            errors.nhs_number_of_household,
            errors.nhs_number_of_another,
            errors.nhs_number_superseded,
            errors.nhs_number_typo,
        ]
    )
    kind = np.searchsorted(bounds, chance, side="right")
    beside = np.where(of + 1 < everybody, of + 1, of - 1)
    beside = np.where(people.household[beside] == people.household[of], beside, np.maximum(of - 1, 0))
    of_relative = (kind == 0) & (people.household[beside] == people.household[of])
    holder = np.where(of_relative, beside, of)
    holder = np.where(kind == 1, rng.integers(0, everybody, n), holder)
    number = people.nhs_number[holder]
    unused = numbers.with_check_digit(rng.integers(900_000_000, 999_999_000, n))
    free = unused[1] & ~np.isin(unused[0], people.nhs_number)
    number = np.where((kind == 2) & free, unused[0], number)
    text = slips.apply(numbers.as_text(number), kind == 3, slips.digit(rng))
    return slips.blank(text, rng.random(n) < errors.nhs_number_missing)
