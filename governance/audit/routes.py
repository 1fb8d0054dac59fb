"""Routes by which data is shared or seen outside this program, such as a viewing gateway: that they exist, no more.

An entry carries no data and permits nothing. The last entry of a name says how the route stands; earlier ones stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from governance.audit.log import Log
from schemas.errors import InputError

ROUTE = "SHARE_ROUTE"

COLUMNS = ("route", "state", "at", "origin", "destination", "purpose", "basis", "note", "recorded_by")


@dataclass(frozen=True)
class Route:
    """What is said of a route; every field but `note` says something, and none names a person whose data it is."""

    name: str
    origin: str
    """Whose data it is: the practices, the hospital."""
    destination: str
    """Who sees or gets it."""
    purpose: str
    basis: str
    """Why it may be: consent, an agreement kept elsewhere, a statute."""
    note: str = ""
    ended: bool = False
    """The route is no more."""

    def __post_init__(self) -> None:
        empty = [
            name for name in ("name", "origin", "destination", "purpose", "basis") if not getattr(self, name).strip()
        ]
        if empty:
            raise InputError(f"a share route needs its {', '.join(empty)}")


def record(log: Log, route: Route, *, maker: str, now: datetime) -> None:
    """Put the route in the log; Refused where the log cannot be written or the words hold an NHS number."""
    log.append([(ROUTE, {**asdict(route), "maker": maker})], now=now)


def rows(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each entry about a route, oldest first; keys are COLUMNS."""
    return [
        {
            "route": body["name"],
            "state": "ended" if body["ended"] else "open",
            "at": entry["at"][:19] + "Z",
            **{name: body[name] for name in ("origin", "destination", "purpose", "basis", "note")},
            "recorded_by": body["maker"],
        }
        for entry in entries
        if entry["type"] == ROUTE
        for body in [entry["body"]]
    ]
