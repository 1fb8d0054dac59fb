"""`caretrace review export`, `import`, `list` and `undo`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from caretrace import console, project
from caretrace.cli.place import ProjectOption, maker
from caretrace.cli.table import as_csv
from governance import at_rest

if TYPE_CHECKING:
    from caretrace.review.importing import Imported
    from caretrace.review.sidecar import Export
    from linkage.review import Agreement

app = typer.Typer(help="Ask people about doubtful pairs, and keep what they decide.", no_args_is_help=True)


class Form(StrEnum):
    """What a reader's sheet is written as."""

    XLSX = "xlsx"
    CSV = "csv"
    BOTH = "both"


_FORMS: dict[Form, tuple[Literal["xlsx", "csv"], ...]] = {
    Form.XLSX: ("xlsx",),
    Form.CSV: ("csv",),
    Form.BOTH: ("xlsx", "csv"),
}

DecisionsOption = Annotated[
    Path | None,
    typer.Option(
        "--decisions", metavar="FILE", help="The file of decisions; the project's decisions.jsonl if not given."
    ),
]


@app.command("export")
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write; it must not exist.")],
    reader: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="Who will read; give it twice for two readers on their own."),
    ],
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Draw N clients by score for `caretrace evaluate --sample`, not those in review."
        ),
    ] = None,
    third_look: Annotated[
        bool, typer.Option("--third-look", help="Take the pairs that two readers disagreed on instead.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At most N clients of those in review, drawn by the seed.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask also about pairs that were decided before.")] = False,
    include_scores: Annotated[
        bool, typer.Option("--include-scores", help="Show what the model made of each pair: not blind any more.")
    ] = False,
    form: Annotated[Form, typer.Option("--format", help="What the sheets are written as.")] = Form.XLSX,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is drawn and the order each reader sees.")] = 0,
    decisions: DecisionsOption = None,
    project: ProjectOption = None,
) -> None:
    """Write a sheet for each reader: client and candidates side by side, in plain words, without any score."""
    from caretrace.review.export import Wanted
    from caretrace.review.export import export as write

    made = write(
        run,
        out,
        readers=reader,
        decisions=_decisions(decisions, project),
        seed=seed,
        wanted=Wanted(sample=sample, third_look=third_look, limit=limit, again=again),
        forms=_FORMS[form],
        include_scores=include_scores,
    )
    console.say(exported(made, out))


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that the export wrote.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The sheets that the readers sent back.")],
    partial: Annotated[
        bool, typer.Option("--partial", help="Take what is answered, leave the rest for later.")
    ] = False,
    senior: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The reader whose answer wins where two differ; otherwise a third look."),
    ] = None,
    decisions: DecisionsOption = None,
    project: ProjectOption = None,
) -> None:
    """Check the answers, say how far two readers agree, and keep what they decide: all of it or nothing."""
    from caretrace.review.importing import import_answers

    file = _decisions(decisions, project)
    done = import_answers(folder, files, decisions=file, now=datetime.now(UTC), partial=partial, senior=senior)
    console.say(imported(done, file))


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also what was withdrawn or decided anew.")] = False,
    decisions: DecisionsOption = None,
    project: ProjectOption = None,
) -> None:
    """Print the decisions that stand as CSV, without names or NHS numbers, after checking the file."""
    from caretrace.review.ledger import read

    history = read(_decisions(decisions, project))
    standing = {each.id for each in history.standing.values()}
    rows: list[dict[str, Any]] = []
    for each in history.decisions:
        state = "stands" if each.id in standing else "decided anew"
        state = f"withdrawn by {history.withdrawn[each.id]}" if each.id in history.withdrawn else state
        if every or state == "stands":
            rows.append(
                {
                    "id": each.id,
                    "at": each.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "verdict": each.made.verdict,
                    "by": " ".join(each.made.by),
                    "state": state,
                    **each.made.client._asdict(),
                    **{f"register_{name}": value for name, value in each.made.register._asdict().items()},
                    "rule": each.made.rule,
                    "blind": "yes" if each.made.blind else "no",
                    "sample": (each.made.sample or {}).get("sample_id", ""),
                    "run_id": each.made.run_id,
                    "export_id": each.made.export_id,
                }
            )
    console.say(as_csv(_COLUMNS, rows))


