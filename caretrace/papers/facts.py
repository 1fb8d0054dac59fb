"""What a project says of itself: its settings, its newest runs, its keys and its agreements. The log is `logged`'s.

Every value is as it was found, or missing; nothing is guessed, and nothing here is about one person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from caretrace.papers.agreed import agreed, facts_of
from caretrace.papers.known import KNOWN, Fact
from caretrace.papers.logged import facts_of_log
from caretrace.project import MARKER, Project, settings
from caretrace.purge import settings as purge
from caretrace.version import __version__
from schemas import TABLES
from schemas.errors import InputError
from schemas.table import Identifies

SETTINGS, LAST_RUNS = MARKER, 10
Manifest = Mapping[str, Any]
Found = dict[str, tuple[str, ...]]


def gather(project: Project, keys_dir: Path, agreements: Sequence[Path], *, today: date) -> dict[str, Fact]:
    """Every fact of KNOWN, without lines where the project does not say it.

    `agreements` are files beside those that caretrace.toml names. Raises the errors of whatever cannot be read:
    a paper that leaves out what is damaged would say less than is so.
    """
    set_up = settings.load(project) if project.settings.is_file() else None
    entries = _entries(project, keys_dir)
    files = [*(set_up.agreements.files if set_up else ()), *agreements]
    found = {
        **_of(SETTINGS, _of_settings(set_up)),
        **_of(SETTINGS, {"retention": _periods(project)}),
        **_of("the newest runs", _of_runs(_manifests(project))),
        **_of("keys folder", {"keeper": _keeper(keys_dir)}),
        **_of("agreements", facts_of(agreed(files, entries))),
        **_of("audit log", facts_of_log(entries, today=today)),
        **_of("caretrace", _of_program()),
    }
    if missing := set(KNOWN) ^ set(found):
        raise TypeError(f"facts that are not both declared and looked up: {sorted(missing)}")
    return found


def _of(source: str, lines: Mapping[str, Sequence[str]]) -> dict[str, Fact]:
    return {name: Fact(tuple(said), source) for name, said in lines.items()}


def _entries(project: Project, keys_dir: Path) -> tuple[dict[str, Any], ...]:
    """The log's entries, checked; none where there has never been a log."""
    from governance import audit

    try:
        return audit.verify(project.audit, keys_dir=keys_dir if keys_dir.is_dir() else None).entries
    except InputError:  # an altered or vanished log is another error
        return ()


def _of_settings(found: settings.Settings | None) -> Found:
    if found is None:
        return {"systems": (), "hold": (), "schedule": (), "target": ()}
    systems, hold = [], []
    for source in found.source:
        form = f"format {source.format}" if source.format else "format told from its files"
        systems.append(f"{source.name}: {source.side}, {form}, deliveries {source.feed}{_ended(source.ended)}")
        limits = source.hold
        hold.append(
            f"{source.name} is held beyond {limits.rejected:.0%} unreadable records, {limits.unusable:.0%} unusable"
            f" values of a column, or {limits.gone:.0%} of its people gone"
        )
    overdue = [f"{name}: overdue after {days} days" for name, days in found.schedule.items()]
    target = (
        f"at most {found.match.wrong_links:.2%} of links expected to be wrong;"
        f" at most {found.match.review_share:.0%} of clients to a person [assumed unless set]",
    )
    return {"systems": tuple(systems), "hold": tuple(hold), "schedule": tuple(overdue), "target": target}


def _ended(ended: bool) -> str:
    return "; ended" if ended else ""


def _periods(project: Project) -> tuple[str, ...]:
    if not project.settings.is_file():
        return ()
    return tuple(f"{name}: {period(name, value)}" for name, value in purge.load(project).model_dump().items())


PERIODS = {
    "runs": "{} days",
    "runs_at_least": "the newest {} stay, however old",
    "deliveries": "{} days after the run that read it",
    "written": "{} days",
    "traces": "{} days",
    "releases": "{} days after the end of its retention in the agreement",
    "set_aside": "{} days",
    "history": "{} years",
}
"""Each key of [retention] in words; a new one has to be worded here before any paper is written."""
if PERIODS.keys() != purge.Retention.model_fields.keys():
    raise TypeError("PERIODS does not word every key of [retention]")


def period(name: str, value: int | str) -> str:
    """A period of [retention] in words."""
    return "kept for ever" if value == "never" else PERIODS[name].format(value)


def _manifests(project: Project) -> list[Manifest]:
    from caretrace import run_folder

    found = [
        run_folder.open(path, whole=False).manifest
        for path in (project.runs.iterdir() if project.runs.is_dir() else ())
        if (path / run_folder.MANIFEST).is_file() and not path.name.startswith(".")
    ]
    return sorted(found, key=lambda each: str(each["created_at"]))[-LAST_RUNS:]


def _of_runs(manifests: Sequence[Manifest]) -> Found:
    names = ("clients", "register", "columns", "runs", "newest_run", "review", "estimate", "model")
    if not manifests:
        return dict.fromkeys(names, ())
    newest = manifests[-1]
    counts, linkage = newest["counts"], newest["linkage"]
    clients = _clients(newest)
    return {
        "clients": (f"{clients:,} clients in the newest run",),
        "register": (f"{linkage['register_people']:,} people on the registers of the newest run",),
        "columns": _columns(newest),
        "runs": tuple(_run(each) for each in reversed(manifests)),
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


def _columns(manifest: Manifest) -> tuple[str, ...]:
    """Each table that was read, with the columns that point at a person alone."""
    read: dict[str, set[str]] = {}
    for each in manifest["inputs"]:
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
        f" {expected['wrong']:.2f} wrong of {expected['links']:,} links",
    )


def _keeper(keys_dir: Path) -> tuple[str, ...]:
    from governance.keys import store
    from governance.keys.keeper import chosen

    if not keys_dir.is_dir() or not (found := store.versions(keys_dir)):
        return ()
    how = {"files": "plain files of their owner", "passphrase": "files under a passphrase", "keyring": "the keyring"}
    kept_by = chosen(keys_dir)
    return (f"keys kept by: {how.get(kept_by, kept_by)}; versions {', '.join(map(str, found))}; never in the project",)


def _of_program() -> Found:
    import governance.decide  # noqa: F401 - importing it makes sure that every rule is there
    from governance.rules.rule import PACK_VERSION, RULES

    return {
        "version": (f"caretrace {__version__}",),
        "rules": (f"{len(RULES)} rules, version {PACK_VERSION}",),
    }
