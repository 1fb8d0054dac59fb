"""`caretrace reverse ask|approve|open|log`: who is behind a released pseudonym, where the agreement provides for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, find, maker
from caretrace.cli.table import ToOption, hand_over
from caretrace.words import several
from schemas.errors import InputError

if TYPE_CHECKING:
    from governance.reversal.asking import Where

app = typer.Typer(
    help="Name the people behind pseudonyms again: agreed, for a reason, opened by two approvers, logged (rule R43).",
    no_args_is_help=True,
)

AgreementArgument = Annotated[
    Path, typer.Argument(metavar="AGREEMENT.toml", help="The agreement that the release was made under.")
]
RequestArgument = Annotated[Path, typer.Argument(metavar="REQUEST", help="The request, as it was passed on.")]
KeyOption = Annotated[Path, typer.Option("--key", metavar="FILE", help="Your own age identity.")]
RequestTo = Annotated[Path, typer.Option("--to", metavar="FILE", help="The request to pass on; it must not exist.")]


@app.command("ask")
def ask(
    agreement: AgreementArgument,
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="As the register names it, such as R000012.")],
    pseudonyms: Annotated[
        Path, typer.Option("--pseudonyms", metavar="FILE", help="The pseudonyms to be reversed, one a line.")
    ],
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="direct care, safeguarding or error correction.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is logged. Name nobody.")],
    approver: Annotated[
        list[str], typer.Option(metavar="NAME", help="Twice: who approves first, and who opens it then.")
    ],
    to: RequestTo,
    project: ProjectOption = None,
) -> None:
    """Ask who is behind some pseudonyms; writes a request for the two approvers. Exit code 3 where it is refused."""
    from governance.agreement import load
    from governance.reversal import asking

    try:
        wanted = [line.strip() for line in pseudonyms.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read", path=pseudonyms) from None
    reversal_id = asking.ask(
        _where(project), load(agreement), release, wanted, purpose=purpose, reason=reason, approvers=approver, to=to
    )
    console.say(f"{reversal_id}: {to} goes to {approver[0]}, then to {approver[-1]}")


@app.command("approve")
def approve(request: RequestArgument, key: KeyOption, to: RequestTo, project: ProjectOption = None) -> None:
    """For the first approver: approve a request, and write it for the second one."""
    from governance.reversal import asking

    by = asking.approve(_where(project), request, key, to=to)
    console.say(f"approved by {by}; {to} goes to the second approver")


@app.command("open")
def open_request(
    agreement: AgreementArgument,
    request: RequestArgument,
    key: KeyOption,
    to: Annotated[
        Path, typer.Option("--to", metavar="FILE", help="A new .csv or .xlsx file for the names, yours to protect.")
    ],
    project: ProjectOption = None,
) -> None:
    """For the second approver: open an approved request. The log says so before anybody is named."""
    from governance.agreement import load
    from governance.officer import paper
    from governance.reversal import asking

    if to.exists() or to.suffix not in (".csv", ".xlsx") or not to.parent.is_dir():
        raise InputError("has to be a new file that ends with .csv or .xlsx, in a folder that exists", path=to)
    named = asking.reveal(_where(project), load(agreement), request, key)
    columns = ("pseudonym", "nhs_number", "source", "source_org", "record_id")
    nobody = ({"source": "", "source_org": "", "record_id": ""},)
    rows = [
        {"pseudonym": each.pseudonym, "nhs_number": each.nhs_number or "", **record}
        for each in named
        for record in each.records or nobody
    ]
    paper.write(to, "Re-identified", columns, rows, made_at=datetime.now(UTC), names_people=True)
    unknown = sum(not each.records and each.nhs_number is None for each in named)
    console.say(
        f"{several(len(named) - unknown, 'person is', 'people are')} named in {to}"
        + (f"; the release does not hold {several(unknown, 'pseudonym')}" if unknown else "")
    )


@app.command("log")
def log(project: ProjectOption = None, to: ToOption = None) -> None:
    """Give the re-identification log: every request, refused or opened. It names nobody."""
    from governance import audit
    from governance.reversal import asking

    place = find(project)
    found = audit.verify(place.project.audit, keys_dir=place.keys_dir)
    hand_over("Re-identification log", asking.COLUMNS, asking.rows(found.entries), to)


def _where(project: Path | None) -> Where:
    from governance.reversal.asking import Where

    place = find(project)
    return Where(place.project.root, place.keys_dir, maker(), datetime.now(UTC))
