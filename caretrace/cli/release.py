"""`caretrace release plan|approve|make|open|key`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console, run_folder
from caretrace.cli.place import Place, ProjectOption, find, maker
from caretrace.words import several
from schemas.errors import InputError

if TYPE_CHECKING:
    from governance.plan import ReleasePlan

app = typer.Typer(help="Let data out under an agreement: plan first, then make.", no_args_is_help=True)

AgreementArgument = Annotated[
    Path, typer.Argument(metavar="AGREEMENT.toml", help="The agreement that the data leaves under.")
]
RunOption = Annotated[Path, typer.Option("--run", metavar="RUN", help="A finished run folder.")]
RecipientOption = Annotated[
    str | None, typer.Option(metavar="CODE", help="Which recipient, where the agreement names several.")
]


@app.command("plan")
def plan(
    agreement: AgreementArgument,
    run: RunOption,
    recipient: RecipientOption = None,
    project: ProjectOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Also write the plan to a new file, for `approve`.")
    ] = None,
) -> None:
    """Show what would leave, and every reason why not; exit code 3 where it is refused."""
    from governance import approval, release

    planned = _plan(agreement, run, recipient, find(project))
    console.say(json.dumps(planned.to_json(), indent=2, ensure_ascii=False) if as_json else planned.to_text())
    release.check(planned)
    if to:
        approval.write(planned, to)
        console.tell(f"written: {to}; it goes to whoever approves")


@app.command("approve")
def approve(
    agreement: AgreementArgument,
    plan: Annotated[Path, typer.Argument(metavar="PLAN.json", help="As `release plan --to` wrote it.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The file of your own signing key.")],
) -> None:
    """For a controller's signatory: show a plan in plain words, and sign just that plan. Needs no project."""
    from caretrace.cli.agreement import passphrase
    from governance import approval
    from governance.agreement import keyfile, load

    said, words = approval.shown(plan)
    console.say(words)
    signed = approval.sign(load(agreement), plan, said, keyfile.load(key, passphrase()), today=_today())
    console.say(f"approved: {signed} goes to whoever makes the release")


@app.command("make")
def make(
    agreement: AgreementArgument,
    run: RunOption,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The release folder to write; it must not exist.")],
    approved_by: Annotated[
        str, typer.Option(metavar="NAME", help="Who approved it; must be somebody other than the user who makes it.")
    ] = "",
    signed: Annotated[
        Path | None,
        typer.Option("--approval", metavar="FILE", help="The signed approval, in place of a name (`release approve`)."),
    ] = None,
    recipient: RecipientOption = None,
    project: ProjectOption = None,
) -> None:
    """Write the release, as planned, and log it before and after."""
    from governance import approval, release

    if bool(approved_by) == (signed is not None):
        raise InputError("give either --approval FILE, a signed approval, or --approved-by NAME")
    note = approval.load(signed) if signed else ""
    planned = _plan(agreement, run, recipient, find(project))
    made = release.make(planned, to, approved_by, maker=maker(), now=datetime.now(UTC), approval=note)
    for earlier in made.settled:
        console.tell(f"caretrace: an interrupted earlier release was settled in the log: {earlier}")
    size = f"{several(made.people, 'person', 'people')}, {several(len(made.files), 'file')}"
    console.say(f"release {made.release_id}: {size} in {made.folder}")


@app.command("open")
def open_release(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="A release folder, as it was received.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your own age identity.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the plain files go; it must not exist.")],
) -> None:
    """For the recipient: decrypt a release, and check that it is what was sent. Exit code 4 where it is not."""
    from governance.opening import open_release as opened

    names = opened(release, key, to)
    console.say(f"{', '.join(names)} in {to}; keep them as the agreement says")


@app.command("key")
def key(path: Annotated[Path, typer.Argument(metavar="FILE", help="Where your key is to be kept.")]) -> None:
    """For the recipient: make a key to receive releases with, and print the line that the agreement names it by."""
    from governance import encryption

    console.say(encryption.new_identity(path))


def _plan(agreement: Path, run: Path, recipient: str | None, place: Place) -> ReleasePlan:
    from governance import release
    from governance.agreement import load

    return release.plan(
        run_folder.open(run).path,
        load(agreement),
        project=place.project.root,
        keys_dir=place.keys_dir,
        today=_today(),
        recipient=recipient,
    )


def _today() -> date:
    return date.today()  # noqa: DTZ011 - agreements hold by the calendar where they are used
