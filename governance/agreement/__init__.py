"""The sharing agreement: a TOML file that people write and sign, and that every release is held against.

`model` says what it holds (`parties`, `data` and `control` are parts of it), `reading` reads it with its signatures,
`signing` makes and checks those, `templates` are beginnings for the usual kinds. What the law or a policy demands of
its values is the rules' business (`governance.rules`), so that they can give every reason at once.
"""

from __future__ import annotations

from governance.agreement.data import Form, People
from governance.agreement.model import DIRECT_CARE, PURPOSES, Agreement, Basis
from governance.agreement.parties import Party, Role, Signatory
from governance.agreement.reading import Signed, load
from governance.agreement.signing import Signature

__all__ = [
    "DIRECT_CARE",
    "PURPOSES",
    "Agreement",
    "Basis",
    "Form",
    "Party",
    "People",
    "Role",
    "Signatory",
    "Signature",
    "Signed",
    "load",
]
