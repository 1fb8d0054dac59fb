"""What arrives in the inboxes, in which order: deliveries that are late, that come twice, or that are damaged.

Begin with `schedule`, which says what happens at every step, and `write`, which makes the files of one delivery.
A step is what lies in the inboxes when the nightly run begins; there is one more than nights where the last night's
delivery has to be sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from caretrace.synthetic.councils import carefirst, swift
from caretrace.synthetic.damage import HALVED, KINDS, damage
from caretrace.synthetic.nights import Nights
from caretrace.synthetic.writers import write_table
from schemas import SettingsError

FORMS = ("standard", "standard-csv", "carefirst", "swift")
"""Of the client list; the register is `standard`, or `standard-csv` where the clients are."""
_SIDES = ("clients", "register")
_HALF = 0.4
"""Share of people that a halved extract still holds."""

SETTINGS = """
[resources]
threads = 2
quiet_seconds = 0
[[source]]
name = "clients"
side = "clients"
full_names = "*-full*"
[[source]]
name = "register"
side = "register"
full_names = "*-full*"
"""
"""caretrace.toml of a project whose inboxes `write` fills."""


@dataclass(frozen=True)
class Delivery:
    """One folder that appears in an inbox; its name tells day and kind, and sorts by day."""

    side: str
    name: str
    night: int
    whole: bool
    """A full extract, or the night's changes."""
    damaged: str | None = None
    """One of `damage.KINDS`."""
    awaited: str = "applied"
    """What should become of it: applied, held, repeated, or late, where something later stands already."""


@dataclass(frozen=True)
class Step:
    """What lies in the inboxes anew when a run begins."""

    number: int
    deliveries: tuple[Delivery, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def schedule(nights: Nights, *, bad_every: int = 5) -> tuple[Step, ...]:
    """The steps of `nights`: every `bad_every`th night one delivery is bad, and a good one replaces it a night later.

    Besides, on other nights: a delivery comes a night late, with the next one; one comes after the next one, so that
    only the full extract of the night after makes up for it; one comes again under another name.
    """
    if bad_every < 1:
        raise SettingsError("a bad delivery cannot come more often than every night")
    arriving: dict[int, list[Delivery]] = {step: [] for step in range(nights.nights + 2)}
    arriving[0] = [_delivery(nights, side, 0, whole=True) for side in _SIDES]
    for night in range(1, nights.nights + 1):
        for side in _SIDES:
            whole = nights.is_full(side, night)
            if kind := _bad(side, night, bad_every):
                whole = whole or kind == HALVED
                bad = _delivery(nights, side, night, whole=whole, damaged=kind, awaited="held")
                arriving[night].append(bad)
                arriving[night + 1].append(_delivery(nights, side, night, whole=whole))
            elif _comes_after_the_next(nights, side, night, bad_every):
                arriving[night + 2].append(_delivery(nights, side, night, whole=whole, awaited="late"))
            else:
                late = side == "clients" and night % 10 == 3 and night < nights.nights
                # With one withheld already this one would come in order after all.
                late = late and not _comes_after_the_next(nights, side, night - 1, bad_every)
                arriving[night + int(late)].append(_delivery(nights, side, night, whole=whole))
        again = night - 1
        if night % 6 == 4 and not _bad("register", again, bad_every):
            sent = nights.is_full("register", again)
            name = f"{nights.day(night)}-{_mode(sent)}-again"
            arriving[night].append(Delivery("register", name, again, sent, awaited="repeated"))
    return tuple(Step(number, _overtaken(arrived)) for number, arrived in arriving.items() if arrived)


def write(nights: Nights, delivery: Delivery, folder: Path, form: str = "standard") -> list[Path]:
    """Write the files of `delivery` into `folder` and return them; SettingsError for an unknown form."""
    if form not in FORMS:
        raise SettingsError(f"unknown form {form!r} of nightly files; choose one of {', '.join(FORMS)}")
    share = _HALF if delivery.damaged == HALVED else 1.0
    if delivery.side == "clients" and form in ("carefirst", "swift"):
        synthetic = nights.as_synthetic(delivery.night, changed=not delivery.whole, share=share)
        files = (carefirst if form == "carefirst" else swift)(synthetic).write(folder)
    else:
        pick = nights.full if delivery.whole else nights.delta
        files = write_tables(pick(delivery.side, delivery.night, share=share), folder, form)
    if delivery.damaged not in (None, HALVED):
        damage(folder, delivery.damaged, nights.seed)
    return files


def write_tables(tables: Mapping[str, pa.Table], folder: Path, form: str) -> list[Path]:
    """One file a table that has rows; PERSON always."""
    ending = "csv" if form == "standard-csv" else "parquet"
    return [
        write_table(table, folder / f"{name}.{ending}")
        for name, table in tables.items()
        if len(table) or name == "person"
    ]


def _overtaken(arrived: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """In order; whatever comes with a sound full extract of a later night has no need to be applied."""
    ordered = tuple(sorted(arrived, key=lambda d: (d.side, d.name)))
    whole = {d.side: d.night for d in ordered if d.whole and d.awaited == "applied"}
    return tuple(
        replace(d, awaited="late") if d.awaited == "applied" and d.night < whole.get(d.side, 0) else d for d in ordered
    )


def _delivery(
    nights: Nights, side: str, night: int, *, whole: bool, damaged: str | None = None, awaited: str = "applied"
) -> Delivery:
    return Delivery(side, f"{nights.day(night)}-{_mode(whole)}", night, whole, damaged, awaited)


def _mode(whole: bool) -> str:
    return "full" if whole else "delta"


def _bad(side: str, night: int, bad_every: int) -> str | None:
    """How this night's delivery of the side is damaged: the sides take turns, the register first."""
    times, rest = divmod(night, bad_every)
    if night < 1 or rest or _SIDES[times % 2] != side:
        return None
    return KINDS[(times - 1) % len(KINDS)]


def _comes_after_the_next(nights: Nights, side: str, night: int, bad_every: int) -> bool:
    if side != "clients" or night + 2 > nights.nights or not nights.is_full(side, night + 2):
        return False
    return not (_bad(side, night + 1, bad_every) or nights.is_full(side, night + 1))
