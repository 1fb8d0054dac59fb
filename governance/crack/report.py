"""What was found about a column, in words and counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How bad a finding is; the value is the word for it."""

    BROKEN = "broken"
    WEAK = "weak"


@dataclass(frozen=True)
class Finding:
    """One scheme that the column fell to; `recovered` of `of` distinct values."""

    verdict: Verdict
    scheme: str
    recovered: int
    of: int
    cut_short: bool = False
    """Time was up before all candidates were tried; with more of it, more values fall."""

    def to_text(self) -> str:
        """In one line."""
        text = f"{self.verdict.value}: {self.scheme}; {self.recovered:,} of {self.of:,} values"
        return text + (" before time was up" if self.cut_short else "")


@dataclass(frozen=True)
class Report:
    """All findings on a column, and how far the tries went."""

    column: str
    values: int
    """Distinct values tried."""
    findings: tuple[Finding, ...]
    tried: int
    """Schemes tried to the end."""
    left: tuple[str, ...] = ()
    """Schemes that the time given did not reach."""

    @property
    def failed(self) -> bool:
        """Whether the column must not be called pseudonymised."""
        return bool(self.findings)

    def to_text(self) -> str:
        """A line for each finding, or one that says what was withstood."""
        name = f"{self.column} ({self.values:,} different values)"
        if self.findings:
            return "\n".join(f"{name}: {each.to_text()}" for each in self.findings)
        if not self.values:
            return f"{name}: empty"
        text = f"{name}: withstood {self.tried:,} schemes"
        if self.left:
            text += f"; {len(self.left):,} more were not reached in the time given, the first: {self.left[0]}"
        return text + ". That is no proof: a secret that is weak in another way is not tried."
