"""Pools of distinct names with frequencies of a real shape, made once and sampled in columns.

Faker's en_GB surnames carry the shares that the commonest 500 have in England (39.5 % of people together); a tail of
some 15,000 rarer names takes the rest, falling as one over rank. Other communities have a head list and a tail from
Faker's locale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from caretrace.synthetic import namelists as lists
from caretrace.synthetic import tails

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Community:
    """Whose names a family carries, its share of people [assumed, after Census 2021] and its ethnic category."""

    name: str
    share: float
    ethnicity: str


COMMUNITIES = (
    Community("British", 0.735, "A"),
    Community("Irish", 0.012, "B"),
    Community("East European", 0.035, "C"),
    Community("West European", 0.035, "C"),
    Community("Indian", 0.045, "H"),
    Community("Pakistani", 0.035, "J"),
    Community("Bangladeshi", 0.013, "K"),
    Community("Chinese", 0.010, "R"),
    Community("West African", 0.027, "N"),
    Community("Somali", 0.012, "N"),
    Community("Caribbean", 0.018, "M"),
    Community("Arab and Middle Eastern", 0.023, "S"),
)


@dataclass(frozen=True)
class Pool:
    """Codes into a list of names, with cumulative shares."""

    codes: Codes
    cumulative: Floats

    def sample(self, rng: np.random.Generator, n: int) -> Codes:
        """Draw `n` codes by their shares."""
        at = np.searchsorted(self.cumulative, rng.random(n), side="right")
        return self.codes[np.minimum(at, len(self.codes) - 1)]


@dataclass(frozen=True)
class Pools:
    """All names: distinct texts, and for each community which are drawn how often."""

    surnames: tuple[str, ...]
    given: tuple[str, ...]
    surname: tuple[Pool, ...]
    """By community."""
    given_name: tuple[tuple[tuple[Pool, ...], tuple[Pool, ...]], ...]
    """By community, sex (0 female, 1 male) and cohort of birth."""


class _Register:
    """Gives each distinct name its code."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def pool(self, weighted: dict[str, float]) -> Pool:
        codes = [self.codes.setdefault(name, len(self.codes)) for name in weighted]
        weights = np.array(list(weighted.values()))
        return Pool(np.array(codes, np.int32), np.cumsum(weights / weights.sum()))


def _headed(head: Sequence[str], tail: Sequence[str], share: float, steepness: float = 0.7) -> dict[str, float]:
    """`share` of people carry a head name (falling by rank), the others a tail name."""
    weighted = dict.fromkeys(head, 0.0)
    rare = [name for name in dict.fromkeys(tail) if name not in weighted]
    for names, part, power in ((list(weighted), share if rare else 1.0, steepness), (rare, 1.0 - share, 0.5)):
        ranks = np.arange(1, len(names) + 1) ** -power
        weighted |= dict(zip(names, part * ranks / ranks.sum() if len(names) else (), strict=True))
    return weighted


def _british_surnames() -> dict[str, float]:
    common = {name: share / 100 for name, share in tails.english_shares().items()}
    stems, endings = lists.SURNAME_STEMS.split(), lists.SURNAME_ENDINGS.split()
    built = [stem + ending for ending in endings for stem in stems if stem[-1] != ending[0]]
    variants = [name + letter for letter in ("s", "e") for name in built if name[-1] not in "se"]
    tail = [*tails.names("en_NZ", "last_names"), *tails.names("en_IE", "last_names"), *built, *variants]
    rare = [name for name in dict.fromkeys(tail) if name not in common]
    # The rarest of the common names has 0.03 % at rank 500; from there shares fall as one over rank.
    falling = 1.0 / np.arange(500, 500 + len(rare))
    falling *= (1.0 - sum(common.values())) / falling.sum()
    return common | dict(zip(rare, falling.tolist(), strict=True))


