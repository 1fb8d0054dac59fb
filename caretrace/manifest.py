"""What a run says of itself: its manifest, and the provenance of its model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from caretrace.linked import SIDES
from caretrace.version import __version__

if TYPE_CHECKING:
    from caretrace.pipeline import Linked
    from caretrace.run_settings import RunSettings
    from linkage import Model


def manifest(linked: Linked, settings: RunSettings, timings: Mapping[str, float]) -> dict[str, Any]:
    """The run as plain values, what is only known once files are written apart."""
    facts = linked.facts.to_json()
    inputs = [{"side": SIDES[side], **f.to_json()} for side, report in linked.reports.items() for f in report.files]
    return {
        "run_id": linked.run_id,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "caretrace_version": __version__,
        "inputs": inputs,
        "mappings": dict(linked.mappings),
        "verdicts": dict(linked.verdicts.facts) if linked.verdicts else None,
        "settings": settings.to_json(),
        "resources": {"threads": settings.threads, "memory": settings.memory},
        "seed": settings.seed,
        "model": facts.pop("model"),
        "linkage": {**facts, "timings": facts.pop("seconds", {})},
        "counts": dict(linked.counts),
        "timings": dict(timings),
    }


def with_fingerprint(linked: Linked, expected: Mapping[str, Any] | None) -> Model:
    """The run's model, which says what data and which versions made or used it, and what it expects of its links."""
    import duckdb

    facts = linked.facts
    inputs = [(side, file.sha256) for side, report in linked.reports.items() for file in report.files]
    provenance = {
        **facts.model.provenance,
        "data fingerprint": hashlib.sha256(json.dumps(inputs).encode()).hexdigest(),
        "run_id": linked.run_id,
        "versions": {"caretrace": __version__, "duckdb": duckdb.__version__},
        "counts": {name: linked.counts[name] for name in ("linked", "review", "none")},
        "expected": expected,
    }
    return replace(facts.model, provenance=provenance)
