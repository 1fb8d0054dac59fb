"""`caretrace keys new`."""

from __future__ import annotations

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, find

app = typer.Typer(help="The secrets that pseudonyms and the log depend on.", no_args_is_help=True)


@app.command("new")
def new(project: ProjectOption = None) -> None:
    """Make the keys, once, where CARETRACE_KEYS says or in your configuration folder; never inside the project."""
    from governance import keys

    place = find(project)
    made = keys.create(place.keys_dir, project=place.project.root)
    console.say(f"keys, version {made.version}: {made.folder}; back this folder up as you would any secret")


@app.callback()
def _group() -> None:
    # Without a callback typer would make `keys new` of a single command plain `keys`.
    pass
