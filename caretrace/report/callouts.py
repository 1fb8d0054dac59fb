"""What a run points out beside its counts, on the terminal and in the report.

Signs that something was given that was not meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.accounts import INCOMPLETE

_HALF, _LET_PASS = 0.5, 3
"""More unusable values of a field than this share, and than that number: as a night's delivery is held [assumed]."""


def callouts(manifest: Mapping[str, Any]) -> Iterator[str]:
    """A sentence each, from what the manifest of the run holds; none names a person."""
    yield from _titles(manifest.get("inputs") or [])
    yield from _on_both_sides(manifest.get("inputs") or [])
    yield from _unusable((manifest.get("quality") or {}).get("sources") or [])
    if (manifest.get("counts") or {}).get("linked") == 0:
        yield "nobody was linked; is this the register of these clients? (`caretrace check ... --register`)"


def _titles(inputs: list[dict[str, Any]]) -> Iterator[str]:
    """What a user of our own format may have misspelt; suppliers' files have columns we never use.

    Of those it is said where they may not be whole, or were not read although they nearly are what was looked for.
    """
    for file in inputs:
        note = file.get("note") or ""
        if note and (file.get("format") == "standard" or any(words in note for words in INCOMPLETE)):
            yield f"{file['name']}: {note}"


def _on_both_sides(inputs: list[dict[str, Any]]) -> Iterator[str]:
    """One file given twice links everybody to themselves, which looks like a success."""
    register = {file["sha256"] for file in inputs if file["side"] == "register" and file["sha256"]}
    for file in inputs:
        if file["side"] == "client" and file["records"] and file["sha256"] in register:
            yield f"{file['name']}: is among the clients and in the register; a client finds herself in it"


def _unusable(sources: list[dict[str, Any]]) -> Iterator[str]:
    """A field whose values nearly all failed was damaged on the way, and people are missed for it."""
    for source in sources:
        for kind, counts in source["figures"].items():
            field, _, refused = kind.rpartition("-")
            if refused != "refused":
                continue
            there = source["records"] - source["figures"].get(f"{field}-missing", {"records": 0})["records"]
            if counts["records"] > max(_HALF * there, _LET_PASS):
                yield (
                    f"{source['source']} ({source['side']}): {counts['records']:,} of {there:,} values of"
                    f" {field.replace('-', '_')} cannot be used; quality.csv says why"
                )
