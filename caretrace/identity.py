"""A run's id: the same for the same work, another for anything that could change what comes out."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from caretrace.linked import SIDES
from caretrace.version import __version__

if TYPE_CHECKING:
    import duckdb

    from caretrace.review import Verdicts
    from caretrace.run_settings import RunSettings
    from connectors import ReadReport, Source


def identify(
    reports: Mapping[str, ReadReport],
    organisations: Sequence[tuple[str, str, str]],
    mappings: Mapping[str, str],
    settings: RunSettings,
    verdicts: Verdicts | None = None,
    given: Sequence[Sequence[str | None]] = (),
) -> str:
    """The run's id: a hash of inputs, settings, seed and version, so of all that decides the output.

    Inputs count in the order they were given, since the first of two records with one key is kept, and with the names
    of their organisations, which may come from folders; `given` is what was said of each source beside its files: its
    kind of delivery, and organisations left out. Earlier decisions count as their file stood. Neither time nor
    threads are in it. A model trained here is, through inputs and seed; a model given counts by its id.
    """
    inputs = [(side, file.name, file.format, file.sha256) for side, report in reports.items() for file in report.files]
    made_of = {
        "inputs": inputs,
        "organisations": organisations,
        "given": [list(each) for each in given],
        "mappings": sorted(mappings.items()),
        "settings": settings.to_json(),
        "seed": settings.seed,
        "version": __version__,
        "verdicts": verdicts.sha256 if verdicts else None,
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32]


def organisations(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Every side, source and organisation there is."""
    union = " UNION ".join(f"SELECT '{side}', source, source_org FROM {side}.person" for side in SIDES)
    return connection.execute(f"{union} ORDER BY ALL").fetchall()


def mapping_hashes(sources: Sequence[Source]) -> dict[str, str]:
    """SHA-256 of each mapping file, by its name."""
    found: dict[str, str] = {}
    for file in dict.fromkeys(source.mapping for source in sources if source.mapping is not None):
        # Two files of one name in different folders are two mappings.
        name = next(name for name in _numbered(file.name) if name not in found)
        found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in itertools.count(2))
