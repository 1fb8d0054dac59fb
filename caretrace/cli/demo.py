"""`caretrace demo`."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console
from caretrace.cli.place import maker


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The project folder to make: new, empty, or a demo made before.")
    ] = Path("demo"),
    clients: Annotated[int, typer.Option(min=500, help="Clients of the synthetic population.")] = 20_000,
    patients: Annotated[int, typer.Option(min=5_000, help="Patients of the synthetic register.")] = 300_000,
) -> None:
    """Run the whole job on people who do not exist, and leave a project folder to look at: runs, a release, its log."""
    from caretrace import demo as whole
    from governance import keys

    keys_dir = whole.keys_folder(out, keys.folder(os.environ, platform=sys.platform, home=Path.home()))
    now = datetime.now().astimezone()
    with console.progress() as progress:
        made = whole.make(
            out,
            keys_dir=keys_dir,
            maker=maker(),
            now=now,
            committed=whole.committed_fixtures(),
            size=(clients, patients),
            progress=progress,
        )
    console.say(whole.account(made, today=now.date()))