@app.command("undo")
def undo(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Decisions, such as D12.")] = None,
    client: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Every decision on this client: its id, or source/organisation/id."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who takes them back; you if not given.")] = None,
    decisions: DecisionsOption = None,
    project: ProjectOption = None,
) -> None:
    """Take decisions back by a further line; what was decided before them stands again."""
    from caretrace.review.withdrawing import withdraw

    if bool(ids) == bool(client):
        raise typer.BadParameter("give the ids of decisions, or --client")
    file = _decisions(decisions, project)
    done = withdraw(file, ids or (), client=client, by=by or maker(), now=datetime.now(UTC))
    for line in done:
        console.say(line)


_COLUMNS = (
    *("id", "at", "verdict", "by", "state", "source", "source_org", "record_id"),
    *("register_source", "register_source_org", "register_record_id"),
    *("rule", "blind", "sample", "run_id", "export_id"),
)


def exported(made: Export, out: Path) -> str:
    """What was written, and what to do with it."""
    facts = made.facts
    lines = [f"{facts['kind']}: {len(made.pairs):,} pairs of {facts['clients']:,} clients, export {made.export_id}"]
    notes = {
        "decided_before": "clients decided before, left out",
        "beyond_limit": "clients beyond --limit, left for later",
        "not_in_run": "pairs in dispute that this run no longer holds, left out",
        "without_candidate": "clients without any candidate, who cannot be drawn",
        "decided_by_people": "clients decided by people or a trace, not drawn",
    }
    lines += [f"  {facts[name]:,} {words}" for name, words in notes.items() if facts.get(name)]
    lines += [f"  {each['drawn']:,} of {each['size']:,}: {each['name']}" for each in facts.get("strata", ())]
    lines += [f"send {out / name}" for name in made.files]
    if at_rest.rule_for(out).encrypt:
        lines.append("the folder is encrypted, like all of this project: take out what you send with `caretrace open`")
    lines.append("keep the folder; each reader gets their own file and nothing else")
    return "\n".join(lines)


def imported(done: Imported, file: Path) -> str:
    """What the answers came to."""
    lines = [f"export {done.export.export_id}: {done.answered:,} of {len(done.export.pairs):,} pairs answered"]
    if done.agreement is not None:
        one, other = done.export.readers
        lines.append(f"readers {one} and {other}: {agreed(done.agreement)}")
    lines += [f"  {verdict}: {count:,}" for verdict, count in sorted(done.verdicts.items())]
    if done.verdicts.get("disagreed"):
        lines.append("a third look: caretrace review export RUN --third-look --reader NAME --out DIR")
    recorded = f"{len(done.ids):,} recorded" + (f", {done.ids[0]} to {done.ids[-1]}" if done.ids else "")
    before = done.answered - len(done.ids)
    lines.append(f"{recorded}{f', {before:,} were recorded before' if before else ''}: {file}")
    return "\n".join(lines)


def agreed(found: Agreement) -> str:
    """Agreement in a line."""
    share = f"agree on {found.agreed.part:,} of {found.agreed.whole:,}"
    if not found.agreed.whole:
        return "no pair that both answered"
    if found.kappa is None or found.low is None or found.high is None:
        return f"{share}; both gave one answer throughout, so Cohen's kappa is not defined"
    interval = f"95% interval {found.low:.2f} to {found.high:.2f}"
    return f"{share} ({found.agreed.value:.1%}); Cohen's kappa {found.kappa:.2f} ({interval})"


def _decisions(given: Path | None, place: Path | None) -> Path:
    return given or project.find(place, here=Path.cwd()).decisions
