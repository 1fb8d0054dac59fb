"""Which deliveries are news: by the hashes of their files and by what the state knows of those that came before.

In: an inbox as it stands, and what became of earlier deliveries. Out: `Waiting`: what is to be read, what only to be
noted (repeated, late), and for suppliers that send changes the deliveries these are laid over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from caretrace.nightly.deliveries import Delivery, File, Inbox, hashed, in_order, told
from caretrace.nightly.result import APPLIED_SINCE, COMES_BEFORE
from caretrace.project.settings import Source
from connectors.feed.ahead import together
from connectors.files.opening import Opening
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Past:
    """What became of an earlier delivery."""

    number: int
    name: str
    mode: str
    outcome: str
    reason: str | None
    run: int
    files: tuple[File, ...]
    used: frozenset[str] = frozenset()
    """What those of its files are called that were of use, without their numbers."""
    records: int = 0
    """How many records were read of them."""

    @property
    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """The stamps of its files, as they were."""
        return tuple(file.stamp for file in self.files)

    @property
    def content(self) -> frozenset[str]:
        """The hashes of its files."""
        return frozenset(file.sha256 for file in self.files)


@dataclass(frozen=True)
class Note:
    """A delivery that is not applied, and why."""

    delivery: Delivery
    outcome: str
    reason: str


@dataclass(frozen=True)
class Waiting:
    """What one source has for tonight."""

    source: Source
    pending: tuple[Delivery, ...]
    """To be read, in order."""
    notes: tuple[Note, ...]
    chain: tuple[Delivery, ...] = ()
    """What was applied since the last full delivery, of a supplier whose changes are replayed over it."""
    missing: tuple[str, ...] = ()
    """Of those, the names that are no longer in the inbox."""
    unfinished: tuple[tuple[str, str], ...] = ()
    """Names that are left for the next run, and why."""
    strange: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    """Names of deliveries that were applied once and taken back by a person."""
    used_before: frozenset[str] = frozenset()
    """What files are called that were of use in what was applied before, without their numbers."""
    newest: int | None = None
    """When the newest file of the inbox was written, in nanoseconds since 1970; None where there is none."""
    fault: str | None = None
    """Why the inbox cannot be looked into, where it cannot."""
    ending: bool = False
    """Whether the source has ended and its records still hold."""
    accepted: frozenset[str] = frozenset()
    """Names that are applied whatever the limits say."""


def history(connection: duckdb.DuckDBPyConnection, feed: str) -> tuple[Past, ...]:
    """Every delivery of the feed that the attached state knows, oldest first."""
    rows = connection.execute(
        "SELECT delivery, name, mode, outcome, reason, run, files FROM state.delivery WHERE feed = ? ORDER BY delivery",
        [feed],
    ).fetchall()
    return tuple(_past(*row) for row in rows)


def _past(number: int, name: str, mode: str, outcome: str, reason: str | None, run: int, files: str | None) -> Past:
    facts = json.loads(files or "[]")
    used = frozenset(without_numbers(str(each["name"])) for each in facts if each.get("used"))
    records = sum(int(each.get("records", 0)) for each in facts)
    return Past(number, name, mode, outcome, reason, run, tuple(_file(each) for each in facts), used, records)


def without_numbers(name: str) -> str:
    """What a file is called on every day, whatever its folder and date.

    >>> without_numbers("2026-11-22/SRPatient_20261122.csv")
    'srpatient_#.csv'
    """
    return re.sub(r"\d+", "#", PurePosixPath(name).name.casefold())


def _file(facts: dict[str, object]) -> File:
    return File(
        str(facts["name"]),
        Path(str(facts["name"])),
        int(str(facts["bytes"])),
        int(str(facts.get("modified", -1))),
        str(facts["sha256"]),
    )


def ended(connection: duckdb.DuckDBPyConnection, source: Source) -> Waiting:
    """What is to be done for a source that delivers no more."""
    [(held,)] = connection.execute(
        "SELECT count(*) FROM state.record WHERE feed = ? AND to_run IS NULL", [source.name]
    ).fetchall()
    return Waiting(source, (), (), ending=held > 0)


def sort_out(
    source: Source, inbox: Inbox, past: Sequence[Past], *, opening: Opening, accept: Collection[str] = ()
) -> Waiting:
    """What is to be done with each delivery of the inbox; `accept` names those that are wanted in spite of all."""
    latest = {each.name: each for each in past}
    unfinished = dict(inbox.unfinished)
    pending: list[Delivery] = []
    notes: list[Note] = []
    undone: list[str] = []
    here: dict[str, Delivery] = {}
    accepted = frozenset(
        each.name for each in inbox.deliveries if {each.name, f"{source.name}/{each.name}"} & {*accept}
    )
    for found in inbox.deliveries:
        before = latest.get(found.name)
        delivery = _with_hashes(found, before)
        if isinstance(delivery, str):
            unfinished[found.name] = delivery
            continue
        here[found.name] = delivery
        if before and before.outcome != "held" and before.content == delivery.content and found.name not in accepted:
            undone += [found.name] if before.outcome == "undone" else []
            continue
        if delivery.fault is None:
            delivery = told(delivery, opening)
        why = None if found.name in accepted else _not_wanted(delivery, past)
        if why is None:
            pending.append(delivery)
        else:
            notes.append(Note(delivery, *why))
    chain, missing = _chain(source, pending, past, here)
    return Waiting(
        source,
        tuple(sorted(pending, key=_place)),
        tuple(notes),
        chain=chain,
        missing=missing,
        unfinished=tuple(sorted(unfinished.items())),
        strange=inbox.strange,
        undone=tuple(undone),
        used_before=frozenset().union(*(each.used for each in past if each.outcome == "applied")),
        newest=max((file.modified for each in inbox.deliveries for file in each.files), default=None),
        accepted=accepted,
    )


def _place(delivery: Delivery) -> tuple[str, object]:
    """By the supplier's own time where it is told, else by name."""
    return (delivery.told.at if delivery.told else ""), in_order(delivery.name)


