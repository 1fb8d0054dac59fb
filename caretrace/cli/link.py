"""`caretrace link`."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from caretrace import console, pipeline, review
from caretrace.cli.engines import EngineName, SparkConf, SparkMaster, engine_of, require_spark
from caretrace.cli.given import Feed, RegisterAs, RegisterFeed, RegisterMap, Without, registers, source
from caretrace.cli.no_pandas import look_without_pandas
from caretrace.cli.place import ProjectOption
from caretrace.outputs import OutputSettings
from caretrace.population import read as read_population
from caretrace.project import find
from caretrace.report.callouts import callouts
from caretrace.run_settings import MOST_THREADS, RunSettings
from caretrace.words import counted
from caretrace.working_store import DEFAULT_MEMORY
from governance import at_rest
from linkage import Settings, Target


class Handling(StrEnum):
    """What load_back.csv does with a kind of client."""

    MARK = "mark"
    LEAVE_OUT = "leave-out"


class TestNumbers(StrEnum):
    """What happens to NHS numbers of the test range."""

    COUNT = "count"
    REFUSE = "refuse"


class Numberless(StrEnum):
    """What becomes of a link to a register person without an NHS number."""

    AUTO = "auto"
    LINK = "link"
    REVIEW = "review"


class TraceRequired(StrEnum):
    """Which links carry status 03."""

    PROBABILISTIC = "probabilistic"
    ALWAYS = "always"
    NEVER = "never"


def link(
    clients: Annotated[Path, typer.Argument(metavar="CLIENTS", help="The client list: a file or a folder.")],
    register: Annotated[
        list[Path],
        typer.Argument(metavar="REGISTER...", help="The GP register: files or folders; several make one register."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="The run folder to write; it must not exist.")],
    clients_as: Annotated[
        str | None, typer.Option(metavar="F", help="The clients' format; found from the content if not given.")
    ] = None,
    clients_map: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A TOML mapping of the council's own column titles.")
    ] = None,
    clients_feed: Annotated[
        Feed | None,
        typer.Option(
            help="Whether the clients are a full delivery of a feed or changes, where the files do not say so."
        ),
    ] = None,
    register_as: RegisterAs = None,
    register_map: RegisterMap = None,
    register_feed: RegisterFeed = None,
    without: Without = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides every random draw: same input and seed, same output.")] = 0,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_THREADS, help="Processor cores to use, all if not given; never changes the output."
        ),
    ] = None,
    memory: Annotated[
        str,
        typer.Option(metavar="SIZE", help="What the database may hold before it spills to disk, such as 4GB or 50%."),
    ] = DEFAULT_MEMORY,
    as_at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day that two-digit years are judged by; today if not given."),
    ] = None,
    test_numbers: Annotated[
        TestNumbers, typer.Option(help="Use and count NHS numbers of the test range (9xx), or refuse them.")
    ] = TestNumbers.COUNT,
    dead: Annotated[Handling, typer.Option(help="The dead in load_back.csv: mark them or leave them out.")] = (
        Handling.MARK
    ),
    restricted: Annotated[
        Handling, typer.Option(help="Restricted records in load_back.csv: mark them or leave them out.")
    ] = Handling.MARK,
    trace_required: Annotated[
        TraceRequired,
        typer.Option(help="Links loaded back with status 03, trace required, instead of 02, present and not traced."),
    ] = TraceRequired.PROBABILISTIC,
    decisions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Earlier decisions to honour; the project's decisions.jsonl if not given."),
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="An earlier run: the report says what was mended since; the project's newest if not given.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A model to use, such as a run's model.json; trained on these lists if not given."
        ),
    ] = None,
    population: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="How common names are elsewhere, for a small register: a CSV of name_type, name and people.",
        ),
    ] = None,
    wrong_links: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of clients who may be expected to be linked wrongly.", show_default="1 in 2,000"
        ),
    ] = Target.wrong_links,
    review_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of clients sent to review for their probability, at most.")
    ] = Target.review,
    numberless: Annotated[
        Numberless,
        typer.Option(help="Links to register people without a number: make them, review them, or as the register is."),
    ] = Numberless.AUTO,
    engine: Annotated[EngineName, typer.Option(help="What computes; all give the same links.")] = EngineName.DUCKDB,
    spark_master: SparkMaster = None,
    spark_conf: SparkConf = None,
    encrypt: Annotated[
        bool,
        typer.Option("--encrypt", help="Encrypt the run folder with the project's key, wherever it lies."),
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Find each client's NHS number in the register, and write a run folder with links, reports and load-back file."""

    from caretrace.quality.trend import newest
    from linkage.model_file import load

    require_spark(engine.value, spark_master, spark_conf)
    look_without_pandas()
    register_sources = registers(register, register_as, register_map, without, register_feed)
    settings = RunSettings(
        as_at=as_at.date() if as_at else date.today(),  # noqa: DTZ011 - the user's own calendar day
        seed=seed,
        test_numbers=test_numbers.value,
        linkage=Settings(Target(wrong_links=wrong_links, review=review_share), numberless.value),
        model=load(at_rest.readable(model)) if model else None,
        population=read_population(population) if population else None,
        outputs=OutputSettings(dead=dead.value, restricted=restricted.value, trace_required=trace_required.value),
        threads=threads,
        memory=memory,
    )
    place = find(project, here=Path.cwd())
    verdicts = review.given(decisions) if decisions else review.verdicts(place.decisions)
    with console.progress() as progress:
        run = pipeline.run(
            out,
            source(clients, format=clients_as, mapping=clients_map, feed=clients_feed),
            register_sources,
            settings,
            verdicts=verdicts,
            engine=engine_of(engine.value, spark_master, spark_conf),
            progress=progress,
            previous=previous or newest(place.runs, but=out),
            encrypt=encrypt or at_rest.rule_for(place.root).encrypt,
        )
    console.say(summary(run.manifest["counts"]))
    if given := run.manifest["verdicts"]:
        console.say(f"earlier decisions, {given['file']}: {given['same']:,} same, {given['different']:,} different")
    for sentence in callouts(run.manifest):
        console.say(f"note: {sentence}")
    console.say(f"report: {run.path / 'report.html'}")


def summary(counts: dict[str, Any]) -> str:
    """The run in a few lines."""
    clients, register = counts["clients"], counts["register"]
    people = clients["people"]
    lines = [
        f"clients: {counted(clients)}",
        f"register: {counted(register)}",
        f"linked: {counts['linked']:,} of {people:,} clients ({counts['linked'] / people:.1%})",
        *(f"  {method}: {links:,}" for method, links in counts["linked_by"].items()),
        f"review: {counts['review']:,}; no match: {counts['none']:,}",
        f"to load back: {counts['load_back']:,}; conflicts: {counts['conflicts']:,}",
    ]
    return "\n".join(lines)
