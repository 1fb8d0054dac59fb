"""Who is who: finds the register person behind each client record, and says how sure it is and why.

In: the standard tables of two sides in one DuckDB connection (`clients.*`, `register.*`). Out: table `link`
(schemas.LINK), one row per client record.

The modules read in the order of the method, and `link` in `engine` is that order:

    clean (with names, diminutives), blocking, comparison, frequencies, weigh, model, train, passes, decide,
    leftovers (the last few on both sides), verdicts (what people decided), explain, review, evaluate/

Begin with `comparison`, which holds the levels as data, and `weigh`, which holds the one formula. What computes it is
an engine: `batch` (DuckDB, the usual one), `spark/`, `reference/` (pandas and recordlinkage), or `lookup/` for one
client at a time. Models travel as files: `model_file`, `model_diff`, `splink/`, and `conditions/`, which keeps foreign
SQL out.
"""

from __future__ import annotations

from linkage.decide import Target
from linkage.default import default_model
from linkage.engine import Engine, LinkFacts, Settings, link
from linkage.model import Bands, Model

__all__ = ["Bands", "Engine", "LinkFacts", "Model", "Settings", "Target", "default_model", "link"]
