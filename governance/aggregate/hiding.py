"""Which counts are hidden: the small ones, and as many others as it takes that the small ones cannot be worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from governance.aggregate.audit import Witnesses
from governance.aggregate.cells import Cells
from governance.aggregate.presets import Preset

if TYPE_CHECKING:
    import numpy as np

_ROUNDS = 100


@dataclass(frozen=True)
class Hidden:
    """Cells hidden for being small and for the sake of those; `narrowest` is the least any of them was seen to vary."""

    small: np.ndarray
    others: np.ndarray
    narrowest: int | None


def hide(cells: Cells, preset: Preset) -> Hidden:
    """Hide, audit, and hide more until the audit is passed or nothing is left to hide (`narrowest` says which).

    A reader is taken to know which hidden counts are small and which were hidden for their sake.
    """
    import numpy as np

    small = np.array([preset.hides(int(count)) for count in cells.counts], dtype=bool)
    others = np.zeros_like(small)
    bounds = np.array([preset.published(int(count)) for count in cells.counts])
    bounds[small] = preset.hidden
    people = preset.told(cells.people)
    witnesses = Witnesses(cells, people)
    for _ in range(_ROUNDS):
        narrow = witnesses.look(small | others, bounds[:, 0], bounds[:, 1])
        more = _more(cells, preset, narrow, small | others) if narrow.any() else []
        if not more:
            break
        others[more] = True
        bounds[more] = preset.threshold, people[1]
    hidden = small | others
    spread = (witnesses.most - witnesses.least)[hidden]
    return Hidden(small, others, int(spread.min()) if spread.size else None)


def _more(cells: Cells, preset: Preset, narrow: np.ndarray, hidden: np.ndarray) -> list[int]:
    """For sums that a narrow cell stands in, the smallest count still shown; that loses least.

    Sums of which it is the only hidden one come first; where there are none, one more is hidden in a single sum.
    """
    concerned = [each for each in cells.equations if narrow[list(each)].any()]
    chosen: dict[int, None] = {}
    for equation in concerned:
        if hidden[list(equation)].sum() == 1 and not any(cell in chosen for cell in equation):
            chosen |= _smallest(cells, preset, equation, hidden)
    for equation in concerned:
        if not chosen:
            chosen |= _smallest(cells, preset, equation, hidden)
    return list(chosen)


def _smallest(cells: Cells, preset: Preset, equation: tuple[int, ...], hidden: np.ndarray) -> dict[int, None]:
    # Everybody together is no secret, and a shown zero cannot stand for a large count.
    shown = [
        cell
        for cell in equation
        if not hidden[cell] and cells.counts[cell] >= preset.threshold and not _everybody(cells, cell)
    ]
    return {min(shown, key=lambda cell: (cells.counts[cell], cell)): None} if shown else {}


def _everybody(cells: Cells, cell: int) -> bool:
    return cells.cells[cell].events is None and set(cells.cells[cell].place) <= {-1}
