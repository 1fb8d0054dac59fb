"""The numbers of a night's page, each with the question to warehouse.duckdb that gives it from the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from caretrace.report.night import Figure
from schemas.warehouse import LINK_CHANGE

if TYPE_CHECKING:
    from caretrace.warehouse.publish.accounts import Accounts

_KEY = "source, source_org, record_id"


def figures(account: Accounts) -> dict[str, Figure]:
    """Every figure by a short name, in the order of the page."""
    return dict(_all(account))


def _all(account: Accounts) -> Iterator[tuple[str, Figure]]:
    run = account.run
    for outcome, count in account.deliveries.items():
        yield outcome, Figure(f"deliveries {outcome}", count, "delivery", f"run = {run} AND outcome = '{outcome}'")
    for name, count in account.files.items():
        words = {"records": "records read", "used": "records used"}.get(name, f"records {name}")
        applied = f"run = {run} AND outcome = 'applied'"
        yield name, Figure(words, count, "delivery", applied, f"coalesce(sum({name}), 0)")
    for side, moved in account.moved.items():
        here = f"side = '{side}'"
        ended = f"(side, {_KEY}) IN (SELECT (side, {_KEY}) FROM person_history WHERE to_run = {run})"
        yield f"{side} now", Figure(f"{side} records now", moved.now, "person", here)
        came = f"{here} AND from_run = {run}"
        yield f"{side} new", Figure(f"{side} records new", moved.new, "person", f"{came} AND NOT {ended}")
        yield f"{side} changed", Figure(f"{side} records changed", moved.changed, "person", f"{came} AND {ended}")
        gone = f"{here} AND to_run = {run} AND why = 'its record is gone'"
        yield f"{side} gone", Figure(f"{side} records gone", moved.gone, "person_history", gone)
    for change in LINK_CHANGE["change"].codes or {}:
        count = account.changes.get(change, 0)
        yield change, Figure(f"clients: {change}", count, "link_change", f"run = {run} AND change = '{change}'")
    for name, (decision, words) in _DECISIONS.items():
        yield name, Figure(words, account.clients[name], "link", f"decision = '{decision}'")
    clients: Mapping[str, tuple[str, str]] = {
        "own_number": ("clients whose own record holds a number", "nhs_number"),
        "with_number": ("clients with a number, held or linked", "person_nhs_number"),
    }
    for name, (words, column) in clients.items():
        yield name, Figure(words, account.clients[name], "person", f"side = 'client' AND {column} IS NOT NULL")


_DECISIONS = {
    "linked": ("link", "clients linked"),
    "review": ("review", "clients that wait for a person"),
    "unlinked": ("none", "clients without a likely candidate"),
}
