"""The model that ships, for when there is too little data to train: round figures, every one of them [assumed].

They come from published error rates and common sense; training replaces every one when the data allow it.
"""

from __future__ import annotations

from linkage.comparison import COMPARISONS
from linkage.model import ComparisonWeights, LevelWeights, Model

# level: (m, u, h). u of levels with a frequency is the average, for a register too small to have its own.
_DEFAULTS: dict[str, dict[str, tuple[float, float, float]]] = {
    "given name": {
        "exact": (0.860, 0.006, 0.012),
        "nickname": (0.025, 0.002, 0.003),
        "one slip": (0.035, 0.002, 0.008),
        "swapped": (0.003, 0.00001, 0.0001),
        "other name": (0.025, 0.008, 0.030),
        "initial": (0.010, 0.001, 0.002),
        "half swapped": (0.001, 0.0005, 0.001),
        "alike": (0.012, 0.025, 0.040),
        "different": (0.029, 0.95549, 0.9039),
    },
    "middle name": {
        "same": (0.880, 0.012, 0.015),
        "initial": (0.040, 0.004, 0.004),
        "other name": (0.025, 0.006, 0.010),
        "one slip": (0.025, 0.008, 0.008),
        "different": (0.030, 0.970, 0.963),
    },
    "family name": {
        # Five of six members of a household share the name, and then its slips (linkage.train).
        "exact": (0.890, 0.0012, 0.7567),
        "swapped": (0.003, 0.00001, 0.00255),
        "other name": (0.030, 0.001, 0.02565),
        "one slip": (0.030, 0.001, 0.02565),
        "half swapped": (0.001, 0.0005, 0.000925),
        "alike": (0.010, 0.015, 0.01075),
        "different": (0.036, 0.98129, 0.177775),
    },
    "date of birth": {
        "exact": (0.930, 0.00003, 0.012),
        "swapped": (0.008, 0.00002, 0.0001),
        "day differs": (0.014, 0.0010, 0.001),
        "month differs": (0.008, 0.0004, 0.0005),
        "year slip": (0.014, 0.0004, 0.0010),
        "year and month": (0.003, 0.00001, 0.0001),
        "year only": (0.008, 0.0001, 0.0003),
        "year agrees": (0.005, 0.0110, 0.025),
        "different": (0.010, 0.98704, 0.96),
    },
    "address": {
        "same house": (0.600, 0.000003, 0.600),
        "same postcode": (0.130, 0.00004, 0.130),
        "earlier postcode": (0.070, 0.00005, 0.070),
        "same street and house": (0.020, 0.00001, 0.020),
        "postcode slip": (0.010, 0.0008, 0.010),
        "same sector": (0.025, 0.0025, 0.025),
        "same street": (0.005, 0.0001, 0.005),
        "same district": (0.025, 0.0100, 0.025),
        "elsewhere": (0.115, 0.986497, 0.115),
    },
    "gender": {
        "same": (0.990, 0.500, 0.450),
        "different": (0.010, 0.500, 0.550),
    },
    "NHS number": {
        # A wrong but valid number is as a rule that of another member of the household.
        "same": (0.972, 0.00000001, 0.0015),
        "superseded": (0.003, 0.000000001, 0.0001),
        "near": (0.010, 0.00000004, 0.0001),
        "different": (0.015, 0.999999949, 0.9983),
    },
    "other identifier": {
        "same": (0.950, 0.0000001, 0.001),
        "different": (0.050, 0.9999999, 0.999),
    },
}


def default_model() -> Model:
    """The model that ships, for when there is too little data to train."""
    return Model(
        tuple(
            ComparisonWeights(
                comparison,
                tuple(LevelWeights(level.name, *_DEFAULTS[comparison.name][level.name]) for level in comparison.levels),
            )
            for comparison in COMPARISONS
        ),
        in_register=0.90,
        household=1.5,
    )
