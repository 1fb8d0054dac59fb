"""`caretrace audit verify|witness|register|writings|upkeep|put-back|route|routes|due|destroyed|incident`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caretrace import console
from caretrace.cli import witness as witnesses
from caretrace.cli.place import ProjectOption, find, maker
from caretrace.cli.table import JsonOption, ToOption, hand_over

if TYPE_CHECKING:
    from governance.audit.verification import Verification

app = typer.Typer(help="Check the log of what was released and written, and read it.", no_args_is_help=True)
app.add_typer(witnesses.app, name="witness")

AnchorOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--anchor",
        metavar="FILE",
        help="A checkpoint or .tlog-proof of this log that was kept elsewhere; may be given several times.",
    ),
]


@app.command("verify")
def verify(
    project: ProjectOption = None,
    anchor: AnchorOption = None,
    witness: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Public key of a witness; one of its cosignatures must hold.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every entry of the log, its order and its end. Exit code 4 where it was altered."""
    from governance import approval
    from governance.audit import writings

    found = _verification(project, anchor or ())
    by_signature, by_name = approval.check(found.entries)
    open_ones = [each["writing_id"] for each in writings.unfinished(found.entries)]
    facts: dict[str, Any] = {
        "origin": found.origin,
        "entries": found.size,
        "anchored": found.anchored,
        "key_confirmed": found.key_confirmed,
        "writings_without_outcome": open_ones,
        "releases_approved": {"by_signature": by_signature, "by_name": by_name},
    }
    text = found.to_text()
    if by_signature:
        text += f" {by_signature} of {by_signature + by_name} releases carry the approver's signature, which holds."
    if witness:
        name, size, at = witnesses.cosigned(find(project), witness)
        facts["cosigned"] = {"by": name, "entries": size, "at": at.isoformat()}
        text += f" {name} cosigned the first {size} entries at {at:%Y-%m-%d %H:%M:%S} UTC."
    if open_ones:
        text += f" Begun and without an outcome: {', '.join(open_ones)}; the next writing settles that."
    console.say(json.dumps(facts, indent=2) if as_json else text)


@app.command("register")
def register(project: ProjectOption = None, to: ToOption = None, as_json: JsonOption = False) -> None:
    """Give the register of disclosures, one row for each release, after checking the log."""
    from governance.audit import register as disclosures

    rows = disclosures.rows(_verification(project).entries)
    hand_over("Register of disclosures", disclosures.COLUMNS, rows, to, as_json=as_json)


@app.command("writings")
def writings(project: ProjectOption = None, to: ToOption = None, as_json: JsonOption = False) -> None:
    """Give what was written for our own systems and national services, after checking the log."""
    from governance.audit import writings as written

    rows = written.rows(_verification(project).entries)
    hand_over("Written for own systems and national services", written.COLUMNS, rows, to, as_json=as_json)


@app.command("upkeep")
def kept_up(project: ProjectOption = None, to: ToOption = None, as_json: JsonOption = False) -> None:
    """Give the project's backups, purges, erasures, encryptions and put-back logs, after checking the log."""
    from governance.audit import upkeep

    rows = upkeep.rows(_verification(project).entries)
    hand_over("Backups, purges and put-back logs", upkeep.COLUMNS, rows, to, as_json=as_json)


@app.command("put-back")
def put_back(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why an older log stands here; name nobody.")],
    project: ProjectOption = None,
) -> None:
    """Accept the log that came back with a backup, though newer entries are lost; the log then says so for good."""
    from governance import keys
    from governance.audit import upkeep

    place = find(project)
    secrets = keys.load(place.keys_dir, project=place.project.root)
    lost = upkeep.put_back(place.project.audit, secrets, reason=reason, maker=maker(), now=datetime.now(UTC))
    console.say(
        f"accepted: {lost} entries are lost; what was released or written after that backup is not in the log"
        " any more, so write it down elsewhere, and tell your witness"
    )


