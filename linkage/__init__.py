"""Who is who: finds the register person behind each client record, and says how sure it is and why.

In: the standard tables of two sides in one DuckDB connection (`clients.*`, `register.*`). Out: table `link`
(schemas.LINK), one row per client record.

The modules read in the order of the method, and `link` in `engine` is that order:
`clean` (with `names`), `blocking`, `comparison`, `frequencies`, `weigh`, `model`, `train`, `passes`, `decide`.
Begin with `comparison`, which holds the levels as data, and `weigh`, which holds the one formula.
"""

from __future__ import annotations

from linkage.decide import Target
from linkage.engine import Engine, LinkFacts, Settings, link
from linkage.model import Bands, Model, default_model

__all__ = ["Bands", "Engine", "LinkFacts", "Model", "Settings", "Target", "default_model", "link"]
