"""People in the loop: pairs go out to readers, answers come back, and what they decide is kept for every later run.

Begin with `export.export` and `importing.import_answers`, which are `caretrace review export` and `import`. `ledger` is
the file that keeps what was decided; `verdicts` gives it to a linkage, `sampled` to an evaluation.
"""

from __future__ import annotations

from caretrace.review.sampled import sampled
from caretrace.review.verdicts import Verdicts, from_table, given, verdicts

__all__ = ["Verdicts", "from_table", "given", "sampled", "verdicts"]
