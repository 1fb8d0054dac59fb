"""What readers' answers are worth: how far two readers agree, and what their answers make of a pair.

Pure statistics and rules; how pairs reach readers and come back is `caretrace.review`'s business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from linkage.evaluate.shares import Share


class Answer(StrEnum):
    """What a reader may say of a pair."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot tell"


DISAGREED = "disagreed"
"""What stands of a pair whose readers differ, until somebody settles it."""


@dataclass(frozen=True)
class Outcome:
    """What the answers to one pair come to."""

    verdict: str
    """An `Answer`, or DISAGREED."""
    by: tuple[str, ...]
    """The readers whose answers made it."""
    rule: str


def resolve(answers: Mapping[str, Answer], *, senior: str | None = None) -> Outcome:
    """One reader decides alone; of several all must agree, unless `senior` is among them, whose answer then wins.

    "Cannot tell" is an answer like the others: with "same" from the other reader it is a disagreement.
    """
    readers = tuple(answers)
    said = set(answers.values())
    if len(said) == 1:
        return Outcome(said.pop().value, readers, "one reader" if len(readers) == 1 else "all readers agree")
    if senior is not None and senior in answers:
        return Outcome(answers[senior].value, (senior,), "readers differ, the senior reader decides")
    return Outcome(DISAGREED, readers, "readers differ, nobody decides")


@dataclass(frozen=True)
class Agreement:
    """How far two readers agree on the pairs that both answered."""

    agreed: Share
    expected: float
    """The share they would agree on by chance, each keeping to how often they give each answer."""
    kappa: float | None
    """Cohen's kappa, 1 for full agreement and 0 for chance; None where it is not defined."""
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "agreed": self.agreed.to_json(),
            "expected": round(self.expected, 9),
            "kappa": None if self.kappa is None else round(self.kappa, 9),
            "interval_95": None if self.low is None or self.high is None else [round(self.low, 9), round(self.high, 9)],
        }


def agreement(pairs: Sequence[tuple[Answer, Answer]]) -> Agreement:
    """Cohen's kappa (Cohen 1960, doi 10.1177/001316446002000104) with a 95 % interval.

    As in that paper the expected share counts as known; the observed one has Wilson's interval, which unlike Cohen's
    own does not shrink to a point where few pairs were read and all agree. Where both readers gave one and the same
    answer to everything, chance alone would agree always, and kappa is not defined.

    >>> two = [(Answer.SAME, Answer.SAME)] * 20 + [(Answer.SAME, Answer.DIFFERENT)] * 5
    >>> two += [(Answer.DIFFERENT, Answer.SAME)] * 10 + [(Answer.DIFFERENT, Answer.DIFFERENT)] * 15
    >>> round(agreement(two).kappa, 9)
    0.4
    """
    count = len(pairs)
    agreed = Share(sum(one == other for one, other in pairs), count)
    if not count:
        return Agreement(agreed, 0.0, None, None, None)
    firsts, seconds = (Counter(answers) for answers in zip(*pairs, strict=True))
    # In whole numbers, so that "always the same answer" is exactly 1.
    by_chance = sum(firsts[each] * seconds[each] for each in Answer)
    expected = by_chance / count**2
    if by_chance == count**2:
        return Agreement(agreed, expected, None, None, None)
    kappa, low, high = ((share - expected) / (1 - expected) for share in (agreed.value, agreed.low, agreed.high))
    return Agreement(agreed, expected, kappa, low, high)
