"""One client of a finished run: what was decided, on what evidence, and against whom.

In: a run folder and a client's record id. Out: an `Explanation`, as text (`to_text`), JSON, or one printable page
(`page.render`). It shows levels of agreement and no values, unless they are asked for. Begin with `explain`.
"""

from __future__ import annotations

from caretrace.explain.facts import Explanation, explain
from caretrace.explain.text import to_text

__all__ = ["Explanation", "explain", "to_text"]
