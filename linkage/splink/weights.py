"""The m and u of a Splink file, its gaps, and its prior."""

from __future__ import annotations

from linkage.default import default_model
from linkage.model import FLOOR, LevelWeights
from linkage.splink.read import DEFAULT_PRIOR, SplinkComparison, SplinkSettings
from schemas.errors import SettingsError


def defaults(levels: int) -> list[tuple[float, float]]:
    """Splink's default m and u of the levels of a comparison, best first, those for missing values left out.

    As in Splink 5.0: m 0.95 for the best and the rest shared; weights of 10 bits for the best, the others spread
    evenly from 3 down to -5.
    """
    others = levels - 1
    bits = [10.0, *([-5.0] if others == 1 else [3 - 8 * place / (others - 1) for place in range(others)])]
    m = [0.95, *([(1 - 0.95) / others] * others)]
    return [(each, each / 2**weight) for each, weight in zip(m, bits, strict=True)]


def refuse_gaps(settings: SplinkSettings, *, prior_is_used: bool) -> None:
    """Raise SettingsError with every value that Splink would fill in by itself."""
    gaps = [
        f"{level.place}: no {name}; Splink would put {default:.6g}"
        for comparison in settings.comparisons
        for level, (m, u) in zip(comparison.weighed, defaults(len(comparison.weighed)), strict=True)
        for name, value, default in (("m_probability", level.m, m), ("u_probability", level.u, u))
        if value is None
    ]
    if prior_is_used and settings.prior is None:
        gaps.append(f"the model: no probability_two_random_records_match; Splink would put {DEFAULT_PRIOR}")
    if gaps:
        many = "values are missing" if len(gaps) > 1 else "value is missing"
        raise SettingsError(
            "\n".join(
                [
                    f"{len(gaps)} {many}. Splink leaves out what training never met, and fills it with a default when"
                    " it loads the file, without a word. Give --accept-defaults to take the same defaults:",
                    *(f"  - {gap}" for gap in gaps),
                ]
            )
        )


def weigh(comparison: SplinkComparison, names: list[str]) -> tuple[tuple[LevelWeights, ...], list[str]]:
    """The levels under the names given, h as u, and what is not as the file says."""
    made, notes = [], []
    for name, level, (m, u) in zip(names, comparison.weighed, defaults(len(names)), strict=True):
        for key, value, default in (("m", level.m, m), ("u", level.u, u)):
            if value is None:
                notes.append(f"{level.place}: no {key} in the file; Splink's default {default:.6g} is taken")
            elif value < FLOOR:
                notes.append(
                    f"{level.place}: {key} is {value:.3g}, which no data can show; {FLOOR:.0e} is taken, the least that"
                    " a model of ours holds"
                )
        m, u = (max(usual if own is None else own, FLOOR) for own, usual in ((level.m, m), (level.u, u)))
        made.append(LevelWeights(name, m, u, u))
    return tuple(made), notes


def in_register(settings: SplinkSettings, people: int | None) -> tuple[float, str]:
    """The share of clients in the register that makes the prior of one pair Splink's, and a word about it."""
    if people is None:
        usual = default_model().in_register
        return usual, (
            f"the prior is ours: {usual:.0%} of clients are taken to be in the register [assumed]; give"
            " --register-people N for Splink's own, which differs by one constant for all pairs"
        )
    if people < 1:
        raise SettingsError("the number of people in the register must be 1 or more")
    prior = DEFAULT_PRIOR if settings.prior is None else settings.prior
    if not 0 < prior < 1:
        raise SettingsError("the model's probability_two_random_records_match must lie between 0 and 1")
    odds = people * prior / (1 - prior)
    return odds / (1 + odds), f"the prior is Splink's in a register of {people} people"
