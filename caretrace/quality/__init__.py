"""Data quality as a product: gaps in each system, contradictions between systems, and lists for whoever mends them.

In: the working store after reading, with the links of a run or without. Out: `Quality`, counts and never a value, and
`to_fix/`, record ids and never a value. Begin with `KINDS`, each a declaration of what is looked for and why; `facts`
finds and counts them, `trend.compare` holds them against an earlier run, `first.to_mend` says what to mend first.
"""

from __future__ import annotations

from caretrace.quality.facts import facts
from caretrace.quality.figures import (
    FIELDS,
    RULES,
    SIDES,
    Between,
    Field,
    Figure,
    Issue,
    Quality,
    SetAside,
    SourceQuality,
)
from caretrace.quality.find import BY_NAME, KINDS
from caretrace.quality.kind import Kind, Mender, Severity

__all__ = [
    "BY_NAME",
    "FIELDS",
    "KINDS",
    "RULES",
    "SIDES",
    "Between",
    "Field",
    "Figure",
    "Issue",
    "Kind",
    "Mender",
    "Quality",
    "SetAside",
    "Severity",
    "SourceQuality",
    "facts",
]
