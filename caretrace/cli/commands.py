"""Every command and where it lives, in the order of a user's work."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from caretrace.console import say
from caretrace.version import __version__

_COMMANDS = {
    "init": "init:init",
    "run": "run:run",
    "undo": "undo:undo",
    "check": "check:check",
    "map": "map:map_",
    "link": "link:link",
    "explain": "explain:explain",
    "evaluate": "evaluate:evaluate",
    "load-back": "load_back:load_back",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "encrypt": "encrypt:encrypt",
    "open": "open_:open_",
    "purge": "backup:purge",
    "erase": "erase:erase",
    "crack-test": "crack_test:crack_test",
    "demo": "demo:demo",
}

_GROUPS = {
    "review": "review",
    # Which adds its own to those of `warehouse`.
    "warehouse": "warehouse_postgres",
    "model": "model",
    "trace": "trace",
    "opt-out": "opt_out",
    "agreement": "agreement",
    "release": "release",
    "reverse": "reverse",
    "export": "export",
    "cld": "cld",
    "measure": "measure",
    "audit": "audit",
    "officer": "officer",
    "keys": "keys",
}


def declare(only: str | None = None) -> typer.Typer:
    """The command line with every command, or with `only` this one where there is one of that name.

    To import and declare all of them takes longer than many a command's own work, and the version needs none.
    """
    app = typer.Typer(
        name="caretrace",
        help="Find the NHS number of people known to social care, link their records, and let data out only under an "
        "agreement. Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 the input or a setting "
        "is wrong, 2 wrong usage, 3 refused by governance, 4 something kept was altered, 5 another run holds the "
        "folder, 70 a bug of ours, 130 interrupted.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    known = only in _COMMANDS or only in _GROUPS or only == "--version"
    for name, place in _COMMANDS.items():
        if name == only or not known:
            module, function = place.split(":")
            app.command(name)(getattr(import_module(f"caretrace.cli.{module}"), function))
    for name, module in _GROUPS.items():
        if name == only or not known:
            app.add_typer(import_module(f"caretrace.cli.{module}").app, name=name)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        say(f"caretrace {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    pass
