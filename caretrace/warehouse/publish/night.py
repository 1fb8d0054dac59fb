"""What the maker of a run knows of it. The state keeps it of its last run, so that a run folder that was not written,
because the machine stopped between the two, can be written later and is the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from caretrace.version import __version__
from schemas.errors import InputError

if TYPE_CHECKING:
    from caretrace.run_settings import RunSettings
    from caretrace.warehouse.store import State
    from linkage import Model

_NOTED = "night"
"""Its name in `state.meta`."""


@dataclass(frozen=True)
class Night:
    """A run as it will stand in its manifest."""

    run_id: str
    created_at: datetime
    """In UTC."""
    kind: str
    """night, full or undo."""
    settings: RunSettings
    model: Model
    linkage: Mapping[str, Any]
    """What `linkage.LinkFacts.to_json` gives: `bands` and `model` at least, for those who explain or review."""
    inputs: Sequence[Mapping[str, Any]] = ()
    """`connectors.FileFacts.to_json` of every file read tonight, with its `side` (client or register)."""
    mappings: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Any] | None = None
    """Facts of the decisions that were honoured."""
    notes: Sequence[str] = ()
    """What else whoever reads the page must know, a sentence each, such as a model that has grown old."""
    timings: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State, settings: RunSettings) -> Night:
        """The last run of the state as it was noted; InputError where none is."""
        from linkage.model_file import from_facts

        found = state.connection.execute(
            "SELECT n.value, r.started, r.kind FROM state.meta n, state.run r WHERE n.name = ? AND r.run = ?",
            [_NOTED, state.run],
        ).fetchall()
        if not found:
            raise InputError("no run is noted in the warehouse, so none can be published; run `caretrace run`")
        [(text, started, kind)] = found
        told = json.loads(text)
        return cls(
            told["run_id"],
            started.replace(tzinfo=UTC),
            kind,
            settings,
            from_facts(told["model"]),
            {**told["linkage"], "model": told["model"]},
            told["inputs"],
            told["mappings"],
            told["verdicts"],
            told["notes"],
        )

    def note(self, state: State) -> None:
        """Keep it in the state, in place of the run before."""
        text = json.dumps({**self.to_json(), "notes": list(self.notes)})
        state.connection.execute("DELETE FROM state.meta WHERE name = ?", [_NOTED])
        state.connection.execute("INSERT INTO state.meta VALUES (?, ?)", [_NOTED, text])

    def to_json(self) -> dict[str, Any]:
        """The part of the manifest that is known before anything is written."""
        facts = dict(self.linkage)
        return {
            "run_id": self.run_id,
            "created_at": self.created_at.isoformat(timespec="seconds"),
            "caretrace_version": __version__,
            "inputs": [dict(each) for each in self.inputs],
            "mappings": dict(self.mappings),
            "verdicts": dict(self.verdicts) if self.verdicts else None,
            "settings": self.settings.to_json(),
            "resources": {"threads": self.settings.threads, "memory": self.settings.memory},
            "seed": self.settings.seed,
            "model": facts.pop("model", None) or self.model.to_json(),
            "linkage": {**facts, "timings": facts.pop("seconds", {})},
        }
