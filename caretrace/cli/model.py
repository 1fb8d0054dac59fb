"""`caretrace model`."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console, models
from caretrace.cli.given import RegisterAs, RegisterMap, registers, source
from caretrace.run_settings import MOST_THREADS, RunSettings
from caretrace.words import several
from caretrace.working_store import DEFAULT_MEMORY
from schemas.errors import InputError

app = typer.Typer(
    help="Models as files: look at one, compare two, train one, and bring them from and take them to Splink.",
    no_args_is_help=True,
)

ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A model file, a run folder, or `default`: the model that ships.")
]
ClientsArgument = Annotated[Path, typer.Argument(metavar="CLIENTS", help="The client list: a file or a folder.")]
RegisterArgument = Annotated[
    list[Path], typer.Argument(metavar="REGISTER...", help="The GP register: files or folders.")
]
ClientsAs = Annotated[str | None, typer.Option(metavar="F", help="The clients' format, if not found from the content.")]
ClientsMap = Annotated[Path | None, typer.Option(metavar="FILE", help="A TOML mapping of the council's own titles.")]
AsAt = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The day that two-digit years are judged by; today if not given."),
]
Seed = Annotated[int, typer.Option(min=0, help="Decides every random draw.")]
Threads = Annotated[int | None, typer.Option(min=1, max=MOST_THREADS, help="Processor cores to use, all if not given.")]
Memory = Annotated[str, typer.Option(metavar="SIZE", help="What the database may hold before it spills to disk.")]
People = Annotated[
    int | None, typer.Option("--register-people", min=1, metavar="N", help="How many people the register holds.")
]
NoFrequencies = Annotated[
    bool, typer.Option("--no-frequencies", help="Leave term frequencies out: each level weighs its average.")
]


class To(StrEnum):
    """Whose shape the settings have."""

    SPLINK5 = "splink5"
    SPLINK4 = "splink4"


@app.command("show")
def show(
    model: ModelArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print the file's JSON instead.")] = False,
) -> None:
    """Show every level's m, u and h, what it weighs in bits, what is odd about the model, and where it comes from."""
    from linkage.model_file import dumps

    found = models.opened(model)
    console.say(dumps(found).rstrip() if as_json else models.to_text(found))


@app.command("diff")
def diff(a: ModelArgument, b: ModelArgument) -> None:
    """Say what moved between two models, in bits."""
    from linkage.model_diff import diff as moved

    console.say(models.moved_text(moved(models.opened(a), models.opened(b))))


@app.command("import")
def import_(
    settings: Annotated[Path, typer.Argument(metavar="FILE", help="Settings that Splink 3.9, 4 or 5 saved.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The model to write.")],
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="THEIRS=OURS", help="Which of our fields a column is. Repeatable; usual names are known."),
    ] = None,
    accept_defaults: Annotated[
        bool, typer.Option("--accept-defaults", help="Take Splink's own defaults for every m and u the file lacks.")
    ] = False,
    people: People = None,
    no_frequencies: NoFrequencies = False,
) -> None:
    """Make a model of Splink settings: the same levels and weights, over our records; says what is not the same."""
    _refuse_same(settings, out)
    made, notes = models.imported(
        settings,
        names=_names(column or []),
        accept_defaults=accept_defaults,
        people=people,
        frequencies=not no_frequencies,
    )
    models.save(made, out)
    for note in notes:
        console.say(f"note: {note}")
    console.say(f"model {made.model_id}: {out}")


@app.command("export")
def export(
    model: ModelArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The settings to write.")],
    to: Annotated[To, typer.Option(help="The version of Splink that will read them.")] = To.SPLINK5,
    people: People = None,
    no_frequencies: NoFrequencies = False,
) -> None:
    """Write a model as Splink settings, and a file beside them with what Splink has no place for."""
    _refuse_same(model, out)
    beside, notes = models.exported(model, out, to=to.value, people=people, frequencies=not no_frequencies)
    for note in notes:
        console.say(f"note: {note}")
    console.say(f"settings: {out}")
    console.say(f"what Splink has no place for: {beside}")


@app.command("export-records")
def export_records(
    clients: ClientsArgument,
    register: RegisterArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write into.")],
    clients_as: ClientsAs = None,
    clients_map: ClientsMap = None,
    register_as: RegisterAs = None,
    register_map: RegisterMap = None,
    as_at: AsAt = None,
    threads: Threads = None,
    memory: Memory = DEFAULT_MEMORY,
    no_frequencies: NoFrequencies = False,
) -> None:
    """Write both lists cleaned, as an exported model wants them in Splink. They hold people's details."""

    with console.progress() as progress:
        rows = models.export_records(
            out,
            source(clients, format=clients_as, mapping=clients_map),
            registers(register, register_as, register_map),
            _settings(as_at, 0, threads, memory),
            frequencies=not no_frequencies,
            progress=progress,
        )
    for side, count in rows.items():
        console.say(f"{side}: {several(count, 'record')}: {out / side}.parquet")
    console.say("these files hold names, dates of birth, addresses and NHS numbers; remove them when you have done")


@app.command("train")
def train(
    clients: ClientsArgument,
    register: RegisterArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The model to write.")],
    clients_as: ClientsAs = None,
    clients_map: ClientsMap = None,
    register_as: RegisterAs = None,
    register_map: RegisterMap = None,
    seed: Seed = 0,
    as_at: AsAt = None,
    threads: Threads = None,
    memory: Memory = DEFAULT_MEMORY,
) -> None:
    """Train a model on two lists and keep only the model, for `caretrace link --model`."""

    with console.progress() as progress:
        made = models.trained(
            source(clients, format=clients_as, mapping=clients_map),
            registers(register, register_as, register_map),
            _settings(as_at, seed, threads, memory),
            progress=progress,
        )
    models.save(made, out)
    for note in made.provenance.get("notes", ()):
        console.say(f"note: {note}")
    console.say(f"expected: {json.dumps(made.provenance['expected'])}")
    console.say(f"model {made.model_id}: {out}")


def _settings(as_at: datetime | None, seed: int, threads: int | None, memory: str) -> RunSettings:
    day = as_at.date() if as_at else date.today()  # noqa: DTZ011 - the user's own calendar day
    return RunSettings(as_at=day, seed=seed, threads=threads, memory=memory)


def _names(options: list[str]) -> dict[str, str]:
    names = {}
    for option in options:
        theirs, separator, ours = option.partition("=")
        if not (separator and theirs and ours):
            raise typer.BadParameter(f"{option} is not THEIRS=OURS", param_hint="--column")
        names[theirs] = ours
    return names


def _refuse_same(source: Path, out: Path) -> None:
    if source.resolve() == out.resolve():
        raise InputError("is the file that is read; give --out another name", path=out)
