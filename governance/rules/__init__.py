"""The rules R01 to R45: each a small function with its citation, standing and version.

`rule` holds what a rule is and the list of them; `agreement`, `lawfulness`, `recipient`, `fields`, `disclosure`,
`differencing`, `subjects`, `release` and `reversal` hold the rules by what they look at. `governance.decide.decide`
asks them; nothing here reads a file or a clock.
"""

from __future__ import annotations

from governance.rules import (
    agreement,
    differencing,
    disclosure,
    fields,
    lawfulness,
    recipient,
    release,
    reversal,
    subjects,
)

MODULES = (agreement, lawfulness, recipient, fields, differencing, disclosure, release, subjects, reversal)