def _surnames() -> list[dict[str, float]]:
    british = _british_surnames()
    caribbean = _headed(lists.CARIBBEAN_SURNAMES.split(), list(british)[:3000], 0.45)
    east = [
        *tails.names("pl_PL", "male_last_names"),
        *tails.names("ro_RO", "last_names"),
        *tails.names("lt_LT", "last_names"),
    ]
    west = [
        name for locale in ("it_IT", "es_ES", "pt_PT", "fr_FR", "de_DE") for name in tails.names(locale, "last_names")
    ]
    african = [
        *tails.names("yo_NG", "last_names"),
        *tails.names("tw_GH", "last_names"),
        *tails.names("ig_NG", "last_names"),
    ]
    turkish = tails.names("tr_TR", "last_names")
    return [
        british,
        _headed(lists.IRISH_SURNAMES.split(), tails.names("en_IE", "last_names"), 0.4),
        _headed(east, tails.names("pl_PL", "unisex_last_names"), 0.5),
        _headed([], west, 0.0),
        _headed(lists.INDIAN_SURNAMES.split(), tails.names("en_IN", "last_names"), 0.6),
        _headed(lists.PAKISTANI_SURNAMES.split(), tails.names("en_PK", "last_names"), 0.75),
        _headed(lists.BANGLADESHI_SURNAMES.split(), tails.names("en_PK", "last_names"), 0.92),
        _headed(lists.CHINESE_SURNAMES.split(), tails.names("zh_CN", "last_romanized_names"), 0.75),
        _headed(lists.WEST_AFRICAN_SURNAMES.split(), african, 0.35),
        _headed(lists.SOMALI_SURNAMES.split(), tails.names("en_KE", "last_names"), 0.85),
        caribbean,
        _headed(lists.ARAB_SURNAMES.split(), [*turkish, *tails.names("en_PK", "last_names")], 0.6),
    ]


def _given(female: bool) -> list[list[dict[str, float]]]:
    """By community and cohort; all but the British keep one list for every cohort."""
    attribute = "first_names_female" if female else "first_names_male"

    def tail(*locales: str) -> list[str]:
        return [name for locale in locales for name in tails.names(locale, attribute)]

    british_heads = lists.BRITISH_FEMALE if female else lists.BRITISH_MALE
    every_cohort = [name for head in british_heads for name in head.split()]
    british = []
    for cohort, head in enumerate(british_heads):
        # Older people's rare names are English; parents of the 1980s on also took from elsewhere.
        rare = tail("en_GB", "en_US", "en_NZ") if cohort > 2 else tail("en_GB")
        british.append(_headed(head.split(), [*every_cohort, *rare], lists.HEAD_SHARE[cohort]))
    muslim = (lists.MUSLIM_FEMALE if female else lists.MUSLIM_MALE).split()
    indian = (lists.INDIAN_FEMALE if female else lists.INDIAN_MALE).split()
    chinese = (lists.CHINESE_FEMALE if female else lists.CHINESE_MALE).split()
    polish = (lists.POLISH_FEMALE if female else lists.POLISH_MALE).split()
    same = [
        _headed(polish, tail("pl_PL", "ro_RO"), 0.7),
        _headed([], tail("it_IT", "es_ES", "pt_PT", "fr_FR"), 0.0),
        _headed(indian, tail("en_IN"), 0.6),
        _headed(muslim, tails.names("en_PK", "first_names"), 0.75),
        _headed(muslim, tails.names("en_PK", "first_names"), 0.8),
        _headed([*chinese, *british_heads[3].split()[:12]], [], 1.0),
        _headed(british_heads[3].split()[:10], tail("yo_NG", "tw_GH", "ig_NG"), 0.25),
        _headed(muslim, tail("ha_NG"), 0.9),
    ]
    return [british, british, *([pool] * 5 for pool in same), british, [_headed(muslim, tail("tr_TR"), 0.7)] * 5]


@cache
def load() -> Pools:
    """Make the pools; the same for every seed."""
    surnames, given = _Register(), _Register()
    surname = tuple(surnames.pool(weighted) for weighted in _surnames())
    by_sex = [[tuple(map(given.pool, cohorts)) for cohorts in _given(female)] for female in (True, False)]
    given_name = tuple(zip(*by_sex, strict=True))
    return Pools(tuple(surnames.codes), tuple(given.codes), surname, given_name)
