"""How good a run is: against known truth, against decisions of people, and by what the run itself can tell.

In: a finished run folder, and a truth file or a sheet of decisions where there is one. Out: facts, `evaluation.json`,
one printable page and `errors.csv`, in a folder of their own: a run folder is never touched again. Begin with
`evaluate`; the statistics are `linkage.evaluate`'s.
"""

from __future__ import annotations

from caretrace.evaluate.run import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
