"""What left of a run, by the log: releases, and files that commands wrote for others. The log names nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

_ABORTED = {"RELEASE_ABORTED": "release_id", "WRITING_ABORTED": "writing_id"}
_BEGUN = {"RELEASE_INTENT": "release_id", "WRITING_INTENT": "writing_id"}


def made_from(audit: Path) -> Mapping[str, tuple[str, ...]]:
    """Ids of the releases and writings by the run_id they were made from; empty where there is no log.

    Raises IntegrityFailure where the log was altered: a list from it could lack one.
    """
    if not audit.is_dir():
        return {}
    from governance.audit import verification

    entries = verification.entries(audit, verification.examine(audit))
    begun = {
        str(entry["body"][_BEGUN[entry["type"]]]): str(entry["body"]["run_id"])
        for entry in entries
        if entry["type"] in _BEGUN and entry["body"].get("run_id")
    }
    aborted = {str(entry["body"][_ABORTED[entry["type"]]]) for entry in entries if entry["type"] in _ABORTED}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for its_id, run_id in begun.items():
        if its_id not in aborted:
            found[run_id].append(its_id)
    return {run_id: tuple(ids) for run_id, ids in found.items()}
