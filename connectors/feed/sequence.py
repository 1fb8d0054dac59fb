"""Whether the deliveries of one feed follow each other: none missing, none twice and different, none groundless."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from connectors.feed.facts import Delivery, File
from schemas.errors import InputError


def check(feed: Sequence[Delivery], silent: Sequence[Delivery], *, gaps_hold: bool) -> dict[int, str]:
    """Hold a feed, in its order, whose deliveries do not follow each other; notes on what is accepted, by file.

    `silent` are deliveries of no records, which may be of any feed: they fill a gap, and make none.
    """
    notes: dict[int, str] = {}
    for before, delivery in pairwise(feed):
        if delivery.at == before.at:
            notes |= _check_copies([*before.files, *delivery.files])
        elif gap := _gap(_reached(before, silent), delivery):
            if gaps_hold and not any(file.source.feed for file in delivery.files):
                raise InputError(
                    f"a delivery is missing before this one: {gap}; fetch it, or begin again with a full extract",
                    path=delivery.label,
                )
            notes |= {file.number: f"perhaps a delivery is missing before this one: {gap}" for file in delivery.files}
    grounded: set[str] = set()
    for delivery in feed:
        notes |= _check_copies(delivery.files)
        _check_ground(delivery, grounded)
        grounded |= {file.kind.name for file in delivery.files}
    return notes


def _check_ground(delivery: Delivery, grounded: Iterable[str]) -> None:
    groundless = [
        file.found.name
        for file in delivery.files
        if file.kind.row and file.kind.fills and delivery.full[file.number] is False and file.source.feed is None
        if file.kind.name not in grounded
    ]
    if groundless:
        raise InputError(
            "holds only changes, and the full extract they follow is not here: "
            f"{', '.join(groundless)}; give it too, or say that changes alone are meant (feed delta)",
            path=delivery.label,
        )


def _check_copies(files: Sequence[File]) -> dict[int, str]:
    """The same delivery twice changes nothing; two of one moment that differ leave open which holds."""
    known: dict[str, File] = {}
    notes = {}
    for file in files:
        other = known.setdefault(file.found.stem, file)
        if other is not file:
            notes[file.number] = f"the same delivery is here twice: a copy of {other.found.name}"
        if file.sha256 and other.sha256 and file.sha256 != other.sha256:
            raise InputError(
                f"{other.found.name} is of the same delivery and differs, so which of them holds cannot be told; keep"
                " one of them",
                path=file.found.name,
            )
    return notes


def _reached(delivery: Delivery, silent: Iterable[Delivery]) -> str | int | None:
    """Up to where nothing is missing, with what silent deliveries add."""
    ends = delivery.ends
    for other in silent:
        begins, further = other.begins, other.ends
        if isinstance(ends, str) and isinstance(begins, str) and isinstance(further, str) and begins <= ends:
            ends = max(ends, further)
    return ends


def _gap(ends: str | int | None, delivery: Delivery) -> str | None:
    """What lies before a delivery that is not full and does not begin where the one before ended."""
    if all(delivery.full[file.number] for file in delivery.files if file.kind.fills):
        return None
    begins = delivery.begins
    if isinstance(begins, int) and isinstance(ends, int) and begins > ends:
        return f"the one before ends with {ends}, this one begins with {begins + 1}"
    if isinstance(begins, str) and isinstance(ends, str) and begins > ends:
        return "it begins after the one before ended"
    return None
