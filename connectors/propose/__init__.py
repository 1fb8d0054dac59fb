"""A mapping proposed from a council's own files: what each column seems to hold, how sure that is, and why.

In: files that no shipped layout fits. Out: a `Proposal` in plain words and as a mapping file that `Source` takes. Begin
with `propose`. `titles` weighs what columns are called, `contents` what stands in them; `judge` puts the two together
and leaves to the user what they do not settle. Values are looked at and never repeated.
"""

from __future__ import annotations

from connectors.propose.mapping import as_toml
from connectors.propose.proposal import Candidate, Column, Proposal, Sheet
from connectors.propose.run import propose

__all__ = ["Candidate", "Column", "Proposal", "Sheet", "as_toml", "propose"]
