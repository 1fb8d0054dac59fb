"""`caretrace explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console


def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    record_id: Annotated[str, typer.Argument(metavar="RECORD_ID", help="The client's id, as its own system has it.")],
    source: Annotated[
        str | None, typer.Option(metavar="S", help="The client's system, where several hold that id.")
    ] = None,
    org: Annotated[
        str | None, typer.Option(metavar="O", help="The client's organisation, where several hold that id.")
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(min=1, max=5, metavar="N", help="How many candidates; those worth a look if not given."),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Show the two records side by side, for whoever may see them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one printable page with a picture, too.")
    ] = None,
) -> None:
    """Say why a client was linked, sent to review or not linked: the evidence in bits, candidate by candidate."""
    from caretrace.explain import explain as explain_client
    from caretrace.explain import page, to_text
    from caretrace.files import refuse_inside, replaced_private

    if html is not None:
        refuse_inside(html, run, option="--html")
    explanation = explain_client(run, record_id, source=source, source_org=org, candidates=candidates, values=values)
    if html is not None:
        with replaced_private(html) as path:
            path.write_text(page.render(explanation), encoding="utf-8", newline="\n")
    if as_json:
        console.say(json.dumps(explanation.to_json(), indent=2, ensure_ascii=False))
    else:
        console.say(to_text(explanation))
