"""What somebody with all that is published, and the rule by which it was hidden, can work out of what is not.

For a hidden count two whole tables are looked for that agree with everything published, one where it is as large as
can be and one where it is as small. Both found, they are the proof: nobody can tell which of them is true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from governance.aggregate.cells import Cells

if TYPE_CHECKING:
    import numpy as np

NARROWEST = 3
"""How far apart the least and the most that a hidden count can be must at least lie."""
_NODES = 2_000
"""Branches HiGHS may try for one question; a limit in seconds would make two machines disagree."""


@dataclass
class Witnesses:
    """The least and the most seen of every cell, over all tables found to agree with what is published.

    Hiding more only lets more tables agree, so what was seen once stays true.
    """

    cells: Cells
    people: tuple[int, int]
    """What is told of how many people there are: at least, at most."""
    least: np.ndarray = field(init=False)
    most: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.least, self.most = self.cells.counts.copy(), self.cells.counts.copy()

    def narrow(self, hidden: np.ndarray) -> np.ndarray:
        """Hidden cells not seen to vary far enough."""
        narrow: np.ndarray = hidden & (self.most - self.least < NARROWEST)
        return narrow

    def look(self, hidden: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Look for tables within the bounds of each cell that vary it; gives the hidden cells that stay narrow."""
        import numpy as np

        for cell in np.flatnonzero(hidden):
            for sign in (-1, 1):
                if self.most[cell] - self.least[cell] >= NARROWEST:
                    break
                self._see(int(cell), sign, low, high)
        return self.narrow(hidden)

    def _see(self, cell: int, sign: int, low: np.ndarray, high: np.ndarray) -> None:
        import numpy as np
        import scipy.sparse as sp
        from scipy.optimize import Bounds, LinearConstraint, milp

        cells = self.cells
        size = cells.finest.size // cells.blocks
        # Nobody has a service without being among the people.
        everybody = sp.csr_matrix(np.repeat([1, 0], [size, cells.finest.size - size]))
        constraints = [
            LinearConstraint(cells.sums, low, high),
            LinearConstraint(everybody, *self.people),
        ]
        if cells.blocks > 1:
            one = sp.identity(size, format="csr")
            within = sp.hstack(
                [sp.vstack([-one] * (cells.blocks - 1)), sp.block_diag([one] * (cells.blocks - 1))], format="csr"
            )
            constraints.append(LinearConstraint(within, -np.inf, 0))
        found = milp(
            sign * cells.sums[[cell]].toarray().ravel(),
            constraints=constraints,
            bounds=Bounds(0, self.people[1]),
            integrality=np.ones(cells.finest.size),
            options={"node_limit": _NODES},
        )
        if found.x is None:
            return
        table = cells.sums @ np.rint(found.x).astype(np.int64)
        # Checked in whole numbers, so that no tolerance of the solver can stand for a proof.
        if (table >= low).all() and (table <= high).all():
            self.least, self.most = np.minimum(self.least, table), np.maximum(self.most, table)
