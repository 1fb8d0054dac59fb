"""What a night is asked for, and what gathers while it is at work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.pipeline import Clock
from schemas.progress import Progress

if TYPE_CHECKING:
    from caretrace.nightly.intake import Taken
    from caretrace.nightly.waiting import Waiting
    from caretrace.project import Project
    from caretrace.project.settings import Settings
    from caretrace.run_settings import RunSettings
    from caretrace.warehouse.erase import Erasure
    from caretrace.warehouse.kept_out import Roots
    from connectors.files.opening import Opening
    from linkage import Engine


@dataclass(frozen=True)
class Wanted:
    """What whoever starts a night may ask for."""

    as_at: date
    """The day that it is, for the sources' dates and for everything that is due."""
    again: bool = False
    """Link everybody anew, with a model trained anew."""
    accept: Collection[str] = ()
    """Deliveries, as NAME or SOURCE/NAME, that are applied in spite of the limits that hold them."""
    dry: bool = False
    """Look at what is waiting, and do nothing."""
    undo_to: int | None = None
    """Lay everything back as it was after this run, instead of reading anything."""
    erase: Erasure | None = None
    """Take these records out for good, instead of reading anything."""
    roots: Roots | None = None
    """Gives the project's root keys; asked only where records that were erased are kept out."""

    @property
    def within(self) -> bool:
        """Whether the state itself is to change, and nothing is read."""
        return self.undo_to is not None or self.erase is not None


@dataclass
class AtWork:
    """What gathers while a night is at work."""

    project: Project
    settings: Settings
    wanted: Wanted
    opening: Opening
    engine: Engine | None
    progress: Progress
    started: datetime
    plain: RunSettings
    """The same settings as the stages of a run take them."""
    clock: Clock = field(default_factory=Clock)
    waiting: list[Waiting] = field(default_factory=list)
    taken: list[tuple[Waiting, Taken]] = field(default_factory=list)
    """What became of each delivery."""
    standing: Sequence[str] = ()
    """What there is to say whether or not a run is made (`watch`)."""
    last_run: int = 0
    """Number of the newest run that stands; 0 before the first."""
    recovered: Path | None = None

    @property
    def seen(self) -> Mapping[str, date]:
        """By source, the day on which the newest file of its inbox was written: what repeats itself is no news."""
        newest = {each.source.name: each.newest for each in self.waiting}
        return {
            name: datetime.fromtimestamp(at / 1e9).astimezone().date() for name, at in newest.items() if at and at > 0
        }

    @property
    def match(self) -> Mapping[str, Any]:
        """What the linkage is told tonight, in plain values."""
        plain = self.plain.to_json()
        return {name: plain[name] for name in ("linkage", "model", "population")}
