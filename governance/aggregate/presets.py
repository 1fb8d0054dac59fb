"""Rules for small numbers by name: which counts are hidden, and what the others are rounded to."""

from __future__ import annotations

from dataclasses import dataclass

HIDDEN = "*"


@dataclass(frozen=True)
class Preset:
    """Counts below `threshold` are hidden, zeros only where `hides_zero`; the others go to the nearest `base`."""

    name: str
    threshold: int
    base: int
    hides_zero: bool
    standing: str

    def hides(self, count: int) -> bool:
        """Whether a count is too small to be shown."""
        return count < self.threshold and (count > 0 or self.hides_zero)

    def rounded(self, count: int) -> int:
        """The nearest multiple of `base`; the same count always gives the same, so asking again tells nothing."""
        return (count + self.base // 2) // self.base * self.base

    def published(self, count: int) -> tuple[int, int]:
        """Least and most that a reader knows a shown count to be."""
        if count == 0 and not self.hides_zero:
            return 0, 0
        shown, half = self.rounded(count), self.base // 2
        return max(self.threshold, shown - half), shown + (self.base - 1) // 2

    def told(self, count: int) -> tuple[int, int]:
        """Least and most that a reader knows a number to be that is rounded and never hidden."""
        shown = self.rounded(count)
        return max(0, shown - self.base // 2), shown + (self.base - 1) // 2

    @property
    def hidden(self) -> tuple[int, int]:
        """Least and most that a reader knows a small hidden count to be."""
        return 0 if self.hides_zero else 1, self.threshold - 1


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("nhs-hes-2018", 8, 5, False, "NHS Digital, HES; that zeros are shown is assumed"),
        Preset(
            "opensafely", 8, 5, True, "OpenSAFELY: 7 or less redacted, then rounded; that it hides zeros is assumed"
        ),
        Preset("acro", 10, 5, True, "ACRO default.yaml; its tests of magnitudes do not concern counts"),
        Preset("ons-ls-10", 10, 1, True, "ONS LS; hidden here, where the source has them reviewed in context"),
        Preset("hic-dundee", 5, 1, True, "HIC Dundee: below 5 hidden; that it hides zeros is assumed"),
        Preset("asc-round5", 5, 5, True, "social care statistics; the whole preset is assumed"),
    )
}
"""Named as in the publications they follow."""
