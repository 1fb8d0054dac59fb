"""`caretrace audit`."""

import typer

app = typer.Typer(help="Keys and log.", no_args_is_help=True)