def _with_hashes(found: Delivery, before: Past | None) -> Delivery | str:
    """A file that stands as it stood is not read again for its hash."""
    if before is not None and before.stamp == found.stamp:
        known = {file.name: file.sha256 for file in before.files}
        return replace(found, files=tuple(replace(file, sha256=known[file.name]) for file in found.files))
    return hashed(found)


def _not_wanted(delivery: Delivery, past: Sequence[Past]) -> tuple[str, str] | None:
    """Outcome and reason of a delivery that is not to be applied."""
    # The end of a source is written down without files; one that begins again is not late for it.
    applied = [each for each in past if each.outcome == "applied" and each.files]
    same = next((each for each in reversed(applied) if each.content == delivery.content), None)
    # A supplier that tells the order itself has its deliveries put into their places by the replay.
    last = None if delivery.told else max((each.name for each in applied), key=in_order, default=None)
    if same is not None and delivery.content:
        if last is None or in_order(delivery.name) < in_order(last) or same is applied[-1]:
            return "repeated", _repeats(same)
        if delivery.name != last:
            # By mistake, or because all is as it was then: only who sent it knows.
            since = f"; {APPLIED_SINCE} {applied[-1].name}" if same.records else ""
            return "repeated", _repeats(same) + since
        # Written over under its own name, as it is each time: what it said once it says again.
    elif last is not None and in_order(delivery.name) < in_order(last):
        return "late", f"{COMES_BEFORE} {last}, which is applied already"
    return None


def _repeats(same: Past) -> str:
    return f"its files are those of {same.name}, which run {same.run} applied"


def _chain(
    source: Source, pending: Sequence[Delivery], past: Sequence[Past], here: dict[str, Delivery]
) -> tuple[tuple[Delivery, ...], tuple[str, ...]]:
    """The deliveries that new changes are laid over, for suppliers that tell them; and those that are gone."""
    if not any(delivery.told for delivery in pending):
        return (), ()
    news = {delivery.name for delivery in pending}
    since: dict[str | None, list[str]] = {}
    for each in past:
        if each.outcome != "applied" or each.name in news:
            continue
        names = since.setdefault(_feed(each.files, source), [])
        if each.mode == "full":
            names.clear()
        names.append(each.name)
    wanted = [name for names in since.values() for name in dict.fromkeys(names)]
    return tuple(here[name] for name in wanted if name in here), tuple(name for name in wanted if name not in here)


def _feed(files: Sequence[File], source: Source) -> str | None:
    """What tells feeds apart that share an inbox: the end of what their names have in common."""
    from connectors import Source as Reading

    reading = Reading(Path(), format=source.format, mapping=source.mapping)
    told_by = (together(file.path.name, reading) for file in files)
    return next((each.partition("_")[2] for each in told_by if each), None)


def require_accepted(accept: Collection[str], waiting: Sequence[Waiting]) -> None:
    """Raise InputError for a name to be accepted that no inbox holds: a slip must not pass for a decision."""
    known = {name for each in waiting for name in each.accepted}
    known |= {f"{each.source.name}/{name}" for each in waiting for name in each.accepted}
    if unknown := sorted(set(accept) - known):
        raise InputError(f"no inbox holds a delivery {unknown[0]}; `caretrace run --dry-run` lists what is waiting")
