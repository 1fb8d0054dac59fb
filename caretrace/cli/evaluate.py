"""`caretrace evaluate`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Who is who: CSV or Parquet with record_id and nhs_number, register_record_id or both."
        ),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Decisions on a sample drawn for evaluation: a project's decisions.jsonl."),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Only say how N clients would be drawn for people to look at."),
    ] = None,
    hide_numbers: Annotated[
        bool,
        typer.Option(
            "--hide-numbers", help="Link again as if no client held an NHS number, and see what is still found."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write evaluation.json, a printable page and, with --truth, errors.csv."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say how good the links of a run are: counted against truth, estimated from a sample, or as far as it can tell."""
    from caretrace.evaluate import evaluate as evaluate_run
    from caretrace.evaluate import words
    from caretrace.evaluate.sample import design

    if sample is not None:
        drawn = design(run, sample)
        console.say(json.dumps(drawn.to_json(), indent=2, ensure_ascii=False) if as_json else drawn.to_text())
        return
    with console.progress() as progress:
        done = evaluate_run(
            run,
            truth=truth,
            decisions=decisions,
            hide_numbers=hide_numbers,
            out=out,
            now=datetime.now(UTC),
            progress=progress,
        )
    if as_json:
        console.say(json.dumps(done.to_json(), indent=2, ensure_ascii=False))
        return
    console.say("\n".join(words.lines(done.to_json())))
    for path in done.written:
        console.say(f"written: {path}")
