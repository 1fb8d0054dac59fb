"""One link taken back: a decision that client and register person are two people, kept like every other decision.

It counts from the next run on, is shown by `caretrace review list`, and can be taken back by `caretrace review undo`.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from caretrace.project import Project
from caretrace.review.decisions import Key, Made
from caretrace.review.ledger import writing
from caretrace.run_settings import RunSettings
from caretrace.warehouse.store import read_state
from schemas.errors import InputError

RULE = "the link was undone"


class Held(NamedTuple):
    """A link as it holds."""

    client: Key
    register: Key
    nhs_number: str | None
    run_id: str


def undo_link(project: Project, client: str, *, by: str, now: datetime) -> str:
    """Decide that the client is not who it is linked to; gives the id of the decision.

    `client` is its record id, or source/organisation/id.

    Raises InputError where there is no such client, it is not linked, or its id is not unique.
    """
    held = _held(project, client, now)
    made = Made(
        client=held.client,
        register=held.register,
        nhs_number=held.nhs_number,
        verdict="different",
        by=(by,),
        answers={by: "different"},
        rule=RULE,
        run_id=held.run_id,
        export_id="",
        blind=False,
    )
    with writing(project.decisions) as ledger:
        [line] = ledger.decide([made], now=now)
    return line


def _held(project: Project, client: str, now: datetime) -> Held:
    with read_state(project.warehouse, RunSettings(as_at=now.date())) as state:
        found = state.connection.execute(
            """SELECT source, source_org, record_id, register_source, register_source_org, register_record_id,
                nhs_number, run_id, decision FROM state.link
            WHERE record_id = $client OR concat_ws('/', source, source_org, record_id) = $client""",
            {"client": client},
        ).fetchall()
    if not found:
        raise InputError("the warehouse knows no client of this id; give its record id, or source/organisation/id")
    if len(found) > 1:
        raise InputError("several clients have this id in different systems; give it as source/organisation/id")
    [(*names, nhs_number, run_id, decision)] = found
    if decision != "link":
        raise InputError("this client is not linked, so there is nothing to undo; `caretrace explain` says why")
    # A traced number may have no row in the register; then the number alone says who is meant.
    client_key, register = Key(*names[:3]), Key(*(name or "" for name in names[3:]))
    return Held(client_key, register, nhs_number, run_id or "")
