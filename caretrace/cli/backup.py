"""`caretrace backup`, `caretrace restore` and `caretrace purge`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console
from caretrace.cli.place import Place, ProjectOption, find, maker
from caretrace.project import Project, keys_folder
from schemas.errors import InputError, IntegrityFailure, Refused, SettingsError

if TYPE_CHECKING:
    from governance.keys import Keys

KeyOption = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The age identity an encrypted backup can be opened with.")
]


def backup(
    out: Annotated[
        Path,
        typer.Option(metavar="FILE|DIR", help="The file to write, or a folder; outside the project, best elsewhere."),
    ],
    to: Annotated[
        list[str] | None, typer.Option(metavar="AGE_KEY", help="Encrypt to this public key, age1...; may be repeated.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="In a folder: keep the newest N, remove older ones.")
    ] = None,
    unlogged: Annotated[
        bool, typer.Option("--unlogged", help="There are no keys: neither sign the backup nor log it.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Write the whole project to one file, signed and logged. Keys are not in it: see `caretrace keys escrow`."""
    from caretrace.backup.making import backup as make

    place = find(project)
    keys = None if unlogged else _keys(place)
    with console.progress() as progress:
        made = make(
            place.project,
            out,
            keys=keys,
            to=to or (),
            keep=keep,
            maker=maker(),
            now=datetime.now(UTC),
            progress=progress,
        )
    console.say(f"{made.path}: {made.files:,} files, {made.bytes / 1e6:,.1f} MB before packing")
    _tell_left_out(made.left_out)
    if not made.logged:
        console.tell("neither signed nor in the log, as asked for")
    if not to:
        console.tell("not encrypted: everybody's records are in it; keep it where only the right people can read")
    for each in made.removed:
        console.tell(f"removed: {each}")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    into: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A new or empty folder.", show_default=False)
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only check the backup, byte by byte; restore nothing.")
    ] = False,
    key: KeyOption = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Take a backup that was made with --unlogged, though there are keys.")
    ] = False,
) -> None:
    """Check a backup and put its project into a new or empty folder. Exit code 4 where it was altered or damaged."""
    from caretrace.backup import restoring

    if verify == (into is not None):
        raise SettingsError("give either the folder to restore into, or --verify")
    # Without DIR there is no project; the keys folder is the user's all the same.
    place = _place(into or file.absolute().parent / file.stem)
    public = _public(place.keys_dir)
    with console.progress() as progress:
        if into is None:
            checked = restoring.verify(file, identity=key, public=public, unsigned=unsigned, progress=progress)
        else:
            checked = restoring.restore(file, into, identity=key, public=public, unsigned=unsigned, progress=progress)
    console.say(
        f"{file}: whole and unaltered, made {checked.made_at} by caretrace {checked.version}, {checked.seal.value};"
        f" {checked.files:,} files, {checked.bytes / 1e6:,.1f} MB"
    )
    _tell_left_out(checked.left_out)
    if into is not None:
        console.say(f"{into}: restored")
        _tell_of_log(place)


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed, and why.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project: ProjectOption = None,
) -> None:
    """Remove what was kept as long as [retention] in caretrace.toml says; never the log, decisions or proofs."""
    from caretrace.purge import removing, settings

    place, now = find(project), datetime.now(UTC)
    retention = settings.load(place.project)
    found = removing.plan(place.project, retention, place.keys_dir, now=now)
    for item in found.kept:
        console.tell(f"stays: {item.kind} {item.name}: {item.why}")
    for item in found.old:
        console.say(f"{item.kind} {item.name}: {item.why} ({item.bytes / 1e6:,.1f} MB)")
    if found.set_asides:
        console.say(f"{found.set_asides:,} notes of records set aside: kept {retention.set_aside} days")
    if found.past:
        console.say(f"{found.past:,} rows of the past, ended by run {found.cut}: kept {retention.history} years")
    if found.nothing:
        console.say("nothing is too old")
        return
    if dry_run:
        return
    if not yes:
        if not console.interactive():
            raise SettingsError("this cannot be undone and nobody can be asked; give --yes, or --dry-run to look")
        typer.confirm("Remove this for good?", abort=True, err=True)
    done = removing.purge(place.project, retention, place.keys_dir, maker=maker(), now=now)
    for path in done.changed:
        console.tell(f"stays: {path}: it is not what it was when it was written or read")
    console.say(f"removed: {len(done.old)}; `caretrace audit upkeep` lists it")


def _keys(place: Place) -> Keys:
    from governance import keys

    try:
        return keys.load(place.keys_dir, project=place.project.root)
    except SettingsError as error:
        raise Refused(
            "a backup is signed and logged, and that needs keys (`caretrace keys new`); where they are lost or not"
            " wanted, give --unlogged:",
            [str(error)],
        ) from None


def _place(root: Path) -> Place:
    found = Project(root)
    return Place(found, keys_folder(found, environ=os.environ, platform=sys.platform, home=Path.home()))


def _public(keys_dir: Path) -> bytes | None:
    from governance import keys

    signing = keys.signing_key(keys_dir)
    return signing.public_key().public_bytes_raw() if signing else None


def _tell_left_out(left_out: Mapping[str, str]) -> None:
    for name, why in left_out.items():
        console.tell(f"not in the backup: {name}, {why}")


def _tell_of_log(place: Place) -> None:
    """Say at once whether the log that came back is the newest; the files themselves are proven by now."""
    from governance import audit

    try:
        console.tell(audit.verify(place.project.audit, keys_dir=place.keys_dir).to_text())
    except InputError:
        console.tell("there is no log in this backup")
    except IntegrityFailure as error:
        console.tell(f"the log came back as it was then, but: {error}")
