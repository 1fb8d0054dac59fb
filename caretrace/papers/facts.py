"""What a project says of itself: its settings, its newest runs, its keys and its agreements. The log is `logged`'s.

Every value is as it was found, or missing; nothing is guessed, and nothing here is about one person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from caretrace.papers.agreed import agreed, facts_of
from caretrace.papers.known import KNOWN, Fact
from caretrace.papers.logged import facts_of_log
from caretrace.papers.runs import facts_of_runs, manifests
from caretrace.project import MARKER, Project, settings
from caretrace.purge import settings as purge
from caretrace.version import __version__
from schemas.errors import InputError

SETTINGS = MARKER
Found = dict[str, tuple[str, ...]]


def gather(
    project: Project, keys_dir: Path, agreements: Sequence[Path], *, today: date, evaluation: Path | None = None
) -> dict[str, Fact]:
    """Every fact of KNOWN, without lines where the project does not say it.

    `agreements` are files beside those that caretrace.toml names, `evaluation` what `caretrace evaluate --out` wrote of
    the project's run (evaluation.json): nothing in a project says how right its links are.
    Raises the errors of whatever cannot be read: a paper that leaves out what is damaged would say less than is so.
    """
    set_up = settings.load(project) if project.settings.is_file() else None
    entries = _entries(project, keys_dir)
    files = [*(set_up.agreements.files if set_up else ()), *agreements]
    found = {
        **_of(SETTINGS, _of_settings(set_up)),
        **_of(SETTINGS, {"retention": _periods(project), "at_rest": _at_rest(project)}),
        **_of("the newest runs", facts_of_runs(manifests(project))),
        **_of("evaluation", {"measured": _measured(evaluation)}),
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
        f"at most {found.match.wrong_links:.2%} of clients expected to be linked wrongly;"
        f" at most {found.match.review_share:.0%} of clients to a person [assumed unless set]",
    )
    return {"systems": tuple(systems), "hold": tuple(hold), "schedule": tuple(overdue), "target": target}


def _ended(ended: bool) -> str:
    return "; ended" if ended else ""


def _periods(project: Project) -> tuple[str, ...]:
    if not project.settings.is_file():
        return ()
    return tuple(f"{name}: {period(name, value)}" for name, value in purge.load(project).model_dump().items())


def _at_rest(project: Project) -> tuple[str, ...]:
    from governance.at_rest.rule import rule_for

    if not project.settings.is_file():
        return ()
    if rule_for(project.root).encrypt:
        return ("files about people are encrypted where they stand, with the project's key; inboxes are as delivered",)
    return ("files about people are plain where they stand: only the disk's own encryption protects them",)


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


def _measured(path: Path | None) -> tuple[str, ...]:
    """An evaluation in the words of `caretrace evaluate`; none where it rests on the model alone."""
    from caretrace.evaluate import words
    from governance.at_rest.reading import read_bytes

    if path is None:
        return ()
    try:
        content = json.loads(read_bytes(path))
        lines = tuple(" ".join(line.split()) for line in words.lines(content))
    except OSError as error:
        raise InputError(f"the evaluation cannot be read ({error.strerror})", path=path) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError("is no evaluation.json of `caretrace evaluate --out`", path=path) from None
    return lines if any(content.get(name) for name in ("evaluation", "sample", "hidden_number")) else ()


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
