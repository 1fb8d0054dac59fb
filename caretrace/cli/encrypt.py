"""`caretrace encrypt`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, find, maker
from schemas.errors import SettingsError

_FREE_BLOCKS = (
    "what stood in plain text may be on free blocks of the disk still, in snapshots, synchronised copies and backups:"
    " let those lapse or destroy them; only the disk's own encryption covers free blocks"
)

_SHOWN = 20
"""Lines of what stays, beyond which only their number is told."""


def encrypt(
    also: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Files in the project to encrypt beside what caretrace wrote there."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be encrypted, and what not.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project: ProjectOption = None,
) -> None:
    """Encrypt what stands in plain text in a project that says encrypt = true under [at_rest], and was begun without.

    Each file is opened again and compared before the plain one goes. Safe to kill: give the same command again.
    """
    from caretrace.encrypting import converting

    place, files = find(project), also or []
    planned = converting.plan(place.project, place.keys_dir, files)
    shown = planned.stays if dry_run else planned.stays[:_SHOWN]
    for each in shown:
        console.tell(f"stays as it is: {each}")
    if len(shown) < len(planned.stays):
        console.tell(f"stays as it is: {len(planned.stays) - len(shown):,} more, which --dry-run names")
    console.say(f"to encrypt: {planned.files:,} files, {planned.bytes / 1e6:,.1f} MB; {planned.already:,} are already")
    if dry_run:
        return
    if not planned.escrowed:
        console.tell("the keys have no escrow copy yet (`caretrace keys escrow`): a lost key is a lost project")
    if not yes:
        if not console.interactive():
            raise SettingsError("nobody can be asked; give --yes, or --dry-run to look")
        typer.confirm("Encrypt these?", abort=True, err=True)
    with console.progress() as progress:
        count, size = converting.convert(
            place.project, place.keys_dir, files, maker=maker(), now=datetime.now(UTC), progress=progress
        )
    console.say(f"encrypted: {count:,} files, {size / 1e6:,.1f} MB, each opened again and compared")
    if count:
        console.tell(_FREE_BLOCKS)
