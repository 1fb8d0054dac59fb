"""All commands, in the order of a user's work."""

from __future__ import annotations

from typing import Annotated

import typer

from caretrace.cli import (
    agreement,
    audit,
    backup,
    check,
    cld,
    crack_test,
    demo,
    encrypt,
    erase,
    evaluate,
    explain,
    export,
    init,
    keys,
    link,
    load_back,
    measure,
    model,
    officer,
    open_,
    opt_out,
    release,
    reverse,
    review,
    run,
    trace,
    undo,
    warehouse,
    warehouse_postgres,
)
from caretrace.cli import map as mapping
from caretrace.console import say
from caretrace.version import __version__

app = typer.Typer(
    name="caretrace",
    help="Find the NHS number of people known to social care, link their records, and let data out only under an "
    "agreement. Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 the input or a setting is "
    "wrong, 2 wrong usage, 3 refused by governance, 4 something kept was altered, 5 another run holds the folder, "
    "70 a bug of ours, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"caretrace {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    pass


app.command("init")(init.init)
app.command("run")(run.run)
app.command("undo")(undo.undo)
app.command("check")(check.check)
app.command("map")(mapping.map_)
app.command("link")(link.link)
app.command("explain")(explain.explain)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(review.app, name="review")
app.add_typer(warehouse.app, name="warehouse")
warehouse.app.command("load")(warehouse_postgres.load)
warehouse.app.command("setup")(warehouse_postgres.setup)
app.add_typer(model.app, name="model")
app.add_typer(trace.app, name="trace")
app.command("load-back")(load_back.load_back)
app.add_typer(opt_out.app, name="opt-out")
app.add_typer(agreement.app, name="agreement")
app.add_typer(release.app, name="release")
app.add_typer(reverse.app, name="reverse")
app.add_typer(export.app, name="export")
app.add_typer(cld.app, name="cld")
app.add_typer(measure.app, name="measure")
app.add_typer(audit.app, name="audit")
app.add_typer(officer.app, name="officer")
app.add_typer(keys.app, name="keys")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("encrypt")(encrypt.encrypt)
app.command("open")(open_.open_)
app.command("purge")(backup.purge)
app.command("erase")(erase.erase)
app.command("crack-test")(crack_test.crack_test)
app.command("demo")(demo.demo)