@app.command("route")
def route(
    name: Annotated[str, typer.Argument(help="What the route is called, such as 'MIG viewing'.")],
    origin: Annotated[str, typer.Option("--from", metavar="WHO", help="Whose data it is.")],
    destination: Annotated[str, typer.Option("--to", metavar="WHO", help="Who sees or gets it.")],
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="What for, in a sentence.")],
    basis: Annotated[str, typer.Option(metavar="TEXT", help="Why it may be: consent, an agreement, a statute.")],
    note: Annotated[str, typer.Option(metavar="TEXT", help="What else a reader should know.")] = "",
    ended: Annotated[bool, typer.Option("--ended", help="The route is no more.")] = False,
    project: ProjectOption = None,
) -> None:
    """Record in the log that data is shared or seen by a route outside this program. It permits nothing."""
    from governance import keys
    from governance.audit import log, routes

    place = find(project)
    said = routes.Route(name, origin, destination, purpose, basis, note, ended)
    now = datetime.now(UTC)
    secrets = keys.load(place.keys_dir, project=place.project.root)
    with log.opened(place.project.audit, secrets, now=now) as held:
        routes.record(held, said, maker=maker(), now=now)
    console.say(f"recorded: {name} ({'ended' if ended else 'open'})")


@app.command("routes")
def share_routes(project: ProjectOption = None, to: ToOption = None, as_json: JsonOption = False) -> None:
    """Give the share routes that were recorded, after checking the log."""
    from governance.audit import routes

    rows = routes.rows(_verification(project).entries)
    hand_over("Share routes outside this program", routes.COLUMNS, rows, to, as_json=as_json)


@app.command("due")
def due(project: ProjectOption = None, to: ToOption = None, as_json: JsonOption = False) -> None:
    """Give what waits for somebody: incidents, destructions, reviews and ends of agreements."""
    from datetime import date

    from governance import after

    rows = after.due(list(_verification(project).entries), today=date.today())  # noqa: DTZ011 - the user's calendar day
    hand_over("Due: incidents, destructions, reviews, ends", after.DUE, rows, to, as_json=as_json)


@app.command("destroyed")
def destroyed(
    release_id: Annotated[str, typer.Argument(metavar="RELEASE", help="As the register names it, such as R000012.")],
    certificate: Annotated[str, typer.Option(metavar="REF", help="The certificate's reference.")],
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; today if not given.")] = None,
    project: ProjectOption = None,
) -> None:
    """Record that the recipient has destroyed a release; rule R14 refuses new ones while this is missing."""
    from governance import after

    place, now = find(project), datetime.now(UTC)
    after.destroyed(
        place.project.root,
        place.keys_dir,
        release_id,
        certificate=certificate,
        destroyed_on=on.date() if on else now.date(),
        maker=maker(),
        now=now,
    )
    console.say(f"recorded: {release_id} is destroyed")


@app.command("incident")
def incident(
    name: Annotated[
        str, typer.Argument(metavar="RELEASE|INCIDENT", help="The release it is about; with --close the incident.")
    ],
    about: Annotated[str, typer.Option(metavar="TEXT", help="What happened, or what came of it; name nobody.")],
    close: Annotated[bool, typer.Option("--close", help="Close the incident.")] = False,
    project: ProjectOption = None,
) -> None:
    """Open an incident about a release, which freezes its agreement (rule R45), or close one."""
    from governance import after

    place, now = find(project), datetime.now(UTC)
    if close:
        after.close(place.project.root, place.keys_dir, name, about=about, maker=maker(), now=now)
        console.say(f"incident {name} is closed")
        return
    opened = after.incident(place.project.root, place.keys_dir, name, about=about, maker=maker(), now=now)
    console.say(f"incident {opened} is open; nothing leaves under this agreement until it is closed")


def _verification(project: ProjectOption, kept: Sequence[Path] = ()) -> Verification:
    from governance import audit
    from governance.audit import anchors

    place = find(project)
    given = [anchors.given(path) for path in kept]
    return audit.verify(place.project.audit, keys_dir=place.keys_dir, anchors=given)
