"""Decisions taken back: the line stays, a further one says that it no longer counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from caretrace.review.decisions import Decision, History
from caretrace.review.ledger import writing
from schemas.errors import InputError


def withdraw(path: Path, ids: Sequence[str], *, client: str | None, by: str, now: datetime) -> list[str]:
    """Take back the decisions `ids`, or all that are valid on `client` (its record id, or source/organisation/id).

    Gives a sentence for each. Raises InputError where there is no such decision, or the client's id is not unique.
    """
    with writing(path) as ledger:
        wanted = [each.id for each in _of_client(ledger.history, client)] if client else list(dict.fromkeys(ids))
        lines = ledger.withdraw(wanted, by=by, now=now)
        standing = {each.made.pair: each.id for each in ledger.history.standing.values()}
        pairs = {each.id: each.made.pair for each in ledger.history.decisions}
    told = []
    for taken, line in zip(wanted, lines, strict=True):
        earlier = standing.get(pairs[taken])
        told.append(
            f"{taken} withdrawn by {line}; {f'{earlier} stands again' if earlier else 'the pair is open again'}"
        )
    return told


def _of_client(history: History, client: str) -> list[Decision]:
    found = [each for each in history.valid if client in (each.made.client.record_id, "/".join(each.made.client))]
    if not found:
        raise InputError("there is no decision on this client; `caretrace review list` shows all")
    if len({each.made.client for each in found}) > 1:
        raise InputError("several clients have this id in different systems; give it as source/organisation/id")
    return found
