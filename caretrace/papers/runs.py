"""What a project's newest runs say: how many were linked or wait for a person, what was read, by which model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caretrace.project import Project
from schemas import TABLES
from schemas.table import Identifies

LAST_RUNS = 10
Manifest = Mapping[str, Any]
Found = dict[str, tuple[str, ...]]


def manifests(project: Project) -> list[Manifest]:
    """Manifests of the newest LAST_RUNS finished runs, oldest first; InputError where one is not whole."""
    from caretrace import run_folder

    found = [
        run_folder.open(path, whole=False).manifest
        for path in (project.runs.iterdir() if project.runs.is_dir() else ())
        if (path / run_folder.MANIFEST).is_file() and not path.name.startswith(".")
    ]
    return sorted(found, key=lambda each: str(each["created_at"]))[-LAST_RUNS:]


def facts_of_runs(found: Sequence[Manifest]) -> Found:
    """Facts of runs, the last of which is the newest; without lines where there are none."""
    names = ("clients", "register", "columns", "runs", "newest_run", "review", "estimate", "model")
    if not found:
        return dict.fromkeys(names, ())
    newest = found[-1]
    counts, linkage = newest["counts"], newest["linkage"]
    clients = _clients(newest)
    return {
        "clients": (f"{clients:,} clients in the newest run",),
        "register": (f"{linkage['register_people']:,} people on the registers of the newest run",),
        "columns": _columns(found),
        "runs": tuple(_run(each) for each in reversed(found)),
        "newest_run": (f"{_run(newest)}, by caretrace {newest['caretrace_version']}",),
        "review": (
            f"{counts['review']:,} of {clients:,} clients ({_share(counts['review'], clients)}) wait for a person",
        ),
        "estimate": _estimate(linkage.get("expected")),
        "model": (
            f"model {linkage['model_id']}, {newest['model'].get('provenance', {}).get('origin', 'of unknown origin')}",
        ),
    }


def _clients(manifest: Manifest) -> int:
    return sum(int(manifest["counts"][name]) for name in ("linked", "review", "none"))


def _run(manifest: Manifest) -> str:
    counts, clients = manifest["counts"], _clients(manifest)
    which = f"run {manifest['warehouse']['run']}" if "warehouse" in manifest else "a run of `caretrace link`"
    return (
        f"{which} on {manifest['created_at'][:10]}: {counts['linked']:,} of {clients:,} clients linked"
        f" ({_share(counts['linked'], clients)}), {counts['review']:,} sent to people"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def _columns(found: Sequence[Manifest]) -> tuple[str, ...]:
    """Each table that was read, on any of these nights, with the columns that point at a person alone."""
    read: dict[str, set[str]] = {}
    for each in (each for manifest in found for each in manifest["inputs"]):
        said = f"{each['format']} {each['version'] or ''}".strip()
        for table in str(each["table"]).split(", "):
            if table in TABLES:
                read.setdefault(table, set()).add(said)
    lines = []
    for table in sorted(read):
        columns = TABLES[table].columns
        direct = [each.name for each in columns if each.identifies in (Identifies.DIRECT, Identifies.FREE_TEXT)]
        some = f"; identifying alone or free text: {', '.join(direct)}" if direct else ""
        lines.append(f"{table} ({', '.join(sorted(read[table]))}): {len(columns)} columns{some}")
    return tuple(lines)


def _estimate(expected: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The model's own expectation; said to be that."""
    if not expected:
        return ()

    def said(name: str) -> str:
        low, high = expected[name]["interval_95"]
        return f"{name} {expected[name]['value']:.5f} (95% interval {low:.5f} to {high:.5f})"

    return (
        f"expected by the model itself, not measured: {said('precision')}, {said('recall')};"
        f" {expected['wrong']:.2g} wrong of {expected['links']:,} links",
    )
