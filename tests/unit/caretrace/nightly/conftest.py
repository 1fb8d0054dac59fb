"""A desk for one inbox: deliveries of a few readable people, taken in night after night without linking anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from caretrace.nightly.deliveries import look
from caretrace.nightly.intake import Intake, Taken
from caretrace.nightly.waiting import Waiting, history, sort_out
from caretrace.project.settings import Hold, Source
from caretrace.run_settings import RunSettings
from caretrace.warehouse import deliveries, store
from connectors.files.opening import DEFAULT

SETTINGS = RunSettings(as_at=date(2026, 11, 22), threads=1)


@dataclass
class Desk:
    """One source with its inbox and a warehouse."""

    root: Path
    source: Source
    settings: RunSettings = SETTINGS
    nights: int = 0
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def inbox(self) -> Path:
        folder = self.root / "in"
        folder.mkdir(exist_ok=True)
        return folder

    def deliver(self, name: str, content: bytes) -> None:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def wait(self, state: store.State, accept: Iterable[str] = ()) -> Waiting:
        past = history(state.connection, self.source.name)
        inbox = look(self.inbox, self.source, known=[each.stamp for each in past], quiet=0)
        return sort_out(self.source, inbox, past, opening=DEFAULT, accept=tuple(accept))

    def night(self, *, accept: Iterable[str] = (), dry: bool = False) -> dict[str, tuple[str, str | None]]:
        """Take in what waits; what became of each delivery, by name."""
        with store.next_state(self.root / "warehouse", self.settings) as state:
            waiting = self.wait(state, accept)
            self.waiting.append(waiting)
            taken = Intake(state, waiting, self.settings, DEFAULT, judge_only=dry).take()
            if dry:
                return _told(taken)
            for each in taken:
                if each.outcome not in ("applied", "waits"):
                    delivery = each.delivery
                    deliveries.note(
                        state,
                        feed=self.source.name,
                        side=self.source.side,
                        name=delivery.name,
                        mode=delivery.mode,
                        outcome=each.outcome,
                        reason=each.reason,
                        files=each.files,
                    )
            row = [state.run, self.settings.as_at, "night"]
            state.connection.execute("INSERT INTO state.run SELECT ?, ?, now()::TIMESTAMP, ?, 'x', '{}'", row)
            state.commit()
        return _told(taken)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with store.read_state(self.root / "warehouse", self.settings) as state:
            return state.connection.execute(query).fetchall()

    def people(self) -> list[str]:
        """Who holds now."""
        return [name for (name,) in self.ask(f"SELECT record_id FROM state.{self.source.side}.person ORDER BY ALL")]


def _told(taken: Iterable[Taken]) -> dict[str, tuple[str, str | None]]:
    return {each.delivery.name: (each.outcome, each.reason) for each in taken}


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    """Give a function that makes a desk; its words are those of a [[source]]."""

    def make(*, side: str = "clients", hold: dict[str, Any] | None = None, **words: Any) -> Desk:
        source = Source(name=words.pop("name", "list"), side=side, hold=Hold(**(hold or {})), **words)
        return Desk(tmp_path, source)

    return make
