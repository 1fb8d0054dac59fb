"""What a run may be told: the day, the seed, the targets, the model, the outputs, and how much of the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from caretrace import population
from caretrace.outputs import OutputSettings
from caretrace.working_store import DEFAULT_MEMORY
from linkage import Settings as LinkageSettings
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from linkage import Model

TestNumbers = Literal["count", "refuse"]

MOST_THREADS = 256
"""More than this is a slip of the finger, and would be started all the same."""


@dataclass(frozen=True)
class RunSettings:
    """What a run may be told; `threads` and `memory` change how fast it is, never what comes out."""

    as_at: date
    """The day that two-digit years and future dates are judged by."""
    seed: int = 0
    test_numbers: TestNumbers = "count"
    """Whether NHS numbers of the test range (9xx) are used and counted, or not used (for live data)."""
    linkage: LinkageSettings = field(default_factory=LinkageSettings)
    """Targets, and what becomes of links to people without a number."""
    model: Model | None = None
    """The model to use; None trains one on the data at hand."""
    population: population.Population | None = None
    """How common names are elsewhere; None asks the register alone."""
    outputs: OutputSettings = field(default_factory=OutputSettings)
    threads: int | None = None
    """None: every core."""
    memory: str = DEFAULT_MEMORY
    """What DuckDB may hold, as a size or a share of the machine's, before it spills into the run's own folder."""

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise SettingsError("the seed must be a whole number from 0 to 9223372036854775807")
        if self.threads is not None and not 1 <= self.threads <= MOST_THREADS:
            raise SettingsError(f"the number of threads must be from 1 to {MOST_THREADS}")
        if not re.fullmatch(r"[0-9]+ ?[MGT]i?B|[1-9][0-9]?%", self.memory, re.IGNORECASE):
            raise SettingsError("the memory limit is not a size such as 1500MB or 4GB, or a share such as 50%")

    def to_json(self) -> dict[str, Any]:
        """What decides the output, as plain values: with inputs and version this makes the run_id."""
        return {
            "as_at": self.as_at.isoformat(),
            "test_numbers": self.test_numbers,
            "linkage": self.linkage.to_json(),
            "model": None if self.model is None else self.model.model_id,
            "population": None if self.population is None else self.population.to_json(),
            "load_back": self.outputs.to_json(),
        }
